"""The read side of fulfilment on PostgreSQL."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, and_, bindparam, func, or_, select

from ....application.fulfillment import ShipmentFile, Sought
from ....domain.fulfillment import Shipment, ShipmentChange, ShipmentLine
from ..database import Database
from ..parts import gathered
from ..rows import LAST_ID, Statement
from ..schema import Int, Uuid
from .tables import SHIPMENTS, shipment, shipment_change, shipment_line

_USER, _ORDER = bindparam("user_id", type_=Uuid), bindparam("order_id", type_=Uuid)
_STATUS, _SOURCE = bindparam("status", type_=Text), bindparam("source", type_=Text)
_PRODUCER = bindparam("producer_id", type_=Uuid)
_line, _change = shipment_line.alias("line"), shipment_change.alias("change")


def _of(part: Any) -> Any:
    return and_(
        part.c.user_id == shipment.c.user_id,
        part.c.order_id == shipment.c.order_id,
        part.c.shipment_id == shipment.c.id,
    )


_SHIPMENT = Statement(select(*SHIPMENTS.columns).where(shipment.c.id == bindparam("shipment_id", type_=Uuid)))
_FILES = Statement(
    select(
        *SHIPMENTS.columns,
        gathered(_line, _line.c.id, _of(_line)),
        gathered(_change, _change.c.id, _of(_change)),
    )
    .where(shipment.c.user_id == _USER, shipment.c.order_id == _ORDER)
    .order_by(func.length(shipment.c.number), shipment.c.number)
)
_found = (
    select(*SHIPMENTS.columns)
    .where(
        shipment.c.id < bindparam("before", type_=Uuid),
        or_(_STATUS.is_(None), shipment.c.state == _STATUS),
        or_(_SOURCE.is_(None), shipment.c.source == _SOURCE),
    )
    .order_by(shipment.c.id.desc())
    .limit(bindparam("limit", type_=Int))
)
_by_producer = _found.where(shipment.c.producer_id == _PRODUCER)
_ALL, _OF_PRODUCER = Statement(_found), Statement(_by_producer)
_OF_ORDER = Statement(_found.where(shipment.c.order_id == _ORDER))
_OF_BOTH = Statement(_by_producer.where(shipment.c.order_id == _ORDER))

_lines_of = msgspec.json.Decoder(tuple[ShipmentLine, ...]).decode
_changes_of = msgspec.json.Decoder(tuple[ShipmentChange, ...]).decode
_WIDTH = len(SHIPMENTS.fields)


class FulfillmentQueries:
    """The read side of fulfilment on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shipment(self, shipment_id: UUID) -> Shipment | None:
        row = await self._database.one(_SHIPMENT, shipment_id=shipment_id)
        return SHIPMENTS.record(row) if row else None

    async def of_order(self, user_id: UUID, order_id: UUID) -> list[ShipmentFile]:
        rows = await self._database.all(_FILES, user_id=user_id, order_id=order_id)
        return [
            ShipmentFile(SHIPMENTS.record(row[:_WIDTH]), _lines_of(row[-2]), _changes_of(row[-1]))
            for row in rows
        ]

    async def shipments(self, sought: Sought, limit: int, before: UUID | None) -> list[Shipment]:
        filters = msgspec.structs.asdict(sought)
        rows = await self._database.all(_listing(sought), **filters, limit=limit, before=before or LAST_ID)
        return [SHIPMENTS.record(row) for row in rows]


def _listing(sought: Sought) -> Statement:
    """The statement that an index serves."""
    if sought.producer_id is None:
        return _ALL if sought.order_id is None else _OF_ORDER
    return _OF_PRODUCER if sought.order_id is None else _OF_BOTH
