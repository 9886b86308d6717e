"""The ledger for the use cases of contexts above: what to lock, and what to do in their work."""

from collections.abc import Iterable
from uuid import UUID

from ...domain import points, shared
from ...domain.points import POINTS, Book, Hold, Movement
from ..work import Wanted, Work
from .records import ACCOUNTS, ALLOCATIONS, HOLDS, LOTS, POSTINGS


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


def _event(movement: Movement, kind: type[shared.R]) -> shared.R:
    return next(event for event in movement.events if isinstance(event, kind))
