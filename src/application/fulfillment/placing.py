"""Place and cancel orders: points, stock, order and shipments at once, or nothing (M27, M29)."""

from collections.abc import Iterable
from uuid import UUID

from ...domain import fulfillment
from ...domain.inventory import Pick
from ...domain.orders import Item, Quote
from ...domain.points import Source
from .. import inventory, orders, points
from ..orders import PlaceOrder
from ..work import SIGNED_IN, Wanted, Work, use_case
from .parts import filed, files_of, keep, part_keys, picks_of, stock_keys
from .records import SHIPMENT_LINES, SHIPMENTS, CancelOrder
from .views import OrderView, order_view


def _from_stock(items: Iterable[Item]) -> Iterable[Item]:
    return (item for item in items if item.product.fulfilment == "stock")


def _to_place(command: PlaceOrder, work: Work) -> Iterable[Wanted]:
    yield from points.book_keys(orders.buyer_of(command, work.actor))
    for item in _from_stock(orders.items_of(command, work)):
        yield from inventory.stock_keys(item.product.id, item.variant.id)
    yield orders.counter_key(work.now)


@use_case(allow=SIGNED_IN, loads=orders.WISH, locks=_to_place)
async def place(command: PlaceOrder, work: Work) -> OrderView:
    """Order, and pay with points: everything that is wished, or nothing.

    Raises NotFound (variant, member), SourceReserved, the first objection of `orders.MAY_ORDER`,
    WeightTooHigh, ShippingAddressRequired, InsufficientPoints, InsufficientStock.
    """
    quote, order_id = orders.quote_of(command, work), work.new_id()
    debit_id = await _pay(work, quote, order_id)
    picks = await _reserve(work, quote, order_id)
    order = orders.enter(work, quote, order_id, debit_id)
    split = fulfillment.split(order.order, order.lines, picks, work.new_id)
    work.save(*split.shipments, *split.lines)
    work.record(*split.events)
    return order_view(order, filed(split.shipments, split.lines, ()), work.actor)


async def _pay(work: Work, quote: Quote, order_id: UUID) -> UUID | None:
    """The posting that paid; None where nothing was to be paid."""
    if not quote.total_points:
        return None
    source = Source("purchase", order_id)
    spent = await points.debit(work, quote.checkout.user_id, amount=quote.total_points, source=source)
    return spent.debit_id


async def _reserve(work: Work, quote: Quote, order_id: UUID) -> list[Pick]:
    picks: list[Pick] = []
    for item in _from_stock(quote.items):
        product_id, variant = item.product.id, item.variant
        picks += await inventory.reserve(
            work, product_id, variant.id, item.quantity, sku=variant.sku, cause_id=order_id
        )
    return picks


def _the_order(command: CancelOrder, work: Work) -> Iterable[Wanted]:
    return (orders.of_id(command.order_id),)


def _what_it_holds(command: CancelOrder, work: Work) -> Iterable[Wanted]:
    order = orders.found(work, command.order_id)
    return (SHIPMENT_LINES.group("order", order.user_id, order.id),)


def _to_cancel(command: CancelOrder, work: Work) -> Iterable[Wanted]:
    order = orders.found(work, command.order_id)
    yield from part_keys(order.user_id, order.id)
    yield from stock_keys(work.list(SHIPMENT_LINES.group("order", order.user_id, order.id)))
    if order.debit_id is not None:
        yield from points.book_keys(order.user_id)
        yield from points.debit_keys(order.user_id, order.debit_id)


@use_case(allow=SIGNED_IN, loads=(_the_order, _what_it_holds), locks=_to_cancel)
async def cancel(command: CancelOrder, work: Work) -> OrderView:
    """Call a whole order off before anything of it has left: points to the very lots, stock to the shelf.

    One's own; any for an admin. Raises NotFound, OrderAlreadyCancelled, OrderAlreadyDispatched.
    """
    order, when = orders.found(work, command.order_id), orders.occasion(work, command.reason)
    shipments = work.list(SHIPMENTS.group("order", order.user_id, order.id))
    orders.call_off(work, order, dispatched=not fulfillment.cancellable(shipments), when=when)
    for shipment in shipments:
        keep(work, fulfillment.move(shipment, "cancelled", when, work.new_id))
    lines = work.list(SHIPMENT_LINES.group("order", order.user_id, order.id))
    for (product_id, variant_id), picks in picks_of(lines).items():
        await inventory.release(work, product_id, variant_id, picks, cause_id=order.id)
    if order.debit_id is not None:
        await points.give_back(work, order.user_id, order.debit_id)
    return order_view(
        orders.file_of(work, order.user_id, order.id), files_of(work, order.user_id, order.id), work.actor
    )
