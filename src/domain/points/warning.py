"""The warnings before points end: 60, 30 and 7 days ahead, each lot once."""

from datetime import datetime, timedelta

from ..shared import evolve
from .events import LotLeft, PointsExpiringSoon
from .records import WARNING_DAYS, Book, Lot, Movement


def threshold(lot: Lot, at: datetime) -> int | None:
    """The nearest warning that a lot has reached and nobody said yet, in days; None where there is none."""
    if not lot.remaining or lot.expires_at <= at:
        return None
    reached = [days for days in WARNING_DAYS if lot.expires_at <= at + timedelta(days=days)]
    nearest = min(reached, default=None)
    return nearest if nearest is not None and (not lot.warned or nearest < lot.warned) else None


def warn(book: Book, at: datetime) -> Movement:
    """Say what a book's lots are due to be warned of: one event for each end and threshold, with what is
    left now. A warning that comes late is said once, for the nearest threshold."""
    due = [(lot, days) for lot in book.lots if (days := threshold(lot, at)) is not None]
    if not due:
        return Movement(book)
    said: dict[tuple[datetime, int], list[Lot]] = {}
    for lot, days in sorted(due, key=lambda pair: (pair[0].expires_at, pair[0].id)):
        said.setdefault((lot.expires_at, days), []).append(lot)
    events = tuple(
        PointsExpiringSoon(
            book.account.user_id,
            book.account.unit,
            days,
            expires_at,
            sum(lot.remaining for lot in lots),
            tuple(LotLeft(lot.id, lot.remaining) for lot in lots),
        )
        for (expires_at, days), lots in said.items()
    )
    warned = {lot.id: evolve(lot, warned=days) for lot, days in due}
    lots = tuple(warned.get(lot.id, lot) for lot in book.lots)
    return Movement(evolve(book, lots=lots), tuple(warned.values()), events)
