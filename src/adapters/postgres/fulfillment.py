"""Shipments in PostgreSQL. Home: `user_id`, with the order that they belong to."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ForeignKeyConstraint, Index, Integer, Text, and_, bindparam, func, or_, select

from ...application import fulfillment as app
from ...application.fulfillment import ShipmentFile, Sought
from ...domain import catalog, fulfillment, orders
from ...domain.fulfillment import Shipment, ShipmentChange, ShipmentLine
from .database import Database
from .orders import order
from .parts import gathered
from .rows import LAST_ID, Statement, Stored
from .schema import Int, Time, Uuid, field, holds, one_of, table

shipment = table(
    "shipment",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("order_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("number", Text),
    field("source", Text),
    field("state", Text),
    field("service_level", Text),
    field("weight_grams", Int),
    field("created_at", Time),
    field("producer_id", Uuid, nullable=True),
    field("carrier", Text),
    field("tracking_number", Text),
    field("packaging", Text),
    field("cost_cents", Int, nullable=True),
    field("insurance_cents", Int),
    field("proof_photo_url", Text),
    field("exception_reason", Text),
    field("rating", Integer, nullable=True),
    field("feedback", Text),
    field("carrier_state", Text, nullable=True),
    field("carrier_state_at", Time, nullable=True),
    field("shipped_at", Time, nullable=True),
    field("delivered_at", Time, nullable=True),
    ForeignKeyConstraint(("user_id", "order_id"), (order.c.user_id, order.c.id)),
    one_of("source", catalog.Fulfilment),
    one_of("state", fulfillment.State),
    one_of("service_level", orders.ShippingMethod),
    one_of("carrier_state", fulfillment.CarrierState),
    holds("rating", "rating between 1 and 5"),
    holds("producer_id", "(producer_id is null) = (source = 'stock')"),
)
Index("shipment_id_idx", shipment.c.id)
Index("shipment_order_id_idx", shipment.c.order_id)
Index("shipment_state_idx", shipment.c.state, shipment.c.id)
Index(
    "shipment_producer_id_idx",
    shipment.c.producer_id,
    shipment.c.id,
    postgresql_where=shipment.c.producer_id.is_not(None),
)
_of_shipment = (shipment.c.user_id, shipment.c.order_id, shipment.c.id)
shipment_line = table(
    "shipment_line",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("order_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("shipment_id", Uuid),
    field("order_line_id", Uuid),
    field("product_id", Uuid),
    field("variant_id", Uuid),
    field("quantity", Int),
    field("batch_id", Uuid, nullable=True),
    ForeignKeyConstraint(("user_id", "order_id", "shipment_id"), _of_shipment),
    holds("quantity", "quantity > 0"),
)
shipment_change = table(
    "shipment_change",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("order_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("shipment_id", Uuid),
    field("state", Text),
    field("at", Time),
    field("actor_id", Uuid, nullable=True),
    field("reason", Text),
    ForeignKeyConstraint(("user_id", "order_id", "shipment_id"), _of_shipment),
    one_of("state", fulfillment.State),
)

SHIPMENTS = Stored(app.SHIPMENTS, shipment)
STORED = (
    SHIPMENTS,
    Stored(app.SHIPMENT_LINES, shipment_line),
    Stored(app.SHIPMENT_CHANGES, shipment_change),
)

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
