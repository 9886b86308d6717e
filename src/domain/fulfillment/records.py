"""Shipments, what is in them, and their history (M31, M33)."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from uuid import UUID

from .. import catalog, orders, shared

State = Literal[
    "pending",
    "accepted",
    "picked",
    "shipped",
    "in_transit",
    "delivered",
    "exception",
    "cancelled",
    "returned",
    "lost",
]
"""What we say about a shipment. `accepted` is a producer's word; `exception` waits for a person."""

CarrierState = Literal[
    "announced",
    "collected",
    "in_transit",
    "held",
    "out_for_delivery",
    "attempted",
    "returning",
    "lost",
    "delivered",
    "returned",
]
"""What the carrier says about the parcel; kept apart from our own state."""

Stars = Literal[1, 2, 3, 4, 5]
Ids = Callable[[], UUID]


class Shipment(shared.Record):
    """One parcel of an order: from our micro-hub, or straight from a producer. Grams, cents.

    `service_level` is what the member chose; a pickup has no carrier.
    """

    user_id: UUID
    id: UUID
    order_id: UUID
    number: str
    source: catalog.Fulfilment
    state: State
    service_level: orders.ShippingMethod
    weight_grams: int
    created_at: datetime
    producer_id: UUID | None = None
    carrier: str = ""
    tracking_number: shared.Personal[str] = ""
    packaging: str = ""
    cost_cents: int | None = None
    insurance_cents: int = 0
    proof_photo_url: shared.Personal[str] = ""
    exception_reason: shared.Personal[str] = ""
    rating: Stars | None = None
    feedback: shared.Personal[str] = ""
    carrier_state: CarrierState | None = None
    carrier_state_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


class ShipmentLine(shared.Record):
    """So many pieces of an order line; out of one batch when they come from our own stock."""

    user_id: UUID
    id: UUID
    shipment_id: UUID
    order_id: UUID
    order_line_id: UUID
    product_id: UUID
    variant_id: UUID
    quantity: int
    batch_id: UUID | None = None


class ShipmentChange(shared.Record):
    """One line of a shipment's history: which state, when, by whom, why; append-only."""

    user_id: UUID
    id: UUID
    shipment_id: UUID
    order_id: UUID
    state: State
    at: datetime
    actor_id: UUID | None = None
    reason: shared.Personal[str] = ""


class Parcel(shared.Record):
    """How a shipment leaves: who carries it, in what, at what cost (cents)."""

    carrier: str = ""
    tracking_number: str = ""
    packaging: str = ""
    cost_cents: int | None = None
    insurance_cents: int = 0


class ShipmentCreated(shared.Event, tag="fulfillment.shipment_created"):
    """The hub, or the producer, has something to send."""

    user_id: UUID
    order_id: UUID
    shipment_id: UUID
    number: str
    source: catalog.Fulfilment
    producer_id: UUID | None


class ShipmentMoved(shared.Event, tag="fulfillment.shipment_moved"):
    user_id: UUID
    order_id: UUID
    shipment_id: UUID
    number: str
    before: State
    after: State
    at: datetime


class ShipmentRated(shared.Event, tag="fulfillment.shipment_rated"):
    user_id: UUID
    shipment_id: UUID
    rating: Stars


class Split(shared.Record):
    """The shipments of a new order, in the order of their numbers."""

    shipments: tuple[Shipment, ...]
    lines: tuple[ShipmentLine, ...]
    events: tuple[shared.Event, ...]


class Moved(shared.Record):
    """A shipment as it is now, what its history gained, and what happened."""

    shipment: Shipment
    changes: tuple[ShipmentChange, ...] = ()
    events: tuple[shared.Event, ...] = ()
