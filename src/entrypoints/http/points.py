"""The points ledger over HTTP. Members read their own; administrators and services move points."""

from uuid import UUID

from ...application import points
from ...application.pages import Limit, Page
from ...application.points import (
    Balance,
    BooksView,
    Converted,
    Expiring,
    Given,
    PolicyView,
    RateView,
    StatementLine,
    Summary,
    Unit,
    Units,
)
from ...domain.points import POINTS
from .ask import Ask
from .routes import ADMINS, SIGNED_IN, get, post


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


@post("/points/earnings", allow=ADMINS, moves=True)
async def earn(data: points.Earn, ask: Ask) -> Balance:
    """Give points to a member (administrators, services)."""
    return await ask(points.earn, data)


@post("/points/spends", allow=ADMINS, moves=True)
async def spend(data: points.Spend, ask: Ask) -> Balance:
    """Spend points of a member (administrators, services)."""
    return await ask(points.spend, data)


@post("/points/holds", allow=ADMINS, moves=True)
async def hold(data: points.PlaceHold, ask: Ask) -> Balance:
    """Set points of a member aside (administrators, services)."""
    return await ask(points.hold, data)


@post("/points/captures", allow=ADMINS, moves=True)
async def capture(data: points.CaptureHold, ask: Ask) -> Balance:
    """Spend what a hold set aside, in whole or in part (administrators, services)."""
    return await ask(points.capture, data)


@post("/points/releases", allow=ADMINS, moves=True)
async def release(data: points.ReleaseHold, ask: Ask) -> Balance:
    """Give back what a hold set aside (administrators, services)."""
    return await ask(points.release, data)


@post("/points/refunds", allow=ADMINS, moves=True)
async def refund(data: points.Refund, ask: Ask) -> Balance:
    """Give points of a spend back to the very lots they came from (administrators, services)."""
    return await ask(points.refund, data)


@post("/points/adjustments", allow=ADMINS, moves=True)
async def adjust(data: points.Adjust, ask: Ask) -> Balance:
    """Correct a balance, with a reason (administrators, services)."""
    return await ask(points.adjust, data)


@post("/points/gifts", allow=SIGNED_IN, moves=True)
async def give(data: points.Give, ask: Ask) -> Given:
    """Give one's own points to another member; a member's for administrators."""
    return await ask(points.give, data)


@post("/points/conversions", allow=SIGNED_IN, moves=True)
async def convert(data: points.Convert, ask: Ask) -> Converted:
    """Turn one's own points into another unit, at the rate in force; a member's for administrators."""
    return await ask(points.convert, data)


@post("/points/claw-backs", allow=ADMINS, moves=True)
async def claw_back(data: points.ClawBack, ask: Ask) -> Balance:
    """Take a grant back; what is spent of it becomes a debt (administrators, services)."""
    return await ask(points.claw_back, data)


@post("/points/accounts/closures", allow=ADMINS)
async def close_account(data: points.CloseAccount, ask: Ask) -> Balance:
    """Close an empty account: no movement any more (administrators, services)."""
    return await ask(points.close_account, data)


@post("/points/accounts/reopenings", allow=ADMINS)
async def reopen_account(data: points.ReopenAccount, ask: Ask) -> Balance:
    """Open a closed account again (administrators, services)."""
    return await ask(points.reopen_account, data)


@get("/points/units", allow=SIGNED_IN, statuses=())
async def units(ask: Ask) -> Units:
    """Read what is counted: every policy and rate in all versions, and how far the books are closed."""
    return await ask.read(points.units, points.ListUnits())


@post("/points/policies", allow=ADMINS, statuses=(422,))
async def set_policy(data: points.SetPolicy, ask: Ask) -> PolicyView:
    """Say how a unit behaves from an instant on; the first version makes it (administrators, services)."""
    return await ask(points.set_policy, data)


@post("/points/rates", allow=ADMINS, statuses=(422,))
async def set_rate(data: points.SetRate, ask: Ask) -> RateView:
    """Say what a unit becomes when it is converted, from an instant on (administrators, services)."""
    return await ask(points.set_rate, data)


@post("/points/closings", allow=ADMINS, statuses=(409, 422))
async def close_period(data: points.ClosePeriod, ask: Ask) -> BooksView:
    """Close the books of a unit through the end of a month (administrators, services)."""
    return await ask(points.close_period, data)


@post("/points/expirations", allow=ADMINS, moves=True)
async def expire(data: points.Expire, ask: Ask) -> Balance:
    """Write down what expired on an account (administrators, services)."""
    return await ask(points.expire, data)


HANDLERS = [
    balance,
    statement,
    expiring,
    summary,
    earn,
    spend,
    hold,
    capture,
    release,
    refund,
    adjust,
    give,
    convert,
    claw_back,
    close_account,
    reopen_account,
    units,
    set_policy,
    set_rate,
    close_period,
    expire,
]
