"""Grants taken back, accounts closed and opened again."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from ..shared import Record, evolve
from .book import debit, replaced, take_up_to, unexpired
from .errors import (
    AccountClosed,
    AccountNotEmpty,
    AccountOpen,
    GrantAlreadyRevoked,
    GrantOver,
)
from .events import AccountStatusChanged, GrantRevoked
from .records import Account, Book, Line, Lot, Movement


def revoke(
    book: Book, grant_id: UUID, lots: Iterable[Lot], *, at: datetime, ids: Callable[[], UUID]
) -> Movement:
    """Take back what is left of a grant, and leave what is spent, set aside or ended. `lots` are all that it
    made. Where nothing is left nothing happens. Raises GrantAlreadyRevoked, GrantOver."""
    granted = _revocable(grant_id, list(lots))
    taken = [pair for pair in unexpired(book, at) if pair[0].grant_id == grant_id]
    left = sum(free for _, free in taken)
    if not left:
        return Movement(book)
    line = Line("revoked", -left, granted[0].source_type, granted[0].source_id)
    revoked, posting, changed = debit(book, line, taken, at, ids)
    now = {lot.id: lot for lot in revoked.lots}
    marked = [evolve(now.get(lot.id, lot), revoked=True) for lot in granted]
    event = GrantRevoked(book.account.user_id, book.account.unit, grant_id, left, 0)
    return Movement(
        evolve(revoked, lots=replaced(revoked.lots, marked)), (*changed, *marked), (event,), posting.id
    )


def claw_back(
    book: Book,
    grant_id: UUID,
    lots: Iterable[Lot],
    *,
    author_id: UUID,
    reason: str,
    at: datetime,
    ids: Callable[[], UUID],
) -> Movement:
    """Take one grant back though some of it may be spent. `lots` are all that it made.

    Its own free points go first, then others in the order of consumption; what is missing is booked as a
    debt that the next credits repay. What of the grant has ended unspent is left out: nobody had those
    points. Happens once. Raises GrantAlreadyRevoked, GrantOver.
    """
    granted = _revocable(grant_id, list(lots))
    due = sum(lot.amount - lot.expired for lot in granted)
    free = unexpired(book, at)
    own_first = sorted(free, key=lambda pair: pair[0].grant_id != grant_id)
    taken = take_up_to(own_first, due)
    amount = sum(part for _, part in taken)
    source = granted[0]
    line = Line(
        "revoked",
        -amount,
        source.source_type,
        source.source_id,
        base_amount=due,
        debt=due - amount,
        author_id=author_id,
        reason=reason,
    )
    revoked, posting, changed = debit(book, line, taken, at, ids)
    now = {lot.id: lot for lot in revoked.lots}
    marked = [evolve(now.get(lot.id, lot), revoked=True) for lot in granted]
    event = GrantRevoked(book.account.user_id, book.account.unit, grant_id, amount, due - amount)
    left = evolve(revoked, lots=replaced(revoked.lots, marked))
    return Movement(left, (*changed, *marked), (event,), posting.id)


def _revocable(grant_id: UUID, lots: list[Lot]) -> list[Lot]:
    if any(lot.revoked for lot in lots):
        raise GrantAlreadyRevoked(grant_id=grant_id)
    if all(lot.expired == lot.amount for lot in lots):
        raise GrantOver(grant_id=grant_id)
    return lots


def check_open(account: Account) -> None:
    """Raise AccountClosed where an account takes no movement any more."""
    if account.closed_at is not None:
        raise AccountClosed(user_id=account.user_id, unit=account.unit, closed_at=account.closed_at)


def close(book: Book, *, reason: str, at: datetime) -> Movement:
    """Close an account that is empty and owes nothing. Raises AccountNotEmpty."""
    account = book.account
    if account.balance or account.held or account.debt:
        raise AccountNotEmpty(balance=account.balance, held=account.held, debt=account.debt)
    return _with_status(book, at, reason)


def reopen(book: Book, *, reason: str) -> Movement:
    """Open a closed account again. Raises AccountOpen."""
    if book.account.closed_at is None:
        raise AccountOpen(user_id=book.account.user_id, unit=book.account.unit)
    return _with_status(book, None, reason)


def _with_status(book: Book, closed_at: datetime | None, reason: str) -> Movement:
    account: Record = (closed := evolve(book.account, closed_at=closed_at))
    event = AccountStatusChanged(closed.user_id, closed.unit, closed_at is not None, reason)
    return Movement(evolve(book, account=closed), (account,), (event,))
