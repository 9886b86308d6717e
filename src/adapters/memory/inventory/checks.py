"""What a verification of stock reads, in memory."""

from collections import Counter
from uuid import UUID

from ....application.inventory import BATCHES, MOVEMENTS, STOCKS
from ....application.inventory.checking import Promised, StockSize
from ....domain.inventory import ALLOCATED, Batch, Movement, Stock
from ....domain.inventory.checks import Miscount, miscounts
from ..storage import MemoryStorage


class StockChecks:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    def _rows(self) -> tuple[list[Stock], list[Batch], list[Movement]]:
        return self._storage.all(STOCKS), self._storage.all(BATCHES), self._storage.all(MOVEMENTS)

    async def size(self) -> StockSize:
        stocks, batches, movements = self._rows()
        return StockSize(len(stocks), len(batches), len(movements))

    async def miscounts(self, most: int) -> list[Miscount]:
        shown: Counter[str] = Counter()
        found = []
        for one in miscounts(*self._rows()):
            shown[one.check] += 1
            if shown[one.check] <= most:
                found.append(one)
        return found

    async def promised(self) -> list[Promised]:
        pieces: Counter[tuple[UUID, UUID]] = Counter()
        for one in self._storage.all(MOVEMENTS, lambda one: one.cause == "order" and one.kind in ALLOCATED):
            pieces[one.cause_id, one.batch_id] += one.quantity
        return [Promised(*place, quantity) for place, quantity in pieces.items() if quantity]
