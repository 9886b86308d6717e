"""The audit trail over HTTP: whole for administrators, about oneself for everybody."""

from uuid import UUID

from ...application import audit
from ...application.audit import At, CaseName, Entry, OwnEntry, Place, WholeEntry
from ...application.pages import Limit, Page
from ...domain import shared
from .ask import Ask
from .routes import ADMINS, SIGNED_IN, get


@get("/audit", allow=ADMINS, statuses=(422,))
async def find(
    ask: Ask,
    actor_id: UUID | None = None,
    member_id: UUID | None = None,
    name: CaseName | None = None,
    record: Place | None = None,
    request_id: shared.Code | None = None,
    address: shared.Code | None = None,
    since: At | None = None,
    until: At | None = None,
    books: bool = False,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[Entry]:
    """Search who did what to which record, newest first (administrators)."""
    question = audit.Find(
        actor_id=actor_id,
        member_id=member_id,
        name=name,
        record=record,
        request_id=request_id,
        address=address,
        since=since,
        until=until,
        books=books,
        limit=limit,
        cursor=cursor,
    )
    return await ask.read(audit.find, question)


@get("/audit/mine", allow=SIGNED_IN, statuses=())
async def find_mine(ask: Ask, limit: Limit = 25, cursor: str | None = None) -> Page[OwnEntry]:
    """List what touched one's own account, newest first; of others only the role is told."""
    return await ask.read(audit.find_mine, audit.FindMine(limit=limit, cursor=cursor))


@get("/audit/entry", allow=ADMINS)
async def show(user_id: UUID, key: str, ask: Ask) -> WholeEntry:
    """Read one line with what is personal of it (administrators)."""
    return await ask.read(audit.show, audit.GetEntry(user_id=user_id, key=key))


HANDLERS = [find, find_mine, show]
