"""The read side of fulfilment in memory."""

from uuid import UUID

from ....application.fulfillment import (
    SHIPMENT_CHANGES,
    SHIPMENT_LINES,
    SHIPMENTS,
    ShipmentFile,
    Sought,
    filed,
)
from ....domain.fulfillment import Shipment
from ..storage import MemoryStorage, newest


class FulfillmentQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def shipment(self, shipment_id: UUID) -> Shipment | None:
        found = self._storage.group(SHIPMENTS, "id", shipment_id)
        return found[0] if found else None

    async def of_order(self, user_id: UUID, order_id: UUID) -> list[ShipmentFile]:
        return filed(
            self._storage.group(SHIPMENTS, "order", user_id, order_id),
            self._storage.group(SHIPMENT_LINES, "order", user_id, order_id),
            self._storage.group(SHIPMENT_CHANGES, "order", user_id, order_id),
        )

    async def shipments(self, sought: Sought, limit: int, before: UUID | None) -> list[Shipment]:
        found = self._storage.all(SHIPMENTS, lambda shipment: _fits(shipment, sought))
        return newest(found, limit, before, lambda shipment: shipment.id)


def _fits(shipment: Shipment, sought: Sought) -> bool:
    return (
        sought.status in (None, shipment.state)
        and sought.source in (None, shipment.source)
        and sought.order_id in (None, shipment.order_id)
        and sought.producer_id in (None, shipment.producer_id)
    )
