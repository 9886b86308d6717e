"""How an order and its shipments are shown, and to whom what of it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ...domain import shared
from ...domain.catalog import Fulfilment
from ...domain.fulfillment import CarrierState, Shipment, ShipmentLine, Stars, State
from ...domain.orders import Order, OrderLine, ShippingMethod, Source, Status
from ...domain.points import CENTS_PER_POINT
from .. import orders
from ..orders import OrderFile, OrderLineView, StatusChangeView
from .records import ShipmentFile


class ShipmentLineView(shared.Record):
    """So many pieces of an order line; out of one batch where they come from our own stock."""

    order_line_id: UUID
    sku: str
    product_name: str
    variant_name: str
    quantity: int
    batch_id: UUID | None


class ShipmentChangeView(shared.Record):
    """Since when a shipment has been in a state, by whom and why; a carrier's scan names nobody."""

    status: State
    at: datetime
    actor_id: UUID | None
    reason: shared.Personal[str]


class Sending(shared.Record):
    """What only those see who send: where to, with which words, and at what cost."""

    shipping_address: shared.Personal[shared.Address] | None
    gift_message: shared.Personal[str]
    instructions: shared.Personal[str]
    cost: shared.Money | None
    insurance: shared.Money


class ShipmentSummary(shared.Record):
    """A shipment in a listing."""

    id: UUID
    order_id: UUID
    number: str
    source: Fulfilment
    producer_id: UUID | None
    status: State
    service_level: ShippingMethod
    weight_grams: int
    carrier: str
    tracking_number: shared.Personal[str]
    created_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None


class ShipmentView(ShipmentSummary, kw_only=True):
    """A shipment: how far it is, and what the carrier says of it, which is kept apart.

    `sending` is for administrators and for the producer who sends it; null for others.
    """

    packaging: str
    carrier_state: CarrierState | None
    carrier_state_at: datetime | None
    exception_reason: shared.Personal[str]
    proof_photo_url: shared.Personal[str]
    rating: Stars | None
    feedback: shared.Personal[str]
    lines: tuple[ShipmentLineView, ...]
    history: tuple[ShipmentChangeView, ...]
    sending: Sending | None


class OrderView(shared.Record, kw_only=True):
    """An order with its lines, its shipments and its history. Whole points, grams; 1 point = 1 euro."""

    id: UUID
    user_id: UUID
    number: str
    status: Status
    source: Source
    goods_points: int
    shipping_points: int
    total_points: int
    euros: shared.Money
    weight_grams: int
    shipping_method: ShippingMethod
    shipping_address: shared.Personal[shared.Address] | None
    billing_address: shared.Personal[shared.Address] | None
    gift_message: shared.Personal[str]
    instructions: shared.Personal[str]
    debit_id: UUID | None
    placed_at: datetime
    cancelled_at: datetime | None
    cancellation_reason: shared.Personal[str]
    lines: tuple[OrderLineView, ...]
    shipments: tuple[ShipmentView, ...]
    history: tuple[StatusChangeView, ...]


def order_view(file: OrderFile, shipments: Iterable[ShipmentFile], actor: shared.Actor) -> OrderView:
    """An order as the actor may see it."""
    return shared.recast(
        OrderView,
        file.order,
        euros=shared.Money(file.order.total_points * CENTS_PER_POINT),
        lines=tuple(orders.line_view(line, actor) for line in file.lines),
        shipments=tuple(shipment_view(one, file, actor) for one in shipments),
        history=tuple(map(orders.change_view, file.changes)),
    )


def shipment_view(file: ShipmentFile, order: OrderFile, actor: shared.Actor) -> ShipmentView:
    """A shipment of an order as the actor may see it."""
    shipment, of_order = file.shipment, {line.id: line for line in order.lines}
    return shared.recast(
        ShipmentView,
        shipment,
        status=shipment.state,
        lines=tuple(_line_view(line, of_order[line.order_line_id]) for line in file.lines),
        history=tuple(
            shared.recast(ShipmentChangeView, change, status=change.state) for change in file.changes
        ),
        sending=_sending(shipment, order.order) if may_send(shipment, actor) else None,
    )


def summary(shipment: Shipment) -> ShipmentSummary:
    """A shipment in a listing."""
    return shared.recast(ShipmentSummary, shipment, status=shipment.state)


def may_send(shipment: Shipment, actor: shared.Actor) -> bool:
    """Whether the actor sends this shipment: an admin all, a partner those of their producer."""
    return actor.is_admin or (shipment.producer_id is not None and shipment.producer_id == actor.producer_id)


def _line_view(line: ShipmentLine, sold: OrderLine) -> ShipmentLineView:
    return shared.recast(
        ShipmentLineView,
        line,
        sku=sold.sku,
        product_name=sold.product_name,
        variant_name=sold.variant_name,
    )


def _sending(shipment: Shipment, order: Order) -> Sending:
    return shared.recast(
        Sending,
        order,
        cost=None if shipment.cost_cents is None else shared.Money(shipment.cost_cents),
        insurance=shared.Money(shipment.insurance_cents),
    )
