"""Opening balances from another system: lots that keep their own end, each brought once and for ever.

A line is known by its unit and its reference in the old system. Sent again it is there already; sent with
other content it is wrong. A batch is one command and one transaction: all of its lines, or none.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import msgspec

from ...domain import points, shared
from ...domain.points import FOREVER, POINTS, Book
from .. import identity
from ..runner import Runner
from ..work import ADMINS, Kind, Wanted, Work, use_case
from .book import find_account, keep, policy_of
from .commands import Unit
from .records import POLICIES
from .sweeping import due_keys, open_books

BATCH = 300
"""Lines in one command of a long import."""
_NAMESPACE = UUID("5f0f2c5e-6c0b-5b54-9d0e-7f4d3a1b8c26")
Outcome = Literal["ok", "already_there", "wrong"]


class Opening(shared.Record):
    """That a line of another system was brought: the one record of its unit and reference."""

    source_id: UUID
    unit: str
    reference: str
    user_id: UUID
    amount: int
    funded: bool
    expires_at: datetime
    recorded_at: datetime


OPENINGS = Kind(
    Opening, "opening", ("source_id",), root=True, changes=(), unaudited="the posting it opens with proves it"
)
KINDS: tuple[Kind[Any], ...] = (OPENINGS,)


class NoExpiry(shared.RuleForbids):
    message = (
        "{given} is neither a day, such as 2027-12-31, nor an instant with its offset, such as "
        "2027-12-31T23:00:00Z."
    )
    given: str


class ReferenceReused(shared.RuleForbids):
    message = (
        "The reference {reference} was brought before for {user_id}: {amount} until {expires_at}, "
        "funded: {funded}."
    )
    reference: str
    user_id: UUID
    amount: int
    funded: bool
    expires_at: datetime


class ReferenceRepeated(shared.RuleForbids):
    message = "The reference {reference} stands on line {line} already."
    reference: str
    line: int


class UnreadableFile(shared.Malformed):
    message = "The file cannot be read at line {line}: {reason}."
    line: int
    reason: str


class NotWhole(shared.RuleForbids):
    message = "{given} is not a whole number of at most 15 digits."
    given: str


class NotYesOrNo(shared.RuleForbids):
    message = "{given} is neither yes nor no."
    given: str


class WrongColumns(shared.RuleForbids):
    message = "{found} columns were found, where the first line names {wanted}."
    found: int
    wanted: int


class InvalidValue(shared.RuleForbids):
    message = "{reason}."
    reason: str


class OpeningLine(shared.Record, kw_only=True, forbid_unknown_fields=True):
    """What somebody had in another system. `number` is where that stands, by default its place in the list; a
    day as `expires_at` means its end in the unit's zone; `funded` were paid for, else they are bonus."""

    number: Annotated[int, msgspec.Meta(ge=0, le=shared.MOST)] = 0
    reference: Annotated[
        str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+\Z", examples=["A-1042"])
    ]
    member: Annotated[
        str,
        msgspec.Meta(
            min_length=3,
            max_length=254,
            pattern=r"^[^\x00-\x1f\x7f]+\Z",
            description="An e-mail or the id of a member.",
        ),
    ]
    unit: Unit = POINTS
    amount: Annotated[int, msgspec.Meta(ge=-shared.MOST, le=shared.MOST)]
    funded: bool
    expires_at: Annotated[
        str, msgspec.Meta(min_length=1, max_length=40, description="A day, or an instant with its offset.")
    ]


class Bring(shared.Command, kw_only=True):
    """Bring opening balances: all, or none where a line is wrong; with `skip_bad` all that are not wrong."""

    lines: Annotated[tuple[OpeningLine, ...], msgspec.Meta(min_length=1, max_length=500)]
    skip_bad: bool = False


class LineReport(shared.Record):
    """What became of a line: the `points` that it brings, or the `field` that is wrong, and why."""

    number: int
    reference: str
    outcome: Outcome
    points: int = 0
    field: str = ""
    code: str = ""
    reason: str = ""


class Count(shared.Record):
    """How many lines were of which outcome, and the points of those that are ok."""

    ok: int = 0
    already_there: int = 0
    wrong: int = 0
    points: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Brought(shared.Record):
    """The report of a batch. `accepted` says that its good lines are brought."""

    accepted: bool
    ok: int
    already_there: int
    wrong: int
    points: int
    lines: tuple[LineReport, ...]


# --- one batch ----------------------------------------------------------------------------------


def _logins(command: Bring, work: Work) -> Iterable[Wanted]:
    return [key for line in command.lines for key in identity.naming_keys(line.member)]


def _owner_of(line: OpeningLine, work: Work) -> UUID | None:
    return identity.named(line.member, work)


def _owners(command: Bring, work: Work) -> Iterable[Wanted]:
    owners = (_owner_of(line, work) for line in command.lines)
    return [identity.MEMBERS.key(owner) for owner in owners if owner is not None]


def _locks(command: Bring, work: Work) -> Iterator[Wanted]:
    for line in command.lines:
        yield OPENINGS.key(source_id_of(line))
        yield POLICIES.group("unit", line.unit)
        owner = _owner_of(line, work)
        if owner is not None:
            yield from due_keys(owner, line.unit)


def source_id_of(line: OpeningLine) -> UUID:
    """By what a line is known for ever: its unit and its reference."""
    return uuid5(_NAMESPACE, f"{line.unit}\n{line.reference}")


@use_case(allow=ADMINS, loads=(_logins, _owners), locks=_locks)
async def bring(command: Bring, work: Work) -> Brought:
    """Bring opening balances from another system, each once, and say of every line what became of it."""
    seen: dict[UUID, int] = {}
    lines = [
        line if line.number else shared.evolve(line, number=place)
        for place, line in enumerate(command.lines, 1)
    ]
    drafts = [_draft(line, seen, work) for line in lines]
    batch = _Batch(work)
    await batch.open_books(one for one in drafts if isinstance(one, Opening))
    reports = tuple(
        batch.bring(draft, line.number) if isinstance(draft, Opening) else draft
        for line, draft in zip(lines, drafts, strict=True)
    )
    count = count_of(reports)
    accepted = command.skip_bad or not count.wrong
    if accepted:
        batch.keep()
    return shared.recast(Brought, count, accepted=accepted, lines=reports)


def _draft(line: OpeningLine, seen: dict[UUID, int], work: Work) -> Opening | LineReport:
    """What a line is to bring; a report where that is there already or the line is wrong by itself."""
    try:
        check_repeated(line, seen)
        opening = _opening(line, work)
        known = work.find(OPENINGS.key(opening.source_id))
        if known is None:
            return opening
        _check_same(known, opening)
    except shared.DomainError as error:
        return wrong(line.number, line.reference, error)
    return LineReport(line.number, line.reference, "already_there")


def _opening(line: OpeningLine, work: Work) -> Opening:
    """Raises NotFound, UnknownUnit, InvalidAmount, NoExpiry."""
    owner = _owner_of(line, work)
    if owner is None or work.find(identity.MEMBERS.key(owner)) is None:
        raise shared.NotFound(kind="member", id=line.member)
    zone = policy_of(work, line.unit).zone
    return Opening(
        source_id_of(line),
        line.unit,
        line.reference,
        owner,
        shared.check_amount(line.amount),
        line.funded,
        expiry_at(line.expires_at, zone),
        work.now,
    )


class _Batch:
    """The books of one command, as its lines leave them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._books: dict[tuple[UUID, str], Book] = {}
        self._kept: list[points.Movement] = []
        self._openings: list[Opening] = []

    async def open_books(self, openings: Iterable[Opening]) -> None:
        """Open the books of the owners, as time left them."""
        work, owners = self._work, dict.fromkeys((one.user_id, one.unit) for one in openings)
        accounts = [find_account(work, *owner) for owner in owners]
        for owner, book in zip(owners, await open_books(work, accounts, work.now), strict=True):
            settled = points.settle(book, work.now, work.new_id)
            self._books[owner] = settled.book
            self._kept.append(settled)

    def bring(self, opening: Opening, number: int) -> LineReport:
        """Bring points on their owner's book, and say what became of them."""
        owner = (opening.user_id, opening.unit)
        try:
            points.check_open(self._books[owner].account)
            brought = points.bring(
                self._books[owner],
                amount=opening.amount,
                funded=opening.funded,
                expires_at=opening.expires_at,
                source_id=opening.source_id,
                at=self._work.now,
                ids=self._work.new_id,
            )
        except shared.DomainError as error:
            return wrong(number, opening.reference, error)
        self._books[owner] = brought.book
        self._kept.append(brought)
        self._openings.append(opening)
        return LineReport(number, opening.reference, "ok", points=opening.amount)

    def keep(self) -> None:
        keep(self._work, *self._kept)
        self._work.save(*self._openings)


def count_of(reports: Iterable[LineReport]) -> Count:
    """What the reports of lines sum to."""
    total = Count()
    for one in reports:
        total += Count(**{one.outcome: 1}, points=one.points)
    return total


def check_repeated(line: OpeningLine, seen: dict[UUID, int]) -> None:
    """Note a line. Raises ReferenceRepeated where its reference was seen before."""
    source_id = source_id_of(line)
    if source_id in seen:
        raise ReferenceRepeated(reference=line.reference, line=seen[source_id])
    seen[source_id] = line.number


def _check_same(known: Opening, opening: Opening) -> None:
    if shared.evolve(opening, recorded_at=known.recorded_at) != known:
        facts = ("reference", "user_id", "amount", "funded", "expires_at")
        raise ReferenceReused(**{name: getattr(known, name) for name in facts})


def expiry_at(text: str, zone: str) -> datetime:
    """Until when points last: the end of a day in a zone, or an instant. Raises NoExpiry."""
    try:
        if len(text) == len("2027-12-31"):
            day = date.fromisoformat(text)
            return FOREVER if day >= FOREVER.date() else shared.end_of_day(day, zone)
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise NoExpiry(given=text)


_FIELDS: dict[type[shared.DomainError], str] = {
    shared.NotFound: "member",
    points.AccountClosed: "member",
    points.UnknownUnit: "unit",
    shared.InvalidAmount: "amount",
    NoExpiry: "expires_at",
    points.AlreadyExpired: "expires_at",
    ReferenceReused: "reference",
    ReferenceRepeated: "reference",
}


def wrong(number: int, reference: str, error: shared.DomainError, field: str = "") -> LineReport:
    """The report of a line that is refused."""
    named = field or _FIELDS.get(type(error), "")
    return LineReport(number, reference, "wrong", field=named, code=error.code, reason=str(error))


# --- a long import ------------------------------------------------------------------------------

Entry = OpeningLine | LineReport
"""A line, or what is wrong with one that could not even be read."""


async def go_through(
    run: Runner,
    entries: Iterable[Entry],
    *,
    actor: shared.Actor,
    dry_run: bool,
    skip_bad: bool = False,
    report: Callable[[LineReport], None] = lambda line: None,
) -> Count:
    """Bring all lines, one batch after another, and report each. A dry run checks all of them and writes
    nothing; else the first batch with a wrong line is the last, unless those are skipped. Run again after a
    crash, it goes on where it was."""
    total, seen = Count(), dict[UUID, int]()
    rest = (_unrepeated(entry, seen) for entry in entries)
    while batch := list(islice(rest, BATCH)):
        reports = [one for one in batch if isinstance(one, LineReport)]
        lines = tuple(one for one in batch if isinstance(one, OpeningLine))
        if lines:
            command = Bring(lines=lines, skip_bad=skip_bad)
            reports += (await run(bring, command, actor=actor, dry_run=dry_run)).lines
        for one in sorted(reports, key=lambda one: one.number):
            report(one)
        total += count_of(reports)
        if total.wrong and not (dry_run or skip_bad):
            break
    return total


def _unrepeated(entry: Entry, seen: dict[UUID, int]) -> Entry:
    if isinstance(entry, LineReport):
        return entry
    try:
        check_repeated(entry, seen)
    except ReferenceRepeated as error:
        return wrong(entry.number, entry.reference, error)
    return entry
