"""Where a member stands, on PostgreSQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select

from ....application.investments.standing import Facts
from ....domain.investments.subscriptions import is_live
from ....domain.payments import Payment
from ..database import Database
from ..payments import PAYMENTS, payment
from ..rows import Statement, plain
from ..schema import Time, Uuid
from .subscriptions import subscription
from .tables import investment

_USER = bindparam("user_id", type_=Uuid)
_PAID = Statement(
    select(*PAYMENTS.columns)
    .where(
        payment.c.user_id == _USER,
        or_(payment.c.settled_at.is_(None), payment.c.settled_at >= bindparam("since", type_=Time)),
    )
    .order_by(payment.c.id)
)


def _count(table: Any, live: Any) -> Any:
    """How many of a member's are live."""
    found = select(func.count()).select_from(table).where(table.c.user_id == _USER, plain(live))
    return found.scalar_subquery()


_FACTS = Statement(
    select(
        _count(investment, investment.c.state == "active"),
        _count(subscription, is_live(subscription.c)),
    )
)


class StandingQueries:
    """Where a member stands, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def paid(self, user_id: UUID, since: datetime) -> list[Payment]:
        rows = await self._database.all(_PAID, user_id=user_id, since=since)
        return [PAYMENTS.record(row) for row in rows]

    async def facts(self, user_id: UUID) -> Facts:
        row = await self._database.one(_FACTS, user_id=user_id)
        assert row is not None, "counts are always one row"
        return Facts(*row)
