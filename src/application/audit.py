"""The audit trail as it is read: who did what to which record, old and new, from where (M38).

What points and stock did is proven by their own books, so a line about them is found only by whom it touched,
or by asking for such lines too. What is personal of a line is shown one line at a time.

Decision: docs/decisions/0017-audit-and-privacy.md.
"""

import logging
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple, Protocol
from uuid import UUID

import msgspec

from ..domain import shared
from .pages import InvalidCursor, Limit, Page, page_of, text_of
from .trail import person
from .work import ADMINS, SIGNED_IN, Change, PrivatePart, Read, Run, query

log = logging.getLogger("baobab.audit")
MOST_DAYS = 31
Place = Annotated[
    str,
    msgspec.Meta(
        max_length=300,
        pattern=r"^[a-z_]+(/[^/\x00-\x20\x7f]+)+\Z",
        description="A table and the key of a record in it.",
        examples=["member/01890000-0000-7000-8000-000000000000"],
    ),
]
CaseName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z_]+\.[a-z_]+\Z", max_length=100, examples=["identity.set_role"])
]
At = Annotated[datetime, msgspec.Meta(tz=True)]


class BooksNeedTime(shared.RuleForbids):
    message = "Lines about the books are found within at most {most_days} days: give `since` and `until`."
    most_days: int


class Find(shared.Query, kw_only=True):
    """Lines of the trail, newest first, in `[since, until)`. `member_id` is whom they touched, `actor_id` who
    asked; with `books` also those that only moved points or stock, within 31 days."""

    actor_id: UUID | None = None
    member_id: UUID | None = None
    name: CaseName | None = None
    record: Place | None = None
    request_id: shared.Code | None = None
    address: shared.Code | None = None
    since: At | None = None
    until: At | None = None
    books: bool = False
    limit: Limit = 25
    cursor: str | None = None


class FindMine(shared.Query, kw_only=True):
    """What touched one's own account, newest first."""

    limit: Limit = 25
    cursor: str | None = None


class GetEntry(shared.Query, kw_only=True):
    """One line, by whose it is and its key."""

    user_id: UUID
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Entry(shared.Record):
    """One line of the trail. The address is that of the request, or of the session where it is the same."""

    recorded_at: datetime
    name: str
    actor_id: UUID
    role: str
    origin: str
    address: shared.Personal[str]
    request_id: str
    credential_id: UUID | None
    changes: tuple[Change, ...]
    touched: tuple[str, ...]
    user_id: UUID
    key: str


class WholeEntry(Entry, kw_only=True):
    """One line with what is personal of its changes, which is gone once a person is erased."""

    personal: shared.Personal[tuple[Change, ...]]


class OwnEntry(shared.Record):
    """What somebody did to one's own account: in which role, and with one's own credential or not."""

    recorded_at: datetime
    name: str
    role: str
    is_own: bool
    address: shared.Personal[str]
    changes: tuple[Change, ...]


class Line(NamedTuple):
    """A line of the log, and where it came from, as far as its person may still be named."""

    run: Run
    address: str


class Sought(shared.Record):
    """Which lines are looked for; what is None does not matter. `before` is the place of the last seen."""

    actor_id: UUID | None = None
    touched: tuple[str, ...] = ()
    name: str | None = None
    request_id: str | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    books: bool = False
    before: tuple[datetime, UUID, str] | None = None


class CommandLog(Protocol):
    """The read side of the trail."""

    async def lines(self, sought: Sought, limit: int) -> list[Line]:
        """Lines by time, owner and key, newest first."""
        ...

    async def line(self, user_id: UUID, key: str) -> tuple[Line, PrivatePart | None] | None: ...


class HasCommandLog(Protocol):
    @property
    def command_log(self) -> CommandLog: ...


@query(allow=ADMINS)
async def find(question: Find, read: Read[HasCommandLog]) -> Page[Entry]:
    """Who did what, to what, from where, newest first. Raises BooksNeedTime, InvalidCursor."""
    if question.books:
        _check_time(question.since, question.until)
    touched: tuple[str, ...] = () if question.record is None else (question.record,)
    if question.member_id is not None:
        touched += (person(question.member_id),)
    sought = shared.recast(Sought, question, touched=touched, before=_place_of(question.cursor))
    found = await read.ports.command_log.lines(sought, question.limit + 1)
    return page_of([_entry(line) for line in found], question.limit, _place)


@query(allow=SIGNED_IN)
async def find_mine(question: FindMine, read: Read[HasCommandLog]) -> Page[OwnEntry]:
    """What touched one's own account, newest first; of others only the role is told. Raises InvalidCursor."""
    return await of_member(read.actor.user_id, question, read.ports.command_log)


async def of_member(user_id: UUID, question: FindMine, log: CommandLog) -> Page[OwnEntry]:
    """What touched a member, as they see it. Raises InvalidCursor."""
    sought = Sought(touched=(person(user_id),), before=_place_of(question.cursor))
    found = await log.lines(sought, question.limit + 1)
    page = page_of([_entry(line) for line in found], question.limit, _place)
    return Page(tuple(_own(one, user_id) for one in page.items), page.next_cursor)


@query(allow=ADMINS)
async def show(question: GetEntry, read: Read[HasCommandLog]) -> WholeEntry:
    """One line, with what is personal of it; the program's log has who read it. Raises NotFound."""
    found = await read.ports.command_log.line(question.user_id, question.key)
    if found is None:
        raise shared.NotFound(kind="entry", id=question.key)
    line, private = found
    facts = {"reader": str(read.actor.user_id), "line_of": str(line.run.user_id), "key": line.run.key}
    log.info("what is personal of a line of the trail was read", extra={"facts": facts})
    personal = (private.changes if private else None) or ()
    return shared.recast(WholeEntry, _entry(line), personal=personal)


def _check_time(since: datetime | None, until: datetime | None) -> None:
    if since is None or until is None or until - since > timedelta(days=MOST_DAYS):
        raise BooksNeedTime(most_days=MOST_DAYS)


def _entry(line: Line) -> Entry:
    run = line.run
    return shared.recast(
        Entry, run, address=line.address, changes=run.changes or (), touched=run.touched or ()
    )


def _own(one: Entry, me: UUID) -> OwnEntry:
    is_own = one.actor_id == me
    changes = tuple(change for change in one.changes if change.key.get("user_id") == str(me))
    return OwnEntry(one.recorded_at, one.name, one.role, is_own, one.address if is_own else "", changes)


def _place(one: Entry) -> str:
    return f"{one.recorded_at.isoformat()} {one.user_id} {one.key}"


def _place_of(cursor: str | None) -> tuple[datetime, UUID, str] | None:
    """The place of the last line that was seen. Raises InvalidCursor."""
    if (text := text_of(cursor)) is None:
        return None
    try:
        at, user_id, key = text.split(" ", 2)
        place = (datetime.fromisoformat(at), UUID(user_id), key)
    except ValueError:
        raise InvalidCursor from None
    if place[0].tzinfo is None or "\x00" in key:
        raise InvalidCursor
    return place
