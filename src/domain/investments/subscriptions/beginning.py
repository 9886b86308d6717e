"""From a wish to a subscription that waits for its first payment."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from ... import payments, shared
from ..records import Policy
from ..reserving import check_offer
from .records import (
    Charge,
    Choice,
    Outcome,
    Plan,
    PlanCode,
    Requested,
    Subscription,
    Wish,
    is_held,
    is_live,
    told,
)

PURPOSE: payments.Purpose = "subscription"


class AlreadySubscribed(shared.StateForbids):
    message = "You have a subscription already: it is {state}."
    state: str


class ProjectChosenTwice(shared.RuleForbids):
    message = "The project {project_id} is chosen twice: give it one weight."
    project_id: UUID


def find_plan(plans: Iterable[Plan], code: PlanCode) -> Plan:
    """The plan of that code. Raises NotFound."""
    for plan in plans:
        if plan.code == code:
            return plan
    raise shared.NotFound(kind="plan", id=code)


def check_choices(choices: Iterable[Choice]) -> None:
    """Raise ProjectChosenTwice unless each project is chosen once."""
    seen: set[UUID] = set()
    for choice in choices:
        if choice.project_id in seen:
            raise ProjectChosenTwice(project_id=choice.project_id)
        seen.add(choice.project_id)


def check_alone(held: Iterable[Subscription], at: datetime) -> None:
    """Raise AlreadySubscribed where one of these runs, or may still be paid."""
    for one in held:
        waits = one.state == "pending" and one.due_at is not None and at < one.due_at
        if is_live(one) or waits:
            raise AlreadySubscribed(state=one.state)


def subscribe(wish: Wish, held: Iterable[Subscription], plan: Plan, policy: Policy, at: datetime) -> Outcome:
    """A pending subscription and the charge of its first period.

    `held` are the member's subscriptions that run or may begin. Raises OfferUnsound, AlreadySubscribed,
    ProjectChosenTwice.
    """
    check_offer(plan)
    check_choices(wish.choices)
    check_alone((one for one in held if is_held(one)), at)
    until = at + timedelta(minutes=policy.hold_minutes)
    wished = Subscription(
        wish.user_id,
        wish.subscription_id,
        plan.code,
        wish.provider,
        wish.payment_id,
        at,
        due_at=until,
        choices=wish.choices,
        notes=wish.notes,
    )
    asked = ask(wished, plan, wish.payment_id, until, at)
    return shared.evolve(asked, events=(*asked.events, told(Requested, asked.subscription)))


def ask(
    one: Subscription,
    plan: Plan,
    payment_id: UUID,
    until: datetime,
    at: datetime,
    *,
    provider: str = "",
    automatic: bool = False,
) -> Outcome:
    """A new charge for the next period of a subscription at the price of that plan: through its own provider,
    or another one. One that the member pays by hand keeps the means of payment for the next time."""
    charge = Charge(
        user_id=one.user_id,
        payment_id=payment_id,
        subscription_id=one.id,
        number=one.period + 1,
        attempt=one.attempts + 1,
        automatic=automatic,
        plan=plan.code,
        amount_cents=plan.price_cents,
        points=plan.points,
        funded_points=plan.funded_points,
        bonus_points=plan.bonus_points,
        expires_at=until,
        created_at=at,
    )
    asked = payments.request(_payment_of(charge, one, provider or one.provider))
    waiting = shared.evolve(one, payment_id=payment_id, attempts=charge.attempt)
    return Outcome(waiting, charge, asked.payment, asked.events)


def _payment_of(charge: Charge, one: Subscription, provider: str) -> payments.Payment:
    return payments.Payment(
        one.user_id,
        charge.payment_id,
        PURPOSE,
        one.id,
        charge.amount_cents,
        provider,
        charge.expires_at,
        charge.created_at,
        saved=not charge.automatic,
        customer=one.customer if provider == one.provider else "",
    )
