"""What orders are asked with and answered in: kinds, commands, views, queries and the query port."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import orders, shared
from ...domain.catalog import Fulfilment, Product, Variant
from ...domain.orders import Counter, Order, OrderLine, ShippingMethod, Source, Status, StatusChange
from ...domain.partners import Producer
from ..catalog import Objection
from ..pages import Limit
from ..work import Kind


class OrderNumber(shared.Record):
    """Whose order a number is."""

    number: str
    user_id: UUID
    order_id: UUID


_OF_ORDER = {"order": ("user_id", "order_id")}
ORDERS = Kind(
    Order,
    "order",
    ("user_id", "id"),
    {"id": ("id",), "owner": ("user_id",)},
    root=True,
    changes=("status", "cancelled_at", "cancellation_reason"),
)
ORDER_LINES = Kind(
    OrderLine,
    "order_line",
    ("user_id", "order_id", "id"),
    _OF_ORDER,
    changes=(),
    unaudited="written once, with its order",
)
STATUS_CHANGES = Kind(
    StatusChange,
    "order_status_change",
    ("user_id", "order_id", "id"),
    _OF_ORDER,
    changes=(),
    unaudited="it says itself when, by whom and why",
)
ORDER_NUMBERS = Kind(
    OrderNumber, "order_number", ("number",), changes=(), unaudited="written once, with its order"
)
KINDS: tuple[Kind[Any], ...] = (ORDERS, ORDER_LINES, STATUS_CHANGES, ORDER_NUMBERS)
COUNTERS = Kind(
    Counter, "order_counter", ("series", "year"), root=True, unaudited="every order has its number"
)
"""Not among `KINDS`: whoever orders wants it, so it is locked after everything else."""


# --- commands and queries -----------------------------------------------------------------------


class WishedLine(shared.Record, forbid_unknown_fields=True):
    """So many pieces of a variant."""

    variant_id: UUID
    quantity: Annotated[
        int, msgspec.Meta(ge=1, le=orders.MOST_PIECES, description="How many pieces of the variant.")
    ] = 1


WishedLines = Annotated[tuple[WishedLine, ...], msgspec.Meta(min_length=1, max_length=orders.MOST_LINES)]


class QuoteOrder(shared.Query, kw_only=True):
    """What an order would cost. `user_id` is whose: one's own by default, another's for administrators."""

    lines: WishedLines
    shipping_method: ShippingMethod = "standard"
    user_id: UUID | None = None


class PlaceOrder(shared.Command, kw_only=True):
    """An order, paid with points. Everything but a pickup needs a shipping address.

    `user_id` is who orders and pays: oneself by default, another for administrators.
    """

    lines: WishedLines
    shipping_method: ShippingMethod = "standard"
    shipping_address: shared.Personal[shared.Address] | None = None
    billing_address: shared.Personal[shared.Address] | None = None
    gift_message: shared.Personal[shared.Note] = ""
    instructions: shared.Personal[shared.Note] = ""
    source: Source = "web"
    user_id: UUID | None = None


class SearchOrders(shared.Query, kw_only=True):
    """Orders, newest first. Days are days in the shop, both included; `user_id` is for administrators."""

    status: Status | None = None
    number: shared.Code | None = None
    shipping_method: ShippingMethod | None = None
    placed_from: date | None = None
    placed_to: date | None = None
    user_id: UUID | None = None
    limit: Limit = 25
    cursor: str | None = None


class Sought(shared.Record):
    """Which orders are looked for; what is None does not matter. Placed in `[since, until)`."""

    user_id: UUID | None = None
    order_id: UUID | None = None
    status: Status | None = None
    shipping_method: ShippingMethod | None = None
    since: datetime | None = None
    until: datetime | None = None


# --- views --------------------------------------------------------------------------------------


class QuotedLine(shared.Record):
    """One line of a quote, with every reason against it. Whole points, grams."""

    variant_id: UUID
    sku: str
    product_slug: str
    product_name: str
    variant_name: str
    producer_id: UUID
    fulfilment: Fulfilment
    quantity: int
    price_points: int
    total_points: int
    weight_grams: int
    objections: tuple[Objection, ...]


class QuoteView(shared.Record):
    """What an order would cost, in whole points. `can_be_placed`: enough points, and no objections."""

    lines: tuple[QuotedLine, ...]
    shipping_method: ShippingMethod
    weight_grams: int
    goods_points: int
    shipping_points: int
    total_points: int
    available_points: int
    enough_points: bool
    can_be_placed: bool


class Commission(shared.Record):
    """What a line leaves us and its producer, frozen when it was sold (M36)."""

    basis_points: int
    sale: shared.Money
    commission: shared.Money
    producer: shared.Money


class OrderLineView(shared.Record):
    """One line as it was sold. Only administrators see the commission."""

    id: UUID
    position: int
    product_id: UUID
    variant_id: UUID
    sku: str
    product_name: str
    product_slug: str
    variant_name: str
    producer_id: UUID
    fulfilment: Fulfilment
    price_points: int
    quantity: int
    total_points: int
    weight_grams: int
    commission: Commission | None = None


class StatusChangeView(shared.Record):
    """Since when an order has had a status, by whom and why; nobody means that it followed by itself."""

    status: Status
    at: datetime
    actor_id: UUID | None
    reason: shared.Personal[str]


class OrderSummary(shared.Record):
    """An order in a listing."""

    id: UUID
    user_id: UUID
    number: str
    status: Status
    source: Source
    shipping_method: ShippingMethod
    total_points: int
    placed_at: datetime
    cancelled_at: datetime | None


# --- the read side ------------------------------------------------------------------------------


class Article(shared.Record):
    """A variant with its product and the producer of that."""

    product: Product
    variant: Variant
    producer: Producer


class OrderFile(shared.Record):
    """An order with its lines and its history."""

    order: Order
    lines: tuple[OrderLine, ...]
    changes: tuple[StatusChange, ...]


class OrdersQueries(Protocol):
    """The read side of orders, and what a quote looks at."""

    async def articles(self, variant_ids: Sequence[UUID]) -> list[Article]: ...

    async def owner(self, order_id: UUID) -> UUID | None:
        """Whose order it is."""
        ...

    async def of_number(self, number: str) -> OrderNumber | None: ...

    async def order(self, user_id: UUID, order_id: UUID) -> OrderFile | None:
        """The order with its lines by position and its history, oldest first."""
        ...

    async def orders(self, sought: Sought, limit: int, before: UUID | None) -> list[OrderSummary]:
        """Orders, newest first."""
        ...


class HasOrders(Protocol):
    @property
    def orders(self) -> OrdersQueries: ...
