"""The records and events of payments."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from .. import shared

Purpose = Literal["investment", "subscription"]
PaymentState = Literal[
    "pending", "succeeded", "failed", "cancelled", "refund_due", "refunded", "charged_back"
]
ReceiptKind = Literal["payment", "refund", "refund_failed", "chargeback"]
RefundState = Literal["asked", "succeeded", "failed"]
DisputeState = Literal["opened", "won", "lost"]
Disputed = Literal["", "opened", "won", "lost"]

PAID: frozenset[PaymentState] = frozenset(("succeeded", "refund_due", "refunded", "charged_back"))
"""The states in which the money has arrived, wherever it is now."""
AT_PROVIDER = "at_provider"
"""The reason of a refund that nobody asked for here, but somebody gave at the provider."""


class Payment(shared.Record):
    """A payment of a member for something. Amounts are in cents.

    `reference` is the provider's id and `pay_url` where the member pays, both empty until the
    provider said so. `refunded_cents` went back already, `refund_due_cents` still must;
    `charged_back_cents` were taken back by the member's bank.
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
    disputed: Disputed = ""
    charged_back_cents: int = 0

    @property
    def kept_cents(self) -> int:
        """What neither went back nor was taken back; of a payment that did not come it means nothing."""
        return self.amount_cents - self.refunded_cents - self.charged_back_cents


class Receipt(shared.Record):
    """What a member keeps: this much came or went back at this time, and why.

    `refund_failed` is money that was sent back and returned to us; `chargeback` is what the bank took.
    """

    user_id: UUID
    id: UUID
    payment_id: UUID
    kind: ReceiptKind
    amount_cents: int
    issued_at: datetime
    currency: shared.Currency = "EUR"
    reason: str = ""


class Refund(shared.Record):
    """One time that money goes back. Its id is the key by which the provider gives it back once;
    `reference` is the provider's own id of it."""

    user_id: UUID
    id: UUID
    payment_id: UUID
    amount_cents: int
    reason: str
    asked_at: datetime
    state: RefundState = "asked"
    reference: str = ""
    settled_at: datetime | None = None


class Dispute(shared.Record):
    """A member's bank that takes money of a payment back, by the provider's id of it."""

    user_id: UUID
    payment_id: UUID
    reference: str
    amount_cents: int
    state: DisputeState
    reason: str
    opened_at: datetime
    closed_at: datetime | None = None


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


class Declined(PaymentEvent, tag="payments.declined"): ...


class Failed(PaymentEvent, tag="payments.failed"): ...


class Cancelled(PaymentEvent, tag="payments.cancelled"): ...


class RefundFellDue(PaymentEvent, tag="payments.refund_due"): ...


class Refunded(PaymentEvent, tag="payments.refunded"): ...


class RefundFailed(PaymentEvent, tag="payments.refund_failed"): ...


class DisputeOpened(PaymentEvent, tag="payments.dispute_opened"): ...


class DisputeWon(PaymentEvent, tag="payments.dispute_won"): ...


class ChargedBack(PaymentEvent, tag="payments.charged_back"): ...


class Change(shared.Record):
    """A payment as it is now. Without events nothing changed: the news was known or overtaken."""

    payment: Payment
    events: tuple[shared.Event, ...] = ()
    receipt: Receipt | None = None


def say(kind: type[PaymentEvent], payment: Payment, amount_cents: int, reason: str) -> PaymentEvent:
    """An event of that kind of the payment."""
    purpose, purpose_id = payment.purpose, payment.purpose_id
    return kind(payment.user_id, payment.id, purpose, purpose_id, amount_cents, reason)


def slip(
    payment: Payment, id: UUID, kind: ReceiptKind, amount_cents: int, at: datetime, reason: str
) -> Receipt:
    """A receipt of the payment."""
    return Receipt(payment.user_id, id, payment.id, kind, amount_cents, at, payment.currency, reason)
