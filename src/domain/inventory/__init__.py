"""Stock by variant and batch: what lies on the shelf, and what of it is promised (M24, M25).

A count changes only by a movement: every function here writes movements, and the counts of a batch and the
totals of its variant follow from them. So totals equal the sum of batches, and `recount` finds them again.

    RuleForbids
    ├── InsufficientStock   too few fresh pieces are free
    └── ReasonRequired      a correction says why
    StateForbids
    ├── NotAllocated        more would be released or shipped than is allocated
    └── BelowAllocated      the shelf would hold less than is promised
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Literal, TypeVar
from uuid import UUID

from .. import shared

MovementKind = Literal["received", "allocated", "released", "shipped", "adjusted", "damaged", "returned"]
CauseKind = Literal["order", "receipt", "correction"]

ON_HAND: frozenset[MovementKind] = frozenset({"received", "shipped", "adjusted", "damaged", "returned"})
ALLOCATED: frozenset[MovementKind] = frozenset({"allocated", "released", "shipped"})
"""Which kinds of movement change which count."""

MOST_PIECES = 1_000_000
MINIMUM_DAYS = 7
"""How many more days a piece is good for when it is sold (*config*)."""


class Stock(shared.Record):
    """The totals of a variant over all its batches, in pieces. Whoever changes a batch locks this row."""

    product_id: UUID
    variant_id: UUID
    on_hand: int = 0
    allocated: int = 0

    @property
    def available(self) -> int:
        """Pieces that are not promised; some of them may be too near their best-before date to sell."""
        return self.on_hand - self.allocated


class Batch(shared.Record):
    """One delivery of one variant at one place: `cost_cents` is what a piece of it cost us."""

    product_id: UUID
    id: UUID
    variant_id: UUID
    number: str
    cost_cents: int
    received_at: datetime
    best_before: date | None = None
    location: str = "hub"
    supplier_reference: str = ""
    shelf: str = ""
    on_hand: int = 0
    allocated: int = 0

    @property
    def available(self) -> int:
        """Pieces that are not promised."""
        return self.on_hand - self.allocated


class Movement(shared.Record):
    """One change of a batch's counts; append-only.

    `quantity` is signed as the change of the counts that its kind changes (`ON_HAND`, `ALLOCATED`): received,
    allocated and returned are positive; released, shipped and damaged negative; adjusted is either.
    """

    product_id: UUID
    id: UUID
    variant_id: UUID
    batch_id: UUID
    kind: MovementKind
    quantity: int
    cause: CauseKind
    cause_id: UUID
    recorded_at: datetime
    actor_id: UUID | None = None
    reason: str = ""


class Cause(shared.Record):
    """Why, when and by whom counts change: `id` is the order, the receipt or the correction."""

    kind: CauseKind
    id: UUID
    at: datetime
    actor_id: UUID | None = None
    reason: str = ""


class Demand(shared.Record):
    """So many pieces of a SKU, each good for at least `minimum_days` more."""

    sku: str
    quantity: int
    today: date
    minimum_days: int = MINIMUM_DAYS


class Pick(shared.Record):
    """So many pieces out of one batch."""

    variant_id: UUID
    batch_id: UUID
    quantity: int


class StockReceived(shared.Event, tag="inventory.stock_received"):
    product_id: UUID
    variant_id: UUID
    batch_id: UUID
    quantity: int


class StockCorrected(shared.Event, tag="inventory.stock_corrected"):
    product_id: UUID
    variant_id: UUID
    batch_id: UUID
    difference: int
    reason: str


class SoldOut(shared.Event, tag="inventory.sold_out"):
    """Nothing of the variant is available any more."""

    product_id: UUID
    variant_id: UUID


class BackInStock(shared.Event, tag="inventory.back_in_stock"):
    """Something of the variant is available again."""

    product_id: UUID
    variant_id: UUID
    available: int


class Change(shared.Record):
    """The new counts (only batches that changed) and the movements that made them."""

    stock: Stock
    batches: tuple[Batch, ...]
    movements: tuple[Movement, ...]
    events: tuple[shared.Event, ...]

    @property
    def picks(self) -> tuple[Pick, ...]:
        """How many pieces of which batch it concerns."""
        return tuple(
            Pick(variant_id=movement.variant_id, batch_id=movement.batch_id, quantity=abs(movement.quantity))
            for movement in self.movements
        )


Ids = Callable[[], UUID]
Counts = TypeVar("Counts", Stock, Batch)


class InsufficientStock(shared.RuleForbids):
    message = "{needed} pieces of {sku} were asked for, {available} are available."
    sku: str
    needed: int
    available: int


class NotAllocated(shared.StateForbids):
    message = "{wanted} pieces of the batch cannot be released or shipped: {allocated} are allocated."
    batch_id: UUID
    wanted: int
    allocated: int


class BelowAllocated(shared.StateForbids):
    message = (
        "The batch holds {on_hand} pieces, {allocated} of them promised: it cannot change by {difference}."
    )
    batch_id: UUID
    on_hand: int
    allocated: int
    difference: int


class ReasonRequired(shared.RuleForbids):
    message = "A correction of stock needs a reason."


def receive(stock: Stock, batch: Batch, quantity: int, cause: Cause, ids: Ids) -> Change:
    """Put pieces on the shelf, into a batch that is there or into an empty new one.

    Errors: InvalidAmount.
    """
    shared.check_amount(quantity, most=MOST_PIECES)
    received = StockReceived(
        product_id=stock.product_id, variant_id=stock.variant_id, batch_id=batch.id, quantity=quantity
    )
    movements = _movements(stock, "received", [(batch.id, quantity)], cause, ids)
    return _change(stock, (batch,), movements, received)


def first_expired_first(batch: Batch) -> tuple[date, datetime, UUID]:
    """Where a batch stands in the order of consumption.

    What never expires comes last; at the same best-before date, what was received first.
    """
    return batch.best_before or date.max, batch.received_at, batch.id


def sellable(batches: Iterable[Batch], today: date, minimum_days: int) -> list[Batch]:
    """Batches with available pieces that are good for `minimum_days` more, first expired first."""
    usable = (
        batch
        for batch in batches
        if batch.available > 0
        and (batch.best_before is None or (batch.best_before - today).days >= minimum_days)
    )
    return sorted(usable, key=first_expired_first)


def reserve(stock: Stock, batches: Iterable[Batch], demand: Demand, cause: Cause, ids: Ids) -> Change:
    """Allocate the whole demand, first expired first out, or nothing.

    Errors: InvalidAmount, InsufficientStock.
    """
    shared.check_amount(demand.quantity, most=MOST_PIECES)
    usable = sellable(batches, demand.today, demand.minimum_days)
    available = sum(batch.available for batch in usable)
    if available < demand.quantity:
        raise InsufficientStock(sku=demand.sku, needed=demand.quantity, available=available)
    return _change(stock, usable, _movements(stock, "allocated", _taken(usable, demand.quantity), cause, ids))


def release(stock: Stock, batches: Iterable[Batch], picks: Iterable[Pick], cause: Cause, ids: Ids) -> Change:
    """Give back what was allocated.

    Errors: InvalidAmount, NotAllocated, NotFound for a pick of a batch that is not among `batches`.
    """
    return _change(stock, batches, _movements(stock, "released", _out(picks), cause, ids))


def ship(stock: Stock, batches: Iterable[Batch], picks: Iterable[Pick], cause: Cause, ids: Ids) -> Change:
    """Take what was allocated off the shelf.

    Errors: InvalidAmount, NotAllocated, NotFound for a pick of a batch that is not among `batches`.
    """
    return _change(stock, batches, _movements(stock, "shipped", _out(picks), cause, ids))


def correct(stock: Stock, batch: Batch, difference: int, cause: Cause, ids: Ids) -> Change:
    """Book that the shelf holds more or fewer pieces of a batch than the books say.

    Errors: InvalidAmount, ReasonRequired, BelowAllocated.
    """
    return _correct(stock, batch, "adjusted", difference, cause, ids)


def write_off(stock: Stock, batch: Batch, quantity: int, cause: Cause, ids: Ids) -> Change:
    """Take damaged pieces off the shelf.

    Errors: InvalidAmount, ReasonRequired, BelowAllocated.
    """
    shared.check_amount(quantity, most=MOST_PIECES)
    return _correct(stock, batch, "damaged", -quantity, cause, ids)


def recount(movements: Iterable[Movement]) -> tuple[int, int]:
    """The counts that these movements make: on hand, allocated."""
    on_hand = allocated = 0
    for movement in movements:
        on_hand += movement.quantity if movement.kind in ON_HAND else 0
        allocated += movement.quantity if movement.kind in ALLOCATED else 0
    return on_hand, allocated


def _correct(
    stock: Stock, batch: Batch, kind: MovementKind, difference: int, cause: Cause, ids: Ids
) -> Change:
    shared.check_amount(abs(difference), most=MOST_PIECES)
    if not cause.reason.strip():
        raise ReasonRequired()
    corrected = StockCorrected(
        product_id=stock.product_id,
        variant_id=stock.variant_id,
        batch_id=batch.id,
        difference=difference,
        reason=cause.reason,
    )
    movements = _movements(stock, kind, [(batch.id, difference)], cause, ids)
    return _change(stock, (batch,), movements, corrected)


def _taken(batches: Iterable[Batch], quantity: int) -> Iterator[tuple[UUID, int]]:
    """How much to take from each batch, in their order, until the quantity is reached."""
    for batch in batches:
        taken = min(batch.available, quantity)
        if taken:
            yield batch.id, taken
        quantity -= taken


def _out(picks: Iterable[Pick]) -> Iterator[tuple[UUID, int]]:
    for pick in picks:
        yield pick.batch_id, -shared.check_amount(pick.quantity, most=MOST_PIECES)


def _movements(
    stock: Stock, kind: MovementKind, changes: Iterable[tuple[UUID, int]], cause: Cause, ids: Ids
) -> tuple[Movement, ...]:
    return tuple(
        Movement(
            product_id=stock.product_id,
            id=ids(),
            variant_id=stock.variant_id,
            batch_id=batch_id,
            kind=kind,
            quantity=quantity,
            cause=cause.kind,
            cause_id=cause.id,
            recorded_at=cause.at,
            actor_id=cause.actor_id,
            reason=cause.reason,
        )
        for batch_id, quantity in changes
    )


def _change(
    stock: Stock, batches: Iterable[Batch], movements: tuple[Movement, ...], *events: shared.Event
) -> Change:
    """Apply movements to their batches and to the totals: the only writer of counts."""
    by_id = {batch.id: batch for batch in batches if batch.variant_id == stock.variant_id}
    after = stock
    for movement in movements:
        if movement.batch_id not in by_id:
            raise shared.NotFound(kind="batch", id=str(movement.batch_id))
        by_id[movement.batch_id] = _moved(by_id[movement.batch_id], movement)
        after = _moved(after, movement)
    changed = dict.fromkeys(movement.batch_id for movement in movements)
    return Change(
        stock=after,
        batches=tuple(by_id[batch_id] for batch_id in changed),
        movements=movements,
        events=(*events, *_turning(stock, after)),
    )


def _moved(counts: Counts, movement: Movement) -> Counts:
    on_hand, allocated = recount((movement,))
    after = shared.evolve(counts, on_hand=counts.on_hand + on_hand, allocated=counts.allocated + allocated)
    if after.allocated < 0:
        raise NotAllocated(batch_id=movement.batch_id, wanted=-movement.quantity, allocated=counts.allocated)
    if after.on_hand < after.allocated:
        raise BelowAllocated(
            batch_id=movement.batch_id,
            on_hand=counts.on_hand,
            allocated=counts.allocated,
            difference=movement.quantity,
        )
    return after


def _turning(before: Stock, after: Stock) -> Iterator[shared.Event]:
    if before.available > 0 and after.available == 0:
        yield SoldOut(product_id=after.product_id, variant_id=after.variant_id)
    if before.available == 0 and after.available > 0:
        yield BackInStock(product_id=after.product_id, variant_id=after.variant_id, available=after.available)
