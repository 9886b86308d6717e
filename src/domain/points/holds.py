"""Points set aside: held, then captured or released, once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from ..shared import check_amount, evolve
from .book import debit, expire_dead, spendable, take
from .errors import CaptureTooLarge, HoldClosed, HoldTooLong, InsufficientPoints
from .events import HoldChanged, PointsSpent
from .records import Book, Hold, Line, Movement, Part, Source


def hold(
    book: Book,
    *,
    amount: int,
    source: Source,
    until: datetime,
    at: datetime,
    ids: Callable[[], UUID],
    most_days: int = 31,
) -> Movement:
    """Set `amount` points aside until a time limit. Raises InsufficientPoints."""
    check_amount(amount)
    if not timedelta(minutes=1) <= until - at <= timedelta(days=most_days):
        raise HoldTooLong(most_days=most_days)
    taken = take(
        spendable(book, at),
        amount,
        lambda available: InsufficientPoints(needed=amount, available=available),
    )
    account = evolve(book.account, held=book.account.held + amount)
    parts = tuple(Part(lot.id, part) for lot, part in taken)
    made = Hold(
        account.user_id, ids(), account.unit, amount, 0, "held", parts, source.type, source.id, until, at
    )
    event = HoldChanged(account.user_id, account.unit, made.id, "held", amount)
    return Movement(evolve(book, account=account, holds=(*book.holds, made)), (account, made), (event,))


def _open_hold(hold: Hold, at: datetime) -> Hold:
    """The hold, if it still stands. Raises HoldClosed."""
    if hold.state != "held" or hold.expires_at <= at:
        raise HoldClosed(hold_id=hold.id, state="expired" if hold.state == "held" else hold.state)
    return hold


def capture(book: Book, hold: Hold, *, amount: int, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Spend what a hold set aside, in whole or in part; the rest is free again, or expires where its lot has
    ended. Happens once. Raises HoldClosed, CaptureTooLarge."""
    check_amount(amount)
    hold = _open_hold(hold, at)
    by_id = {lot.id: lot for lot in book.lots}
    taken = take(
        ((by_id[part.lot_id], part.amount) for part in hold.parts),
        amount,
        lambda held: CaptureTooLarge(held=held, wanted=amount),
    )
    line = Line("spent", -amount, hold.source_type, hold.source_id)
    spent, posting, changed = debit(book, line, taken, at, ids)
    closed = evolve(hold, state="captured", captured=amount, closed_at=at)
    account = evolve(spent.account, held=spent.account.held - hold.amount)
    left = tuple(one for one in spent.holds if one.id != hold.id)
    rest = expire_dead(evolve(spent, account=account, holds=left), (_rest_of(closed, amount),), at, ids)
    source = Source(hold.source_type, hold.source_id)  # type: ignore[arg-type]
    events = (
        HoldChanged(account.user_id, account.unit, hold.id, "captured", amount),
        PointsSpent(account.user_id, account.unit, posting.id, amount, source),
    )
    every = (*changed, account, closed, *rest.changed)
    return Movement(rest.book, every, (*events, *rest.events), posting.id)


def _rest_of(hold: Hold, captured: int) -> Hold:
    """What a hold kept beside what was captured of it."""
    parts = []
    for part in hold.parts:
        used = min(part.amount, captured)
        captured -= used
        parts.append(Part(part.lot_id, part.amount - used))
    return evolve(hold, parts=tuple(parts))


def release(book: Book, hold: Hold, *, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Give back what a hold set aside; what belongs to a lot that has ended expires. Happens once. Raises
    HoldClosed."""
    hold = _open_hold(hold, at)
    account = evolve(book.account, held=book.account.held - hold.amount)
    left = tuple(one for one in book.holds if one.id != hold.id)
    event = HoldChanged(account.user_id, account.unit, hold.id, "released", hold.amount)
    closed = evolve(hold, state="released", closed_at=at)
    rest = expire_dead(evolve(book, account=account, holds=left), (closed,), at, ids)
    return Movement(rest.book, (account, closed, *rest.changed), (event, *rest.events))
