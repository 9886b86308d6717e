"""Movements of points over HTTP: administrators and services make them, members give and convert."""

from ....application import points
from ....application.points import Balance, Converted, Given
from ..ask import Ask
from ..routes import ADMINS, SIGNED_IN, post


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


@post("/points/expirations", allow=ADMINS, moves=True)
async def expire(data: points.Expire, ask: Ask) -> Balance:
    """Write down what expired on an account (administrators, services)."""
    return await ask(points.expire, data)


HANDLERS = [
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
    expire,
]
