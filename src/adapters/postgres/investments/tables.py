"""Investments in PostgreSQL. Home: `user_id`."""

from sqlalchemy import ForeignKeyConstraint, Index, Text

from ....application import investments as app
from ....domain import investments, projects
from ..payments import payment
from ..rows import Stored, plain
from ..schema import Int, Time, Uuid, field, holds, one_of, table

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
