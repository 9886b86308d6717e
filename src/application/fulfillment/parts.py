"""What a use case needs in order to change the shipments of an order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from ...domain.fulfillment import Moved, Shipment, ShipmentChange, ShipmentLine
from ...domain.inventory import Pick
from .. import inventory, orders
from ..work import Wanted, Work
from .records import SHIPMENT_CHANGES, SHIPMENT_LINES, SHIPMENTS, ShipmentFile

Part = TypeVar("Part", ShipmentLine, ShipmentChange)
Picks = Mapping[tuple[UUID, UUID], list[Pick]]
"""Out of which batches pieces come, by product and variant."""


def part_keys(user_id: UUID, order_id: UUID) -> tuple[Wanted, ...]:
    """What to lock in order to change an order and its shipments."""
    return (
        *orders.order_keys(user_id, order_id),
        SHIPMENTS.group("order", user_id, order_id),
        SHIPMENT_LINES.group("order", user_id, order_id),
        SHIPMENT_CHANGES.group("order", user_id, order_id),
    )


def picks_of(lines: Iterable[ShipmentLine]) -> Picks:
    """What of our own stock these lines hold."""
    picks: dict[tuple[UUID, UUID], list[Pick]] = defaultdict(list)
    for line in lines:
        if line.batch_id is not None:
            picks[line.product_id, line.variant_id].append(
                Pick(line.variant_id, line.batch_id, line.quantity)
            )
    return picks


def stock_keys(lines: Iterable[ShipmentLine]) -> Iterable[Wanted]:
    """What to lock in order to move what of our own stock these lines hold."""
    for product_id, variant_id in picks_of(lines):
        yield from inventory.stock_keys(product_id, variant_id)


def keep(work: Work, moved: Moved) -> None:
    """Store a moved shipment, and say what happened."""
    work.save(moved.shipment, *moved.changes)
    work.record(*moved.events)


def files_of(work: Work, user_id: UUID, order_id: UUID) -> list[ShipmentFile]:
    """The shipments of an order as they are now, by number, in a use case that locks `part_keys`."""
    return filed(
        work.list(SHIPMENTS.group("order", user_id, order_id)),
        work.list(SHIPMENT_LINES.group("order", user_id, order_id)),
        work.list(SHIPMENT_CHANGES.group("order", user_id, order_id)),
    )


def filed(
    shipments: Iterable[Shipment], lines: Iterable[ShipmentLine], changes: Iterable[ShipmentChange]
) -> list[ShipmentFile]:
    """Each shipment of an order, by number, with what is in it and its history."""
    lines_of, changes_of = _by_shipment(lines), _by_shipment(changes)
    return [
        ShipmentFile(one, tuple(lines_of[one.id]), tuple(changes_of[one.id]))
        for one in sorted(shipments, key=lambda one: (len(one.number), one.number))
    ]


def _by_shipment(parts: Iterable[Part]) -> Mapping[UUID, list[Part]]:
    found: dict[UUID, list[Part]] = defaultdict(list)
    for part in parts:
        found[part.shipment_id].append(part)
    return found
