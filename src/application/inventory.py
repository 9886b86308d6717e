"""Stock by variant and batch, first expired first out (M24, M25)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ..domain import inventory
from ..domain.inventory import Batch, Cause, Change, Movement, Pick, Stock
from .catalog import day_of
from .work import Kind, Wanted, Work

STOCKS = Kind(Stock, "stock", ("product_id", "variant_id"), root=True)
BATCHES = Kind(
    Batch,
    "batch",
    ("product_id", "id"),
    {"variant": ("product_id", "variant_id")},
    live=lambda batch: batch.on_hand > 0,
)
MOVEMENTS = Kind(Movement, "movement", ("product_id", "id"))
KINDS: tuple[Kind[Any], ...] = (STOCKS, BATCHES, MOVEMENTS)


# --- for use cases above ------------------------------------------------------------------------


def stock_keys(product_id: UUID, variant_id: UUID) -> tuple[Wanted, ...]:
    """What to lock in order to move the pieces of a variant."""
    return (STOCKS.key(product_id, variant_id), BATCHES.group("variant", product_id, variant_id))


async def reserve(
    work: Work, product_id: UUID, variant_id: UUID, quantity: int, *, sku: str, cause_id: UUID
) -> tuple[Pick, ...]:
    """Allocate pieces for an order inside another use case, whose locks cover `stock_keys`.

    All of them, first expired first out, or none: raises InsufficientStock.
    """
    demand = inventory.Demand(sku, quantity, day_of(work.now))
    cause = _cause(work, "order", cause_id)
    stock, batches = _counts(work, product_id, variant_id)
    reserved = inventory.reserve(stock, batches, demand, cause, work.new_id)
    keep(work, reserved)
    return reserved.picks


async def release(
    work: Work, product_id: UUID, variant_id: UUID, picks: Iterable[Pick], *, cause_id: UUID
) -> None:
    """Give back what an order had allocated, inside another use case, whose locks cover `stock_keys`.

    Raises NotAllocated. What is allocated lies on the shelf, so the live batches are all there is to look at.
    """
    stock, batches = _counts(work, product_id, variant_id)
    cause = _cause(work, "order", cause_id)
    keep(work, inventory.release(stock, batches, picks, cause, work.new_id))


async def ship(
    work: Work, product_id: UUID, variant_id: UUID, picks: Iterable[Pick], *, cause_id: UUID
) -> None:
    """Take what an order had allocated off the shelf, inside another use case that locks `stock_keys`.

    Raises NotAllocated.
    """
    stock, batches = _counts(work, product_id, variant_id)
    cause = _cause(work, "order", cause_id)
    keep(work, inventory.ship(stock, batches, picks, cause, work.new_id))


def keep(work: Work, change: Change) -> None:
    """Store new counts with the movements that made them, and say what happened."""
    work.save(change.stock, *change.batches, *change.movements)
    work.record(*change.events)


def _counts(work: Work, product_id: UUID, variant_id: UUID) -> tuple[Stock, list[Batch]]:
    """The totals of a variant, nothing where none was ever received, and what lies on its shelves."""
    stock = work.find(STOCKS.key(product_id, variant_id)) or Stock(product_id, variant_id)
    return stock, work.list(BATCHES.group("variant", product_id, variant_id))


def _cause(work: Work, kind: inventory.CauseKind, id: UUID, reason: str = "") -> Cause:
    return Cause(kind, id, work.now, work.actor.user_id, reason)
