"""Read orders with their shipments, and shipments by who sends them."""

from typing import Protocol
from uuid import UUID

from ...domain import shared
from ...domain.fulfillment import Shipment
from ..orders import HasOrders
from ..pages import Page, page_of, uuid_of
from ..work import PARTNERS, SIGNED_IN, Read, query
from .records import (
    GetOrder,
    GetOrderByNumber,
    GetShipment,
    HasFulfillment,
    SearchShipments,
    Sought,
)
from .views import OrderView, ShipmentSummary, ShipmentView, may_send, order_view, shipment_view, summary


class HasBoth(HasOrders, HasFulfillment, Protocol):
    """What showing an order with its shipments reads."""


@query(allow=SIGNED_IN)
async def order(question: GetOrder, read: Read[HasBoth]) -> OrderView:
    """An order of one's own; any for an admin. Raises NotFound."""
    owner: UUID | None = read.actor.user_id
    if read.actor.is_admin:
        owner = await read.ports.orders.owner(question.order_id)
    shown = await _order(owner, question.order_id, read) if owner is not None else None
    if shown is None:
        raise shared.NotFound(kind="order", id=str(question.order_id))
    return shown


@query(allow=SIGNED_IN)
async def order_by_number(question: GetOrderByNumber, read: Read[HasBoth]) -> OrderView:
    """An order of one's own by its number; any for an admin. Raises NotFound."""
    known = await read.ports.orders.of_number(question.number)
    if known is not None:
        read.actor.must_own(known.user_id, "order", question.number)
    shown = await _order(known.user_id, known.order_id, read) if known else None
    if shown is None:
        raise shared.NotFound(kind="order", id=question.number)
    return shown


async def _order(user_id: UUID, order_id: UUID, read: Read[HasBoth]) -> OrderView | None:
    file = await read.ports.orders.order(user_id, order_id)
    if file is None:
        return None
    return order_view(file, await read.ports.fulfillment.of_order(user_id, order_id), read.actor)


@query(allow=SIGNED_IN)
async def shipment(question: GetShipment, read: Read[HasBoth]) -> ShipmentView:
    """A shipment of one's own order, of the producer one acts for, or any for an admin. Raises NotFound."""
    found = await read.ports.fulfillment.shipment(question.shipment_id)
    if found is None or not _may_see(found, read.actor):
        raise shared.NotFound(kind="shipment", id=str(question.shipment_id))
    order = await read.ports.orders.order(found.user_id, found.order_id)
    files = await read.ports.fulfillment.of_order(found.user_id, found.order_id)
    assert order is not None, f"the order of the shipment {found.id} is there"
    file = next(one for one in files if one.shipment.id == found.id)
    return shipment_view(file, order, read.actor)


def _may_see(shipment: Shipment, actor: shared.Actor) -> bool:
    return shipment.user_id == actor.user_id or may_send(shipment, actor)


@query(allow=PARTNERS)
async def shipments(question: SearchShipments, read: Read[HasFulfillment]) -> Page[ShipmentSummary]:
    """Shipments, newest first: for an admin all, for a partner those of their producer. Raises NotFound."""
    actor, producer_id = read.actor, question.producer_id
    if not actor.is_admin:
        producer_id = producer_id or actor.producer_id
        actor.must_act_for(producer_id, "producer", producer_id)
    sought = shared.recast(Sought, question, producer_id=producer_id)
    found = await read.ports.fulfillment.shipments(sought, question.limit + 1, uuid_of(question.cursor))
    return page_of([summary(one) for one in found], question.limit, lambda one: one.id)
