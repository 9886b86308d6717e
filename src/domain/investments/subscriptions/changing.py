"""What a member or an administrator decides of a subscription that is there."""

from collections.abc import Iterable
from datetime import datetime

from ... import payments, shared
from ..withdrawing import Withdrawal, check_window
from .beginning import check_choices
from .records import (
    CancellationAsked,
    CancellationUndone,
    Cancelled,
    Case,
    Charge,
    Choice,
    Lost,
    Outcome,
    PlanChosen,
    PlanCode,
    ProjectsChosen,
    StopReason,
    Subscription,
    Withdrawn,
    is_held,
    is_live,
    told,
)
from .settling import SubscriptionStopped


class NothingToWithdraw(shared.StateForbids):
    message = "The payment is {state}: only what was paid can be given back."
    state: str


def cancel(last: Case, at: datetime) -> Outcome:
    """Stop at the end of the period that is paid; at once where it is over, or nothing was ever paid.

    Cancelling what has stopped already is no error, and changes nothing. `last` is the last charge: where it
    stops at once, money of it that still comes goes back.
    """
    one = last.subscription
    if not is_held(one) or one.cancel_at_period_end:
        return Outcome(one)
    if one.state == "active" and one.period_end is not None and at < one.period_end:
        asked = shared.evolve(one, cancel_at_period_end=True)
        return Outcome(asked, events=(told(CancellationAsked, asked),))
    return _stopped(last, "member", "", at)


def stop(last: Case, note: str, at: datetime) -> Outcome:
    """Stop at once, on an administrator's word. What has stopped already stays as it is."""
    return _stopped(last, "admin", note, at) if is_held(last.subscription) else Outcome(last.subscription)


def resume(one: Subscription) -> Outcome:
    """Take a cancellation back before the period is over. Raises SubscriptionStopped."""
    _check_held(one)
    if not one.cancel_at_period_end:
        return Outcome(one)
    resumed = shared.evolve(one, cancel_at_period_end=False)
    return Outcome(resumed, events=(told(CancellationUndone, resumed),))


def choose_plan(one: Subscription, code: PlanCode) -> Outcome:
    """The plan from the next period on; until then another may be chosen, or the present one again.

    Nothing is charged or given before. Raises SubscriptionStopped.
    """
    if not is_live(one):
        raise SubscriptionStopped(state=one.state)
    wanted = None if code == one.plan else code
    if wanted == one.next_plan:
        return Outcome(one)
    chosen = shared.evolve(one, next_plan=wanted)
    return Outcome(chosen, events=(told(PlanChosen, chosen),))


def choose_projects(one: Subscription, choices: Iterable[Choice]) -> Outcome:
    """The projects from now on. Raises SubscriptionStopped, ProjectChosenTwice."""
    _check_held(one)
    wanted = tuple(choices)
    check_choices(wanted)
    if wanted == one.choices:
        return Outcome(one)
    chosen = shared.evolve(one, choices=wanted)
    return Outcome(chosen, events=(told(ProjectsChosen, chosen),))


def check_withdrawal(charge: Charge, at: datetime) -> None:
    """Raise NothingToWithdraw or WithdrawalWindowClosed unless this payment may be given back now."""
    if charge.state != "paid":
        raise NothingToWithdraw(state=charge.state)
    check_window(charge.withdraw_until, at)


def withdraw(case: Case, withdrawal: Withdrawal, at: datetime) -> Outcome:
    """Undo the payment of a period: the subscription is over, and what is left of the money due back.

    The caller takes its money out of the projects. Raises what `check_withdrawal` raises.
    """
    check_withdrawal(case.charge, at)
    owing = payments.Change(case.payment)
    if withdrawal.refund_cents:
        owing = payments.owe(case.payment, withdrawal.refund_cents, "withdrawal")
    charge = shared.evolve(case.charge, state="withdrawn", withdrawn_at=at, rest_cents=0)
    over = shared.evolve(
        case.subscription, state="withdrawn", reason="withdrawal", stopped_at=at, due_at=None
    )
    return Outcome(over, charge, owing.payment, (*owing.events, told(Withdrawn, over)))


def lose(case: Case, at: datetime) -> Outcome:
    """A member's bank took the money of a period back: the subscription is over, where that was its last.

    The caller takes the points back, spent or not, and the money out of the projects. Nothing happens while
    something of the money is left, or no dispute is lost.
    """
    one, paid = case.subscription, case.payment
    if case.charge.state != "paid" or paid.disputed != "lost" or paid.kept_cents > 0:
        return Outcome(one, case.charge, case.payment)
    charge = shared.evolve(case.charge, state="lost", rest_cents=0)
    if is_live(one) and one.paid_by == charge.payment_id:
        one = shared.evolve(one, state="cancelled", reason="chargeback", stopped_at=at, due_at=None)
    return Outcome(one, charge, case.payment, (told(Lost, one),))


def _check_held(one: Subscription) -> None:
    if not is_held(one):
        raise SubscriptionStopped(state=one.state)


def _stopped(last: Case, reason: StopReason, note: str, at: datetime) -> Outcome:
    over = shared.evolve(
        last.subscription,
        state="cancelled",
        reason=reason,
        stop_note=note,
        stopped_at=at,
        due_at=None,
        cancel_at_period_end=False,
    )
    if not last.waits:
        return Outcome(over, events=(told(Cancelled, over),))
    gone = payments.cancelled(last.payment, "subscription_cancelled", at)
    charge = shared.evolve(last.charge, state="given_up")
    return Outcome(over, charge, gone.payment, (*gone.events, told(Cancelled, over)))
