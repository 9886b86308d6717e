"""What fulfilment is asked with: kinds, commands, queries and the query port."""

from datetime import datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.catalog import Fulfilment
from ...domain.fulfillment import (
    CarrierState,
    Shipment,
    ShipmentChange,
    ShipmentLine,
    Stars,
    State,
)
from ..orders import ORDERS
from ..pages import Limit
from ..work import Kind

_OF_ORDER = {"order": ("user_id", "order_id")}
_MADE_WITH = ("user_id", "id", "order_id", "number", "source", "producer_id", "service_level")
_GOES_ON = tuple(
    name for name in Shipment.__struct_fields__ if name not in (*_MADE_WITH, "weight_grams", "created_at")
)
SHIPMENTS = Kind(
    Shipment,
    "shipment",
    ("user_id", "order_id", "id"),
    _OF_ORDER | {"id": ("id",), "owner": ("user_id",)},
    changes=_GOES_ON,
    guard=lambda one: ORDERS.key(one.user_id, one.order_id),
)
SHIPMENT_LINES = Kind(
    ShipmentLine,
    "shipment_line",
    ("user_id", "order_id", "id"),
    _OF_ORDER,
    changes=(),
    unaudited="written once, with its order",
)
SHIPMENT_CHANGES = Kind(
    ShipmentChange,
    "shipment_change",
    ("user_id", "order_id", "id"),
    _OF_ORDER,
    changes=(),
    unaudited="it says itself when, by whom and why",
)
KINDS: tuple[Kind[Any], ...] = (SHIPMENTS, SHIPMENT_LINES, SHIPMENT_CHANGES)
"""All of them are parts of an order: its lock guards them."""

Words = Annotated[
    str,
    msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z", description="A few words, on one line."),
]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


# --- commands -----------------------------------------------------------------------------------


class Remark(shared.Command, kw_only=True):
    """Why something is done; kept in the history."""

    reason: shared.Personal[shared.Note] = ""


class CancelOrder(Remark, kw_only=True):
    """Call a whole order off, as long as nothing of it has left."""

    order_id: UUID


class MoveShipment(Remark, kw_only=True):
    """Bring a shipment into a state that needs nothing but the decision."""

    shipment_id: UUID
    status: Literal["accepted", "picked", "in_transit", "returned", "lost"]


class Dispatch(shared.Command, kw_only=True):
    """How a shipment leaves. All but a pickup need a carrier and a tracking number. Cost and insurance are
    in euro cents."""

    carrier: Words = ""
    tracking_number: shared.Personal[Words] = ""
    packaging: Words = ""
    cost_cents: shared.Price | None = None
    insurance_cents: shared.Price = 0


class DispatchShipment(Dispatch, kw_only=True):
    """Send a shipment off; what comes from our own stock leaves the shelf."""

    shipment_id: UUID


class Scan(shared.Command, kw_only=True):
    """What a carrier says of a parcel, and when it said so."""

    carrier_state: CarrierState
    scanned_at: Time


class ScanShipment(Scan, kw_only=True):
    """Note what a carrier says of a shipment."""

    shipment_id: UUID


class Delivery(shared.Command, kw_only=True):
    """That a shipment arrived, with the photograph that proves it, if there is one."""

    proof_photo_url: shared.Personal[shared.Url] | None = None


class DeliverShipment(Delivery, kw_only=True):
    """Note that a shipment arrived."""

    shipment_id: UUID


class Trouble(shared.Command, kw_only=True):
    """What went wrong on the way."""

    reason: shared.Personal[shared.Note]


class ReportTrouble(Trouble, kw_only=True):
    """Note that something went wrong with a shipment."""

    shipment_id: UUID


class Rating(shared.Command, kw_only=True):
    """One to five stars for a delivery, and what there is to say about it."""

    rating: Stars
    feedback: shared.Personal[shared.Note] = ""


class RateShipment(Rating, kw_only=True):
    """Rate a delivery, once."""

    shipment_id: UUID


# --- queries ------------------------------------------------------------------------------------


class GetOrder(shared.Query, kw_only=True):
    order_id: UUID


class GetOrderByNumber(shared.Query, kw_only=True):
    number: shared.Code


class GetShipment(shared.Query, kw_only=True):
    shipment_id: UUID


class SearchShipments(shared.Query, kw_only=True):
    """Shipments, newest first. Partners find those of their own producer alone."""

    status: State | None = None
    source: Fulfilment | None = None
    order_id: UUID | None = None
    producer_id: UUID | None = None
    limit: Limit = 25
    cursor: str | None = None


class Sought(shared.Record):
    """Which shipments are looked for; what is None does not matter."""

    status: State | None = None
    source: Fulfilment | None = None
    order_id: UUID | None = None
    producer_id: UUID | None = None


class ShipmentFile(shared.Record):
    """A shipment with what is in it and its history."""

    shipment: Shipment
    lines: tuple[ShipmentLine, ...]
    changes: tuple[ShipmentChange, ...]


class FulfillmentQueries(Protocol):
    """The read side of fulfilment."""

    async def shipment(self, shipment_id: UUID) -> Shipment | None: ...

    async def of_order(self, user_id: UUID, order_id: UUID) -> list[ShipmentFile]:
        """The shipments of an order, by number."""
        ...

    async def shipments(self, sought: Sought, limit: int, before: UUID | None) -> list[Shipment]:
        """Shipments, newest first."""
        ...


class HasFulfillment(Protocol):
    @property
    def fulfillment(self) -> FulfillmentQueries: ...
