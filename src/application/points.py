"""The points of members: what a person or a service can ask of the ledger (M7, M8)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ..domain import points, shared
from ..domain.points import POINTS, Account, Allocation, Book, Hold, Lot, Movement, Posting, SourceType
from .pages import Limit, Page, int_of, page_of
from .work import ADMINS, SIGNED_IN, Key, Kind, Read, Wanted, Work, query, use_case

ACCOUNTS = Kind(Account, "account", ("user_id", "unit"), root=True)
LOTS = Kind(
    Lot,
    "lot",
    ("user_id", "id"),
    {"account": ("user_id", "unit")},
    live=lambda lot: lot.remaining > 0,
    changes=("remaining", "expires_at"),
)
POSTINGS = Kind(Posting, "posting", ("user_id", "id"), changes=())
ALLOCATIONS = Kind(
    Allocation,
    "allocation",
    ("user_id", "debit_id", "posting_id", "lot_id"),
    {"debit": ("user_id", "debit_id")},
    changes=(),
)
HOLDS = Kind(
    Hold,
    "hold",
    ("user_id", "id"),
    {"account": ("user_id", "unit")},
    live=lambda hold: hold.state == "held",
    changes=("state", "captured"),
)
KINDS: tuple[Kind[Any], ...] = (ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS)

Days = Annotated[int, msgspec.Meta(ge=1, le=800, description="How many days ahead.")]
Unit = Annotated[
    str, msgspec.Meta(min_length=1, max_length=50, description="What is counted, such as `points`.")
]


# --- commands -------------------------------------------------------------------------------


class Earn(shared.Command, kw_only=True):
    """Give points: `funded` were paid for, `bonus` are on top. `multiplier` in hundredths (100 to 999)."""

    user_id: UUID
    unit: Unit = POINTS
    funded: shared.Price = 0
    bonus: shared.Price = 0
    multiplier: Annotated[int, msgspec.Meta(ge=100, le=999)] = 100
    source_type: SourceType = "manual"
    source_id: UUID


class Spend(shared.Command, kw_only=True):
    """Take `amount` points for something bought."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    source_type: SourceType = "purchase"
    source_id: UUID


class PlaceHold(shared.Command, kw_only=True):
    """Set `amount` points aside for `minutes` (at most 31 days)."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    minutes: Annotated[int, msgspec.Meta(ge=1, le=44_640)] = 30
    source_type: SourceType = "purchase"
    source_id: UUID


class CaptureHold(shared.Command, kw_only=True):
    """Spend what a hold set aside: all of it, or `amount` of it, once."""

    user_id: UUID
    hold_id: UUID
    amount: shared.Amount | None = None


class ReleaseHold(shared.Command, kw_only=True):
    """Give back what a hold set aside."""

    user_id: UUID
    hold_id: UUID


class Refund(shared.Command, kw_only=True):
    """Give points of a spend back to the lots they came from: `amount` of them, or all that are left."""

    user_id: UUID
    debit_id: UUID
    amount: shared.Amount | None = None


class Adjust(shared.Command, kw_only=True):
    """Correct a balance by a signed amount. The author is who asks; the reason is kept for ever."""

    user_id: UUID
    unit: Unit = POINTS
    amount: Annotated[int, msgspec.Meta(ge=-shared.MOST, le=shared.MOST)]
    reason: Annotated[
        str, msgspec.Meta(min_length=3, max_length=500, pattern=r"^[^\x00]*[^\s\x00][^\x00]*\Z")
    ]


class Expire(shared.Command, kw_only=True):
    """Write down what time already decided for one account."""

    user_id: UUID
    unit: Unit = POINTS


# --- views ----------------------------------------------------------------------------------


class Balance(shared.Record):
    """A balance in its parts, whole points: `balance` = `available` + `pending` + `held`.

    `euros` is what it stands for, 1 point = 1 euro. `posting_id` and `hold_id` name what the command
    that answered with this balance wrote; they are null on a plain reading.
    """

    user_id: UUID
    unit: str
    balance: int
    available: int
    pending: int
    held: int
    euros: shared.Money
    next_expiry: datetime | None
    next_expiring: int
    as_of: datetime
    posting_id: UUID | None = None
    hold_id: UUID | None = None


class LotPart(shared.Record):
    """What a line did to a lot: positive where it made it or gave back, negative where it consumed."""

    lot_id: UUID
    amount: int
    funded: bool
    expires_at: datetime


class StatementLine(shared.Record):
    """One posting with the lots it touched."""

    id: UUID
    sequence: int
    kind: points.PostingKind
    contra: points.Contra
    amount: int
    balance_after: int
    source_type: str
    source_id: UUID
    base_amount: int
    multiplier: int
    debit_id: UUID | None
    author_id: UUID | None
    reason: str
    effective_at: datetime
    recorded_at: datetime
    lots: tuple[LotPart, ...] = ()


class ExpiringLot(shared.Record):
    """What is left of a lot that ends within the window asked for."""

    lot_id: UUID
    amount: int
    funded: bool
    expires_at: datetime


class Expiring(shared.Record):
    """What expires within `days`: the total and the lots, soonest first."""

    user_id: UUID
    unit: str
    days: int
    total: int
    lots: tuple[ExpiringLot, ...]


class Summary(shared.Record):
    """An account at a glance: what was earned and spent in all, what is active, what expires in 60 days."""

    user_id: UUID
    unit: str
    earned: int
    spent: int
    expired: int
    active: int
    expiring: int
    last_activity: datetime | None


# --- queries ----------------------------------------------------------------------------------


class GetBalance(shared.Query, kw_only=True):
    user_id: UUID
    unit: Unit = POINTS


class GetStatement(shared.Query, kw_only=True):
    """The lines of an account, newest first."""

    user_id: UUID
    unit: Unit = POINTS
    limit: Limit = 25
    cursor: str | None = None


class GetExpiring(shared.Query, kw_only=True):
    user_id: UUID
    unit: Unit = POINTS
    days: Days = 60


class PointsQueries(Protocol):
    """The read side of the ledger."""

    async def book(self, user_id: UUID, unit: str) -> Book | None:
        """The account with its open lots and holds; None where it was never used."""
        ...

    async def lines(self, user_id: UUID, unit: str, limit: int, before: int | None) -> list[StatementLine]:
        """Postings with their lots, newest first."""
        ...


class HasPoints(Protocol):
    @property
    def points(self) -> PointsQueries: ...


# --- for use cases above ------------------------------------------------------------------------


def book_keys(user_id: UUID, unit: str = POINTS) -> tuple[Wanted, ...]:
    """What to lock in order to move the points of a member."""
    return (ACCOUNTS.key(user_id, unit), LOTS.group("account", user_id, unit))


async def open_book(work: Work, user_id: UUID, unit: str = POINTS) -> Movement:
    """The account as time left it, opened when it is new: the first part of every movement."""
    account = work.find(ACCOUNTS.key(user_id, unit)) or points.open_account(user_id, unit, work.now)
    holds: Iterable[Hold] = ()
    if account.held:
        await work.load(HOLDS.group("account", user_id, unit))
        holds = work.list(HOLDS.group("account", user_id, unit))
    book = Book(account, tuple(work.list(LOTS.group("account", user_id, unit))), tuple(holds))
    return points.settle(book, work.now, work.new_id)


def keep(work: Work, *movements: Movement) -> None:
    """Store what movements changed, and say what happened."""
    for movement in movements:
        work.save(*movement.changed)
        work.record(*movement.events)


async def grant(
    work: Work, user_id: UUID, *, funded: int, bonus: int, source: points.Source
) -> points.PointsEarned:
    """Give points inside another use case, whose locks cover `book_keys(user_id)`."""
    opened = await open_book(work, user_id)
    earned = points.earn(opened.book, funded=funded, bonus=bonus, source=source, at=work.now, ids=work.new_id)
    keep(work, opened, earned)
    return _event(earned, points.PointsEarned)


async def debit(work: Work, user_id: UUID, *, amount: int, source: points.Source) -> points.PointsSpent:
    """Spend points inside another use case, whose locks cover `book_keys(user_id)`."""
    opened = await open_book(work, user_id)
    spent = points.spend(opened.book, amount=amount, source=source, at=work.now, ids=work.new_id)
    keep(work, opened, spent)
    return _event(spent, points.PointsSpent)


async def give_back(work: Work, user_id: UUID, debit_id: UUID, amount: int | None = None) -> Movement:
    """Refund a debit inside another use case, whose locks cover `book_keys` and `debit_keys`."""
    spent = work.get(POSTINGS.key(user_id, debit_id))
    opened = await open_book(work, user_id, spent.unit)
    allocations = work.list(ALLOCATIONS.group("debit", user_id, debit_id))
    await work.load(*(LOTS.key(user_id, one.lot_id) for one in allocations))
    lots = [work.get(LOTS.key(user_id, one.lot_id)) for one in allocations]
    back = points.refund(opened.book, spent, allocations, lots, amount=amount, at=work.now, ids=work.new_id)
    keep(work, opened, back)
    return back


def debit_keys(user_id: UUID, debit_id: UUID) -> tuple[Wanted, ...]:
    """What to lock, beside the book, in order to refund a debit."""
    return (POSTINGS.key(user_id, debit_id), ALLOCATIONS.group("debit", user_id, debit_id))


async def take_back(work: Work, user_id: UUID, grant_id: UUID, granted: int) -> Movement:
    """Revoke one untouched grant inside another use case, whose locks cover `book_keys(user_id)`."""
    opened = await open_book(work, user_id)
    revoked = points.revoke(opened.book, grant_id, granted, at=work.now, ids=work.new_id)
    keep(work, opened, revoked)
    return revoked


# --- use cases --------------------------------------------------------------------------------


def _locks(command: Earn | Spend | PlaceHold | Adjust | Expire, work: Work) -> tuple[Wanted, ...]:
    return book_keys(command.user_id, points.policy_of(command.unit).unit)


@use_case(allow=ADMINS, locks=_locks)
async def earn(command: Earn, work: Work) -> Balance:
    """Give points to a member."""
    opened = await open_book(work, command.user_id, command.unit)
    earned = points.earn(
        opened.book,
        funded=command.funded,
        bonus=command.bonus,
        source=points.Source(command.source_type, command.source_id),
        at=work.now,
        ids=work.new_id,
        multiplier=command.multiplier,
    )
    keep(work, opened, earned)
    return balance_of(earned, work.now)


@use_case(allow=ADMINS, locks=_locks)
async def spend(command: Spend, work: Work) -> Balance:
    """Spend points of a member."""
    opened = await open_book(work, command.user_id, command.unit)
    source = points.Source(command.source_type, command.source_id)
    spent = points.spend(opened.book, amount=command.amount, source=source, at=work.now, ids=work.new_id)
    keep(work, opened, spent)
    return balance_of(spent, work.now)


@use_case(allow=ADMINS, locks=_locks)
async def hold(command: PlaceHold, work: Work) -> Balance:
    """Set points of a member aside."""
    opened = await open_book(work, command.user_id, command.unit)
    held = points.hold(
        opened.book,
        amount=command.amount,
        source=points.Source(command.source_type, command.source_id),
        until=work.now + timedelta(minutes=command.minutes),
        at=work.now,
        ids=work.new_id,
    )
    keep(work, opened, held)
    return balance_of(held, work.now)


def _hold_key(command: CaptureHold | ReleaseHold, work: Work) -> tuple[Key[Hold]]:
    return (HOLDS.key(command.user_id, command.hold_id),)


def _hold_locks(command: CaptureHold | ReleaseHold, work: Work) -> tuple[Wanted, ...]:
    unit = work.get(HOLDS.key(command.user_id, command.hold_id)).unit
    return (*book_keys(command.user_id, unit), *_hold_key(command, work))


@use_case(allow=ADMINS, loads=(_hold_key,), locks=_hold_locks)
async def capture(command: CaptureHold, work: Work) -> Balance:
    """Spend what a hold set aside, in whole or in part."""
    held = work.get(HOLDS.key(command.user_id, command.hold_id))
    opened = await open_book(work, command.user_id, held.unit)
    amount = held.amount if command.amount is None else command.amount
    captured = points.capture(opened.book, held, amount=amount, at=work.now, ids=work.new_id)
    keep(work, opened, captured)
    return balance_of(captured, work.now)


@use_case(allow=ADMINS, loads=(_hold_key,), locks=_hold_locks)
async def release(command: ReleaseHold, work: Work) -> Balance:
    """Give back what a hold set aside."""
    held = work.get(HOLDS.key(command.user_id, command.hold_id))
    opened = await open_book(work, command.user_id, held.unit)
    released = points.release(opened.book, held, at=work.now)
    keep(work, opened, released)
    return balance_of(released, work.now)


def _debit_key(command: Refund, work: Work) -> tuple[Key[Posting]]:
    return (POSTINGS.key(command.user_id, command.debit_id),)


def _refund_locks(command: Refund, work: Work) -> tuple[Wanted, ...]:
    unit = work.get(POSTINGS.key(command.user_id, command.debit_id)).unit
    return (*book_keys(command.user_id, unit), *debit_keys(command.user_id, command.debit_id))


@use_case(allow=ADMINS, loads=(_debit_key,), locks=_refund_locks)
async def refund(command: Refund, work: Work) -> Balance:
    """Give points of a spend back to the very lots they came from."""
    back = await give_back(work, command.user_id, command.debit_id, command.amount)
    return balance_of(back, work.now)


@use_case(allow=ADMINS, locks=_locks)
async def adjust(command: Adjust, work: Work) -> Balance:
    """Correct a balance, with a reason and an author."""
    opened = await open_book(work, command.user_id, command.unit)
    adjusted = points.adjust(
        opened.book,
        amount=command.amount,
        author_id=work.actor.user_id,
        reason=command.reason,
        source_id=work.new_id(),
        at=work.now,
        ids=work.new_id,
    )
    keep(work, opened, adjusted)
    return balance_of(adjusted, work.now)


@use_case(allow=ADMINS, locks=_locks)
async def expire(command: Expire, work: Work) -> Balance:
    """Write down what time already decided for an account. What may be spent does not change."""
    opened = await open_book(work, command.user_id, command.unit)
    keep(work, opened)
    return balance_of(opened, work.now)


@query(allow=SIGNED_IN)
async def balance(question: GetBalance, read: Read[HasPoints]) -> Balance:
    """The balance of an account in its parts. One's own; any for an admin."""
    return _view(await _book(question, read), read.now)


@query(allow=SIGNED_IN)
async def statement(question: GetStatement, read: Read[HasPoints]) -> Page[StatementLine]:
    """The lines of an account, newest first, each with the lots it touched."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    unit = points.policy_of(question.unit).unit
    before = int_of(question.cursor)
    lines = await read.ports.points.lines(question.user_id, unit, question.limit + 1, before)
    return page_of(lines, question.limit, lambda line: line.sequence)


@query(allow=SIGNED_IN)
async def expiring(question: GetExpiring, read: Read[HasPoints]) -> Expiring:
    """What expires within some days, soonest first."""
    book = await _book(question, read)
    limit = read.now + timedelta(days=question.days)
    soon = [pair for pair in points.spendable(book.lots, (), read.now) if pair[0].expires_at <= limit]
    lots = tuple(ExpiringLot(lot.id, left, lot.funded, lot.expires_at) for lot, left in soon)
    return Expiring(question.user_id, question.unit, question.days, sum(lot.amount for lot in lots), lots)


@query(allow=SIGNED_IN)
async def summary(question: GetBalance, read: Read[HasPoints]) -> Summary:
    """An account at a glance."""
    book = await _book(question, read)
    account = book.account
    parts, limit = points.parts_of(book, read.now), read.now + timedelta(days=60)
    soon = sum(left for lot, left in points.spendable(book.lots, (), read.now) if lot.expires_at <= limit)
    return Summary(
        user_id=question.user_id,
        unit=question.unit,
        earned=account.earned,
        spent=account.spent,
        expired=account.expired + account.balance - parts.balance,
        active=parts.balance,
        expiring=soon,
        last_activity=account.recorded_at if account.sequence else None,
    )


async def _book(question: GetBalance | GetExpiring, read: Read[HasPoints]) -> Book:
    read.actor.must_own(question.user_id, "account", question.user_id)
    unit = points.policy_of(question.unit).unit
    found = await read.ports.points.book(question.user_id, unit)
    return found or Book(points.open_account(question.user_id, unit, read.now), ())


def balance_of(movement: Movement, at: datetime) -> Balance:
    """The balance after a movement, naming the posting and the hold that it wrote."""
    postings = [record.id for record in movement.changed if isinstance(record, Posting)]
    holds = [record.id for record in movement.changed if isinstance(record, Hold)]
    view = _view(movement.book, at)
    return shared.evolve(
        view, posting_id=postings[-1] if postings else None, hold_id=holds[-1] if holds else None
    )


def _view(book: Book, at: datetime) -> Balance:
    parts, account = points.parts_of(book, at), book.account
    return Balance(
        account.user_id,
        account.unit,
        parts.balance,
        parts.available,
        parts.pending,
        parts.held,
        shared.Money(parts.balance * points.CENTS_PER_POINT),
        parts.next_expiry,
        parts.next_expiring,
        at,
    )


def _event(movement: Movement, kind: type[shared.R]) -> shared.R:
    return next(event for event in movement.events if isinstance(event, kind))
