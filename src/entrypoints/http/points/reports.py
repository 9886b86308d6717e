"""The reports of the ledger over HTTP. Members read of their own account; administrators read the totals."""

from uuid import UUID

from ....application.investments import coverage as covering
from ....application.investments.coverage import Coverage
from ....application.points import Month, Unit, reports
from ....application.points.reports import (
    AsOf,
    Forecast,
    Instant,
    Liability,
    LimitedNetwork,
    Months,
    MonthsAhead,
    Periods,
)
from ....domain.points import POINTS
from ..ask import Ask
from ..routes import ADMINS, SIGNED_IN, get


@get("/points/balance/as-of", allow=SIGNED_IN, statuses=(404, 422))
async def as_of(
    ask: Ask,
    unit: Unit = POINTS,
    user_id: UUID | None = None,
    at: Instant | None = None,
    known_at: Instant | None = None,
) -> AsOf:
    """Read what an account held at an instant: one's own, or a member's for administrators."""
    question = reports.GetAsOf(user_id=user_id or ask.actor.user_id, unit=unit, at=at, known_at=known_at)
    return await ask.read(reports.as_of, question)


@get("/points/forecast", allow=SIGNED_IN, statuses=(404, 422))
async def forecast(
    ask: Ask, unit: Unit = POINTS, user_id: UUID | None = None, months: MonthsAhead = 12
) -> Forecast:
    """Read what an account will hold at the end of the coming months if nothing moves."""
    question = reports.GetForecast(user_id=user_id or ask.actor.user_id, unit=unit, months=months)
    return await ask.read(reports.ahead, question)


@get("/points/liability", allow=ADMINS, statuses=(422,))
async def liability(ask: Ask, unit: Unit | None = None) -> Liability:
    """Read what is owed to all members now, by unit and month of expiry (administrators)."""
    return await ask.read(reports.liability, reports.GetLiability(unit=unit))


@get("/points/periods", allow=ADMINS, statuses=(422,))
async def periods(ask: Ask, unit: Unit = POINTS, last: Month | None = None, months: Months = 12) -> Periods:
    """Read how the months of the books closed: issuance, redemption, breakage (administrators)."""
    return await ask.read(reports.periods, reports.GetPeriods(unit=unit, last=last, months=months))


@get("/points/coverage", allow=ADMINS, statuses=())
async def coverage(ask: Ask) -> Coverage:
    """Read how money that came stands against points that it paid for (administrators)."""
    return await ask.read(covering.coverage, covering.GetCoverage())


@get("/points/limited-network", allow=ADMINS, statuses=())
async def limited_network(ask: Ask) -> LimitedNetwork:
    """Read what was redeemed in twelve months against the threshold of a limited network (administrators)."""
    question = reports.GetLimitedNetwork(threshold_cents=ask.settings.limited_network_cents)
    return await ask.read(reports.limited_network, question)


HANDLERS = [as_of, forecast, liability, periods, coverage, limited_network]
