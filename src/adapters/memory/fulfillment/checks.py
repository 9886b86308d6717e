"""What a verification of stock reads of shipments, in memory."""

from collections import Counter
from uuid import UUID

from ....application.fulfillment import SHIPMENT_LINES, SHIPMENTS
from ....application.inventory.checking import Promised
from ....domain.fulfillment import UNSENT
from ..storage import MemoryStorage


class PromiseChecks:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def held(self) -> list[Promised]:
        unsent = {one.id for one in self._storage.all(SHIPMENTS, lambda one: one.state in UNSENT)}
        pieces: Counter[tuple[UUID, UUID]] = Counter()
        for line in self._storage.all(SHIPMENT_LINES, lambda one: one.shipment_id in unsent):
            if line.batch_id is not None:
                pieces[line.order_id, line.batch_id] += line.quantity
        return [Promised(*place, quantity) for place, quantity in pieces.items()]
