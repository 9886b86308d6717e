"""The level that a member reached, computed from facts (M3)."""

from datetime import datetime
from uuid import UUID

from ..shared import evolve
from .records import LEVELS, Level, LevelChange, LevelReached, Member


def at_least(level: Level, needed: Level) -> bool:
    """Whether `level` is `needed` or higher."""
    return LEVELS.index(level) >= LEVELS.index(needed)


def level_for(active_investments: int, active_subscriptions: int) -> Level:
    """The level that the facts give: an active subscription, else an active investment."""
    if active_subscriptions:
        return "ambassadeur"
    return "protecteur" if active_investments else "explorateur"


def with_level(
    member: Member, investments: int, subscriptions: int, *, id: UUID, reason: str, at: datetime
) -> tuple[Member, LevelChange, LevelReached] | None:
    """The member at the level that so many active ones give, with its line of history; None if that is no
    change."""
    level = level_for(investments, subscriptions)
    if member.level == level:
        return None
    change = LevelChange(member.user_id, id, level, reason, at, investments, subscriptions)
    return evolve(member, level=level), change, LevelReached(member.user_id, level)
