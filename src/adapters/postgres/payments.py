"""Payments in PostgreSQL. Home: `user_id`; what a provider knows one by has a row that names its owner."""

from uuid import UUID

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Text, bindparam, or_, select

from ...application import payments as app
from ...application.payments import PaymentReference, Receipted
from ...domain import payments
from ...domain.payments import Payment
from .database import Database
from .rows import Statement, Stored, plain
from .schema import Int, Time, Uuid, field, holds, one_of, table

payment = table(
    "payment",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("purpose", Text),
    field("purpose_id", Uuid),
    field("amount_cents", Int),
    field("provider", Text),
    field("expires_at", Time),
    field("created_at", Time),
    field("currency", Text),
    field("reference", Text),
    field("pay_url", Text),
    field("state", Text),
    field("refund_due_cents", Int),
    field("refunded_cents", Int),
    field("reason", Text),
    field("settled_at", Time, nullable=True),
    field("saved", Boolean),
    field("customer", Text),
    one_of("purpose", payments.Purpose),
    one_of("state", payments.PaymentState),
    holds("amount_cents", "amount_cents > 0"),
    holds("refund_due_cents", "refund_due_cents >= 0 and (refund_due_cents > 0) = (state = 'refund_due')"),
    holds("refunded_cents", "refunded_cents >= 0 and refunded_cents + refund_due_cents <= amount_cents"),
)
_is_due = plain(payment.c.state == "refund_due")
Index("payment_refund_due_idx", payment.c.user_id, payment.c.id, postgresql_where=_is_due)
receipt = table(
    "receipt",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("payment_id", Uuid),
    field("kind", Text),
    field("amount_cents", Int),
    field("issued_at", Time),
    field("currency", Text),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("kind", payments.ReceiptKind),
    holds("amount_cents", "amount_cents > 0"),
)
Index("receipt_payment_idx", receipt.c.user_id, receipt.c.payment_id)
payment_reference = table(
    "payment_reference",
    "value",
    field("value", Text, primary_key=True),
    field("provider", Text, primary_key=True),
    field("user_id", Uuid),
    field("payment_id", Uuid),
)

PAYMENTS = Stored(app.PAYMENTS, payment)
RECEIPTS = Stored(app.RECEIPTS, receipt)
PAYMENT_REFERENCES = Stored(app.PAYMENT_REFERENCES, payment_reference)
STORED = (PAYMENTS, RECEIPTS, PAYMENT_REFERENCES)

_USER, _ID = bindparam("user_id", type_=Uuid), bindparam("payment_id", type_=Uuid)
_of_payment = (receipt.c.user_id == payment.c.user_id) & (receipt.c.payment_id == payment.c.id)
_PAYMENT = Statement(
    select(*PAYMENTS.columns, *RECEIPTS.columns)
    .select_from(payment.outerjoin(receipt, _of_payment))
    .where(payment.c.user_id == _USER, payment.c.id == _ID)
    .order_by(receipt.c.id)
)
_REFERENCE = Statement(
    select(*PAYMENT_REFERENCES.columns).where(
        payment_reference.c.value == bindparam("value", type_=Text),
        payment_reference.c.provider == bindparam("provider", type_=Text),
    )
)
_REFUNDS_DUE = Statement(
    select(*PAYMENTS.columns)
    .where(
        _is_due,
        or_(_USER.is_(None), payment.c.user_id == _USER),
        or_(_ID.is_(None), payment.c.id == _ID),
    )
    .order_by(payment.c.id)
    .limit(bindparam("limit", type_=Int))
)
_PAYMENT_WIDTH = len(PAYMENTS.fields)


class PaymentsQueries:
    """The read side of payments on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def payment(self, user_id: UUID, payment_id: UUID) -> Receipted | None:
        rows = await self._database.all(_PAYMENT, user_id=user_id, payment_id=payment_id)
        if not rows:
            return None
        receipts = (row[_PAYMENT_WIDTH:] for row in rows)
        given = tuple(RECEIPTS.record(one) for one in receipts if one[0] is not None)
        return Receipted(PAYMENTS.record(rows[0][:_PAYMENT_WIDTH]), given)

    async def reference(self, provider: str, value: str) -> PaymentReference | None:
        row = await self._database.one(_REFERENCE, provider=provider, value=value)
        return PAYMENT_REFERENCES.record(row) if row else None

    async def refunds_due(self, limit: int, user_id: UUID | None, payment_id: UUID | None) -> list[Payment]:
        rows = await self._database.all(_REFUNDS_DUE, limit=limit, user_id=user_id, payment_id=payment_id)
        return [PAYMENTS.record(row) for row in rows]
