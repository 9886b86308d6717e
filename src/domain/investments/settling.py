"""From a reservation to a share, or to money that goes back (M15, M16)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from .. import payments, projects, shared
from .records import (
    Activated,
    Cancelled,
    Case,
    Expired,
    Investment,
    NotHonoured,
    Outcome,
    Policy,
    Settlement,
    Withdrawn,
    told,
)
from .withdrawing import Withdrawal, check_window

TRACKING_PREFIXES: Mapping[projects.InvestmentType, str] = {
    "ruche": "RUCHE",
    "olivier": "OLIVIER",
    "parcelle_familiale": "PARCELLE",
}
TRACKING_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing that is mistaken for something else when read aloud."""


class InvestmentNotActive(shared.StateForbids):
    message = "The investment is {state}: only an active one can be withdrawn from."
    state: str


class HoldStillRuns(shared.StateForbids):
    message = "The share is reserved until {until}."
    until: datetime


def tracking_code(type: projects.InvestmentType, id: UUID) -> str:
    """The name of a member's own hive or tree, such as `RUCHE-7K3MQ-9TX2B`.

    Ten letters stand for the last 50 bits of the investment's id, which are random in a UUIDv7.
    """
    letters = "".join(TRACKING_LETTERS[id.int >> shift & 31] for shift in range(45, -1, -5))
    return f"{TRACKING_PREFIXES[type]}-{letters[:5]}-{letters[5:]}"


def withdrawal_end(active_at: datetime, policy: Policy) -> datetime:
    """The instant at which the last day to withdraw is over: that day counts whole, the first does not."""
    last = shared.day_in(active_at, policy.zone) + timedelta(days=policy.withdrawal_days)
    return shared.end_of_day(last, policy.zone)


def settle_paid(case: Case, receipt_id: UUID, policy: Policy, at: datetime, refusal: str = "") -> Settlement:
    """The money has arrived: it buys the share, or all of it is due back.

    Honoured, its points are for the caller to grant, who notes the `grant_id`. The money goes back
    where the project is no longer active, or the hold ran out and the room is gone, or for the caller's
    `refusal`.
    """
    paid = payments.succeeded(case.payment, receipt_id, at)
    if not paid.events:
        return Settlement(case.investment, case.payment, case.entry, case.book.funding)
    share = _share_of(case, refusal, at)
    if share.refusal:
        return _returned(case.investment, paid, share)
    active = _active(case.investment, policy, at)
    events = (*paid.events, *share.events, told(Activated, active))
    return Settlement(active, paid.payment, share.entry, share.funding, paid.receipt, events, "honoured")


def settle_failed(case: Case, reason: str, at: datetime) -> Outcome:
    """The payment failed: the share is free again, and the investment cancelled."""
    failed = payments.failed(case.payment, reason, at)
    if not failed.events:
        return _unchanged(case)
    share = projects.release_share(case.book.funding, case.entry, at)
    cancelled = shared.evolve(case.investment, state="cancelled")
    events = (*failed.events, *share.events, told(Cancelled, cancelled))
    return Outcome(cancelled, failed.payment, share.entry, share.funding, events=events)


def expire(case: Case, at: datetime) -> Outcome:
    """Write down that the hold of a pending investment ran out. Raises HoldStillRuns.

    Nothing happens to an investment that is not pending any more.
    """
    if case.investment.state != "pending":
        return _unchanged(case)
    if at < case.investment.reserved_until:
        raise HoldStillRuns(until=case.investment.reserved_until)
    return give_up(case, "hold_expired", at)


def give_up(case: Case, reason: str, at: datetime) -> Outcome:
    """Let a reservation go, though its hold may still run.

    Nothing happens to an investment that is not pending any more.
    """
    if case.investment.state != "pending":
        return _unchanged(case)
    gone = payments.cancelled(case.payment, reason, at)
    share = projects.release_share(case.book.funding, case.entry, at)
    expired = shared.evolve(case.investment, state="expired")
    events = (*gone.events, *share.events, told(Expired, expired))
    return Outcome(expired, gone.payment, share.entry, share.funding, events=events)


def check_withdrawal(investment: Investment, at: datetime) -> None:
    """Raise InvestmentNotActive or WithdrawalWindowClosed unless the member may think again now."""
    if investment.state != "active":
        raise InvestmentNotActive(state=investment.state)
    check_window(investment.withdraw_until, at)


def withdraw(case: Case, withdrawal: Withdrawal, at: datetime) -> Outcome:
    """Undo an active investment: the share is free again, and what is left of the money due back.

    The caller takes back the points of `grant_id` and reckons. Raises what `check_withdrawal` raises.
    """
    check_withdrawal(case.investment, at)
    owing = payments.Change(case.payment)
    if withdrawal.refund_cents:
        owing = payments.owe(case.payment, withdrawal.refund_cents, "withdrawal")
    share = projects.return_share(case.book.funding, case.entry, case.others, at)
    withdrawn = shared.evolve(case.investment, state="withdrawn", withdrawn_at=at)
    events = (*owing.events, *share.events, told(Withdrawn, withdrawn))
    return Outcome(withdrawn, owing.payment, share.entry, share.funding, events=events)


def _active(investment: Investment, policy: Policy, at: datetime) -> Investment:
    return shared.evolve(
        investment,
        state="active",
        tracking_id=tracking_code(investment.type, investment.id),
        active_at=at,
        withdraw_until=withdrawal_end(at, policy),
    )


def _share_of(case: Case, refusal: str, at: datetime) -> projects.Share:
    if refusal:
        return shared.evolve(projects.release_share(case.book.funding, case.entry, at), refusal=refusal)
    return projects.take_share(case.book, case.entry, case.others, at)


def _returned(investment: Investment, paid: payments.Change, share: projects.Share) -> Settlement:
    owing = payments.refund_due(paid.payment, investment.amount_cents, share.refusal)
    refunded = shared.evolve(investment, state="refunded")
    events = (*paid.events, *share.events, *owing.events, told(NotHonoured, refunded))
    return Settlement(refunded, owing.payment, share.entry, share.funding, paid.receipt, events, "returned")


def _unchanged(case: Case) -> Outcome:
    return Outcome(case.investment, case.payment, case.entry, case.book.funding)
