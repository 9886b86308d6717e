"""The reports of the ledger: what was so at an instant, what comes, what is owed, how months close."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated, Protocol
from uuid import UUID

import msgspec

from ...domain import points, shared
from ...domain.points import FOREVER, POINTS, Policy, PostingKind
from ...domain.points.reports import (
    Ahead,
    Moved,
    Owed,
    Period,
    alert_of,
    basis_points,
    bounds_of,
    check_known,
    close_months,
    forecast,
    months_until,
    twelve_months_before,
)
from ..work import ADMINS, SIGNED_IN, Read, query
from .commands import Month, Unit
from .reading import read_book
from .views import HasPoints

ZONE = "Europe/Paris"
"""Where the twelve months of the limited network begin with a day."""

Instant = Annotated[datetime, msgspec.Meta(tz=True, description="An instant, such as 2026-03-31T22:00:00Z.")]
Months = Annotated[int, msgspec.Meta(ge=1, le=120, description="How many months.")]
MonthsAhead = Annotated[int, msgspec.Meta(ge=1, le=36, description="How many months, this one included.")]
THRESHOLD_CENTS = 100_000_000
"""1,000,000 euros: from there on a limited network must be notified (directive 2015/2366, article 37(2))."""


# --- what is asked ------------------------------------------------------------------------------


class GetAsOf(shared.Query, kw_only=True):
    """What an account held at an instant, by effective time, as it was known at another: now by default."""

    user_id: UUID
    unit: Unit = POINTS
    at: Instant | None = None
    known_at: Instant | None = None


class GetForecast(shared.Query, kw_only=True):
    user_id: UUID
    unit: Unit = POINTS
    months: MonthsAhead = 12


class GetLiability(shared.Query, kw_only=True):
    """What is owed now, in one unit or in all."""

    unit: Unit | None = None


class GetPeriods(shared.Query, kw_only=True):
    """The books of `months` months up to `last`, by default the one that runs."""

    unit: Unit = POINTS
    last: Month | None = None
    months: Months = 12


class GetLimitedNetwork(shared.Query, kw_only=True):
    """What was redeemed in twelve months, against a threshold in cents."""

    threshold_cents: shared.Amount = THRESHOLD_CENTS


# --- what is answered ---------------------------------------------------------------------------


class AsOf(shared.Record):
    """What an account held at an instant. `balance` is what stood after the last line recorded by then
    (`sequence`, `hash`), and `late`: what was recorded later as effective by then, less `unwritten`: what
    had ended by then and nobody wrote down yet. `euros` counts by the policy in force now."""

    user_id: UUID
    unit: str
    at: datetime
    known_at: datetime
    balance: int
    debt: int
    euros: shared.Money
    late: int
    unwritten: int
    sequence: int
    hash: str


class Forecast(shared.Record):
    """What an account will hold month by month if nothing moves."""

    user_id: UUID
    unit: str
    balance: int
    months: tuple[Ahead, ...]


class ExpiryMonth(shared.Record):
    """What is owed of the points that end in one month; `month` is empty for those that never end."""

    unit: str
    month: str
    funded: int
    bonus: int
    points: int
    euros: shared.Money


class UnitLiability(shared.Record):
    """What is owed in one unit."""

    unit: str
    funded: int
    bonus: int
    points: int
    euros: shared.Money
    months: tuple[ExpiryMonth, ...]


class Liability(shared.Record):
    """What is owed to all members at an instant. Points past their day count only where a hold keeps them,
    swept or not."""

    at: datetime
    euros: shared.Money
    units: tuple[UnitLiability, ...]


class Periods(shared.Record):
    """How each month of a unit's books closed, in its zone; the one that runs as it stands `at` now."""

    unit: str
    zone: str
    at: datetime
    months: tuple[Period, ...]


class Redeemed(shared.Record):
    """What was spent less what was refunded, in one unit."""

    unit: str
    spent: int
    refunded: int
    euros: shared.Money


class LimitedNetwork(shared.Record):
    """What was redeemed in twelve months (directive 2015/2366, articles 3(k) and 37(2)): `alert` from 80 %
    of the threshold on, `exceeded` above it. `share_bp` is in hundredths of a percent."""

    since: datetime
    until: datetime
    redeemed: shared.Money
    threshold: shared.Money
    share_bp: int | None
    alert: bool
    exceeded: bool
    units: tuple[Redeemed, ...]


# --- the port -------------------------------------------------------------------------------------


class Past(shared.Record):
    """What the lines of an account say of an instant, whole points; `unwritten` is what had ended."""

    booked: int
    debt: int
    late: int
    unwritten: int
    sequence: int
    hash: bytes


class Booked(shared.Record):
    """What all accounts of a unit hold by their lines, and what moved."""

    balance: int
    moved: tuple[Moved, ...]


class KindMoved(shared.Record):
    """What the lines of one kind changed in a unit."""

    unit: str
    kind: PostingKind
    amount: int


class PointsReports(Protocol):
    """What the reports are made from. Each answer is one snapshot."""

    async def past(
        self, user_id: UUID, unit: str, at: datetime, known_at: datetime, ended_by: datetime
    ) -> Past | None:
        """The account by the lines that were effective at an instant: those recorded by `known_at`, and all
        expiries, which are known when they happen, written or not (`ended_by` of the lots that are left).
        None where no line was recorded by `at` and none is late."""
        ...

    async def owed(self, zones: Mapping[str, str], at: datetime) -> list[Owed]:
        """What is left in some units, each with its zone, by unit and month of expiry."""
        ...

    async def moved(self, unit: str, bounds: Sequence[datetime], at: datetime) -> Booked:
        """What moved between some instants and after them, by kind, expiries that were not written down by
        `at` included; of those also the ones before."""
        ...

    async def redeemed(self, since: datetime) -> list[KindMoved]:
        """What was spent and refunded as effective from an instant on, by unit and kind."""
        ...


class HasReports(HasPoints, Protocol):
    @property
    def points_reports(self) -> PointsReports: ...


# --- the queries ----------------------------------------------------------------------------------


@query(allow=SIGNED_IN)
async def as_of(question: GetAsOf, read: Read[HasReports]) -> AsOf:
    """What an account held at an instant of the past. One's own; any for an admin. Raises NotKnownYet."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    policy = await _policy(question.unit, read)
    known_at = question.known_at or read.now
    at = question.at or known_at
    check_known(at, known_at, read.now)
    known_by = question.known_at or FOREVER  # lines of one command may be recorded ahead of the clock
    asked = (question.user_id, question.unit, question.at or known_by, known_by, at)
    past = await read.ports.points_reports.past(*asked) or Past(0, 0, 0, 0, 0, b"")
    balance = past.booked + past.late - past.unwritten
    return AsOf(
        user_id=question.user_id,
        unit=question.unit,
        at=at,
        known_at=known_at,
        balance=balance,
        debt=past.debt,
        euros=shared.Money(balance * policy.cents),
        late=past.late,
        unwritten=past.unwritten,
        sequence=past.sequence,
        hash=past.hash.hex(),
    )


@query(allow=SIGNED_IN)
async def ahead(question: GetForecast, read: Read[HasReports]) -> Forecast:
    """What an account will hold at the end of the coming months if nothing moves. One's own; any for an
    admin."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    book = await read_book(read.ports, question.user_id, question.unit, read.now)
    balance = points.parts_of(book, read.now).balance
    return Forecast(question.user_id, question.unit, balance, forecast(book, question.months, read.now))


@query(allow=ADMINS)
async def liability(question: GetLiability, read: Read[HasReports]) -> Liability:
    """What is owed to all members now, by unit and by the month in which it ends."""
    policies = await _policies(read)
    if question.unit is not None:
        policies = {question.unit: await _policy(question.unit, read)}
    zones = {unit: policy.zone for unit, policy in policies.items()}
    owed = await read.ports.points_reports.owed(zones, read.now)
    units = tuple(
        _owed_in(policies[unit], tuple(some)) for unit, some in groupby(owed, key=lambda one: one.unit)
    )
    return Liability(read.now, shared.Money(sum(one.euros.amount for one in units)), units)


def _owed_in(policy: Policy, owed: Sequence[Owed]) -> UnitLiability:
    funded, bonus = sum(one.funded for one in owed), sum(one.bonus for one in owed)
    months = tuple(
        ExpiryMonth(one.unit, one.month, *_summed(one.funded, one.bonus, policy.cents)) for one in owed
    )
    return UnitLiability(policy.unit, *_summed(funded, bonus, policy.cents), months)


def _summed(funded: int, bonus: int, cents: int) -> tuple[int, int, int, shared.Money]:
    """Funded and bonus points, both, and what they stand for."""
    return funded, bonus, funded + bonus, shared.Money((funded + bonus) * cents)


@query(allow=ADMINS)
async def periods(question: GetPeriods, read: Read[HasReports]) -> Periods:
    """How the months of a unit's books closed: what was issued, redeemed, lost, corrected. Raises
    MonthToCome."""
    policy = await _policy(question.unit, read)
    months = months_until(question.last, question.months, policy.zone, read.now)
    bounds = bounds_of(months, policy.zone)
    booked = await read.ports.points_reports.moved(question.unit, bounds, read.now)
    closed = close_months(months, booked.moved, booked.balance, policy.cents)
    return Periods(question.unit, policy.zone, read.now, closed)


@query(allow=ADMINS)
async def limited_network(question: GetLimitedNetwork, read: Read[HasReports]) -> LimitedNetwork:
    """What was redeemed over the last twelve months, in euros, against a threshold."""
    policies, since = await _policies(read), twelve_months_before(read.now, ZONE)
    moved = await read.ports.points_reports.redeemed(since)
    units = tuple(
        _redeemed(policies[unit], tuple(some)) for unit, some in groupby(moved, key=lambda one: one.unit)
    )
    total, threshold = sum(one.euros.amount for one in units), question.threshold_cents
    return LimitedNetwork(
        since=since,
        until=read.now,
        redeemed=shared.Money(total),
        threshold=shared.Money(threshold),
        share_bp=basis_points(total, threshold),
        alert=alert_of(total, threshold),
        exceeded=total > threshold,
        units=units,
    )


def _redeemed(policy: Policy, moved: Sequence[KindMoved]) -> Redeemed:
    spent = -sum(one.amount for one in moved if one.kind == "spent")
    refunded = sum(one.amount for one in moved if one.kind == "refunded")
    return Redeemed(policy.unit, spent, refunded, shared.Money((spent - refunded) * policy.cents))


async def _policy(unit: str, read: Read[HasReports]) -> Policy:
    """The policy of a unit in force now. Raises UnknownUnit."""
    return points.policy_in_force(await read.ports.points.policies(unit, read.now), unit, read.now)


async def _policies(read: Read[HasReports]) -> dict[str, Policy]:
    """The policy in force now of each unit that has one."""
    stored, _, _ = await read.ports.points.units()
    versions = sorted((*points.POLICIES, *stored), key=lambda one: one.version)
    return {one.unit: one for one in versions if one.in_force_at <= read.now}
