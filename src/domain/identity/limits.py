"""How much money a member may put in within twelve months, by how well we know them (M4).

Forbidden
└── EmailNotVerified    level 0 is a verified e-mail: without it nothing is taken
RuleForbids
└── ContributionLimit   more than the level allows
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from .. import shared
from .checks import KycLevel


class LimitPolicy(shared.Record):
    """The most that counts at once, in cents, for each level (None: no limit), and how many months of a
    calendar a contribution counts. Days are those of `zone`."""

    limits_cents: tuple[int | None, int | None, int | None] = (10_000, 100_000, None)
    window_months: int = 12
    zone: str = "Europe/Paris"


class EmailNotVerified(shared.Forbidden):
    message = "Verify your e-mail address first."


class ContributionLimit(shared.RuleForbids):
    """A `needed_level` of null: no level is enough."""

    message = (
        "{contributed_cents} cents count within twelve months, and {asked_cents} more would pass the limit of"
        " {limit_cents} at level {level} of verification."
    )
    limit_cents: int
    contributed_cents: int
    asked_cents: int
    level: KycLevel
    needed_level: KycLevel | None


class Contribution(shared.Record):
    """Money of a member that counts against their limit until an instant."""

    amount_cents: int
    counts_until: datetime


class Standing(shared.Record):
    """What decides how much a member may put in."""

    is_email_verified: bool
    level: KycLevel
    contributions: tuple[Contribution, ...]


def counts_until(paid_at: datetime, policy: LimitPolicy) -> datetime:
    """When money that came at an instant no longer counts: as the same day begins, twelve months later."""
    again = shared.add_months(shared.day_in(paid_at, policy.zone), policy.window_months)
    return shared.end_of_day(again - timedelta(days=1), policy.zone)


def contributed(contributions: Iterable[Contribution], at: datetime) -> int:
    """How much counts at an instant, in cents."""
    return sum(one.amount_cents for one in contributions if at < one.counts_until)


def left(standing: Standing, policy: LimitPolicy, at: datetime) -> int | None:
    """How much more the member may put in, in cents; None where there is no limit."""
    limit = policy.limits_cents[standing.level] if standing.is_email_verified else 0
    return None if limit is None else max(0, limit - contributed(standing.contributions, at))


def check_contribution(standing: Standing, asked_cents: int, policy: LimitPolicy, at: datetime) -> None:
    """Raise EmailNotVerified or ContributionLimit unless the member may put in so much more."""
    if not standing.is_email_verified:
        raise EmailNotVerified
    limit = policy.limits_cents[standing.level]
    counted = contributed(standing.contributions, at)
    if limit is not None and counted + asked_cents > limit:
        needed = needed_level(counted + asked_cents, policy)
        raise ContributionLimit(
            limit_cents=limit,
            contributed_cents=counted,
            asked_cents=asked_cents,
            level=standing.level,
            needed_level=needed,
        )


def needed_level(cents: int, policy: LimitPolicy) -> KycLevel | None:
    """The lowest level at which so much may count at once."""
    levels: tuple[KycLevel, ...] = (0, 1, 2)
    for level, limit in zip(levels, policy.limits_cents, strict=True):
        if limit is None or cents <= limit:
            return level
    return None


def room_comes_back(contributions: Iterable[Contribution], at: datetime) -> tuple[tuple[datetime, int], ...]:
    """When how much that counts now counts no more, in cents, soonest first."""
    back: dict[datetime, int] = {}
    for one in contributions:
        if at < one.counts_until:
            back[one.counts_until] = back.get(one.counts_until, 0) + one.amount_cents
    return tuple(sorted(back.items()))
