"""What the chain of hashes proves: whether a line was changed, is missing or stands in another's place.

Where a hash does not fit, remedies are tried, each a small function: a line or its allocations as they may
have been. The one that the hash fits is what was posted, and so the row that was changed is known, and how.
The other checks then look at what the hash proves.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..shared import evolve
from .audit import Case, Dossier, Finding, Invariant, Table, case_of, line, row_of
from .book import chain
from .checks import CHECKS, first_of, remaining_of
from .records import CONTRA, Allocation, Posting

MOST_MOVED = 20_000
"""Of an account with more lines, those that stand in another's place are not looked for."""


class Remedy(NamedTuple):
    """How a line may have been, with its allocations, and which row was changed then, and how."""

    posting: Posting
    parts: Sequence[Allocation]
    table: Table
    row: object
    says: str


class Place(NamedTuple):
    """A line that its hash does not fit: the hash before it, the balance before it, and what follows it."""

    case: Case
    posting: Posting
    previous: bytes
    balance: int
    following: Posting | None

    @property
    def parts(self) -> Sequence[Allocation]:
        return self.case.parts.get(self.posting.id, ())


def examine(dossier: Dossier, now: datetime, *, closely: bool = True) -> list[Finding]:
    """What is wrong with an account, causes first: one finding of each check; none where it is in order.
    Where it is not looked at `closely`, a broken chain is only stated."""
    case = case_of(dossier)
    findings: list[Finding] = []
    if not is_chained(case):
        if not closely:
            return [case.on_account("chain", "has lines that do not follow from each other.")]
        findings, case = trace(case)
    return [*findings, *first_of(CHECKS, case, now)]


def is_chained(case: Case) -> bool:
    """Whether each line follows the one before, and its hash covers it."""
    previous, sequence = case.opening.hash, case.opening.sequence
    for one in case.postings:
        sequence += 1
        if one.sequence != sequence or _hash(previous, one, case.parts.get(one.id, ())) != one.hash:
            return False
        previous = one.hash
    account = case.dossier.account
    return account is None or not _tail_is_missing(case, sequence)


def _tail_is_missing(case: Case, sequence: int) -> bool:
    account, hash = case.dossier.account, case.last.hash if case.last else case.opening.hash
    return account is not None and account.sequence > sequence and account.hash != hash


def _hash(previous: bytes, posting: Posting, parts: Sequence[Allocation]) -> bytes:
    return chain(previous, posting, [(part.lot_id, part.amount) for part in parts])


# --- along the chain --------------------------------------------------------------------------------


class _Walk:
    """Along the lines of an account whose chain is broken: what was found, and the lines as they were."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.findings: list[Finding] = []
        self.lines: list[Posting] = []
        self.parts = dict(case.parts)
        self.moved: set[UUID] = set()
        self.previous: bytes | None = case.opening.hash

    @property
    def due(self) -> int:
        """The number of the next line."""
        return (self.lines[-1].sequence if self.lines else self.case.opening.sequence) + 1

    @property
    def balance(self) -> int:
        return self.lines[-1].balance_after if self.lines else self.case.opening.balance

    def say(self, check: Invariant, table: Table, row: object, says: str) -> None:
        self.findings.append(self.case.finding(check, table, row, says))

    def go_on(self, posting: Posting, hash: bytes | None = None) -> None:
        self.lines.append(posting)
        self.previous = posting.hash if hash is None else hash


def trace(case: Case) -> tuple[list[Finding], Case]:
    """Every break of a chain with the row that caused it, and the case as the hashes prove it was."""
    walk = _Walk(case)
    for number, posting in enumerate(case.postings):
        if posting.id not in walk.moved:
            _bridge(walk, posting.sequence)
            _step(walk, posting, next(iter(case.postings[number + 1 :]), None))
    account = case.dossier.account
    if account is not None and _tail_is_missing(case, walk.due - 1):
        rest = "." if walk.due == account.sequence else f", and all up to line {account.sequence}."
        walk.say("sequence", "posting", line(walk.due), f"is missing{rest}")
    return walk.findings, Case(case.dossier, walk.lines, walk.parts)


def _bridge(walk: _Walk, until: int) -> None:
    """Over a gap: lines that were moved elsewhere are put back, the others are missing."""
    first = walk.due
    while walk.due < until and (found := _belonging(walk)) is not None:
        says = f"stands as line {found.sequence}; by its hash it is line {walk.due}."
        walk.say("sequence", "posting", found.id, says)
        walk.moved.add(found.id)
        walk.go_on(evolve(found, sequence=walk.due))
        first = walk.due
    if first < until:
        rest = "." if first == until - 1 else f", and all up to line {until - 1}."
        walk.say("sequence", "posting", line(first), f"is missing{rest}")
        walk.previous = None


def _belonging(walk: _Walk) -> Posting | None:
    """The line that by its hash follows the last one, wherever it stands now."""
    return None if walk.previous is None else _fitting(walk.case, walk.previous, walk.due)


def _fitting(case: Case, previous: bytes, sequence: int) -> Posting | None:
    candidates = case.postings if len(case.postings) <= MOST_MOVED else ()
    for one in candidates:
        if (
            one.sequence != sequence
            and _hash(previous, evolve(one, sequence=sequence), case.parts.get(one.id, ())) == one.hash
        ):
            return one
    return None


def _step(walk: _Walk, posting: Posting, following: Posting | None) -> None:
    parts = walk.case.parts.get(posting.id, ())
    if walk.previous is None or _hash(walk.previous, posting, parts) == posting.hash:
        walk.go_on(posting)
        return
    place = Place(walk.case, posting, walk.previous, walk.balance, following)
    remedy = next(_remedies(place), None)
    if remedy is None:
        says = f"has a hash that does not fit line {posting.sequence}, its allocations and the line before."
        walk.say("chain", "posting", posting.id, says)
        walk.go_on(posting)
        return
    walk.say("chain", remedy.table, remedy.row, remedy.says)
    walk.parts[remedy.posting.id] = list(remedy.parts)
    walk.go_on(remedy.posting)


# --- remedies -------------------------------------------------------------------------------------


def _remedies(place: Place) -> Iterator[Remedy]:
    """The remedies that the hash proves."""
    yield from _another_hash(place)
    yield from _another_line(place)
    for propose in (_another_field, _other_parts, _the_part_that_lacks):
        for remedy in propose(place):
            if _hash(place.previous, remedy.posting, remedy.parts) == place.posting.hash:
                yield remedy


def _another_hash(place: Place) -> Iterator[Remedy]:
    """The hash itself: what follows was made with the one that covers the line."""
    posting, after, account = place.posting, place.following, place.case.dossier.account
    hash = _hash(place.previous, posting, place.parts)
    if after is not None:
        proven = _hash(hash, after, place.case.parts.get(after.id, ())) == after.hash
    else:
        proven = account is not None and account.hash == hash and account.sequence == posting.sequence
    if proven:
        says = f"has another hash than what follows line {posting.sequence} was made with."
        yield Remedy(evolve(posting, hash=hash), place.parts, "posting", posting.id, says)


def _another_line(place: Place) -> Iterator[Remedy]:
    """Two lines that were exchanged: by their numbers, or by what they say."""
    posting, case = place.posting, place.case
    found = _fitting(case, place.previous, posting.sequence)
    if found is not None:
        says = f"stands as line {posting.sequence}, which by the chain of hashes is {found.id}."
        parts = case.parts.get(found.id, ())
        yield Remedy(evolve(found, sequence=posting.sequence), parts, "posting", posting.id, says)
    for other in case.postings if len(case.postings) <= MOST_MOVED else ():
        meant = evolve(other, id=posting.id, sequence=posting.sequence)
        if other is not posting and _hash(place.previous, meant, place.parts) == other.hash:
            says = f"says what line {other.sequence} is to say, {other.id}."
            yield Remedy(meant, place.parts, "posting", posting.id, says)


def _another_field(place: Place) -> Iterator[Remedy]:
    """One field, where something else still says what it was."""
    posting = place.posting
    for name, value in _clues(place):
        if getattr(posting, name) != value:
            changes = {name: value} | ({"contra": CONTRA[value]} if name == "kind" else {})
            says = f"has {name} {getattr(posting, name)}; its hash proves that it was {value}."
            yield Remedy(evolve(posting, **changes), place.parts, "posting", posting.id, says)
            if name == "amount":
                both = evolve(posting, amount=value, balance_after=place.balance + value)
                yield Remedy(both, place.parts, "posting", posting.id, says)


def _clues(place: Place) -> Iterator[tuple[str, Any]]:
    posting, lot = place.posting, place.case.lots.get(place.posting.id)
    yield "amount", posting.balance_after - place.balance
    yield "amount", -sum(part.amount for part in place.parts)
    yield "amount", -posting.amount
    yield "balance_after", place.balance + posting.amount
    yield "contra", CONTRA[posting.kind]
    yield from (("kind", kind) for kind in CONTRA)
    yield "effective_at", posting.recorded_at
    yield "base_amount", abs(posting.amount)
    yield "multiplier", 100
    yield "debt", 0
    yield from ((name, None) for name in ("contra_id", "debit_id", "author_id", "available_at", "expires_at"))
    yield from ((name, "") for name in ("reason", "rate"))
    if lot is not None:
        yield from (
            (name, getattr(lot, name))
            for name in ("amount", "available_at", "expires_at", "source_id", "source_type", "unit")
        )
    for part in place.parts[:1]:
        yield "debit_id", part.debit_id


def _other_parts(place: Place) -> Iterator[Remedy]:
    """Allocations, where the lots still say what they lost: one of them, or all."""
    off = _off(place.case)
    for lot_id, amount in off.items():
        yield _with(place, {lot_id: amount})
    if len(off) > 1:
        yield _with(place, off)


def _off(case: Case) -> dict[UUID, int]:
    """By how much each lot lost more than its allocations say."""
    left = remaining_of(case)
    return {
        id: less for id, lot in case.lots.items() if (less := left.get(id, lot.remaining) - lot.remaining)
    }


def _the_part_that_lacks(place: Place) -> Iterator[Remedy]:
    """One allocation, by what the line says that all of them sum to."""
    lacking = -place.posting.amount - sum(part.amount for part in place.parts)
    for lot_id in place.case.lots if lacking else ():
        yield _with(place, {lot_id: lacking})


def _with(place: Place, more: Mapping[UUID, int]) -> Remedy:
    """The line with more allocated of some lots than its allocations say."""
    posting, by_lot = place.posting, {part.lot_id: part for part in place.parts}
    debit_id = posting.debit_id or posting.id
    parts, changed = dict(by_lot), list[tuple[Allocation, int]]()
    for lot_id, amount in more.items():
        there = by_lot.get(lot_id, Allocation(posting.user_id, debit_id, posting.id, lot_id, 0))
        parts[lot_id] = evolve(there, amount=there.amount + amount)
        changed.append((parts[lot_id], there.amount))
    row, was = changed[0]
    says = (
        f"is of {was}; the hash of its posting proves that it was of {row.amount}."
        if was
        else f"of {row.amount} is missing: the hash of its posting covers it."
    )
    return Remedy(posting, [part for part in parts.values() if part.amount], "allocation", row_of(row), says)
