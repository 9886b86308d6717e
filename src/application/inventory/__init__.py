"""Stock by variant and batch, first expired first out (M24, M25)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import inventory, shared
from ...domain.inventory import Batch, Cause, Change, Movement, Pick, Stock
from ..catalog import VARIANTS, HasCatalog, Shelves, day_of
from ..pages import Limit, Page, page_of, uuid_of
from ..work import ADMINS, Kind, Read, Wanted, Work, query, use_case

_PROVEN = "its movements prove it"
STOCKS = Kind(Stock, "stock", ("product_id", "variant_id"), root=True, unaudited=_PROVEN)
BATCHES = Kind(
    Batch,
    "batch",
    ("product_id", "id"),
    {"variant": ("product_id", "variant_id")},
    live=lambda batch: batch.on_hand > 0,
    changes=("on_hand", "allocated"),
    unaudited=_PROVEN,
)
MOVEMENTS = Kind(
    Movement,
    "movement",
    ("product_id", "id"),
    changes=(),
    unaudited="it says itself when, by whom and why",
)
KINDS: tuple[Kind[Any], ...] = (STOCKS, BATCHES, MOVEMENTS)

Difference = Annotated[
    int,
    msgspec.Meta(
        ge=-inventory.MOST_PIECES,
        le=inventory.MOST_PIECES,
        description="Pieces more (or fewer) than the books say.",
    ),
]


# --- commands, views, queries -------------------------------------------------------------------


class ReceiveStock(shared.Command, kw_only=True):
    """Pieces of a variant that came, as a batch of their own. `cost_cents` is what one piece cost us."""

    product_id: UUID
    variant_id: UUID
    quantity: shared.Quantity
    number: shared.Name
    cost_cents: shared.Price
    best_before: date | None = None
    location: shared.Name = "hub"
    supplier_reference: shared.Note = ""
    shelf: shared.Note = ""


class CorrectStock(shared.Command, kw_only=True):
    """What a count of the shelf found. The author is who asks; the reason is kept for ever."""

    product_id: UUID
    variant_id: UUID
    batch_id: UUID
    difference: Difference
    reason: shared.Reason


class WriteOff(shared.Command, kw_only=True):
    """Pieces that are damaged. The author is who asks; the reason is kept for ever."""

    product_id: UUID
    variant_id: UUID
    batch_id: UUID
    quantity: shared.Quantity
    reason: shared.Reason


class BatchView(shared.Record, kw_only=True):
    """A batch: `cost` is of one piece, `available` is what is not promised."""

    id: UUID
    number: str
    cost: shared.Money
    best_before: date | None
    location: str
    supplier_reference: str
    shelf: str
    received_at: datetime
    on_hand: int
    allocated: int
    available: int


class Totals(shared.Record, kw_only=True):
    """The counts of a variant over all its batches, in pieces: `available` is what is not promised."""

    product_id: UUID
    variant_id: UUID
    on_hand: int
    allocated: int
    available: int


class StockView(Totals, kw_only=True):
    """The stock of a variant, with the batches that lie on the shelves, first expired first."""

    sku: str
    batches: tuple[BatchView, ...]


class StockLine(Totals, kw_only=True):
    """The stock of a variant in the overview."""

    sku: str
    variant_name: str
    product_slug: str
    product_name: str


class Counted(shared.Record):
    """A batch and its variant after a change of their counts."""

    batch: BatchView
    stock: Totals


class GetStock(shared.Query, kw_only=True):
    product_id: UUID
    variant_id: UUID


class ListMovements(shared.Query, kw_only=True):
    product_id: UUID
    variant_id: UUID
    limit: Limit = 25
    cursor: str | None = None


class ListStock(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None


class InventoryQueries(Shelves, Protocol):
    """The read side of inventory, the shelves that the shop window asks for included."""

    async def stock(self, product_id: UUID, variant_id: UUID) -> tuple[Stock, list[Batch]] | None:
        """The totals of a variant and its batches on the shelves; None where nothing ever came."""
        ...

    async def movements(
        self, product_id: UUID, variant_id: UUID, limit: int, before: UUID | None
    ) -> list[Movement]:
        """The movements of a variant, newest first."""
        ...

    async def overview(self, limit: int, before: UUID | None) -> list[StockLine]:
        """The stock of every variant of which something ever came, the newest variant first."""
        ...


class HasInventory(Protocol):
    @property
    def inventory(self) -> InventoryQueries: ...


class HasStock(HasCatalog, HasInventory, Protocol):
    """What a reading of stock needs: the counts, and what they are counts of."""


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
    work: Work, product_id: UUID, variant_id: UUID, picks: Sequence[Pick], *, cause_id: UUID
) -> None:
    """Give back what an order had allocated, inside another use case, whose locks cover `stock_keys`.

    Raises NotAllocated.
    """
    stock, _ = _counts(work, product_id, variant_id)
    batches, cause = await _picked(work, product_id, picks), _cause(work, "order", cause_id)
    keep(work, inventory.release(stock, batches, picks, cause, work.new_id))


async def ship(
    work: Work, product_id: UUID, variant_id: UUID, picks: Sequence[Pick], *, cause_id: UUID
) -> None:
    """Take what an order had allocated off the shelf, inside another use case that locks `stock_keys`.

    Raises NotAllocated.
    """
    stock, _ = _counts(work, product_id, variant_id)
    batches, cause = await _picked(work, product_id, picks), _cause(work, "order", cause_id)
    keep(work, inventory.ship(stock, batches, picks, cause, work.new_id))


def keep(work: Work, change: Change) -> None:
    """Store new counts with the movements that made them, and say what happened."""
    work.save(change.stock, *change.batches, *change.movements)
    work.record(*change.events)


def _counts(work: Work, product_id: UUID, variant_id: UUID) -> tuple[Stock, list[Batch]]:
    """The totals of a variant, nothing where none was ever received, and what lies on its shelves."""
    stock = work.find(STOCKS.key(product_id, variant_id)) or Stock(product_id, variant_id)
    return stock, work.list(BATCHES.group("variant", product_id, variant_id))


async def _picked(work: Work, product_id: UUID, picks: Sequence[Pick]) -> list[Batch]:
    """The batches of picks; one that is empty by now is not among those on the shelves."""
    keys = [BATCHES.key(product_id, one.batch_id) for one in picks]
    await work.load(*keys)
    return [work.get(key) for key in keys]


def _cause(work: Work, kind: inventory.CauseKind, id: UUID, reason: str = "") -> Cause:
    return Cause(kind, id, work.now, work.actor.user_id, reason)


# --- use cases ----------------------------------------------------------------------------------


@use_case(
    allow=ADMINS,
    loads=(lambda command, work: (VARIANTS.key(command.variant_id),),),
    locks=lambda command, work: stock_keys(command.product_id, command.variant_id),
)
async def receive(command: ReceiveStock, work: Work) -> Counted:
    """Put a delivery on the shelf, as a batch of its own."""
    if work.get(VARIANTS.key(command.variant_id)).product_id != command.product_id:
        raise shared.NotFound(kind="variant", id=str(command.variant_id))
    stock, _ = _counts(work, command.product_id, command.variant_id)
    batch = shared.recast(Batch, command, id=work.new_id(), received_at=work.now)
    cause = _cause(work, "receipt", batch.id)
    return _counted(work, inventory.receive(stock, batch, command.quantity, cause, work.new_id))


def _batch_locks(command: CorrectStock | WriteOff, work: Work) -> tuple[Wanted, ...]:
    """The batch by its key too: an empty one is not among those on the shelves."""
    keys = stock_keys(command.product_id, command.variant_id)
    return (*keys, BATCHES.key(command.product_id, command.batch_id))


@use_case(allow=ADMINS, locks=_batch_locks)
async def correct(command: CorrectStock, work: Work) -> Counted:
    """Book what a count of the shelf found. Raises BelowAllocated, InvalidAmount."""
    stock, _ = _counts(work, command.product_id, command.variant_id)
    batch = work.get(BATCHES.key(command.product_id, command.batch_id))
    cause = _cause(work, "correction", work.new_id(), command.reason)
    return _counted(work, inventory.correct(stock, batch, command.difference, cause, work.new_id))


@use_case(allow=ADMINS, locks=_batch_locks)
async def write_off(command: WriteOff, work: Work) -> Counted:
    """Take damaged pieces off the shelf. Raises BelowAllocated."""
    stock, _ = _counts(work, command.product_id, command.variant_id)
    batch = work.get(BATCHES.key(command.product_id, command.batch_id))
    cause = _cause(work, "correction", work.new_id(), command.reason)
    return _counted(work, inventory.write_off(stock, batch, command.quantity, cause, work.new_id))


def _counted(work: Work, change: Change) -> Counted:
    keep(work, change)
    (batch,) = change.batches
    return Counted(_batch_view(batch), _totals(Totals, change.stock))


@query(allow=ADMINS)
async def stock(question: GetStock, read: Read[HasStock]) -> StockView:
    """The stock of a variant with its batches."""
    variants = await read.ports.catalog.variants((question.product_id,))
    sku = next((one.sku for one in variants if one.id == question.variant_id), None)
    if sku is None:
        raise shared.NotFound(kind="variant", id=str(question.variant_id))
    found = await read.ports.inventory.stock(question.product_id, question.variant_id)
    totals, batches = found or (Stock(question.product_id, question.variant_id), [])
    ordered = tuple(_batch_view(one) for one in sorted(batches, key=inventory.first_expired_first))
    return _totals(StockView, totals, sku=sku, batches=ordered)


@query(allow=ADMINS)
async def movements(question: ListMovements, read: Read[HasInventory]) -> Page[Movement]:
    """What changed the counts of a variant, newest first."""
    found = await read.ports.inventory.movements(
        question.product_id, question.variant_id, question.limit + 1, uuid_of(question.cursor)
    )
    return page_of(found, question.limit, lambda one: one.id)


@query(allow=ADMINS)
async def overview(question: ListStock, read: Read[HasInventory]) -> Page[StockLine]:
    """The stock of every variant, the newest variant first."""
    found = await read.ports.inventory.overview(question.limit + 1, uuid_of(question.cursor))
    return page_of(found, question.limit, lambda one: one.variant_id)


def _batch_view(batch: Batch) -> BatchView:
    return shared.recast(BatchView, batch, cost=shared.Money(batch.cost_cents), available=batch.available)


def _totals(view: type[shared.R], stock: Stock, **more: Any) -> shared.R:
    return shared.recast(view, stock, available=stock.available, **more)
