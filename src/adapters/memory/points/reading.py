"""The read side of the points ledger in memory."""

from datetime import datetime
from uuid import UUID

import msgspec

from ....application.points import (
    ACCOUNTS,
    ALLOCATIONS,
    BOOKS,
    HOLDS,
    LOTS,
    POLICIES,
    POSTINGS,
    RATES,
    Kept,
    LotPart,
    StatementLine,
)
from ....domain.points import Allocation, Books, Lot, Policy, Posting, Rate
from ..storage import MemoryStorage


class PointsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def book(self, user_id: UUID, unit: str) -> Kept | None:
        account = self._storage.find(ACCOUNTS.key(user_id, unit))
        if account is None:
            return None
        lots = self._storage.group(LOTS, "account", user_id, unit)
        holds = self._storage.group(HOLDS, "account", user_id, unit)
        return Kept(account, tuple(filter(LOTS.is_live, lots)), tuple(filter(HOLDS.is_live, holds)))

    async def policies(self, unit: str, at: datetime) -> list[Policy]:
        return self._storage.group(POLICIES, "unit", unit)

    async def units(self) -> tuple[list[Policy], list[Rate], list[Books]]:
        return self._storage.all(POLICIES), self._storage.all(RATES), self._storage.all(BOOKS)

    async def lines(self, user_id: UUID, unit: str, limit: int, before: int | None) -> list[StatementLine]:
        mine = self._storage.all(POSTINGS, lambda one: one.user_id == user_id and one.unit == unit)
        seen = [one for one in mine if before is None or one.sequence < before]
        seen.sort(key=lambda one: -one.sequence)
        return [self._line(posting) for posting in seen[:limit]]

    def _line(self, posting: Posting) -> StatementLine:
        made = self._storage.find(LOTS.key(posting.user_id, posting.id))
        parts = [LotPart(made.id, made.amount, made.funded, made.expires_at)] if made else []
        debit_id = posting.debit_id or posting.id
        parts += [
            _part(one, self._storage.find(LOTS.key(one.user_id, one.lot_id)))
            for one in self._storage.group(ALLOCATIONS, "debit", posting.user_id, debit_id)
            if one.posting_id == posting.id
        ]
        parts.sort(key=lambda part: (part.expires_at, part.lot_id))
        shown = {name: getattr(posting, name) for name in StatementLine.__struct_fields__ if name != "lots"}
        return msgspec.convert({**shown, "lots": parts}, StatementLine)


def _part(allocation: Allocation, lot: Lot | None) -> LotPart:
    assert lot is not None, f"the lot {allocation.lot_id} of an allocation is there"
    return LotPart(lot.id, -allocation.amount, lot.funded, lot.expires_at)
