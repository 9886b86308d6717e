"""How a book is kept: the chain of postings, the order of consumption, and what time decides."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from ..shared import Event, Record, add_months, day_in, end_of_day, evolve
from .records import (
    CONTRA,
    POLICIES,
    Account,
    Allocation,
    Book,
    Hold,
    HoldChanged,
    Line,
    Lot,
    Movement,
    MultiplierOutOfRange,
    PointsExpired,
    Policy,
    Posting,
    UnknownUnit,
)


def policy_of(unit: str) -> Policy:
    """The policy of a unit in force. Raises UnknownUnit."""
    try:
        return POLICIES[unit]
    except KeyError:
        raise UnknownUnit(unit=unit) from None


def open_account(user_id: UUID, unit: str, at: datetime) -> Account:
    """A new account: nothing in it yet."""
    return Account(user_id, policy_of(unit).unit, 0, 0, 0, 0, 0, 0, b"", at)


def chain(previous: bytes, posting: Posting) -> bytes:
    """The hash (SHA-256) that covers a posting's fields and the hash before it."""
    fields = "|".join(
        (
            posting.user_id.hex,
            posting.id.hex,
            posting.unit,
            str(posting.sequence),
            posting.kind,
            posting.contra,
            str(posting.amount),
            str(posting.balance_after),
            posting.source_type,
            posting.source_id.hex,
            str(posting.base_amount),
            str(posting.multiplier),
            posting.debit_id.hex if posting.debit_id else "",
            posting.author_id.hex if posting.author_id else "",
            posting.effective_at.isoformat(),
            posting.recorded_at.isoformat(),
            posting.reason,
        )
    )
    return hashlib.sha256(previous + fields.encode()).digest()


def expiry_of(policy: Policy, at: datetime) -> datetime:
    """The end of the day that many months later, in the unit's zone (31 August 2025 → 28 February 2027)."""
    return end_of_day(add_months(day_in(at, policy.zone), policy.validity_months), policy.zone)


def multiplied(base: int, multiplier: int) -> int:
    """`base` times a multiplier in hundredths (100 to 999), rounded half to even to whole points."""
    if not 100 <= multiplier <= 999:
        raise MultiplierOutOfRange(given=multiplier)
    quotient, remainder = divmod(base * multiplier, 100)
    return quotient + (remainder > 50 or (remainder == 50 and quotient % 2 == 1))


def held_by_lot(holds: Iterable[Hold], at: datetime) -> dict[UUID, int]:
    """How much of each lot the open holds set aside; a hold past its limit sets nothing aside."""
    held: dict[UUID, int] = {}
    for hold in holds:
        if hold.state == "held" and hold.expires_at > at:
            for part in hold.parts:
                held[part.lot_id] = held.get(part.lot_id, 0) + part.amount
    return held


def spendable(lots: Iterable[Lot], holds: Iterable[Hold], at: datetime) -> list[tuple[Lot, int]]:
    """The lots that may be consumed now with what is free in each, in the order of consumption:
    earliest expiry, at equal expiry bonus before funded, then oldest."""
    held = held_by_lot(holds, at) if holds else {}
    free = [
        (lot, lot.remaining - held.get(lot.id, 0)) for lot in lots if lot.available_at <= at < lot.expires_at
    ]
    usable = [pair for pair in free if pair[1] > 0]
    if len(usable) > 1:
        usable.sort(key=lambda pair: (pair[0].expires_at, pair[0].funded, pair[0].created_at, pair[0].id))
    return usable


def post(
    account: Account, line: Line, at: datetime, id: UUID, effective_at: datetime
) -> tuple[Account, Posting]:
    """Append a line to an account: its place, the balance after it, its hash."""
    recorded_at = max(at, account.recorded_at + timedelta(microseconds=1)) if account.sequence else at
    sequence, balance = account.sequence + 1, account.balance + line.amount
    draft = Posting(
        account.user_id,
        id,
        account.unit,
        sequence,
        line.kind,
        CONTRA[line.kind],
        line.amount,
        balance,
        line.source_type,
        line.source_id,
        abs(line.amount) if line.base_amount is None else line.base_amount,
        line.multiplier,
        line.debit_id,
        line.author_id,
        line.reason,
        effective_at,
        recorded_at,
        b"",
    )
    hash = chain(account.hash, draft)
    changed = Account(
        account.user_id,
        account.unit,
        balance,
        account.held,
        account.earned + (line.amount if line.kind in ("earned", "bonus", "revoked") else 0),
        account.spent - (line.amount if line.kind in ("spent", "refunded") else 0),
        account.expired - (line.amount if line.kind == "expired" else 0),
        sequence,
        hash,
        recorded_at,
    )
    return changed, evolve(draft, hash=hash)


def replaced(lots: tuple[Lot, ...], changed: Iterable[Lot]) -> tuple[Lot, ...]:
    """The lots with the changed ones in their place, and those that came back at the end."""
    by_id = {lot.id: lot for lot in changed}
    return tuple(by_id.pop(lot.id, lot) for lot in lots) + tuple(by_id.values())


def settle(book: Book, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Write down what time already decided: holds past their limit end, lots past their day expire.

    What may be spent is the same before and after. An expiry is effective at the lot's own instant;
    what a live hold sets aside of a lot does not expire while it is held.
    """
    ended = [hold for hold in book.holds if hold.state == "held" and hold.expires_at <= at]
    if not ended and all(lot.expires_at > at for lot in book.lots):
        return Movement(book)
    changed: list[Record] = []
    events: list[Event] = []
    account = book.account
    for hold in ended:
        account = evolve(account, held=account.held - (hold.amount - hold.captured))
        changed.append(evolve(hold, state="expired"))
        events.append(HoldChanged(hold.user_id, hold.unit, hold.id, "expired", hold.amount))
    holds = tuple(hold for hold in book.holds if hold.state == "held" and hold.expires_at > at)
    held = held_by_lot(holds, at)
    lots: list[Lot] = []
    for lot in sorted(book.lots, key=lambda lot: (lot.expires_at, lot.created_at, lot.id)):
        dead = lot.remaining - held.get(lot.id, 0)
        if lot.expires_at > at or not dead:
            continue
        line = Line("expired", -dead, lot.source_type, lot.source_id)
        account, posting = post(account, line, at, ids(), lot.expires_at)
        lots.append(evolve(lot, remaining=lot.remaining - dead))
        changed += [posting, Allocation(lot.user_id, posting.id, posting.id, lot.id, dead)]
        events.append(PointsExpired(lot.user_id, lot.unit, lot.id, dead, lot.expires_at))
    settled = Book(account, replaced(book.lots, lots), holds)
    return Movement(settled, (account, *lots, *changed), tuple(events))


def take(
    usable: Iterable[tuple[Lot, int]], amount: int, error: Callable[[int], Exception]
) -> list[tuple[Lot, int]]:
    """How much to take from each lot, in order; `error(what there is)` if that is too little."""
    taken, needed = [], amount
    for lot, free in usable:
        part = min(free, needed)
        taken.append((lot, part))
        needed -= part
        if not needed:
            return taken
    raise error(amount - needed)


def debit(
    book: Book, line: Line, taken: Iterable[tuple[Lot, int]], at: datetime, ids: Callable[[], UUID]
) -> tuple[Book, Posting, tuple[Record, ...]]:
    """Post a debit and consume the lots: the new book, the posting, and all that changed."""
    account, posting = post(book.account, line, at, ids(), at)
    lots = [evolve(lot, remaining=lot.remaining - part) for lot, part in taken]
    allocations = [Allocation(lot.user_id, posting.id, posting.id, lot.id, part) for lot, part in taken]
    return (
        Book(account, replaced(book.lots, lots), book.holds),
        posting,
        (account, *lots, posting, *allocations),
    )


class Parts(Record):
    """A balance in its parts at an instant: they sum to `balance`. Whole points."""

    balance: int
    available: int
    pending: int
    held: int
    next_expiry: datetime | None
    next_expiring: int


def parts_of(book: Book, at: datetime) -> Parts:
    """What a book holds at an instant, whether or not what time decided was written down yet."""
    held = held_by_lot(book.holds, at)
    available = [(lot, free) for lot, free in spendable(book.lots, book.holds, at)]
    pending = sum(lot.remaining for lot in book.lots if lot.available_at > at)
    free = sum(part for _, part in available)
    total_held = sum(held.values())
    first = available[0][0].expires_at if available else None
    return Parts(
        balance=free + pending + total_held,
        available=free,
        pending=pending,
        held=total_held,
        next_expiry=first,
        next_expiring=sum(part for lot, part in available if lot.expires_at == first),
    )
