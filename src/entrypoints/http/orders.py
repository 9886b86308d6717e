"""Orders over HTTP. Members see and cancel their own; administrators all."""

from datetime import date
from uuid import UUID

from ...application import fulfillment, orders
from ...application.fulfillment import OrderView
from ...application.orders import OrderSummary, QuoteView
from ...application.pages import Limit, Page
from ...domain import shared
from ...domain.orders import ShippingMethod, Status
from .ask import Ask
from .routes import SIGNED_IN, get, post


@post("/orders/quotes", allow=SIGNED_IN, status_code=200, statuses=(404, 422))
async def quote(data: orders.QuoteOrder, ask: Ask) -> QuoteView:
    """Say what an order would cost, and why it may not be placed."""
    return await ask.read(orders.quote, data)


@post("/orders", allow=SIGNED_IN, moves=True, statuses=(404, 409, 422))
async def place(data: orders.PlaceOrder, ask: Ask) -> OrderView:
    """Order and pay with points: all of it, or nothing."""
    return await ask(fulfillment.place, data)


@get("/orders", allow=SIGNED_IN)
async def list_orders(
    ask: Ask,
    status: Status | None = None,
    number: shared.Code | None = None,
    shipping_method: ShippingMethod | None = None,
    placed_from: date | None = None,
    placed_to: date | None = None,
    user_id: UUID | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[OrderSummary]:
    """List orders, newest first: one's own, for administrators everybody's or a member's."""
    question = orders.SearchOrders(
        status=status,
        number=number,
        shipping_method=shipping_method,
        placed_from=placed_from,
        placed_to=placed_to,
        user_id=user_id,
        limit=limit,
        cursor=cursor,
    )
    return await ask.read(orders.search, question)


@get("/orders/{order_id:uuid}", allow=SIGNED_IN)
async def show_order(order_id: UUID, ask: Ask) -> OrderView:
    """Read an order with its lines, its shipments and its history."""
    return await ask.read(fulfillment.order, fulfillment.GetOrder(order_id=order_id))


@get("/orders/by-number/{number:str}", allow=SIGNED_IN)
async def show_order_of_number(number: shared.Code, ask: Ask) -> OrderView:
    """Read an order by its number, such as MTC-2026-000001."""
    return await ask.read(fulfillment.order_by_number, fulfillment.GetOrderByNumber(number=number))


@post("/orders/{order_id:uuid}/cancellation", allow=SIGNED_IN, moves=True, status_code=200)
async def cancel(order_id: UUID, data: fulfillment.Remark, ask: Ask) -> OrderView:
    """Cancel a whole order before anything of it has left; its points go back to the very lots."""
    return await ask(fulfillment.cancel, shared.recast(fulfillment.CancelOrder, data, order_id=order_id))


HANDLERS = [quote, place, list_orders, show_order, show_order_of_number, cancel]
