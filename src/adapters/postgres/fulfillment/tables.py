"""Shipments in PostgreSQL. Home: `user_id`, with the order that they belong to."""

from sqlalchemy import ForeignKeyConstraint, Index, Integer, Text

from ....application import fulfillment as app
from ....domain import catalog, fulfillment, orders
from ..orders import order
from ..rows import Stored
from ..schema import Int, Time, Uuid, field, holds, one_of, table

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
