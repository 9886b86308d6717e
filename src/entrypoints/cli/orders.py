"""`baobab orders`: find orders and look into them."""

from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import rich_click as click

from ...application import fulfillment, orders
from ...application.fulfillment import OrderView
from ...application.orders import OrderSummary
from ...domain import shared
from ...domain.orders import ShippingMethod, Status
from ..container import Container
from ..program import OPERATOR
from .terminal import answer, as_json, on_database, paged, print_json, show, show_all, show_page

COLUMNS = ("number", "placed_at", "status", "shipping_method", "total_points", "user_id")
LINE_COLUMNS = ("position", "sku", "product_name", "variant_name", "quantity", "price_points", "total_points")
SHIPMENT_COLUMNS = ("number", "source", "status", "carrier", "tracking_number", "shipped_at", "delivered_at")
CHANGE_COLUMNS = ("at", "status", "actor_id", "reason")
DAY = click.DateTime(["%Y-%m-%d"])


@click.group("orders")
def command() -> None:
    """Find orders and look into them."""


@command.command("list")
@click.option("--status", type=click.Choice(get_args(Status)))
@click.option("--number", help="Such as MTC-2026-000001.")
@click.option("--member", help="An e-mail or an id.")
@click.option("--method", type=click.Choice(get_args(ShippingMethod)), help="How it is sent.")
@click.option("--from", "since", type=DAY, help="Placed on this day or later.")
@click.option("--to", "until", type=DAY, help="Placed on this day or before.")
@paged
@as_json
def list_orders(
    member: str | None,
    method: ShippingMethod | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List orders, newest first."""
    filters |= {"placed_from": since and since.date(), "placed_to": until and until.date()}
    page = answer(orders.search, orders.SearchOrders, member, shipping_method=method, **filters)
    show_page(page, COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("order")
@as_json
def show_order(order: str, as_json: bool) -> None:
    """Show one order, by its number or id, with its lines, shipments and history."""

    async def ask(container: Container) -> OrderView:
        run = container.runner()
        try:
            by_id = fulfillment.GetOrder(order_id=UUID(order))
        except ValueError:
            by_number = fulfillment.GetOrderByNumber(number=order)
            return await run.read(fulfillment.order_by_number, by_number, actor=OPERATOR)
        return await run.read(fulfillment.order, by_id, actor=OPERATOR)

    found = on_database(ask)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(order: OrderView) -> None:
    show(shared.recast(OrderSummary, order), as_json=False)
    for title, parts, columns in (
        ("Lines", order.lines, LINE_COLUMNS),
        ("Shipments", order.shipments, SHIPMENT_COLUMNS),
        ("History", order.history, CHANGE_COLUMNS),
    ):
        click.secho(f"\n{title}", bold=True)
        show_all(parts, columns, as_json=False)
