"""Whether the counts of stock are what made them. Each check is named after what it compares.

movements   a batch counts what its movements make
totals      a variant counts what its batches do, all of them together
bounds      nothing is below zero, and no more is promised than lies on the shelf
promises    what of a batch is promised to an order is what the shipments of that order still hold
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Literal
from uuid import UUID

from .. import shared
from . import Batch, Movement, Stock, recount

Check = Literal["movements", "totals", "bounds", "promises"]
Table = Literal["stock", "batch"]
Promises = Mapping[tuple[UUID, UUID], int]
"""Pieces by order and batch."""


class Finding(shared.Record):
    """A row that a check does not hold for: its table, its key as text, and what is wrong with it."""

    check: Check
    table: Table
    row: str
    says: str


class Miscount(shared.Record):
    """Counts that are not what they should be, of a batch or of a whole variant; a row that is missing
    counts nothing."""

    check: Check
    product_id: UUID
    variant_id: UUID
    batch_id: UUID | None
    on_hand: int
    allocated: int
    due_on_hand: int
    due_allocated: int


def miscounts(
    stocks: Iterable[Stock], batches: Iterable[Batch], movements: Iterable[Movement]
) -> Iterator[Miscount]:
    """Every count that is wrong, causes first: batches by their movements, totals by their batches."""
    stocks, batches = list(stocks), list(batches)
    return chain(_by_movements(batches, movements), _by_batches(stocks, batches), _bounds(stocks, batches))


def _by_movements(batches: list[Batch], movements: Iterable[Movement]) -> Iterator[Miscount]:
    made = defaultdict[tuple[UUID, UUID, UUID], list[Movement]](list)
    for one in movements:
        made[one.product_id, one.variant_id, one.batch_id].append(one)
    there = {(one.product_id, one.variant_id, one.id): (one.on_hand, one.allocated) for one in batches}
    for place in sorted({*made, *there}):
        due = recount(made[place])
        if place not in there or there[place] != due:
            yield Miscount("movements", *place, *there.get(place, (0, 0)), *due)


def _by_batches(stocks: list[Stock], batches: list[Batch]) -> Iterator[Miscount]:
    due = defaultdict[tuple[UUID, UUID], list[Batch]](list)
    for one in batches:
        due[one.product_id, one.variant_id].append(one)
    there = {(one.product_id, one.variant_id): (one.on_hand, one.allocated) for one in stocks}
    for place in sorted({*due, *there}):
        sums = sum(one.on_hand for one in due[place]), sum(one.allocated for one in due[place])
        if place not in there or there[place] != sums:
            yield Miscount("totals", *place, None, *there.get(place, (0, 0)), *sums)


def _bounds(stocks: list[Stock], batches: list[Batch]) -> Iterator[Miscount]:
    counts = [
        *((one.product_id, one.variant_id, False, one.id, one.on_hand, one.allocated) for one in batches),
        *((one.product_id, one.variant_id, True, None, one.on_hand, one.allocated) for one in stocks),
    ]
    for product_id, variant_id, _, batch_id, on_hand, allocated in sorted(counts, key=lambda one: one[:4]):
        if not 0 <= allocated <= on_hand:
            most = max(0, on_hand)
            due = most, min(max(0, allocated), most)
            yield Miscount("bounds", product_id, variant_id, batch_id, on_hand, allocated, *due)


def finding_of(one: Miscount) -> Finding:
    """A miscount in words."""
    row = f"{one.product_id}/{one.batch_id or one.variant_id}"
    has = f"has {one.on_hand} on hand and {one.allocated} allocated, where"
    due = f"{one.due_on_hand} and {one.due_allocated}"
    says = {
        "movements": f"{has} its movements make {due}.",
        "totals": f"{has} its batches have {due} in all.",
        "bounds": f"{has} no more can be allocated than is on hand, and neither is below zero.",
    }
    return Finding(one.check, "batch" if one.batch_id else "stock", row, says[one.check])


def mispromised(promised: Promises, held: Promises) -> Iterator[Finding]:
    """Where what the movements promise an order out of a batch is not what its shipments hold."""
    for order_id, batch_id in sorted({*promised, *held}):
        pieces, due = promised.get((order_id, batch_id), 0), held.get((order_id, batch_id), 0)
        if pieces != due:
            says = f"promises {pieces} to the order {order_id}, whose shipments hold {due} of it."
            yield Finding("promises", "batch", str(batch_id), says)
