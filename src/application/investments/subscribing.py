"""From a wish to a subscription that is paid for, and what its member decides of it (M17).

What a provider repeats, or what was interrupted, is done again and changes nothing that is done already.

Decision: docs/decisions/0016-subscriptions.md.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from ...domain import projects as project_rules
from ...domain import shared
from ...domain.identity import limits
from ...domain.investments import subscriptions
from ...domain.investments.subscriptions import Case, Charge, Choice, Outcome, Settlement, Subscription
from ...domain.points import Source
from .. import points, projects
from ..payments import PAYMENTS, Settle
from ..work import ADMINS, SIGNED_IN, Key, Wanted, Work, use_case
from .holdings import mine, portions_in, shares_in, update_level
from .investing import POLICY
from .standing import check_contribution, contribution_keys, passes_limit
from .subscription_reading import PLANS, view_of
from .subscription_records import (
    CHARGES,
    SUBSCRIPTIONS,
    BeginRenewal,
    CancelSubscription,
    Charged,
    ChoosePlan,
    ChooseProjects,
    PayNow,
    RenewalView,
    RequestSubscription,
    ResumeSubscription,
    StopSubscription,
    Subscribed,
    SubscriptionView,
)

Named = (
    BeginRenewal
    | CancelSubscription
    | ChoosePlan
    | ChooseProjects
    | PayNow
    | ResumeSubscription
    | StopSubscription
)
"""Commands that name a subscription: one's own, or a member's."""


# --- what is locked -------------------------------------------------------------------------------


def key_of(command: Named | Settle, work: Work) -> Key[Subscription]:
    """The subscription that a command speaks of."""
    if isinstance(command, Settle):
        charge = work.get(CHARGES.key(command.user_id, command.payment_id))
        return SUBSCRIPTIONS.key(command.user_id, charge.subscription_id)
    owner = command.user_id if isinstance(command, BeginRenewal | StopSubscription) else work.actor.user_id
    return SUBSCRIPTIONS.key(owner, command.subscription_id)


def charge_keys(user_id: UUID, payment_id: UUID) -> tuple[Wanted, ...]:
    """A charge with its payment."""
    return (CHARGES.key(user_id, payment_id), PAYMENTS.key(user_id, payment_id))


def _last_charge(command: Named, work: Work) -> tuple[Wanted, ...]:
    one = work.get(key_of(command, work))
    return charge_keys(one.user_id, one.payment_id)


def _locks(command: Named, work: Work) -> tuple[Wanted, ...]:
    one = work.get(key_of(command, work))
    return (key_of(command, work), *mine(one.user_id), *charge_keys(one.user_id, one.payment_id))


def _asking_locks(command: Named, work: Work) -> tuple[Wanted, ...]:
    one = work.get(key_of(command, work))
    return (*_locks(command, work), *contribution_keys(one.user_id))


def placing_keys(user_id: UUID, project_ids: Iterable[UUID]) -> Iterator[Wanted]:
    """What to lock in order to put a member's money into projects, which are only loaded."""
    ids = tuple(project_ids)
    yield from (one for id in ids for one in projects.funding_keys(id))
    yield from portions_in(user_id, ids)


def _chosen(command: ChooseProjects, work: Work) -> tuple[Wanted, ...]:
    return tuple(projects.PROJECTS.key(one.project_id) for one in command.projects)


def _choosing_locks(command: ChooseProjects, work: Work) -> tuple[Wanted, ...]:
    one = work.get(key_of(command, work))
    paid = () if one.paid_by is None else charge_keys(one.user_id, one.paid_by)
    wanted = placing_keys(one.user_id, (choice.project_id for choice in command.projects))
    return (*_locks(command, work), *paid, *wanted)


def _supported(command: Settle, work: Work) -> tuple[Wanted, ...]:
    return tuple(projects.PROJECTS.key(one.project_id) for one in work.get(key_of(command, work)).choices)


def _settle_locks(command: Settle, work: Work) -> tuple[Wanted, ...]:
    one = work.get(key_of(command, work))
    return (
        *(key_of(command, work), *mine(one.user_id), *charge_keys(one.user_id, command.payment_id)),
        *placing_keys(one.user_id, (choice.project_id for choice in one.choices)),
        *(*points.book_keys(one.user_id), *contribution_keys(one.user_id)),
    )


STEPS = (lambda command, work: (key_of(command, work),), _last_charge)
SETTLE_STEPS = (
    lambda command, work: charge_keys(command.user_id, command.payment_id),
    lambda command, work: (key_of(command, work),),
    _supported,
)


# --- use cases ------------------------------------------------------------------------------------


@use_case(
    allow=SIGNED_IN,
    loads=(lambda command, work: tuple(projects.PROJECTS.key(one.project_id) for one in command.projects),),
    locks=lambda command, work: (*mine(work.actor.user_id), *contribution_keys(work.actor.user_id)),
)
async def subscribe(command: RequestSubscription, work: Work) -> SubscriptionView:
    """Ask for the first payment of a subscription, which begins when it is paid.

    Raises AlreadySubscribed, ProjectChosenTwice, ProjectNotOpen, EmailNotVerified, ContributionLimit.
    """
    _check_projects(work, command.projects)
    ids = work.actor.user_id, work.new_id(), work.new_id()
    wish = subscriptions.Wish(*ids, command.provider, command.projects, command.notes)
    held = work.list(SUBSCRIPTIONS.group("owner", work.actor.user_id))
    plan = subscriptions.find_plan(PLANS, command.plan)
    asked = subscriptions.subscribe(wish, held, plan, POLICY, work.now)
    check_contribution(work, wish.user_id, plan.price_cents)
    return keep(work, asked)


@use_case(allow=ADMINS, loads=SETTLE_STEPS, locks=_settle_locks)
async def settle_subscription(command: Settle, work: Work) -> SubscriptionView:
    """Settle what the provider said: money that came pays a period with its points, or is due back.

    Whatever the provider repeats, in whatever order, this happens once.
    """
    case = case_of(work, key_of(command, work), command.payment_id)
    if command.outcome == "succeeded":
        return await _settle_paid(case, command, work)
    if command.outcome == "failed" or (command.outcome in ("declined", "expired") and case.charge.automatic):
        reason = command.reason or command.outcome
        return _stop_or_go_on(work, subscriptions.settle_failed(case, reason, POLICY, work.now))
    if command.outcome == "expired":
        return _stop_or_go_on(work, subscriptions.give_up(case, command.reason, work.now))
    return _shown(case)


@use_case(allow=ADMINS, loads=STEPS, locks=_asking_locks)
async def begin_renewal(command: BeginRenewal, work: Work) -> RenewalView:
    """Do what is due for a subscription: note the charge that is to be asked for, or let it go.

    Done again, it is the same charge, until its outcome is known. What would pass the member's limit is not
    asked for: it counts as a try that failed.
    """
    last = _last(work, command)
    one = last.subscription
    plan = subscriptions.find_plan(PLANS, one.next_plan or one.plan)
    step = subscriptions.begin_renewal(last, plan, work.new_id(), POLICY, work.now)
    refusal = (
        _refusal(work, one.user_id, plan.price_cents) if step.changed and step.verdict == "charge" else ""
    )
    work.save(step.subscription, *step.changed)
    work.record(*step.events)
    if refusal:
        return _refused(work, step.subscription, refusal)
    update_level(work, one.user_id, "subscription")
    charge = work.get(CHARGES.key(one.user_id, step.subscription.payment_id))
    return RenewalView(step.verdict, one.means, _seen(work, step.subscription, charge))


@use_case(allow=SIGNED_IN, loads=STEPS, locks=_asking_locks)
async def pay_now(command: PayNow, work: Work) -> SubscriptionView:
    """Ask for the payment of a renewal that failed, by hand: means of payment that work are kept.

    Raises NothingToPay, ChargeUnderWay, ContributionLimit.
    """
    last = _last(work, command)
    plan = subscriptions.find_plan(PLANS, last.subscription.next_plan or last.subscription.plan)
    if not last.waits:
        check_contribution(work, last.subscription.user_id, plan.price_cents)
    return keep(work, subscriptions.pay_now(last, plan, work.new_id(), command.provider, POLICY, work.now))


@use_case(allow=SIGNED_IN, loads=STEPS, locks=_locks)
async def cancel_subscription(command: CancelSubscription, work: Work) -> SubscriptionView:
    """Stop at the end of the period that is paid; at once where there is none. Done again, it is no error."""
    last = _last(work, command)
    return _stop_or_go_on(work, subscriptions.cancel(last, work.now), last)


@use_case(allow=SIGNED_IN, loads=STEPS, locks=_locks)
async def resume_subscription(command: ResumeSubscription, work: Work) -> SubscriptionView:
    """Take a cancellation back before the period is over. Raises SubscriptionStopped."""
    last = _last(work, command)
    return keep(work, subscriptions.resume(last.subscription), last)


@use_case(allow=ADMINS, loads=STEPS, locks=_locks)
async def stop_subscription(command: StopSubscription, work: Work) -> SubscriptionView:
    """Stop a member's subscription at once, with a reason. Nothing is refunded by that."""
    last = _last(work, command)
    return _stop_or_go_on(work, subscriptions.stop(last, command.reason, work.now), last)


@use_case(allow=SIGNED_IN, loads=STEPS, locks=_locks)
async def choose_plan(command: ChoosePlan, work: Work) -> SubscriptionView:
    """Choose the plan from the next period on. Raises SubscriptionStopped."""
    last = _last(work, command)
    return keep(work, subscriptions.choose_plan(last.subscription, command.plan), last)


@use_case(
    allow=SIGNED_IN,
    loads=(
        lambda command, work: (key_of(command, work), *_chosen(command, work)),
        _last_charge,
    ),
    locks=_choosing_locks,
)
async def choose_projects(command: ChooseProjects, work: Work) -> SubscriptionView:
    """Choose the projects from now on; what still waits of the money paid goes to them at once.

    Raises SubscriptionStopped, ProjectChosenTwice, ProjectNotOpen.
    """
    last = _last(work, command)
    _check_projects(work, command.projects)
    view = keep(work, subscriptions.choose_projects(last.subscription, command.projects), last)
    paid_by = last.subscription.paid_by
    if paid_by is None:
        return view
    paid = work.get(CHARGES.key(last.subscription.user_id, paid_by))
    placed = _place(work, paid, command.projects)
    one = work.get(key_of(command, work))
    return _seen(work, one, placed if placed.payment_id == one.payment_id else last.charge)


# --- parts ----------------------------------------------------------------------------------------


def case_of(work: Work, key: Key[Subscription], payment_id: UUID) -> Case:
    """A charge of a subscription, as a decision looks at it."""
    one = work.get(key)
    return Case(
        one,
        work.get(CHARGES.key(one.user_id, payment_id)),
        work.get(PAYMENTS.key(one.user_id, payment_id)),
        tuple(work.list(SUBSCRIPTIONS.group("owner", one.user_id))),
    )


def _refusal(work: Work, user_id: UUID, amount_cents: int) -> str:
    """Why a member may not put in so much now; empty where they may."""
    try:
        check_contribution(work, user_id, amount_cents)
    except (limits.ContributionLimit, limits.EmailNotVerified) as refusal:
        return refusal.code
    return ""


def _refused(work: Work, one: Subscription, reason: str) -> RenewalView:
    """A charge that is not asked for has failed."""
    case = case_of(work, SUBSCRIPTIONS.key(one.user_id, one.id), one.payment_id)
    failed = subscriptions.settle_failed(case, reason, POLICY, work.now)
    return RenewalView("refused", "", _stop_or_go_on(work, failed))


def _last(work: Work, command: Named) -> Case:
    key = key_of(command, work)
    return case_of(work, key, work.get(key).payment_id)


def _check_projects(work: Work, choices: Iterable[Choice]) -> None:
    """Raise NotFound, or ProjectNotOpen, unless each of them takes money."""
    for choice in choices:
        project = work.get(projects.PROJECTS.key(choice.project_id))
        if project.status not in projects.PUBLIC:
            raise shared.NotFound(kind="project", id=str(project.id))
        if project.status != "active":
            raise project_rules.ProjectNotOpen(status=project.status)


async def _settle_paid(case: Case, command: Settle, work: Work) -> SubscriptionView:
    settled = subscriptions.settle_paid(
        case,
        work.new_id(),
        POLICY,
        work.now,
        customer=command.customer,
        means=command.means,
        refusal="contribution_limit" if passes_limit(work, case.payment) else "",
    )
    work.save(settled.subscription, settled.charge, settled.payment)
    work.save(*filter(None, (settled.receipt,)))
    work.record(*settled.events)
    if settled.verdict == "honoured":
        await _fulfil(work, settled)
    return _seen(work, settled.subscription, work.get(CHARGES.key(command.user_id, command.payment_id)))


async def _fulfil(work: Work, settled: Settlement) -> None:
    """Grant the points of a charge that is paid, put its money into the projects, and see to the level."""
    one, charge = settled.subscription, settled.charge
    earned = await points.grant(
        work,
        one.user_id,
        funded=charge.funded_points,
        bonus=charge.bonus_points,
        source=Source("subscription", one.id),
    )
    _place(work, shared.evolve(charge, grant_id=earned.grant_id), one.choices)
    update_level(work, one.user_id, "subscription")


def _place(work: Work, charge: Charge, choices: tuple[Choice, ...]) -> Charge:
    """Put what rests of a charge into projects, as far as they have room."""
    books = {one.project_id: projects.book_of(work, one.project_id) for one in choices}
    others = {id: shares_in(work, charge.user_id, id) for id in books}
    placed = subscriptions.place(charge, choices, books, others, work.now, work.new_id)
    work.save(placed.charge, *placed.portions, *placed.entries, *placed.fundings)
    work.record(*placed.events)
    return placed.charge


def _stop_or_go_on(work: Work, outcome: Outcome, last: Case | None = None) -> SubscriptionView:
    view = keep(work, outcome, last)
    update_level(work, outcome.subscription.user_id, "subscription")
    return view


def keep(work: Work, outcome: Outcome, last: Case | None = None) -> SubscriptionView:
    """Store what was decided. Where that is nothing of a charge, the `last` one is shown."""
    work.save(outcome.subscription, *filter(None, (outcome.charge, outcome.payment)))
    work.record(*outcome.events)
    charge, payment = outcome.charge, outcome.payment
    if charge is None or payment is None:
        assert last is not None, "a decision about no charge was made looking at the last one"
        charge, payment = last.charge, last.payment
    return view_of(Subscribed(outcome.subscription, Charged(charge, payment)))


def _seen(work: Work, one: Subscription, charge: Charge) -> SubscriptionView:
    payment = work.get(PAYMENTS.key(charge.user_id, charge.payment_id))
    return view_of(Subscribed(one, Charged(charge, payment)))


def _shown(case: Case) -> SubscriptionView:
    return view_of(Subscribed(case.subscription, Charged(case.charge, case.payment)))
