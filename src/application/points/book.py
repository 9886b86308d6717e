"""The ledger for the use cases of contexts above: what to lock, and what to do in their work."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ...domain import points, shared
from ...domain.points import POINTS, Account, Book, Hold, Movement, Policy, Posting
from ..work import Conflict, Wanted, Work
from .records import ACCOUNTS, ALLOCATIONS, BOOKS, HOLDS, LOTS, POLICIES, POSTINGS


def book_keys(user_id: UUID, unit: str = POINTS) -> tuple[Wanted, ...]:
    """What to lock in order to move the points of a member."""
    return (
        ACCOUNTS.key(user_id, unit),
        LOTS.group("front", user_id, unit),
        POLICIES.group("unit", unit),
    )


def whole_keys(user_id: UUID, unit: str = POINTS) -> tuple[Wanted, ...]:
    """The same for what looks at every lot."""
    return (*book_keys(user_id, unit), LOTS.group("account", user_id, unit))


def books_key(unit: str, effective_at: datetime | None) -> tuple[Wanted, ...]:
    """What to lock beside, for something that happened in the past: that the month stays open meanwhile."""
    return () if effective_at is None else (BOOKS.key(unit),)


def policy_of(work: Work, unit: str, at: datetime | None = None) -> Policy:
    """The policy of a unit in force now, or at another instant. Raises UnknownUnit."""
    return points.policy_in_force(work.list(POLICIES.group("unit", unit)), unit, at or work.now)


async def open_book(
    work: Work,
    user_id: UUID,
    unit: str = POINTS,
    *,
    needed: int | None = None,
    effective_at: datetime | None = None,
) -> Movement:
    """The account as time left it, opened when it is new: the first part of every movement.

    Of very many lots only the first are looked at, where they cover a debit of `needed` points (0 for a
    credit). Raises UnknownUnit, AccountClosed, and for `effective_at` EffectiveInFuture and PeriodClosed.
    """
    policy = policy_of(work, unit)
    if effective_at is not None:
        check_effective(work, unit, effective_at)
    front, every = LOTS.group("front", user_id, unit), LOTS.group("account", user_id, unit)
    account = find_account(work, user_id, unit)
    points.check_open(account)
    holds: Iterable[Hold] = ()
    if account.held:
        await work.load(HOLDS.group("account", user_id, unit))
        holds = work.list(HOLDS.group("account", user_id, unit))
    book = Book(account, tuple(work.list(front)), tuple(holds), policy, work.edge(front) is None)
    if not book.whole and (needed is None or not points.covers(book, needed, work.now, effective_at)):
        await work.load(every)
        book = Book(account, tuple(work.list(every)), book.holds, policy)
    return points.settle(book, work.now, work.new_id)


def find_account(work: Work, user_id: UUID, unit: str) -> Account:
    """The account, or a new one. Raises Conflict where somebody else opened it after it was looked for: what
    is not there cannot be locked."""
    if (account := work.find(ACCOUNTS.key(user_id, unit))) is not None:
        return account
    if work.list(LOTS.group("front", user_id, unit)):
        raise Conflict("the account was opened by somebody else after it was looked for")
    return points.open_account(user_id, unit, work.now)


def check_effective(work: Work, unit: str, effective_at: datetime) -> None:
    """Raise unless something can be posted as effective then. The state of the books is locked, so that no
    month is closed meanwhile; where no month ever was, it is written first."""
    books = work.find(BOOKS.key(unit))
    points.check_effective(effective_at, books, unit, work.now)
    if books is None:
        work.save(points.Books(unit, points.LONG_AGO, work.now))


def keep(work: Work, *movements: Movement) -> None:
    """Store what movements changed, and say what happened."""
    for movement in movements:
        work.save(*movement.changed)
        work.record(*movement.events)


async def grant(
    work: Work, user_id: UUID, *, funded: int, bonus: int, source: points.Source
) -> points.PointsEarned:
    """Give points inside another use case, whose locks cover `book_keys(user_id)`."""
    opened = await open_book(work, user_id, needed=0)
    earned = points.earn(opened.book, funded=funded, bonus=bonus, source=source, at=work.now, ids=work.new_id)
    keep(work, opened, earned)
    return _event(earned, points.PointsEarned)


async def debit(work: Work, user_id: UUID, *, amount: int, source: points.Source) -> points.PointsSpent:
    """Spend points inside another use case, whose locks cover `book_keys(user_id)`."""
    opened = await open_book(work, user_id, needed=amount)
    spent = points.spend(opened.book, amount=amount, source=source, at=work.now, ids=work.new_id)
    keep(work, opened, spent)
    return _event(spent, points.PointsSpent)


async def give_back(work: Work, user_id: UUID, debit_id: UUID, amount: int | None = None) -> Movement:
    """Refund a debit inside another use case, whose locks cover `book_keys` and `debit_keys`."""
    spent = work.get(POSTINGS.key(user_id, debit_id))
    opened = await open_book(work, user_id, spent.unit, needed=0)
    allocations = work.list(ALLOCATIONS.group("debit", user_id, debit_id))
    await work.load(*(LOTS.key(user_id, one.lot_id) for one in allocations))
    lots = [work.get(LOTS.key(user_id, one.lot_id)) for one in allocations]
    back = points.refund(opened.book, spent, allocations, lots, amount=amount, at=work.now, ids=work.new_id)
    keep(work, opened, back)
    return back


def debit_keys(user_id: UUID, debit_id: UUID) -> tuple[Wanted, ...]:
    """What to lock, beside the book, in order to refund a debit."""
    return (POSTINGS.key(user_id, debit_id), ALLOCATIONS.group("debit", user_id, debit_id))


async def take_back(work: Work, user_id: UUID, grant_id: UUID) -> int:
    """Revoke what is left of a grant inside another use case, whose locks cover `book_keys(user_id)`; how
    many points that was."""
    group = LOTS.group("grant", user_id, grant_id)
    await work.load(group)
    opened = await open_book(work, user_id)
    keep(work, opened)
    revoked = points.revoke(opened.book, grant_id, work.list(group), at=work.now, ids=work.new_id)
    keep(work, revoked)
    return sum(-one.amount for one in revoked.changed if isinstance(one, Posting))


def _event(movement: Movement, kind: type[shared.R]) -> shared.R:
    return next(event for event in movement.events if isinstance(event, kind))
