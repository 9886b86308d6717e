"""The read side of investments on PostgreSQL."""

from uuid import UUID

from sqlalchemy import bindparam, select

from ....application.investments import Paid
from ..database import Database
from ..payments import PAYMENTS, payment
from ..rows import LAST_ID, Statement
from ..schema import Int, Uuid
from .tables import INVESTMENTS, investment

_USER = bindparam("user_id", type_=Uuid)
_its_payment = (payment.c.user_id == investment.c.user_id) & (payment.c.id == investment.c.payment_id)
_paid = select(*INVESTMENTS.columns, *PAYMENTS.columns).select_from(investment.join(payment, _its_payment))
_INVESTMENT = Statement(
    _paid.where(
        investment.c.user_id == _USER,
        investment.c.id == bindparam("investment_id", type_=Uuid),
    )
)
_INVESTMENTS = Statement(
    _paid.where(investment.c.user_id == _USER, investment.c.id < bindparam("before", type_=Uuid))
    .order_by(investment.c.id.desc())
    .limit(bindparam("limit", type_=Int))
)
_WIDTH = len(INVESTMENTS.fields)


class InvestmentsQueries:
    """The read side of investments on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def investment(self, user_id: UUID, investment_id: UUID) -> Paid | None:
        row = await self._database.one(_INVESTMENT, user_id=user_id, investment_id=investment_id)
        return Paid(INVESTMENTS.record(row[:_WIDTH]), PAYMENTS.record(row[_WIDTH:])) if row else None

    async def investments(self, user_id: UUID, limit: int, before: UUID | None) -> list[Paid]:
        rows = await self._database.all(_INVESTMENTS, user_id=user_id, limit=limit, before=before or LAST_ID)
        return [Paid(INVESTMENTS.record(row[:_WIDTH]), PAYMENTS.record(row[_WIDTH:])) for row in rows]
