"""Payments in euros: what a provider tells us, in whatever order and however often.

News that is known already, or overtaken, changes nothing and says nothing: the same payment comes
back without events. Money that arrived is never denied: success after a failure is a success.
Source: M15, M18.

    RuleForbids
    └── RefundExceedsPayment   more would go back than came
    StateForbids
    ├── PaymentReferenceDiffers   the provider knows it by another reference
    ├── PaymentAlreadyPaid        what was paid is refunded, not cancelled
    ├── PaymentNotPaid            there is nothing to give back
    ├── RefundUnderWay            one refund at a time
    └── RefundNotDue              more went back than was owed
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from . import shared

Purpose = Literal["investment", "subscription"]
PaymentState = Literal["pending", "succeeded", "failed", "cancelled", "refund_due", "refunded"]
ReceiptKind = Literal["payment", "refund"]
DisputeState = Literal["opened", "won", "lost"]

PAID: frozenset[PaymentState] = frozenset(("succeeded", "refund_due", "refunded"))
"""The states in which the money has arrived, wherever it is now."""


class RefundExceedsPayment(shared.RuleForbids):
    message = "{needed} cents cannot be refunded: {left} are left of the payment."
    needed: int
    left: int


class PaymentReferenceDiffers(shared.StateForbids):
    message = "The payment is known to its provider as {known}, not as {given}."
    known: str
    given: str


class PaymentAlreadyPaid(shared.StateForbids):
    message = "The payment is {state}: what was paid cannot be cancelled."
    state: str


class PaymentNotPaid(shared.StateForbids):
    message = "The payment is {state}: there is nothing to refund."
    state: str


class RefundUnderWay(shared.StateForbids):
    message = "A refund of {due} cents is under way for this payment."
    due: int


class RefundNotDue(shared.StateForbids):
    message = "{given} cents were reported refunded, where {expected} at most were owed."
    given: int
    expected: int


class Payment(shared.Record):
    """A payment of a member for something. Amounts are in cents.

    `reference` is the provider's id and `pay_url` where the member pays, both empty until the
    provider said so. `refunded_cents` went back already, `refund_due_cents` still must.
    `expires_at` is when the hold on what is paid for runs out. With `saved` the provider keeps the means
    of payment for the `customer` that it knows the member by.
    """

    user_id: UUID
    id: UUID
    purpose: Purpose
    purpose_id: UUID
    amount_cents: shared.Amount
    provider: str
    expires_at: datetime
    created_at: datetime
    currency: shared.Currency = "EUR"
    reference: str = ""
    pay_url: str = ""
    state: PaymentState = "pending"
    refund_due_cents: int = 0
    refunded_cents: int = 0
    reason: str = ""
    settled_at: datetime | None = None
    saved: bool = False
    customer: shared.Personal[str] = ""


class Receipt(shared.Record):
    """What a member keeps: this much came, or went back, at this time."""

    user_id: UUID
    id: UUID
    payment_id: UUID
    kind: ReceiptKind
    amount_cents: int
    issued_at: datetime
    currency: shared.Currency = "EUR"


class PaymentEvent(shared.Event):
    """What every event of a payment tells."""

    user_id: UUID
    payment_id: UUID
    purpose: Purpose
    purpose_id: UUID
    amount_cents: int
    reason: str


class Requested(PaymentEvent, tag="payments.requested"): ...


class Opened(PaymentEvent, tag="payments.opened"): ...


class Succeeded(PaymentEvent, tag="payments.succeeded"): ...


class Failed(PaymentEvent, tag="payments.failed"): ...


class Cancelled(PaymentEvent, tag="payments.cancelled"): ...


class RefundFellDue(PaymentEvent, tag="payments.refund_due"): ...


class Refunded(PaymentEvent, tag="payments.refunded"): ...


class Change(shared.Record):
    """A payment as it is now. Without events nothing changed: the news was known or overtaken."""

    payment: Payment
    events: tuple[shared.Event, ...] = ()
    receipt: Receipt | None = None


def request(wished: Payment) -> Change:
    """A new payment that the member is asked for. Raises InvalidAmount."""
    shared.check_amount(wished.amount_cents)
    return Change(wished, (_say(Requested, wished, wished.amount_cents),))


def opened(payment: Payment, reference: str, pay_url: str, customer: str = "") -> Change:
    """The provider knows the payment, by this reference. Raises PaymentReferenceDiffers."""
    if payment.reference == reference:
        return Change(payment)
    if payment.reference:
        raise PaymentReferenceDiffers(known=payment.reference, given=reference)
    customer = customer or payment.customer
    known = shared.evolve(payment, reference=reference, pay_url=pay_url, customer=customer)
    return Change(known, (_say(Opened, known, known.amount_cents),))


def succeeded(payment: Payment, receipt_id: UUID, at: datetime) -> Change:
    """The money has arrived, even where the payment was given up before."""
    if payment.state in PAID:
        return Change(payment)
    paid = shared.evolve(payment, state="succeeded", reason="", settled_at=at)
    receipt = Receipt(
        payment.user_id, receipt_id, payment.id, "payment", payment.amount_cents, at, payment.currency
    )
    return Change(paid, (_say(Succeeded, paid, paid.amount_cents),), receipt)


def failed(payment: Payment, reason: str, at: datetime) -> Change:
    """The provider could not collect the money. Late news never undoes what came after."""
    if payment.state != "pending":
        return Change(payment)
    gone = shared.evolve(payment, state="failed", reason=reason, settled_at=at)
    return Change(gone, (_say(Failed, gone, gone.amount_cents),))


def cancelled(payment: Payment, reason: str, at: datetime) -> Change:
    """Nobody waits for the money any more. Raises PaymentAlreadyPaid."""
    if payment.state in PAID:
        raise PaymentAlreadyPaid(state=payment.state)
    if payment.state == "cancelled":
        return Change(payment)
    gone = shared.evolve(payment, state="cancelled", reason=reason, settled_at=at)
    return Change(gone, (_say(Cancelled, gone, gone.amount_cents),))


def refund_due(payment: Payment, amount_cents: int, reason: str) -> Change:
    """That much of the money must go back.

    Asked again while it is under way, the same refund is the same refund. Raises PaymentNotPaid,
    RefundUnderWay, RefundExceedsPayment, InvalidAmount.
    """
    shared.check_amount(amount_cents)
    if payment.state not in PAID:
        raise PaymentNotPaid(state=payment.state)
    if payment.state == "refund_due":
        if (amount_cents, reason) == (payment.refund_due_cents, payment.reason):
            return Change(payment)
        raise RefundUnderWay(due=payment.refund_due_cents)
    left = payment.amount_cents - payment.refunded_cents
    if amount_cents > left:
        raise RefundExceedsPayment(needed=amount_cents, left=left)
    owing = shared.evolve(payment, state="refund_due", refund_due_cents=amount_cents, reason=reason)
    return Change(owing, (_say(RefundFellDue, owing, amount_cents),))


def refunded(payment: Payment, total_cents: int, receipt_id: UUID, at: datetime) -> Change:
    """The provider has given back `total_cents` of this payment in all, so far.

    Providers count the total, and a total that is repeated or late changes nothing. Raises
    RefundNotDue, InvalidAmount.
    """
    expected = payment.refunded_cents + payment.refund_due_cents
    if shared.check_amount(total_cents) > expected:
        raise RefundNotDue(given=total_cents, expected=expected)
    given_back = total_cents - payment.refunded_cents
    if given_back <= 0:
        return Change(payment)
    state: PaymentState = "refunded" if total_cents == expected else "refund_due"
    settled = shared.evolve(
        payment, state=state, refunded_cents=total_cents, refund_due_cents=expected - total_cents
    )
    receipt = Receipt(payment.user_id, receipt_id, payment.id, "refund", given_back, at, payment.currency)
    return Change(settled, (_say(Refunded, settled, given_back),), receipt)


def _say(kind: type[PaymentEvent], payment: Payment, amount_cents: int) -> PaymentEvent:
    purpose, purpose_id = payment.purpose, payment.purpose_id
    return kind(payment.user_id, payment.id, purpose, purpose_id, amount_cents, payment.reason)
