"""What the reports of the ledger are made from, in memory: every account is settled, and counted."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ....application.points import ACCOUNTS, HOLDS, LOTS, POSTINGS
from ....application.points.reports import Booked, KindMoved, Past
from ....domain.points import POLICIES, Account, Book, Posting, PostingKind, settle
from ....domain.points.reports import INSTANT, Moved, Owed, expiry_month, unwritten
from ....domain.shared import NOBODY
from ..storage import MemoryStorage


class PointsReports:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def past(
        self, user_id: UUID, unit: str, at: datetime, known_at: datetime, ended_by: datetime
    ) -> Past | None:
        account = self._storage.find(ACCOUNTS.key(user_id, unit))
        if account is None:
            return None
        lines = [one for one in self._postings(unit) if one.user_id == user_id]
        lines.sort(key=lambda one: one.sequence)
        last = next((one for one in reversed(lines) if one.recorded_at <= at), None)
        then = [one for one in lines if one.effective_at <= at]
        known = (one for one in then if one.recorded_at <= known_at or one.kind == "expired")
        late = sum(one.amount for one in known if one.recorded_at > at)
        debt = sum(one.debt for one in then)
        ended = -sum(one.amount for one in unwritten(self._book(account), ended_by))
        if last is None:
            return Past(0, debt, late, ended, 0, b"")
        return Past(last.balance_after, debt, late, ended, last.sequence, last.hash)

    async def owed(self, zones: Mapping[str, str], at: datetime) -> list[Owed]:
        left: dict[tuple[str, str], Counter[bool]] = {}
        for book in self._books():
            unit = book.account.unit
            for lot in settle(book, at, lambda: NOBODY).book.lots if unit in zones else ():
                month = left.setdefault((unit, expiry_month(lot.expires_at, zones[unit])), Counter())
                month[lot.funded] += lot.remaining
        return [Owed(*key, some[True], some[False]) for key, some in sorted(left.items()) if some.total()]

    async def moved(self, unit: str, bounds: Sequence[datetime], at: datetime) -> Booked:
        sums: Counter[tuple[int, PostingKind, bool]] = Counter()
        for one in self._postings(unit):
            sums[_place(one, bounds), one.kind, True] += one.amount
        for book in self._books():
            for one in unwritten(book, at) if book.account.unit == unit else ():
                sums[_place(one, bounds), one.kind, False] += one.amount
        booked = sum(one.balance for one in self._storage.all(ACCOUNTS) if one.unit == unit)
        moved = (
            Moved(month, kind, amount, written) for (month, kind, written), amount in sorted(sums.items())
        )
        return Booked(booked, tuple(one for one in moved if one.month or not one.written))

    async def redeemed(self, since: datetime) -> list[KindMoved]:
        sums: Counter[tuple[str, PostingKind]] = Counter()
        for one in self._postings():
            if one.contra == "redemption" and one.effective_at >= since:
                sums[one.unit, one.kind] += one.amount
        return [KindMoved(unit, kind, amount) for (unit, kind), amount in sorted(sums.items())]

    def _postings(self, unit: str | None = None) -> list[Posting]:
        return self._storage.all(POSTINGS, lambda one: unit in (None, one.unit))

    def _books(self) -> Iterator[Book]:
        return map(self._book, self._storage.all(ACCOUNTS))

    def _book(self, account: Account) -> Book:
        owner = account.user_id, account.unit
        lots = filter(LOTS.is_live, self._storage.group(LOTS, "account", *owner))
        holds = filter(HOLDS.is_live, self._storage.group(HOLDS, "account", *owner))
        return Book(account, tuple(lots), tuple(holds), POLICIES[0])


def _place(one: Posting, bounds: Sequence[datetime]) -> int:
    """Between which bounds a line falls: 0 before all of them."""
    return bisect_right(bounds, one.effective_at - INSTANT if one.kind == "expired" else one.effective_at)
