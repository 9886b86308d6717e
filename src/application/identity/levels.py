"""How a member came to their level: every change, and the facts that it followed from (M3)."""

from datetime import datetime
from uuid import UUID

from ...domain import shared
from ...domain.identity import Level
from ..pages import Limit, Page, page_of, uuid_of
from ..work import SIGNED_IN, Read, query
from .people import HasPeople, whose


class ListLevelChanges(shared.Query, kw_only=True):
    user_id: UUID
    limit: Limit = 25
    cursor: str | None = None


class LevelChangeView(shared.Record):
    """When a member came to a level, what had changed, and how many active investments and subscriptions
    they had from then on."""

    id: UUID
    level: Level
    reason: str
    investments: int
    subscriptions: int
    at: datetime


@query(allow=SIGNED_IN)
async def changes(question: ListLevelChanges, read: Read[HasPeople]) -> Page[LevelChangeView]:
    """The changes of one's own level, newest first; anybody's for an admin."""
    member, before = await whose(question.user_id, read), uuid_of(question.cursor)
    found = await read.ports.people.level_changes(member.user_id, question.limit + 1, before)
    views = [shared.recast(LevelChangeView, one) for one in found]
    return page_of(views, question.limit, lambda one: one.id)
