"""Where a member stands: how much they may put in, and why they are at their level (M3, M4).

`check_contribution` is for every use case that asks a member for money, under the lock of that member.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from ...domain import shared
from ...domain.identity import Level, limits
from ...domain.identity.checks import Check, KycLevel, level_of
from ...domain.identity.limits import LimitPolicy, Standing
from ...domain.investments.contributing import contributions_of
from ...domain.payments import Payment
from ..identity import MEMBERS, checks
from ..identity.people import HasPeople, whose
from ..payments import PAYMENTS
from ..work import SIGNED_IN, Read, Wanted, Work, query

POLICY = LimitPolicy()


def contribution_keys(user_id: UUID) -> tuple[Wanted, ...]:
    """What `check_contribution` looks at; the member's lock, among them, makes it hold still."""
    return (MEMBERS.key(user_id), PAYMENTS.group("owner", user_id), *checks.keys(user_id))


def check_contribution(work: Work, user_id: UUID, amount_cents: int) -> None:
    """Raise EmailNotVerified or ContributionLimit unless a member may put in so much now."""
    paid = work.list(PAYMENTS.group("owner", user_id))
    limits.check_contribution(_standing(work, user_id, paid), amount_cents, POLICY, work.now)


def passes_limit(work: Work, payment: Payment) -> bool:
    """Whether money that came after its hold ran out would pass the limit: what others took of the room
    meanwhile is theirs. What came in time was checked when it was asked for."""
    if work.now < payment.expires_at:
        return False
    others = [one for one in work.list(PAYMENTS.group("owner", payment.user_id)) if one.id != payment.id]
    left = limits.left(_standing(work, payment.user_id, others), POLICY, work.now)
    return left is not None and payment.amount_cents > left


def _standing(work: Work, user_id: UUID, paid: list[Payment]) -> Standing:
    member = work.get(MEMBERS.key(user_id))
    is_verified = member.verified_at is not None
    return Standing(is_verified, checks.level(work, user_id), contributions_of(paid, POLICY))


# --- questions ------------------------------------------------------------------------------------


class GetLimits(shared.Query, kw_only=True):
    user_id: UUID


class RoomView(shared.Record):
    """So much more may be put in from an instant on."""

    at: datetime
    amount: shared.Money


class LimitsView(shared.Record):
    """How much a member may put in: up to `limit` within `months` months, of which `contributed` counts now
    and `left` is left; both are null where there is no limit. Without a verified e-mail nothing is left.

    `comes_back` says when which part of `contributed` counts no more.
    """

    user_id: UUID
    email_verified: bool
    level: KycLevel
    level_until: datetime | None
    months: int
    limit: shared.Money | None
    contributed: shared.Money
    left: shared.Money | None
    comes_back: tuple[RoomView, ...]


class GetLevel(shared.Query, kw_only=True):
    user_id: UUID


class LevelView(shared.Record):
    """A member's level, and the facts that it follows from: `protecteur` from an active investment on,
    `ambassadeur` from an active subscription on."""

    user_id: UUID
    level: Level
    investments: int
    subscriptions: int
    since: datetime
    reason: str


class Facts(shared.Record):
    """What a level follows from: how many investments and subscriptions are active."""

    investments: int
    subscriptions: int


class StandingQueries(Protocol):
    """The read side of where a member stands."""

    async def paid(self, user_id: UUID, since: datetime) -> list[Payment]:
        """The payments of a member that are not settled, or were since an instant."""
        ...

    async def facts(self, user_id: UUID) -> Facts: ...


class HasStanding(HasPeople, Protocol):
    @property
    def standing(self) -> StandingQueries: ...


@query(allow=SIGNED_IN)
async def contribution_limits(question: GetLimits, read: Read[HasStanding]) -> LimitsView:
    """How much one may put in; anybody for an admin."""
    member = await whose(question.user_id, read)
    known = await read.ports.people.checks(member.user_id)
    since = read.now - timedelta(days=31 * POLICY.window_months)
    paid = await read.ports.standing.paid(member.user_id, since)
    standing = Standing(
        member.verified_at is not None, level_of(known, read.now), contributions_of(paid, POLICY)
    )
    return _limits_view(member.user_id, standing, _level_until(known, standing.level, read.now), read.now)


def _level_until(known: list[Check], level: KycLevel, at: datetime) -> datetime | None:
    """When the last of the checks that give a level runs out."""
    holding = [one.expires_at for one in known if one.level == level and level_of((one,), at) == level]
    return max(holding, default=None)


def _limits_view(user_id: UUID, standing: Standing, until: datetime | None, at: datetime) -> LimitsView:
    limit, left = POLICY.limits_cents[standing.level], limits.left(standing, POLICY, at)
    room = limits.room_comes_back(standing.contributions, at)
    return LimitsView(
        user_id=user_id,
        email_verified=standing.is_email_verified,
        level=standing.level,
        level_until=until,
        months=POLICY.window_months,
        limit=None if limit is None else shared.Money(limit),
        contributed=shared.Money(limits.contributed(standing.contributions, at)),
        left=None if left is None else shared.Money(left),
        comes_back=tuple(RoomView(when, shared.Money(cents)) for when, cents in room),
    )


@query(allow=SIGNED_IN)
async def level(question: GetLevel, read: Read[HasStanding]) -> LevelView:
    """Why one is at one's level; anybody for an admin."""
    member = await whose(question.user_id, read)
    facts = await read.ports.standing.facts(member.user_id)
    last = await read.ports.people.level_changes(member.user_id, 1, None)
    return LevelView(
        member.user_id,
        member.level,
        facts.investments,
        facts.subscriptions,
        since=last[0].at if last else member.created_at,
        reason=last[0].reason if last else "joined",
    )
