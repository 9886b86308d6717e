"""What is counted, over HTTP: units, rates, closed months."""

from ....application import points
from ....application.points import BooksView, PolicyView, RateView, Units
from ..ask import Ask
from ..routes import ADMINS, SIGNED_IN, get, post


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


HANDLERS = [units, set_policy, set_rate, close_period]
