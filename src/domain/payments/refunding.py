"""Money that goes back, in parts and each part once; and money that the member's bank takes back.

What is due is a sum on the payment. Each time that the provider is asked for it there is a `Refund`, whose
id is the key by which it goes back once; what a provider tells of it comes in any order, and its failure
is final.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from .. import shared
from .records import (
    AT_PROVIDER,
    PAID,
    Change,
    ChargedBack,
    Dispute,
    DisputeOpened,
    DisputeState,
    DisputeWon,
    Payment,
    PaymentEvent,
    PaymentState,
    Receipt,
    ReceiptKind,
    Refund,
    Refunded,
    RefundFailed,
    RefundFellDue,
    say,
    slip,
)

MOST_FAILED = 3
"""A refund that failed so often is not asked for again by itself."""


class RefundExceedsPayment(shared.RuleForbids):
    message = "{needed} cents cannot be refunded: {left} are left of the payment."
    needed: int
    left: int


class PaymentNotPaid(shared.StateForbids):
    message = "The payment is {state}: there is nothing to give back."
    state: str


class PaymentDisputed(shared.StateForbids):
    message = "The member's bank holds the money of this payment: wait until the dispute is closed."


class RefundUnderWay(shared.StateForbids):
    message = "A refund of {due} cents is under way for this payment."
    due: int


class NoRefundDue(shared.StateForbids):
    message = "No money of this payment is due back."


class RefundGivenUp(shared.StateForbids):
    message = "The refund failed {times} times: give the money back otherwise, and see why."
    times: int


class RefundDiffers(shared.StateForbids):
    message = "{given} cents were refunded, where {asked} were asked for."
    given: int
    asked: int


class DisputeContradicted(shared.StateForbids):
    message = "The dispute {reference} was {before}, and is said to be {after}."
    reference: str
    before: str
    after: str


class RefundTold(shared.Record):
    """What a provider tells of one refund: its own `reference` of it, and our id where we asked for it."""

    reference: str
    amount_cents: int
    failed: bool = False
    refund_id: UUID | None = None
    reason: str = ""


class DisputeTold(shared.Record):
    """What a provider tells of a dispute."""

    reference: str
    amount_cents: int
    state: DisputeState
    reason: str = ""


class RefundChange(Change):
    """A payment and one of its refunds as they are now."""

    refund: Refund | None = None


class DisputeChange(Change):
    """A payment and a dispute of it as they are now."""

    dispute: Dispute | None = None


def refund_due(payment: Payment, amount_cents: int, reason: str) -> Change:
    """That much of the money must go back, and nothing else is under way.

    Asked again while it is under way, the same refund is the same refund. Raises RefundUnderWay, and what
    `owe` raises.
    """
    _check_movable(payment, amount_cents)
    if payment.refund_due_cents:
        if (amount_cents, reason) == (payment.refund_due_cents, payment.reason):
            return Change(payment)
        raise RefundUnderWay(due=payment.refund_due_cents)
    return owe(payment, amount_cents, reason)


def owe(payment: Payment, amount_cents: int, reason: str) -> Change:
    """That much of the money must go back, beside whatever is under way.

    Raises PaymentNotPaid, PaymentDisputed, RefundExceedsPayment, InvalidAmount.
    """
    _check_movable(payment, amount_cents)
    left = payment.kept_cents - payment.refund_due_cents
    if amount_cents > left:
        raise RefundExceedsPayment(needed=amount_cents, left=left)
    owing = _counted(payment, due=payment.refund_due_cents + amount_cents, reason=reason)
    return Change(owing, (say(RefundFellDue, owing, amount_cents, reason),))


def begin_refund(payment: Payment, refunds: Sequence[Refund], id: UUID, at: datetime) -> Refund:
    """The refund to ask the provider for: the one that was asked for already, or a new one.

    The one that was asked for may be more than is due by now: then it is only to be looked for. Raises
    NoRefundDue, PaymentDisputed, RefundGivenUp.
    """
    if not payment.refund_due_cents:
        raise NoRefundDue
    if payment.disputed == "opened":
        raise PaymentDisputed
    asked = next((one for one in refunds if one.state == "asked"), None)
    if asked is not None:
        return asked
    failed = sum(one.state == "failed" and one.reason == payment.reason for one in refunds)
    if failed >= MOST_FAILED:
        raise RefundGivenUp(times=failed)
    return Refund(payment.user_id, id, payment.id, payment.refund_due_cents, payment.reason, at)


def settle_refund(
    payment: Payment, refunds: Sequence[Refund], told: RefundTold, ids: tuple[UUID, UUID], at: datetime
) -> RefundChange:
    """A refund went back, or failed, before or after it did; `ids` are for a receipt and a new refund.

    One that nobody asked for here was given at the provider, or otherwise where a reason is told: where money
    was due, it is not due any more. Raises PaymentNotPaid, RefundDiffers, RefundExceedsPayment.
    """
    check_paid(payment)
    known = _known(refunds, told)
    reason = AT_PROVIDER if told.failed else told.reason or AT_PROVIDER
    one = known or Refund(
        payment.user_id, ids[1], payment.id, told.amount_cents, reason, at, reference=told.reference
    )
    if one.amount_cents != told.amount_cents:
        raise RefundDiffers(given=told.amount_cents, asked=one.amount_cents)
    if not _is_news(one, told):
        return RefundChange(payment, refund=known)
    settle = _failed if told.failed else _went_back
    return settle(payment, shared.evolve(one, reference=told.reference), told, ids[0], at)


def settle_dispute(
    payment: Payment, known: Dispute | None, told: DisputeTold, receipt_id: UUID, at: datetime
) -> DisputeChange:
    """A dispute was opened, won or lost; what was lost is gone, and nothing more of it is due back.

    Raises PaymentNotPaid, DisputeContradicted, RefundExceedsPayment.
    """
    check_paid(payment)
    if known and known.state != "opened" and told.state not in ("opened", known.state):
        raise DisputeContradicted(reference=told.reference, before=known.state, after=told.state)
    if known and (known.state == told.state or told.state == "opened"):
        return DisputeChange(payment, dispute=known)
    opened = known or Dispute(
        payment.user_id, payment.id, told.reference, told.amount_cents, "opened", told.reason, at
    )
    closed_at = None if told.state == "opened" else at
    dispute = shared.evolve(
        opened, state=told.state, reason=told.reason or opened.reason, closed_at=closed_at
    )
    now = shared.evolve(payment, disputed=told.state)
    if told.state == "lost":
        return _charged_back(now, dispute, receipt_id, at)
    kind: type[PaymentEvent] = DisputeOpened if told.state == "opened" else DisputeWon
    return DisputeChange(now, (say(kind, now, dispute.amount_cents, dispute.reason),), dispute=dispute)


def check_paid(payment: Payment) -> None:
    """Raise PaymentNotPaid unless the money arrived."""
    if payment.state not in PAID:
        raise PaymentNotPaid(state=payment.state)


def _check_movable(payment: Payment, amount_cents: int) -> None:
    shared.check_amount(amount_cents)
    check_paid(payment)
    if payment.disputed == "opened":
        raise PaymentDisputed


def _known(refunds: Sequence[Refund], told: RefundTold) -> Refund | None:
    """The refund that is spoken of, by our id of it or by the provider's, which may not be known yet. What
    bears our id and is another one at the provider went back beside it."""

    def same(one: Refund) -> bool:
        if told.reference and one.reference:
            return one.reference == told.reference
        return one.id == told.refund_id

    return next(filter(same, refunds), None)


def _is_news(one: Refund, told: RefundTold) -> bool:
    """Whether something is told of a refund that is not known: its failure is final, but for one that the
    provider had no name for, which may turn up; and only the provider's own word undoes what went back."""
    if one.state == "asked":
        return True
    if told.failed:
        return one.state == "succeeded" and bool(told.reference)
    return one.state == "failed" and not one.reference


def _went_back(
    payment: Payment, refund: Refund, told: RefundTold, receipt_id: UUID, at: datetime
) -> RefundChange:
    amount, left = refund.amount_cents, payment.kept_cents
    if amount > left:
        raise RefundExceedsPayment(needed=amount, left=left)
    due = min(max(0, payment.refund_due_cents - amount), left - amount)
    now = _counted(payment, refunded=payment.refunded_cents + amount, due=due)
    gone = shared.evolve(refund, state="succeeded", settled_at=at)
    event = say(Refunded, now, amount, refund.reason)
    return RefundChange(now, (event,), _of(now, receipt_id, "refund", refund, at), gone)


def _failed(
    payment: Payment, refund: Refund, told: RefundTold, receipt_id: UUID, at: datetime
) -> RefundChange:
    """What had gone back is here again, and due again, whoever gave it; what was only asked for stays due."""
    amount, gone = refund.amount_cents, refund.state == "succeeded"
    now = _counted(
        payment,
        refunded=payment.refunded_cents - amount * gone,
        due=payment.refund_due_cents + amount * gone,
        reason=refund.reason if gone else payment.reason,
    )
    receipt = _of(now, receipt_id, "refund_failed", refund, at) if gone else None
    failed = shared.evolve(refund, state="failed", settled_at=at)
    event = say(RefundFailed, now, amount, told.reason or refund.reason)
    return RefundChange(now, (event,), receipt, failed)


def _charged_back(payment: Payment, dispute: Dispute, receipt_id: UUID, at: datetime) -> DisputeChange:
    amount, left = dispute.amount_cents, payment.kept_cents
    if amount > left:
        raise RefundExceedsPayment(needed=amount, left=left)
    due = min(payment.refund_due_cents, left - amount)
    now = _counted(payment, lost=payment.charged_back_cents + amount, due=due)
    receipt = slip(now, receipt_id, "chargeback", amount, at, dispute.reason)
    return DisputeChange(now, (say(ChargedBack, now, amount, dispute.reason),), receipt, dispute)


def _of(payment: Payment, id: UUID, kind: ReceiptKind, refund: Refund, at: datetime) -> Receipt:
    return slip(payment, id, kind, refund.amount_cents, at, refund.reason)


def _counted(
    payment: Payment,
    *,
    refunded: int | None = None,
    lost: int | None = None,
    due: int = 0,
    reason: str | None = None,
) -> Payment:
    """A paid payment with these sums, in the state that follows from them."""
    refunded = payment.refunded_cents if refunded is None else refunded
    lost = payment.charged_back_cents if lost is None else lost
    state: PaymentState = (
        "refund_due" if due else "charged_back" if lost else "refunded" if refunded else "succeeded"
    )
    return shared.evolve(
        payment,
        state=state,
        refunded_cents=refunded,
        charged_back_cents=lost,
        refund_due_cents=due,
        reason=payment.reason if reason is None else reason,
    )
