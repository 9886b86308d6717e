"""What a provider tells of a charge: money that begins or renews a subscription, or goes back; or no money.

Money that arrived after a subscription stopped is honoured where it stopped for want of that money and its
period still runs, and goes back where somebody wished it to stop, where the period is paid already, or where
the member has another subscription by now.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from ... import payments, shared
from ..records import Policy
from ..settling import withdrawal_end
from .beginning import AlreadySubscribed
from .periods import end_of_period, retry_at
from .records import (
    Begun,
    Case,
    Charge,
    Ended,
    FellPastDue,
    NotHonoured,
    Outcome,
    Renewed,
    Settlement,
    StopReason,
    Subscription,
    SubscriptionEvent,
    is_live,
    told,
)


class PeriodPaid(shared.StateForbids):
    message = "The period {period} is paid already."
    period: int


class PeriodOver(shared.StateForbids):
    message = "The period that this was to pay ended at {ended_at}."
    ended_at: datetime


class SubscriptionStopped(shared.StateForbids):
    message = "The subscription is {state}."
    state: str


def only_a_period_that_is_not_paid(case: Case, policy: Policy, at: datetime) -> PeriodPaid | None:
    paid = case.subscription.period
    return None if case.charge.number > paid else PeriodPaid(period=case.charge.number)


def only_where_nobody_wished_it_to_stop(
    case: Case, policy: Policy, at: datetime
) -> SubscriptionStopped | None:
    state = case.subscription.state
    return SubscriptionStopped(state=state) if state in ("cancelled", "withdrawn") else None


def only_one_subscription(case: Case, policy: Policy, at: datetime) -> AlreadySubscribed | None:
    others = (one for one in case.held if one.id != case.subscription.id and is_live(one))
    return next((AlreadySubscribed(state=one.state) for one in others), None)


def only_while_the_period_runs(case: Case, policy: Policy, at: datetime) -> PeriodOver | None:
    anchor = case.subscription.anchor
    if anchor is None:
        return None
    end = end_of_period(anchor, case.charge.number, policy)
    return None if at < end else PeriodOver(ended_at=end)


HONOURING: tuple[Callable[[Case, Policy, datetime], shared.DomainError | None], ...] = (
    only_a_period_that_is_not_paid,
    only_where_nobody_wished_it_to_stop,
    only_one_subscription,
    only_while_the_period_runs,
)


def settle_paid(
    case: Case,
    receipt_id: UUID,
    policy: Policy,
    at: datetime,
    *,
    customer: str = "",
    means: str = "",
    refusal: str = "",
) -> Settlement:
    """The money of a charge has arrived: it pays the period, or all of it is due back, also for the caller's
    `refusal`.

    Honoured, its points are for the caller to grant, who notes the `grant_id`, and its money to place.
    `customer` and `means` are what the provider kept for the next time, empty where nothing new.
    """
    paid = payments.succeeded(case.payment, receipt_id, at)
    if not paid.events:
        return Settlement(case.subscription, case.charge, case.payment)
    for objection in shared.collect(HONOURING, case, policy, at):
        return _returned(case, paid, objection.code)
    if refusal:
        return _returned(case, paid, refusal)
    charge = _paid_charge(case, policy, at)
    runs = shared.evolve(_running(case, charge.ends_at, policy, at), **_kept(case, customer, means))
    event = told(Begun if charge.number == 1 else Renewed, runs)
    return Settlement(runs, charge, paid.payment, paid.receipt, (*paid.events, event), "honoured")


def settle_failed(case: Case, reason: str, policy: Policy, at: datetime) -> Outcome:
    """The provider could not collect the money of a charge.

    Who never paid has no subscription; a renewal that failed is tried again, and ends the subscription when
    the tries are used up. A payment that the member tried by hand counts for nothing.
    """
    failed = payments.failed(case.payment, reason, at)
    if not failed.events:
        return Outcome(case.subscription, case.charge, case.payment)
    charge = shared.evolve(case.charge, state="failed")
    after, events = _after_failure(case.subscription, case, policy, at)
    return Outcome(after, charge, failed.payment, (*failed.events, *events))


def give_up(case: Case, reason: str, at: datetime) -> Outcome:
    """Wait no longer for the money of a charge. Nothing happens to one that is not pending."""
    if case.charge.state != "pending":
        return Outcome(case.subscription, case.charge, case.payment)
    gone = payments.cancelled(case.payment, reason, at)
    charge = shared.evolve(case.charge, state="given_up")
    if case.subscription.state != "pending":
        return Outcome(case.subscription, charge, gone.payment, gone.events)
    ended, event = end(case.subscription, "hold_expired", at)
    return Outcome(ended, charge, gone.payment, (*gone.events, event))


def end(one: Subscription, reason: StopReason, at: datetime) -> tuple[Subscription, SubscriptionEvent]:
    """A subscription that stops for want of money."""
    ended = shared.evolve(one, state="ended", reason=reason, stopped_at=at, due_at=None)
    return ended, told(Ended, ended)


def _paid_charge(case: Case, policy: Policy, at: datetime) -> Charge:
    anchor, number = case.subscription.anchor or shared.day_in(at, policy.zone), case.charge.number
    return shared.evolve(
        case.charge,
        state="paid",
        paid_at=at,
        starts_at=at if number == 1 else end_of_period(anchor, number - 1, policy),
        ends_at=end_of_period(anchor, number, policy),
        withdraw_until=withdrawal_end(at, policy),
        rest_cents=case.charge.amount_cents,
    )


def _running(case: Case, ends_at: datetime | None, policy: Policy, at: datetime) -> Subscription:
    one, charge = case.subscription, case.charge
    return shared.evolve(
        one,
        state="active",
        plan=charge.plan,
        next_plan=None if one.next_plan == charge.plan else one.next_plan,
        anchor=one.anchor or shared.day_in(at, policy.zone),
        period=charge.number,
        period_end=ends_at,
        paid_by=charge.payment_id,
        due_at=ends_at,
        failures=0,
        stopped_at=None,
        reason="",
    )


def _returned(case: Case, paid: payments.Change, code: str) -> Settlement:
    owing = payments.refund_due(paid.payment, case.charge.amount_cents, code)
    charge = shared.evolve(case.charge, state="returned")
    events = (*paid.events, *owing.events, told(NotHonoured, case.subscription))
    return Settlement(case.subscription, charge, owing.payment, paid.receipt, events, "returned")


def _kept(case: Case, customer: str, means: str) -> dict[str, str]:
    """What the provider kept for the next time; without news, what was known."""
    if not means:
        return {}
    known = customer or case.payment.customer
    return {"provider": case.payment.provider, "customer": known, "means": means}


def _after_failure(
    one: Subscription, case: Case, policy: Policy, at: datetime
) -> tuple[Subscription, tuple[shared.Event, ...]]:
    if one.state == "pending":
        ended, event = end(one, "payment_failed", at)
        return ended, (event,)
    if not (is_live(one) and case.charge.automatic and case.charge.number > one.period):
        return one, ()
    tried = shared.evolve(one, failures=one.failures + 1)
    again = retry_at(at, tried.failures, policy)
    if again is None:
        ended, event = end(tried, "dunning", at)
        return ended, (event,)
    late = shared.evolve(tried, state="past_due", due_at=again)
    return late, (told(FellPastDue, late),)
