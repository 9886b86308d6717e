"""What to do for a subscription whose day has come: charge it, give it up, or let it go."""

from datetime import datetime, timedelta
from uuid import UUID

from ... import shared
from ..records import Policy
from .beginning import ask
from .periods import end_of_period
from .records import Cancelled, Case, Outcome, Plan, Renewal, Subscription, is_held, is_live, told
from .settling import end, give_up


class NothingToPay(shared.StateForbids):
    message = "The subscription is {state}: nothing is to be paid."
    state: str


class ChargeUnderWay(shared.StateForbids):
    message = "The renewal is being charged now: try again when its outcome is known."


def begin_renewal(last: Case, plan: Plan, payment_id: UUID, policy: Policy, at: datetime) -> Renewal:
    """What is to be done now, decided under the lock of the member, so that nobody is charged twice.

    `last` is the last charge. While its outcome is awaited, one to the saved means is asked for again, by its
    own id; one that the member was to pay is waited for until its hold runs out.
    """
    one = last.subscription
    if not is_held(one):
        return Renewal("not_due", one)
    if last.waits and last.charge.automatic:
        return Renewal("charge", one)
    if one.due_at is None or at < one.due_at or (last.waits and at < last.charge.expires_at):
        return Renewal("not_due", one)
    gone = give_up(last, "hold_expired", at) if last.waits else Outcome(one)
    return _noting(gone, _next_step(gone.subscription, plan, payment_id, policy, at))


def _next_step(one: Subscription, plan: Plan, payment_id: UUID, policy: Policy, at: datetime) -> Renewal:
    if not is_live(one):
        return Renewal("stopped", one)
    if one.cancel_at_period_end:
        cancelled = shared.evolve(one, state="cancelled", reason="period_end", stopped_at=at, due_at=None)
        return Renewal("stopped", cancelled, events=(told(Cancelled, cancelled),))
    assert one.anchor is not None, "what is live was paid for on a first day"
    if at >= end_of_period(one.anchor, one.period + 1, policy):
        ended, event = end(one, "lapsed", at)
        return Renewal("stopped", ended, events=(event,))
    until = at + timedelta(days=min(policy.retry_days, default=1))
    asked = ask(one, plan, payment_id, until, at, automatic=True)
    return Renewal("charge", asked.subscription, _saved(asked), asked.events)


def pay_now(last: Case, plan: Plan, payment_id: UUID, provider: str, policy: Policy, at: datetime) -> Outcome:
    """A charge that the member pays by hand, with other means: of a renewal that failed.

    One that waits already for the member is asked for again. Raises NothingToPay, ChargeUnderWay.
    """
    one = last.subscription
    if one.state != "past_due":
        raise NothingToPay(state=one.state)
    if last.waits and last.charge.automatic:
        raise ChargeUnderWay
    if last.waits and at < last.charge.expires_at:
        return Outcome(one, last.charge, last.payment)
    until = at + timedelta(minutes=policy.hold_minutes)
    return ask(one, plan, payment_id, until, at, provider=provider)


def _saved(one: Outcome) -> tuple[shared.Record, ...]:
    return tuple(record for record in (one.charge, one.payment) if record is not None)


def _noting(gone: Outcome, step: Renewal) -> Renewal:
    """What comes next, together with what was given up before it."""
    return shared.evolve(step, changed=(*_saved(gone), *step.changed), events=(*gone.events, *step.events))
