"""What a unit's policy decides: which version is in force, when points end, how a rate counts."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from ..shared import add_months, check_amount, day_in, end_of_day
from .errors import (
    EffectiveInFuture,
    NoRate,
    PeriodClosed,
    PeriodNotOver,
    RateLeavesRest,
    TooSoon,
    UnknownUnit,
)
from .records import FOREVER, POLICIES, Books, Policy, Rate

NOTICE = timedelta(minutes=1)
"""How long before it comes into force a new version is written, so that every process reads it in time."""


def policy_in_force(stored: Iterable[Policy], unit: str, at: datetime) -> Policy:
    """The policy of a unit at an instant: the last version that is in force by then. Raises UnknownUnit."""
    found: Policy | None = None
    for one in (*POLICIES, *stored):
        if one.unit == unit and one.in_force_at <= at and (found is None or one.version > found.version):
            found = one
    if found is None:
        raise UnknownUnit(unit=unit)
    return found


def rate_in_force(stored: Iterable[Rate], unit: str, to_unit: str, at: datetime) -> Rate:
    """The rate from a unit to another at an instant. Raises NoRate."""
    versions = [one for one in stored if one.in_force_at <= at]
    if not versions:
        raise NoRate(unit=unit, to_unit=to_unit)
    return max(versions, key=lambda one: one.version)


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC, as it is stored and hashed; what lies beyond the calendar is FOREVER."""
    return FOREVER if at > FOREVER else at.astimezone(UTC)


def check_notice(in_force_at: datetime, now: datetime) -> None:
    """Raise TooSoon unless a new version leaves every process the time to hear of it."""
    if in_force_at < now + NOTICE:
        raise TooSoon(earliest=now + NOTICE)


def expiry_of(policy: Policy, at: datetime) -> datetime:
    """The end of the day that many months later, in the unit's zone (31 August 2025 → 28 February 2027)."""
    if policy.validity_months is None:
        return FOREVER
    return end_of_day(add_months(day_in(at, policy.zone), policy.validity_months), policy.zone)


def grace_of(policy: Policy, at: datetime) -> datetime:
    """Until when points last that come back to a lot which has ended: the end of the day, `grace_days` on."""
    return end_of_day(day_in(at, policy.zone) + timedelta(days=policy.grace_days), policy.zone)


def converted(rate: Rate, amount: int) -> int:
    """What `amount` of the one unit becomes in the other; nothing is rounded. Raises RateLeavesRest."""
    whole, rest = divmod(amount * rate.get, rate.give)
    if rest:
        raise RateLeavesRest(
            unit=rate.unit, to_unit=rate.to_unit, give=rate.give, get=rate.get, multiple=_multiple(rate)
        )
    return check_amount(whole)


def _multiple(rate: Rate) -> int:
    """The least amount that a rate turns into a whole one."""
    return next(one for one in range(1, rate.give + 1) if one * rate.get % rate.give == 0)


def check_effective(effective_at: datetime, books: Books | None, unit: str, now: datetime) -> None:
    """Raise unless something can be posted as effective then: EffectiveInFuture, PeriodClosed."""
    if effective_at > now:
        raise EffectiveInFuture(effective_at=effective_at, now=now)
    if books is not None and effective_at < books.closed_through:
        raise PeriodClosed(unit=unit, closed_through=books.closed_through, effective_at=effective_at)


def end_of_month(month: str, zone: str, now: datetime) -> datetime:
    """The instant at which a month ("2026-03") is over in a zone. Raises PeriodNotOver."""
    ends_at = end_of_day(add_months(date.fromisoformat(f"{month}-01"), 1) - timedelta(days=1), zone)
    if ends_at > now:
        raise PeriodNotOver(month=month, ends_at=ends_at)
    return ends_at
