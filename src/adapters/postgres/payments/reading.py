"""The read side of payments on PostgreSQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, and_, bindparam, or_, select

from ....application.payments import PaymentReference, Receipted, Sought
from ....domain.payments import Dispute, Payment, Receipt, Refund
from ..database import Database
from ..parts import gathered
from ..rows import LAST_ID, Statement
from ..schema import Int, Time, Uuid
from .tables import (
    PAYMENT_REFERENCES,
    PAYMENTS,
    dispute,
    is_due,
    is_unsettled,
    payment,
    payment_reference,
    receipt,
    refund,
)

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
        is_due,
        or_(_USER.is_(None), payment.c.user_id == _USER),
        or_(_ID.is_(None), payment.c.id == _ID),
    )
    .order_by(payment.c.id)
    .limit(_LIMIT)
)
_UNSETTLED = Statement(
    select(*PAYMENTS.columns)
    .where(
        is_unsettled,
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
