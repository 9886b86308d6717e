"""Payments in PostgreSQL. Home: `user_id`; what a provider knows one by has a row that names its owner."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Text, and_, bindparam, or_, select, text

from ...application import payments as app
from ...application.payments import PaymentReference, Receipted, Sought
from ...domain import payments
from ...domain.payments import Dispute, Payment, Receipt, Refund
from .database import Database
from .parts import gathered
from .rows import LAST_ID, Statement, Stored, plain
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
    field("disputed", Text),
    field("charged_back_cents", Int),
    one_of("purpose", payments.Purpose),
    one_of("state", payments.PaymentState),
    one_of("disputed", payments.Disputed),
    holds("amount_cents", "amount_cents > 0"),
    holds("refund_due_cents", "refund_due_cents >= 0 and (refund_due_cents > 0) = (state = 'refund_due')"),
    holds("refunded_cents", "refunded_cents >= 0"),
    holds("charged_back_cents", "charged_back_cents >= 0"),
    holds("kept", "refunded_cents + refund_due_cents + charged_back_cents <= amount_cents"),
)
_is_due = plain(payment.c.state == "refund_due")
_is_unsettled = text(f"({plain(app.is_unsettled(payment.c))})")  # alternatives, beside other conditions
Index("payment_refund_due_idx", payment.c.user_id, payment.c.id, postgresql_where=_is_due)
Index("payment_unsettled_idx", payment.c.id, postgresql_where=_is_unsettled)
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
    field("reason", Text),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("kind", payments.ReceiptKind),
    holds("amount_cents", "amount_cents > 0"),
)
Index("receipt_payment_idx", receipt.c.user_id, receipt.c.payment_id)
refund = table(
    "refund",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("payment_id", Uuid),
    field("amount_cents", Int),
    field("reason", Text),
    field("asked_at", Time),
    field("state", Text),
    field("reference", Text),
    field("settled_at", Time, nullable=True),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("state", payments.RefundState),
    holds("amount_cents", "amount_cents > 0"),
)
Index("refund_payment_idx", refund.c.user_id, refund.c.payment_id)
dispute = table(
    "dispute",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("payment_id", Uuid, primary_key=True),
    field("reference", Text, primary_key=True),
    field("amount_cents", Int),
    field("state", Text),
    field("reason", Text),
    field("opened_at", Time),
    field("closed_at", Time, nullable=True),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("state", payments.DisputeState),
    holds("amount_cents", "amount_cents > 0"),
)
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
REFUNDS = Stored(app.REFUNDS, refund)
DISPUTES = Stored(app.DISPUTES, dispute)
PAYMENT_REFERENCES = Stored(app.PAYMENT_REFERENCES, payment_reference)
STORED = (PAYMENTS, RECEIPTS, REFUNDS, DISPUTES, PAYMENT_REFERENCES)

_USER, _ID = bindparam("user_id", type_=Uuid), bindparam("payment_id", type_=Uuid)
_STATE, _PURPOSE = bindparam("state", type_=Text), bindparam("purpose", type_=Text)
_PROVIDER, _DISPUTED = bindparam("provider", type_=Text), bindparam("disputed", type_=Text)
_LIMIT = bindparam("limit", type_=Int)


def _of_payment(of: Any) -> Any:
    """Whether a row of a part belongs to the payment of the enclosing statement."""
    return and_(of.c.user_id == payment.c.user_id, of.c.payment_id == payment.c.id)


_receipt, _refund, _dispute = receipt.alias("slip"), refund.alias("back"), dispute.alias("quarrel")
_PAYMENT = Statement(
    select(
        *PAYMENTS.columns,
        gathered(_receipt, _receipt.c.id, _of_payment(_receipt)),
        gathered(_refund, _refund.c.id, _of_payment(_refund)),
        gathered(_dispute, _dispute.c.opened_at, _of_payment(_dispute)),
    ).where(payment.c.user_id == _USER, payment.c.id == _ID)
)
_found = (
    select(*PAYMENTS.columns)
    .where(
        payment.c.id < bindparam("before", type_=Uuid),
        or_(_STATE.is_(None), payment.c.state == _STATE),
        or_(_PURPOSE.is_(None), payment.c.purpose == _PURPOSE),
        or_(_PROVIDER.is_(None), payment.c.provider == _PROVIDER),
        or_(_DISPUTED.is_(None), payment.c.disputed == _DISPUTED),
    )
    .order_by(payment.c.id.desc())
    .limit(_LIMIT)
)
_ALL, _OF_MEMBER = Statement(_found), Statement(_found.where(payment.c.user_id == _USER))
_REFERENCE = Statement(
    select(*PAYMENT_REFERENCES.columns).where(
        payment_reference.c.value == bindparam("value", type_=Text),
        payment_reference.c.provider == _PROVIDER,
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
    .limit(_LIMIT)
)
_UNSETTLED = Statement(
    select(*PAYMENTS.columns)
    .where(
        _is_unsettled,
        payment.c.provider == _PROVIDER,
        payment.c.id > bindparam("after", type_=Uuid),
        payment.c.created_at < bindparam("until", type_=Time),
    )
    .order_by(payment.c.id)
    .limit(_LIMIT)
)
_WIDTH = len(PAYMENTS.fields)
_FIRST_ID = UUID(int=0)
_receipts_of = msgspec.json.Decoder(tuple[Receipt, ...]).decode
_refunds_of = msgspec.json.Decoder(tuple[Refund, ...]).decode
_disputes_of = msgspec.json.Decoder(tuple[Dispute, ...]).decode


class PaymentsQueries:
    """The read side of payments on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def payment(self, user_id: UUID, payment_id: UUID) -> Receipted | None:
        row = await self._database.one(_PAYMENT, user_id=user_id, payment_id=payment_id)
        if row is None:
            return None
        parts = _receipts_of(row[-3]), _refunds_of(row[-2]), _disputes_of(row[-1])
        return Receipted(PAYMENTS.record(row[:_WIDTH]), *parts)

    async def payments(self, sought: Sought, limit: int, before: UUID | None) -> list[Payment]:
        statement = _ALL if sought.user_id is None else _OF_MEMBER
        filters = msgspec.structs.asdict(sought)
        rows = await self._database.all(statement, **filters, limit=limit, before=before or LAST_ID)
        return [PAYMENTS.record(row) for row in rows]

    async def reference(self, provider: str, value: str) -> PaymentReference | None:
        row = await self._database.one(_REFERENCE, provider=provider, value=value)
        return PAYMENT_REFERENCES.record(row) if row else None

    async def refunds_due(self, limit: int, user_id: UUID | None, payment_id: UUID | None) -> list[Payment]:
        rows = await self._database.all(_REFUNDS_DUE, limit=limit, user_id=user_id, payment_id=payment_id)
        return [PAYMENTS.record(row) for row in rows]

    async def unsettled(
        self, provider: str, before: datetime, after: UUID | None, limit: int
    ) -> list[Payment]:
        wanted = {"provider": provider, "until": before, "after": after or _FIRST_ID, "limit": limit}
        return [PAYMENTS.record(row) for row in await self._database.all(_UNSETTLED, **wanted)]
