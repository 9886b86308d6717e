"""What is stored of payments, what can be asked, and what is answered."""

from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.payments import (
    Dispute,
    Disputed,
    DisputeState,
    Payment,
    PaymentState,
    Purpose,
    Receipt,
    ReceiptKind,
    Refund,
    RefundState,
)
from ..pages import Limit
from ..work import Kind
from .gateway import Asked, Behaviour, NewsOutcome


class PaymentReference(shared.Record):
    """Whose a payment is by the `value` that its provider knows it by."""

    value: str
    provider: str
    user_id: UUID
    payment_id: UUID


PAYMENTS = Kind(
    Payment,
    "payment",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    root=True,
    changes=(
        "reference",
        "pay_url",
        "customer",
        "state",
        "refund_due_cents",
        "refunded_cents",
        "reason",
        "settled_at",
        "disputed",
        "charged_back_cents",
    ),
)
RECEIPTS = Kind(Receipt, "receipt", ("user_id", "id"), {"payment": ("user_id", "payment_id")}, changes=())
REFUNDS = Kind(
    Refund,
    "refund",
    ("user_id", "id"),
    {"payment": ("user_id", "payment_id")},
    changes=("state", "reference", "settled_at"),
)
DISPUTES = Kind(
    Dispute,
    "dispute",
    ("user_id", "payment_id", "reference"),
    changes=("state", "reason", "closed_at"),
)
PAYMENT_REFERENCES = Kind(PaymentReference, "payment_reference", ("value", "provider"), root=True, changes=())
KINDS: tuple[Kind[Any], ...] = (PAYMENTS, RECEIPTS, REFUNDS, DISPUTES, PAYMENT_REFERENCES)

ProviderName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*\Z", max_length=40)]


class PaymentReferenceTaken(shared.StateForbids):
    message = "{provider} knows another payment as {reference}."
    provider: str
    reference: str


class PaymentNotOpen(shared.StateForbids):
    message = "The payment is not known to its provider yet: ask for it again with the same key."


class PaymentOver(shared.StateForbids):
    message = "The payment is {state}: there is nothing to pay any more."
    state: str


# --- commands -----------------------------------------------------------------------------------


class OpenPayment(shared.Command, kw_only=True):
    """The provider knows a payment by this reference."""

    user_id: UUID
    payment_id: UUID
    reference: shared.Code
    pay_url: shared.Note
    customer: shared.Personal[shared.Note] = ""


class NoteDecline(shared.Command, kw_only=True):
    """A payment failed this time, and the member may try again."""

    user_id: UUID
    payment_id: UUID
    reason: shared.Note


class Settle(shared.Command, kw_only=True):
    """What the provider says of a payment, to what was paid for; `means` are kept for `customer`."""

    user_id: UUID
    payment_id: UUID
    outcome: NewsOutcome
    reason: shared.Note = ""
    customer: shared.Personal[shared.Note] = ""
    means: shared.Personal[shared.Note] = ""


class GiveBack(shared.Command, kw_only=True):
    """Give a part of a payment back, or all that is left of it, and say why."""

    amount_cents: shared.Amount
    reason: shared.Reason


class RefundPayment(GiveBack, kw_only=True):
    """Give a part of a member's payment back."""

    user_id: UUID
    payment_id: UUID


class BeginRefund(shared.Command, kw_only=True):
    """Ask for the money that is due back of a payment."""

    user_id: UUID
    payment_id: UUID


class BookRefund(shared.Command, kw_only=True):
    """What the provider says of one refund: its `reference` of it, and our id where we asked for it."""

    user_id: UUID
    payment_id: UUID
    reference: shared.Note
    amount_cents: shared.Amount
    failed: bool = False
    refund_id: UUID | None = None
    reason: shared.Note = ""


class BookDispute(shared.Command, kw_only=True):
    """What the provider says of a dispute: the member's bank takes the money back, or has lost or won."""

    user_id: UUID
    payment_id: UUID
    reference: shared.Code
    amount_cents: shared.Amount
    state: DisputeState
    reason: shared.Note = ""


class Play(shared.Command, kw_only=True):
    """How the payment is to go: the `late` one succeeds after the provider had given it up."""

    behaviour: Behaviour


class PlayPayment(Play, kw_only=True):
    """Pay in the sandbox."""

    payment_id: UUID


# --- views and queries --------------------------------------------------------------------------


class PaymentView(shared.Record):
    """A payment. `refund_due` is still to go back, `refunded` went back already, `charged_back` was taken
    back by the member's bank. `reason` says why it failed, was given up, or goes back."""

    id: UUID
    user_id: UUID
    purpose: Purpose
    purpose_id: UUID
    state: PaymentState
    amount: shared.Money
    refund_due: shared.Money
    refunded: shared.Money
    charged_back: shared.Money
    disputed: Disputed
    provider: str
    reference: str
    pay_url: str
    reason: str
    saved: bool
    expires_at: datetime
    settled_at: datetime | None
    created_at: datetime


class ReceiptView(shared.Record):
    """This much came, or went back, at this time, and why."""

    id: UUID
    kind: ReceiptKind
    amount: shared.Money
    issued_at: datetime
    reason: str


class RefundView(shared.Record):
    """One time that the provider was asked to give money back. `reference` is its own id of it."""

    id: UUID
    payment_id: UUID
    amount_cents: int
    reason: str
    state: RefundState
    reference: str
    asked_at: datetime
    settled_at: datetime | None


class BegunRefund(RefundView):
    """A refund that the provider is to be asked for; an `overtaken` one is more than is due by now, and is
    only to be looked for."""

    overtaken: bool


class DisputeView(shared.Record):
    """The member's bank took the money of a payment back, or tried to."""

    reference: str
    amount_cents: int
    state: DisputeState
    reason: str
    opened_at: datetime
    closed_at: datetime | None


class PaymentWithReceipts(PaymentView):
    """A payment with its receipts, refunds and disputes, oldest first."""

    receipts: tuple[ReceiptView, ...] = ()
    refunds: tuple[RefundView, ...] = ()
    disputes: tuple[DisputeView, ...] = ()


class Checkout(shared.Record):
    """What the provider's own form needs to let a member pay. `client_secret` is for this payment alone: do
    not store it."""

    provider: str
    public_key: str
    reference: str
    client_secret: str


class GetPayment(shared.Query, kw_only=True):
    user_id: UUID
    payment_id: UUID


class ListPayments(shared.Query, kw_only=True):
    """Payments, newest first: a member's, or for administrators anybody's where no member is named."""

    user_id: UUID | None = None
    state: PaymentState | None = None
    purpose: Purpose | None = None
    provider: ProviderName | None = None
    disputed: DisputeState | None = None
    limit: Limit = 25
    cursor: str | None = None


class FindPayment(shared.Query, kw_only=True):
    """Whose payment a provider knows by this reference."""

    provider: shared.Code
    reference: shared.Code


class ListRefundsDue(shared.Query, kw_only=True):
    """Payments of which money is due back: of a member, or one of them, or anybody's."""

    limit: Limit = 100
    user_id: UUID | None = None
    payment_id: UUID | None = None


class ListUnsettled(shared.Query, kw_only=True):
    """Payments of a provider that are not settled, made before a time, oldest first, after one of them."""

    provider: ProviderName
    before: datetime
    after: UUID | None = None
    limit: Limit = 100


class Opening(shared.Record):
    """A payment, and what its provider is to know of it."""

    payment: PaymentView
    asked: Asked


class Receipted(shared.Record):
    """A payment with its receipts, refunds and disputes, oldest first."""

    payment: Payment
    receipts: tuple[Receipt, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()


class Sought(shared.Record):
    """What payments are looked for by."""

    user_id: UUID | None = None
    state: PaymentState | None = None
    purpose: Purpose | None = None
    provider: str | None = None
    disputed: DisputeState | None = None


class PaymentsQueries(Protocol):
    """The read side of payments."""

    async def payment(self, user_id: UUID, payment_id: UUID) -> Receipted | None: ...

    async def payments(self, sought: Sought, limit: int, before: UUID | None) -> list[Payment]:
        """Payments that fit, newest first."""
        ...

    async def reference(self, provider: str, value: str) -> PaymentReference | None: ...

    async def refunds_due(self, limit: int, user_id: UUID | None, payment_id: UUID | None) -> list[Payment]:
        """Payments of which money is due back, oldest first."""
        ...

    async def unsettled(
        self, provider: str, before: datetime, after: UUID | None, limit: int
    ) -> list[Payment]:
        """Payments that wait for money, for a refund or for the end of a dispute, oldest first."""
        ...


class HasPayments(Protocol):
    @property
    def payments(self) -> PaymentsQueries: ...


def is_unsettled(one: Any) -> Any:
    """Whether a provider is to be asked about a payment: said of a record or of columns."""
    return (one.state == "pending") | (one.state == "refund_due") | (one.disputed == "opened")


def view_of(payment: Payment) -> PaymentView:
    """A payment as it is shown."""

    def money(cents: int) -> shared.Money:
        return shared.Money(cents, payment.currency)

    return shared.recast(
        PaymentView,
        payment,
        amount=money(payment.amount_cents),
        refund_due=money(payment.refund_due_cents),
        refunded=money(payment.refunded_cents),
        charged_back=money(payment.charged_back_cents),
    )
