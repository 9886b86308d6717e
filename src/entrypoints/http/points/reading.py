"""What members read of their accounts, over HTTP."""

from uuid import UUID

from ....application import points
from ....application.pages import Limit, Page
from ....application.points import Balance, Expiring, StatementLine, Summary, Unit
from ....domain.points import POINTS
from ..ask import Ask
from ..routes import SIGNED_IN, get


@get("/points/balance", allow=SIGNED_IN)
async def balance(ask: Ask, unit: Unit = POINTS, user_id: UUID | None = None) -> Balance:
    """Read a balance in its parts: one's own, or a member's for administrators."""
    return await ask.read(points.balance, points.GetBalance(user_id=user_id or ask.actor.user_id, unit=unit))


@get("/points/statement", allow=SIGNED_IN)
async def statement(
    ask: Ask, unit: Unit = POINTS, user_id: UUID | None = None, limit: Limit = 25, cursor: str | None = None
) -> Page[StatementLine]:
    """List the lines of an account with the lots they touched, newest first."""
    question = points.GetStatement(
        user_id=user_id or ask.actor.user_id, unit=unit, limit=limit, cursor=cursor
    )
    return await ask.read(points.statement, question)


@get("/points/expiring", allow=SIGNED_IN)
async def expiring(
    ask: Ask, unit: Unit = POINTS, user_id: UUID | None = None, days: points.Days = 60
) -> Expiring:
    """Read what expires within some days, soonest first."""
    question = points.GetExpiring(user_id=user_id or ask.actor.user_id, unit=unit, days=days)
    return await ask.read(points.expiring, question)


@get("/points/summary", allow=SIGNED_IN)
async def summary(ask: Ask, unit: Unit = POINTS, user_id: UUID | None = None) -> Summary:
    """Read an account at a glance."""
    return await ask.read(points.summary, points.GetBalance(user_id=user_id or ask.actor.user_id, unit=unit))


HANDLERS = [balance, statement, expiring, summary]
