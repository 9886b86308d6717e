"""How a book is kept: the chain of postings, the order of consumption, and what time decides."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from ..shared import Event, Record, evolve
from .errors import EffectiveTooEarly, MultiplierOutOfRange
from .events import DebtRepaid, HoldChanged, PointsExpired
from .records import (
    CONTRA,
    LONG_AGO,
    Account,
    Allocation,
    Book,
    Hold,
    Line,
    Lot,
    Movement,
    Posting,
)
from .units import in_utc

Free = tuple[Lot, int]
"""A lot, and how much of it."""
TICK = timedelta(microseconds=1)


def open_account(user_id: UUID, unit: str, at: datetime) -> Account:
    """A new account: nothing in it yet."""
    return Account(user_id, unit, 0, 0, 0, 0, 0, 0, 0, b"", LONG_AGO, LONG_AGO, None, at)


def chain(previous: bytes, posting: Posting, parts: Iterable[tuple[UUID, int]] = ()) -> bytes:
    """The hash (SHA-256) that covers a posting's fields, what it allocated (signed, in the order of the lots'
    ids) and the hash before it."""
    recorded = _recorded(posting.recorded_at)
    is_past = posting.effective_at is not posting.recorded_at
    fields = (
        f"{posting.user_id.hex}|{posting.id.hex}|{posting.unit}|{posting.sequence}|{posting.kind}|{posting.contra}"
        f"|{_hex(posting.contra_id)}|{posting.amount}|{posting.debt}|{posting.balance_after}|{posting.source_type}"
        f"|{posting.source_id.hex}|{posting.base_amount}|{posting.multiplier}|{posting.rate}|{_hex(posting.debit_id)}"
        f"|{_hex(posting.author_id)}|{_iso(posting.available_at)}|{_iso(posting.expires_at)}"
        f"|{'' if posting.funded is None else posting.funded}|{_hex(posting.grant_id)}"
        f"|{'' if posting.policy_version is None else posting.policy_version}"
        f"|{_iso(posting.effective_at) if is_past else recorded}|{recorded}|"
    )
    taken = "".join([f"{lot_id.hex}:{amount}|" for lot_id, amount in sorted(parts)])
    return hashlib.sha256(previous + f"{fields}{taken}{posting.reason}".encode()).digest()


def _hex(id: UUID | None) -> str:
    return "" if id is None else id.hex


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


@lru_cache(maxsize=16)
def _recorded(at: datetime) -> str:
    """When a line is recorded, which is in UTC and the same for many of one batch."""
    return at.isoformat()


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


def unexpired(book: Book, at: datetime) -> list[Free]:
    """What is free in each lot that has not ended, ripe or not, in the order of consumption: earliest
    expiry, at equal expiry bonus before funded, then oldest (or the oldest first, by the unit's policy)."""
    held = held_by_lot(book.holds, at) if book.holds else {}
    free = [(lot, lot.remaining - held.get(lot.id, 0)) for lot in book.lots if at < lot.expires_at]
    usable = [pair for pair in free if pair[1] > 0]
    if len(usable) > 1:
        usable.sort(key=_by_age if book.policy.consumption == "oldest_first" else _by_expiry)
    return usable


def _by_expiry(pair: Free) -> tuple[datetime, bool, UUID]:
    return order_of(pair[0])


def _by_age(pair: Free) -> UUID:
    return pair[0].id


def order_of(lot: Lot) -> tuple[datetime, bool, UUID]:
    """Where a lot stands among the others: earliest expiry, bonus before funded, oldest."""
    return lot.expires_at, lot.funded, lot.id


def spendable(book: Book, at: datetime, effective_at: datetime | None = None) -> list[Free]:
    """The lots that may be consumed now with what is free in each; for a debit that is effective in the
    past, those that could be consumed then too. Raises EffectiveTooEarly where points came back since: what
    is there now was not there then."""
    if effective_at is not None and effective_at < book.account.refunded_at:
        raise EffectiveTooEarly(since=book.account.refunded_at, effective_at=effective_at)
    ripe_by = effective_at or latest(book.account, at)
    return [pair for pair in unexpired(book, at) if pair[0].available_at <= ripe_by]


def latest(account: Account, at: datetime) -> datetime:
    """The instant itself, or that of the last line: several lines of one instant are recorded one after the
    other, and what the one gave the next may take."""
    return max(at, account.recorded_at)


def post(
    account: Account,
    line: Line,
    at: datetime,
    id: UUID,
    effective_at: datetime | None = None,
    parts: Sequence[tuple[UUID, int]] = (),
) -> tuple[Account, Posting]:
    """Append a line to an account: its place, the balance after it, its hash."""
    recorded_at = recording_time(account, at)
    sequence, balance = account.sequence + 1, account.balance + line.amount
    contra = CONTRA[line.kind]
    draft = Posting(
        account.user_id,
        id,
        account.unit,
        sequence,
        line.kind,
        contra,
        line.contra_id,
        line.amount,
        line.debt,
        balance,
        line.source_type,
        line.source_id,
        abs(line.amount) if line.base_amount is None else line.base_amount,
        line.multiplier,
        line.rate,
        line.debit_id,
        line.author_id,
        line.reason,
        line.available_at,
        line.expires_at,
        line.funded,
        line.grant_id,
        line.policy_version,
        recorded_at if effective_at is None else in_utc(effective_at),
        recorded_at,
        b"",
    )
    hash = chain(account.hash, draft, parts)
    changed = Account(
        account.user_id,
        account.unit,
        balance,
        account.held,
        account.debt + line.debt,
        account.earned + (line.amount if contra == "issuance" else 0),
        account.spent - (line.amount if contra == "redemption" else 0),
        account.expired - (line.amount if contra == "breakage" else 0),
        sequence,
        hash,
        account.matures_at,
        recorded_at if line.kind == "refunded" else account.refunded_at,
        account.closed_at,
        recorded_at,
    )
    return changed, evolve(draft, hash=hash)


def recording_time(account: Account, at: datetime) -> datetime:
    """When the next line of an account is recorded: now, and after the line before."""
    return max(at, account.recorded_at + TICK) if account.sequence else at


def credit(
    account: Account, line: Line, at: datetime, ids: Callable[[], UUID], effective_at: datetime | None = None
) -> tuple[Account, Posting, Lot]:
    """Post a credit that makes a lot, and the lot; the line says all of what it is. Nothing is ripe before
    the line that gives it is effective."""
    assert line.available_at is not None, "a credit says from when on its points are ripe"
    since = effective_at or recording_time(account, at)
    if line.available_at < since:
        line = evolve(line, available_at=since)
    assert line.available_at is not None, "it is since then"
    account, posting = post(account, line, at, ids(), effective_at)
    assert line.expires_at is not None, "a credit says until when its points last"
    assert line.funded is not None, "a credit says whether it was paid for"
    assert line.grant_id is not None, "a credit names its grant"
    assert line.policy_version is not None, "a credit names the policy that promised"
    lot = Lot(
        account.user_id,
        posting.id,
        account.unit,
        line.amount,
        line.amount,
        line.funded,
        line.available_at,
        line.expires_at,
        line.source_type,
        line.source_id,
        line.grant_id,
        line.policy_version,
        0,
        0,
        False,
        at,
    )
    if line.available_at > account.matures_at:
        account = evolve(account, matures_at=line.available_at)
    return account, posting, lot


def replaced(lots: tuple[Lot, ...], changed: Iterable[Lot]) -> tuple[Lot, ...]:
    """The lots with the changed ones in their place, and those that came back or are new at the end."""
    by_id = {lot.id: lot for lot in changed}
    return tuple(by_id.pop(lot.id, lot) for lot in lots) + tuple(by_id.values())


def settle(book: Book, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Write down what time already decided: holds past their limit end, lots past their day expire.

    What may be spent is the same before and after. An expiry is effective at the lot's own instant; what a
    hold kept alive beyond it expires when the hold ends.
    """
    ended = [hold for hold in book.holds if hold.expires_at <= at]
    if not ended and all(lot.expires_at > at for lot in book.lots):
        return Movement(book)
    account = book.account
    for hold in ended:
        account = evolve(account, held=account.held - hold.amount)
    holds = tuple(hold for hold in book.holds if hold.expires_at > at)
    closed = [evolve(hold, state="expired", closed_at=hold.expires_at) for hold in ended]
    expired = expire_dead(Book(account, book.lots, holds, book.policy, book.whole), ended, at, ids)
    events = [HoldChanged(one.user_id, one.unit, one.id, "expired", one.amount) for one in ended]
    changed = expired.changed or (account,)
    return Movement(expired.book, (*changed, *closed), (*events, *expired.events))


def expire_dead(book: Book, ended: Iterable[Hold], at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Expire what is free in lots past their day. `ended` holds kept their parts until they ended
    (`closed_at`, or else their limit)."""
    held = held_by_lot(book.holds, at)
    kept: dict[UUID, dict[datetime, int]] = {}
    for hold in ended:
        end = hold.closed_at or hold.expires_at
        for set_aside in hold.parts:
            until = kept.setdefault(set_aside.lot_id, {})
            until[end] = until.get(end, 0) + set_aside.amount
    account, changed, lots = book.account, list[Record](), list[Lot]()
    events: list[Event] = []
    for lot in sorted((one for one in book.lots if one.expires_at <= at), key=order_of):
        dead = lot.remaining - held.get(lot.id, 0)
        for effective_at, part in _deaths(lot, dead, kept.get(lot.id, {})):
            line = Line("expired", -part, lot.source_type, lot.source_id)
            account, posting = post(account, line, at, ids(), effective_at, ((lot.id, part),))
            changed += [posting, Allocation(lot.user_id, posting.id, posting.id, lot.id, part)]
            events.append(PointsExpired(lot.user_id, lot.unit, lot.id, part, effective_at))
        if dead:
            lots.append(evolve(lot, remaining=lot.remaining - dead, expired=lot.expired + dead))
    if not lots:
        return Movement(book)
    left = Book(account, replaced(book.lots, lots), book.holds, book.policy, book.whole)
    return Movement(left, (account, *lots, *changed), tuple(events))


def _deaths(lot: Lot, dead: int, kept: dict[datetime, int]) -> list[tuple[datetime, int]]:
    """How much of what is dead in a lot ended when: at the lot's own instant, unless it was kept longer."""
    later = [(end, part) for end, part in sorted(kept.items()) if end > lot.expires_at]
    at_once = dead - sum(part for _, part in later)
    return [(end, part) for end, part in ((lot.expires_at, at_once), *later) if part > 0]


def take(usable: Iterable[Free], amount: int, error: Callable[[int], Exception]) -> list[Free]:
    """How much to take from each lot, in order; `error(what there is)` if that is too little."""
    taken, needed = [], amount
    for lot, free in usable:
        part = min(free, needed)
        taken.append((lot, part))
        needed -= part
        if not needed:
            return taken
    raise error(amount - needed)


def take_up_to(usable: Iterable[Free], amount: int) -> list[Free]:
    """How much to take from each lot, in order, as far as it goes."""
    taken = []
    for lot, free in usable:
        part = min(free, amount)
        amount -= part
        if part:
            taken.append((lot, part))
    return taken


def debit(
    book: Book,
    line: Line,
    taken: Sequence[Free],
    at: datetime,
    ids: Callable[[], UUID],
    effective_at: datetime | None = None,
) -> tuple[Book, Posting, tuple[Record, ...]]:
    """Post a debit and consume the lots: the new book, the posting, and all that changed."""
    parts = [(lot.id, part) for lot, part in taken]
    account, posting = post(book.account, line, at, ids(), effective_at, parts)
    lots = [evolve(lot, remaining=lot.remaining - part) for lot, part in taken]
    allocations = [Allocation(lot.user_id, posting.id, posting.id, lot.id, part) for lot, part in taken]
    return (
        Book(account, replaced(book.lots, lots), book.holds, book.policy, book.whole),
        posting,
        (account, *lots, posting, *allocations),
    )


def repay(movement: Movement, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """A credit, and the debt that it repays at once, from whatever is free, ripe or not."""
    book = movement.book
    if not book.account.debt:
        return movement
    taken = take_up_to(unexpired(book, at), book.account.debt)
    amount = sum(part for _, part in taken)
    if not amount:
        return movement
    account, first = book.account, taken[0][0]
    line = Line("repaid", -amount, first.source_type, first.source_id, debt=-amount)
    repaid, _, changed = debit(book, line, taken, at, ids)
    event = DebtRepaid(account.user_id, account.unit, amount, repaid.account.debt)
    return Movement(repaid, (*movement.changed, *changed), (*movement.events, event), movement.posting_id)


class Parts(Record):
    """A balance in its parts at an instant: `available`, `pending` and `held` sum to `balance`. Whole points.
    `next_expiring` is None where the book is not whole."""

    balance: int
    available: int
    pending: int
    held: int
    debt: int
    next_expiry: datetime | None
    next_expiring: int | None


def parts_of(book: Book, at: datetime) -> Parts:
    """What a book holds at an instant, whether or not what time decided was written down yet. A book that
    is not whole must be settled, and have nothing that ripens later among the lots it leaves out."""
    held = held_by_lot(book.holds, at) if book.holds else {}
    ripe_by, total_held = latest(book.account, at), sum(held.values())
    free = pending = next_expiring = 0
    next_expiry: datetime | None = None
    for lot in book.lots:
        if lot.expires_at <= at:
            continue
        if lot.available_at > ripe_by:
            pending += lot.remaining
        elif part := lot.remaining - held.get(lot.id, 0):
            free += part
            if next_expiry is None or lot.expires_at < next_expiry:
                next_expiry, next_expiring = lot.expires_at, part
            elif lot.expires_at == next_expiry:
                next_expiring += part
    if not book.whole:
        free = book.account.balance - total_held - pending
    return Parts(
        free + pending + total_held,
        free,
        pending,
        total_held,
        book.account.debt,
        next_expiry,
        next_expiring if book.whole else None,
    )


def covers(book: Book, needed: int, at: datetime, effective_at: datetime | None = None) -> bool:
    """Whether the first lots of an account say all that a debit of `needed` points wants to know: everything
    that has ended is among them, nothing is pending, or was then, no debt waits, and they have enough and
    more, so that what ends next is among them, too."""
    if book.whole:
        return True
    account = book.account
    if book.policy.consumption != "earliest_expiry" or account.debt:
        return False
    if (
        account.matures_at > (effective_at or latest(account, at))
        or not book.lots
        or book.lots[-1].expires_at <= at
    ):
        return False
    return sum(free for _, free in spendable(book, at)) > needed
