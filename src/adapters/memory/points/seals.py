"""The read side of seals in memory."""

from collections.abc import AsyncGenerator
from datetime import date
from uuid import UUID

from ....application.points import ACCOUNTS
from ....application.points.sealing import CHUNKS, SEALS, TREES, SealTree
from ....domain.points import seals
from ....domain.points.seals import Leaf, Seal
from ..storage import MemoryStorage


class SealQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def leaves(self, unit: str) -> AsyncGenerator[list[Leaf], None]:
        found = self._storage.all(ACCOUNTS, lambda one: one.unit == unit)
        leaves = [Leaf(one.user_id, one.sequence, one.hash, one.balance) for one in found]
        for first in range(0, len(leaves), seals.CHUNK):
            yield leaves[first : first + seals.CHUNK]

    async def seals(self, unit: str, limit: int, before: int | None) -> list[Seal]:
        found = self._storage.all(SEALS, lambda one: one.unit == unit)
        return [one for one in reversed(found) if before is None or one.number < before][:limit]

    async def seal(self, unit: str, day: date | None) -> Seal | None:
        found = self._storage.all(SEALS, lambda one: one.unit == unit and day in (None, one.day))
        return found[-1] if found else None

    async def tree(self, unit: str, number: int) -> SealTree | None:
        return self._storage.find(TREES.key(unit, number))

    async def chunk(self, unit: str, tree_id: UUID, number: int) -> bytes | None:
        found = self._storage.find(CHUNKS.key(unit, tree_id, number))
        return None if found is None else found.leaves
