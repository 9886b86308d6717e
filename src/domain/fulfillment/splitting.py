"""An order becomes shipments: one from our hub, one from each producer who sends directly (M31)."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from .. import inventory, orders, shared
from .records import Ids, Shipment, ShipmentCreated, ShipmentLine, Split


class LineNotReserved(shared.StateForbids):
    message = "{needed} pieces of {sku} were ordered, {reserved} are reserved."
    sku: str
    needed: int
    reserved: int


def split(
    order: orders.Order,
    lines: Iterable[orders.OrderLine],
    picks: Iterable[inventory.Pick],
    ids: Ids,
) -> Split:
    """The shipments of an order: our hub's first, then each producer's in the order of the lines.

    `picks` say out of which batches the lines from our stock come. Errors: LineNotReserved.
    """
    batches: dict[UUID, list[inventory.Pick]] = defaultdict(list)
    for pick in picks:
        batches[pick.variant_id].append(pick)
    parts = _by_source(lines)
    shipments = tuple(_shipment(order, number, part, ids()) for number, part in enumerate(parts, start=1))
    return Split(
        shipments=shipments,
        lines=tuple(
            row
            for shipment, part in zip(shipments, parts, strict=True)
            for line in part
            for row in _rows(shipment, line, batches[line.variant_id], ids)
        ),
        events=tuple(
            ShipmentCreated(one.user_id, one.order_id, one.id, one.number, one.source, one.producer_id)
            for one in shipments
        ),
    )


def _by_source(lines: Iterable[orders.OrderLine]) -> list[list[orders.OrderLine]]:
    parts: dict[UUID | None, list[orders.OrderLine]] = {None: []}
    for line in sorted(lines, key=lambda line: line.position):
        sender = line.producer_id if line.fulfilment == "dropship" else None
        parts.setdefault(sender, []).append(line)
    return [part for part in parts.values() if part]


def _shipment(order: orders.Order, number: int, part: list[orders.OrderLine], id: UUID) -> Shipment:
    first = part[0]
    return Shipment(
        user_id=order.user_id,
        id=id,
        order_id=order.id,
        number=f"{order.number}-{number}",
        source=first.fulfilment,
        state="pending",
        service_level=order.shipping_method,
        weight_grams=sum(line.weight_grams for line in part),
        created_at=order.placed_at,
        producer_id=first.producer_id if first.fulfilment == "dropship" else None,
    )


def _rows(
    shipment: Shipment, line: orders.OrderLine, picks: list[inventory.Pick], ids: Ids
) -> Iterable[ShipmentLine]:
    if line.fulfilment == "dropship":
        return [_row(shipment, line, line.quantity, None, ids())]
    reserved = sum(pick.quantity for pick in picks)
    if reserved != line.quantity:
        raise LineNotReserved(sku=line.sku, needed=line.quantity, reserved=reserved)
    return [_row(shipment, line, pick.quantity, pick.batch_id, ids()) for pick in picks]


def _row(
    shipment: Shipment, line: orders.OrderLine, quantity: int, batch_id: UUID | None, id: UUID
) -> ShipmentLine:
    return ShipmentLine(
        user_id=shipment.user_id,
        id=id,
        shipment_id=shipment.id,
        order_id=shipment.order_id,
        order_line_id=line.id,
        product_id=line.product_id,
        variant_id=line.variant_id,
        quantity=quantity,
        batch_id=batch_id,
    )
