"""What a verification of stock reads of shipments, on PostgreSQL."""

from sqlalchemy import and_, cast, func, select

from ....application.inventory.checking import Promised
from ....domain.fulfillment import UNSENT
from ..database import Database
from ..rows import Statement, plain
from ..schema import Int
from .tables import shipment, shipment_line

_its_shipment = and_(
    shipment.c.user_id == shipment_line.c.user_id,
    shipment.c.order_id == shipment_line.c.order_id,
    shipment.c.id == shipment_line.c.shipment_id,
)
_HELD = Statement(
    select(shipment_line.c.order_id, shipment_line.c.batch_id, cast(func.sum(shipment_line.c.quantity), Int))
    .select_from(shipment_line.join(shipment, _its_shipment))
    .where(shipment_line.c.batch_id.is_not(None), plain(shipment.c.state.in_(sorted(UNSENT))))
    .group_by(shipment_line.c.user_id, shipment_line.c.order_id, shipment_line.c.batch_id)
)


class PromiseChecks:
    """What a verification of stock reads of shipments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self) -> list[Promised]:
        return [Promised(*row) for row in await self._database.all(_HELD)]
