"""Investments in PostgreSQL. Home: `user_id`."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Text, bindparam, select

from ...application import investments as app
from ...application.investments import Paid
from ...domain import investments, projects
from .database import Database
from .payments import PAYMENTS, payment
from .rows import LAST_ID, Statement, Stored, plain
from .schema import Int, Time, Uuid, field, holds, one_of, table

investment = table(
    "investment",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("project_id", Uuid),
    field("type", Text),
    field("amount_cents", Int),
    field("points", Int),
    field("funded_points", Int),
    field("bonus_points", Int),
    field("payment_id", Uuid),
    field("entry_id", Uuid),
    field("reserved_until", Time),
    field("created_at", Time),
    field("state", Text),
    field("tracking_id", Text),
    field("active_at", Time, nullable=True),
    field("withdraw_until", Time, nullable=True),
    field("withdrawn_at", Time, nullable=True),
    field("grant_id", Uuid, nullable=True),
    field("notes", Text),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("type", projects.InvestmentType),
    one_of("state", investments.InvestmentState),
    holds("amount_cents", "amount_cents > 0"),
    holds("points", "points = funded_points + bonus_points and funded_points > 0 and bonus_points >= 0"),
    holds("grant_id", "state not in ('active', 'withdrawn') or grant_id is not null"),
)
Index(
    "investment_open_idx",
    investment.c.user_id,
    investment.c.id,
    postgresql_where=plain(app.is_open(investment.c)),
)

INVESTMENTS = Stored(app.INVESTMENTS, investment)
STORED = (INVESTMENTS,)

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
