"""What members paid for, on PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, select

from ....application.investments.contributions import Contribution
from ....domain.payments import PAID
from ..database import Database
from ..payments import PAYMENTS, RECEIPTS, payment, receipt
from ..rows import LAST_ID, Statement, Stored, plain
from ..schema import Int, Uuid
from .subscriptions import CHARGES, SUBSCRIPTIONS, WITHDRAWALS, charge, subscription, withdrawal
from .tables import INVESTMENTS, investment


def _of(table: Any, payment_id: str = "payment_id") -> Any:
    """That a row of a table is about the payment."""
    return and_(table.c.user_id == _PAID.c.user_id, table.c[payment_id] == _PAID.c.id)


_PAID = (
    select(*PAYMENTS.columns)
    .where(
        payment.c.user_id == bindparam("user_id", type_=Uuid),
        payment.c.id < bindparam("before", type_=Uuid),
        plain(payment.c.state.in_(sorted(PAID))),
    )
    .order_by(payment.c.id.desc())
    .limit(bindparam("limit", type_=Int))
    .subquery("paid")
)
_its_subscription = and_(
    subscription.c.user_id == charge.c.user_id, subscription.c.id == charge.c.subscription_id
)
_PARTS: tuple[Stored[Any], ...] = (INVESTMENTS, CHARGES, SUBSCRIPTIONS, WITHDRAWALS, RECEIPTS)
_CONTRIBUTIONS = Statement(
    select(*_PAID.c, *(column for part in _PARTS for column in part.columns))
    .select_from(
        _PAID.outerjoin(investment, _of(investment))
        .outerjoin(charge, _of(charge))
        .outerjoin(subscription, _its_subscription)
        .outerjoin(withdrawal, _of(withdrawal))
        .outerjoin(receipt, _of(receipt))
    )
    .order_by(_PAID.c.id.desc(), receipt.c.id)
)
_WIDTH = len(PAYMENTS.fields)


class ContributionsQueries:
    """What members paid for, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def contributions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Contribution]:
        rows = await self._database.all(
            _CONTRIBUTIONS, user_id=user_id, limit=limit, before=before or LAST_ID
        )
        found: dict[UUID, Contribution] = {}
        for row in rows:
            paid, (bought, one, whole, back, receipt) = PAYMENTS.record(row[:_WIDTH]), _parts_of(row)
            before_it = found[paid.id].receipts if paid.id in found else ()
            receipts = (*before_it, receipt) if receipt else before_it
            found[paid.id] = Contribution(paid, receipts, bought, whole, one, back)
        return list(found.values())


def _parts_of(row: Any) -> list[Any]:
    """The records beside the payment, in the order of the parts; None for those that are not there."""
    parts, place = [], _WIDTH
    for part in _PARTS:
        values = row[place : place + len(part.fields)]
        parts.append(None if values[0] is None else part.record(values))
        place += len(part.fields)
    return parts
