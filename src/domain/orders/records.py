"""Orders, their lines and history, and what an order is made from.

A line freezes what it was sold as: names, price, weight and commission never follow the catalog (M27, M36).
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from .. import catalog, identity, partners, shared

Status = Literal[
    "pending",
    "confirmed",
    "processing",
    "partly_shipped",
    "shipped",
    "partly_delivered",
    "delivered",
    "cancelled",
]
"""The states of the seed, and two that are only ever derived from several shipments: partly shipped, partly
delivered. In this order they only rise; `cancelled` is decided, never derived. An order that is paid when it
is placed starts as `confirmed`; `pending` is one whose points are still to be spent."""

Progress = Literal["waiting", "preparing", "dispatched", "delivered", "stopped"]
"""How far one shipment is, as far as its order cares; what is stopped before dispatch does not count."""

Source = Literal["web", "mobile", "admin"]
ShippingMethod = Literal["standard", "express", "pickup"]


class Order(shared.Record):
    """What a member ordered. Points are whole points, the weight is in grams.

    `debit_id` is the posting that spent the points; an order that cost none has none.
    """

    user_id: UUID
    id: UUID
    number: str
    status: Status
    source: Source
    shipping_method: ShippingMethod
    shipping_points: int
    goods_points: int
    total_points: int
    weight_grams: int
    placed_at: datetime
    shipping_address: shared.Personal[shared.Address] | None = None
    billing_address: shared.Personal[shared.Address] | None = None
    gift_message: shared.Personal[str] = ""
    instructions: shared.Personal[str] = ""
    debit_id: UUID | None = None
    cancelled_at: datetime | None = None
    cancellation_reason: shared.Personal[str] = ""


class OrderLine(shared.Record):
    """So many pieces of one variant, as it was when they were sold; `position` counts from 1.

    Totals, weight and cents are of the whole line. `sale_cents` is what the line sold for, `commission_cents`
    our part of it, `producer_cents` the producer's: sale less commission, whatever the member paid with.
    """

    user_id: UUID
    id: UUID
    order_id: UUID
    position: int
    product_id: UUID
    variant_id: UUID
    sku: str
    product_name: str
    product_slug: str
    variant_name: str
    producer_id: UUID
    fulfilment: catalog.Fulfilment
    price_points: int
    quantity: int
    total_points: int
    weight_grams: int
    commission_bp: int
    sale_cents: int
    commission_cents: int
    producer_cents: int


class StatusChange(shared.Record):
    """One line of an order's history: which status, when, by whom, why; append-only."""

    user_id: UUID
    id: UUID
    order_id: UUID
    status: Status
    at: datetime
    actor_id: UUID | None = None
    reason: shared.Personal[str] = ""


class Counter(shared.Record):
    """The last number given in a series and year; the row that whoever wants a number locks."""

    series: str
    year: int
    last: int = 0


class Band(shared.Record, forbid_unknown_fields=True):
    """What a parcel up to this weight costs, in points."""

    up_to_grams: int
    standard: int
    express: int


class ShippingRates(shared.Record, forbid_unknown_fields=True):
    """Points for shipping by weight and method (*config*); a pickup costs nothing and may weigh anything.

    The defaults follow what a tracked parcel within France costs, in whole euros, up to the 30 kg that
    parcel carriers take.
    """

    bands: tuple[Band, ...] = (
        Band(500, 5, 9),
        Band(1_000, 6, 11),
        Band(2_000, 7, 13),
        Band(5_000, 10, 18),
        Band(10_000, 15, 26),
        Band(20_000, 22, 38),
        Band(30_000, 30, 52),
    )


class Item(shared.Record):
    """What one line asks for, with the records that it is priced from."""

    product: catalog.Product
    variant: catalog.Variant
    producer: partners.Producer
    quantity: int


class Checkout(shared.Record):
    """Who buys, and how it is sent. `today` is the day in the shop's zone."""

    user_id: UUID
    level: identity.Level
    today: date
    shipping_method: ShippingMethod
    source: Source = "web"
    shipping_address: shared.Personal[shared.Address] | None = None
    billing_address: shared.Personal[shared.Address] | None = None
    gift_message: shared.Personal[str] = ""
    instructions: shared.Personal[str] = ""


class Quote(shared.Record):
    """What a checkout costs: whole points, grams."""

    checkout: Checkout
    items: tuple[Item, ...]
    goods_points: int
    shipping_points: int
    total_points: int
    weight_grams: int


class Occasion(shared.Record):
    """When, by whom and why something happens to an order or a shipment; no actor means by itself."""

    at: datetime
    actor_id: UUID | None = None
    reason: shared.Personal[str] = ""


class OrderPlaced(shared.Event, tag="orders.placed"):
    user_id: UUID
    order_id: UUID
    number: str
    total_points: int
    placed_at: datetime


class OrderStatusChanged(shared.Event, tag="orders.status_changed"):
    user_id: UUID
    order_id: UUID
    number: str
    before: Status
    after: Status
    at: datetime


class OrderCancelled(shared.Event, tag="orders.cancelled"):
    """Whether points go back is another decision. Why, the order says."""

    user_id: UUID
    order_id: UUID
    number: str
    at: datetime


class Placed(shared.Record):
    """A new order with its lines, the first line of its history, and what happened."""

    order: Order
    lines: tuple[OrderLine, ...]
    changes: tuple[StatusChange, ...]
    events: tuple[shared.Event, ...]


class Moved(shared.Record):
    """An order as it is now, what its history gained, and what happened; nothing gained, nothing changed."""

    order: Order
    changes: tuple[StatusChange, ...] = ()
    events: tuple[shared.Event, ...] = ()


Ids = Callable[[], UUID]
