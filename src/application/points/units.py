"""The use cases about units: their policies and rates as versioned data, and their closed months."""

from datetime import datetime
from zoneinfo import ZoneInfo

from ...domain import points, shared
from ...domain.points import LONG_AGO, Books, Policy, Rate
from ...domain.points import POLICIES as BUILT_IN
from ..work import ADMINS, SIGNED_IN, Read, Wanted, Work, query, use_case
from .book import policy_of
from .commands import ClosePeriod, SetPolicy, SetRate
from .records import BOOKS, HOLDS, LOTS, POLICIES, RATES
from .views import BooksView, HasPoints, ListUnits, PolicyView, RateView, Units


class UnknownZone(shared.RuleForbids):
    message = "There is no time zone {zone}."
    zone: str


def _versions(command: SetPolicy, work: Work) -> tuple[Wanted, ...]:
    return (BOOKS.key(command.unit), POLICIES.group("unit", command.unit))


@use_case(allow=ADMINS, locks=_versions)
async def set_policy(command: SetPolicy, work: Work) -> PolicyView:
    """Say how a unit behaves from an instant on: the next version of its policy. Lots that are there keep
    what they were promised."""
    points.check_notice(command.in_force_at, work.now)
    _check_zone(command.zone)
    known = (*BUILT_IN, *work.list(POLICIES.group("unit", command.unit)))
    version = 1 + max((one.version for one in known if one.unit == command.unit), default=0)
    policy = shared.recast(Policy, command, version=version, in_force_at=points.in_utc(command.in_force_at))
    work.save(policy)
    return shared.recast(PolicyView, policy)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise UnknownZone(zone=zone) from None


def _rates(command: SetRate, work: Work) -> tuple[Wanted, ...]:
    return (
        RATES.group("pair", command.unit, command.to_unit),
        POLICIES.group("unit", command.unit),
        POLICIES.group("unit", command.to_unit),
    )


@use_case(allow=ADMINS, locks=_rates)
async def set_rate(command: SetRate, work: Work) -> RateView:
    """Say what a unit becomes when it is converted to another, from an instant on."""
    policy_of(work, command.unit), policy_of(work, command.to_unit)
    if command.unit == command.to_unit:
        raise points.SameUnit(unit=command.unit)
    points.check_notice(command.in_force_at, work.now)
    stored = work.list(RATES.group("pair", command.unit, command.to_unit))
    version = 1 + max((one.version for one in stored), default=0)
    rate = shared.recast(Rate, command, version=version, in_force_at=points.in_utc(command.in_force_at))
    work.save(rate)
    return shared.recast(RateView, rate)


def _soonest(command: ClosePeriod, work: Work) -> tuple[Wanted, ...]:
    return (POLICIES.group("unit", command.unit), BOOKS.key(command.unit))


@use_case(allow=ADMINS, locks=_soonest)
async def close_period(command: ClosePeriod, work: Work) -> BooksView:
    """Close the books of a unit through the end of a month: nothing more is posted as effective in it.
    What ended in it must be written down before."""
    policy = policy_of(work, command.unit)
    through = points.end_of_month(command.month, policy.zone, work.now)
    closed = work.find(BOOKS.key(command.unit)) or Books(command.unit, LONG_AGO, work.now)
    if through <= closed.closed_through:
        raise points.PeriodClosed(
            unit=command.unit, closed_through=closed.closed_through, effective_at=through
        )
    await _check_swept(command.unit, through, work)
    books = Books(command.unit, through, work.now)
    work.save(books)
    return shared.recast(BooksView, books)


async def _check_swept(unit: str, through: datetime, work: Work) -> None:
    """Raise PeriodNotSwept where a lot ended by then that nobody expired; what a live hold keeps may wait."""
    group = LOTS.group("soonest", unit)
    await work.load(group)
    ended = [lot for lot in work.list(group) if lot.expires_at <= through]
    owners = [HOLDS.group("account", lot.user_id, unit) for lot in ended]
    await work.load(*owners)
    for lot, holds in zip(ended, owners, strict=True):
        held = points.held_by_lot(work.list(holds), work.now).get(lot.id, 0)
        if held < lot.remaining or (work.edge(group) is not None and lot is ended[-1]):
            raise points.PeriodNotSwept(expires_at=lot.expires_at)


@query(allow=SIGNED_IN)
async def units(question: ListUnits, read: Read[HasPoints]) -> Units:
    """What is counted: every version of every policy and rate, and how far books are closed."""
    policies, rates, books = await read.ports.points.units()
    return Units(
        tuple(shared.recast(PolicyView, one) for one in (*BUILT_IN, *policies)),
        tuple(shared.recast(RateView, one) for one in rates),
        tuple(shared.recast(BooksView, one) for one in books),
    )
