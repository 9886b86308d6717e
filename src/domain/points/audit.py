"""Whether an account keeps the invariants of the ledger, as far as its rows can show it.

A `Dossier` is everything that is stored of one account. Each check is a small function that is named after
its invariant and gives the rows that break it; what a chain of hashes proves about a broken row comes
first (tracing.py), and the other checks (checks.py) look at what it proves. Source: ledger.md, "Invariants".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Literal
from uuid import UUID

from ..shared import Record
from .book import open_account
from .records import LONG_AGO, Account, Allocation, Hold, Lot, Posting
from .seals import Leaf

Invariant = Literal[
    "account",
    "allocations",
    "balance",
    "books",
    "chain",
    "conversions",
    "gifts",
    "holds",
    "lots",
    "once",
    "refunds",
    "seal",
    "sequence",
    "swept",
    "warnings",
    "watermark",
]
Table = Literal["account", "allocation", "hold", "lot", "posting"]


class Finding(Record):
    """A row that breaks an invariant: its table, its key as text, and what is wrong with it."""

    check: Invariant
    user_id: UUID
    unit: str
    table: Table
    row: str
    says: str


class LotState(Record):
    """Where a lot stood when it was checked."""

    lot_id: UUID
    remaining: int
    expired: int
    expires_at: datetime


class Checkpoint(Record):
    """Up to where an account was found in order: its last line, itself and its live lots as they were."""

    user_id: UUID
    unit: str
    sequence: int
    hash: bytes
    account: Account
    lots: tuple[LotState, ...]
    checked_at: datetime


class Dossier(Record):
    """Everything that is stored of an account, or everything since a checkpoint: the lines after it, their
    allocations, the live lots and those that the lines touch, and all holds.

    `anchor` is the hash that the line of the checkpoint has now; `sealed` what the newest seal says.
    """

    user_id: UUID
    unit: str
    account: Account | None
    postings: tuple[Posting, ...]
    allocations: tuple[Allocation, ...] = ()
    lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = ()
    checkpoint: Checkpoint | None = None
    anchor: bytes | None = None
    sealed: Leaf | None = None


Parts = Mapping[UUID, Sequence[Allocation]]


class Case:
    """A dossier ready to be looked at: in the order of the lines, and by key."""

    def __init__(self, dossier: Dossier, postings: Sequence[Posting], parts: Parts) -> None:
        self.dossier, self.postings, self.parts = dossier, postings, parts
        mark = dossier.checkpoint
        self.opening = mark.account if mark else open_account(dossier.user_id, dossier.unit, LONG_AGO)
        self.states = {state.lot_id: state for state in mark.lots} if mark else {}
        self.lots = {lot.id: lot for lot in dossier.lots}
        self.by_id = {posting.id: posting for posting in postings}
        self.last = postings[-1] if postings else None

    @cached_property
    def graces(self) -> list[Posting]:
        """The refunds that brought back what had ended."""
        return [one for one in self.postings if one.kind == "refunded" and one.expires_at]

    @cached_property
    def spent(self) -> set[tuple[UUID, int]]:
        """What was spent: for what, and how much."""
        return {(one.source_id, -one.amount) for one in self.postings if one.kind == "spent"}

    @cached_property
    def revoked(self) -> set[UUID]:
        """From what grants were taken back."""
        return {one.source_id for one in self.postings if one.kind == "revoked"}

    @cached_property
    def captured(self) -> set[UUID]:
        """For what holds were captured."""
        return {one.source_id for one in self.dossier.holds if one.state == "captured"}

    @cached_property
    def ends_of_holds(self) -> dict[UUID, set[datetime]]:
        """When holds ended, by the lots that they kept."""
        ends: dict[UUID, set[datetime]] = {}
        for one in self.dossier.holds:
            for part in one.parts:
                ends.setdefault(part.lot_id, set()).update(filter(None, (one.closed_at, one.expires_at)))
        return ends

    def finding(self, check: Invariant, table: Table, row: object, says: str) -> Finding:
        return Finding(check, self.dossier.user_id, self.dossier.unit, table, str(row), says)

    def on_account(self, check: Invariant, says: str) -> Finding:
        return self.finding(check, "account", f"{self.dossier.user_id}/{self.dossier.unit}", says)


def case_of(dossier: Dossier) -> Case:
    parts: dict[UUID, list[Allocation]] = {}
    for allocation in dossier.allocations:
        parts.setdefault(allocation.posting_id, []).append(allocation)
    return Case(dossier, dossier.postings, parts)


def row_of(allocation: Allocation) -> str:
    """The key of an allocation: debit, posting, lot."""
    return f"{allocation.debit_id}/{allocation.posting_id}/{allocation.lot_id}"


def line(number: int) -> str:
    """How a line is named whose row is not there."""
    return f"line {number}"


def checkpoint_of(dossier: Dossier, at: datetime) -> Checkpoint | None:
    """Where an account stands that was found in order: from there the next check goes on."""
    account = dossier.account
    if account is None:
        return None
    live = [lot for lot in dossier.lots if lot.remaining]
    states = tuple(LotState(lot.id, lot.remaining, lot.expired, lot.expires_at) for lot in live)
    return Checkpoint(account.user_id, account.unit, account.sequence, account.hash, account, states, at)


def conversions(dossiers: Iterable[Dossier]) -> Iterator[Finding]:
    """What left one unit of a member arrived in another, at the rate that both sides record. The dossiers are
    all those of one member, from the beginning."""
    sides: dict[UUID, list[Posting]] = {}
    for dossier in dossiers:
        for one in dossier.postings:
            if one.kind == "converted":
                sides.setdefault(one.source_id, []).append(one)
    for source_id, lines in sides.items():
        if not _is_exchange(lines):
            first = lines[0]
            shown = ", ".join(f"{one.amount:+} {one.unit} at {one.rate}" for one in lines)
            says = f"is of the conversion {source_id}, which does not add up: {shown}."
            yield Finding("conversions", first.user_id, first.unit, "posting", str(first.id), says)


def _is_exchange(lines: Sequence[Posting]) -> bool:
    rates = {one.rate for one in lines}
    left = [-one.amount for one in lines if one.amount < 0]
    got = [one.amount for one in lines if one.amount > 0]
    if len(rates) != 1 or len(left) != 1 or not got or len({one.unit for one in lines}) != 2:
        return False
    get, slash, give = rates.pop().partition("/")
    return bool(slash) and get.isdigit() and give.isdigit() and left[0] * int(get) == sum(got) * int(give)


class Gift(Record):
    """What the lines of a gift that does not add up say: how many gave, what all of them sum to, and whether
    both sides name each other."""

    unit: str
    source_id: UUID
    user_id: UUID
    posting_id: UUID
    givers: int
    total: int
    mutual: bool


def gift(one: Gift) -> Finding:
    """A gift is given once, sums to nothing, and both sides name each other: this one does not."""
    says = f"is of the gift {one.source_id}: given {one.givers} times, {one.total:+} in all"
    names = "." if one.mutual else ", and its sides do not name each other."
    return Finding("gifts", one.user_id, one.unit, "posting", str(one.posting_id), says + names)
