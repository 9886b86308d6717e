"""Stock: counts that only movements change, first expired first out, and never a piece promised twice."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import inventory, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
PRODUCT, VARIANT = UUID(int=1), UUID(int=2)
ORDER = inventory.Cause("order", UUID(int=50), AT)
RECEIPT = inventory.Cause("receipt", UUID(int=51), AT)
COUNTED = inventory.Cause("correction", UUID(int=52), AT, UUID(int=9), "counted the shelf")


def fresh_ids(first: int = 1_000) -> Callable[[], UUID]:
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


def batch(number: int, on_hand: int = 0, allocated: int = 0, **changes: Any) -> inventory.Batch:
    given = inventory.Batch(
        product_id=PRODUCT,
        id=UUID(int=number),
        variant_id=VARIANT,
        number=f"L{number}",
        cost_cents=450,
        received_at=AT,
        on_hand=on_hand,
        allocated=allocated,
    )
    return shared.evolve(given, **changes)


def stock(*batches: inventory.Batch) -> inventory.Stock:
    return inventory.Stock(
        PRODUCT, VARIANT, sum(one.on_hand for one in batches), sum(one.allocated for one in batches)
    )


def demand(quantity: int, **changes: Any) -> inventory.Demand:
    return shared.evolve(inventory.Demand("HONEY-250", quantity, TODAY), **changes)


def pick(number: int, quantity: int) -> inventory.Pick:
    return inventory.Pick(VARIANT, UUID(int=number), quantity)


def reserve(quantity: int, *batches: inventory.Batch, **changes: Any) -> inventory.Change:
    return inventory.reserve(stock(*batches), batches, demand(quantity, **changes), ORDER, fresh_ids())


def counts(of: Iterable[inventory.Batch | inventory.Stock]) -> list[tuple[int, int]]:
    return [(one.on_hand, one.allocated) for one in of]


def after(batches: Sequence[inventory.Batch], change: inventory.Change) -> list[inventory.Batch]:
    """The batches with what changed in its place."""
    changed = {one.id: one for one in change.batches}
    return [changed.get(one.id, one) for one in batches]


# --- receive ----------------------------------------------------------------------------------


def test_receiving_puts_pieces_into_a_new_batch_and_says_that_there_is_stock_again() -> None:
    change = inventory.receive(stock(), batch(1), 24, RECEIPT, fresh_ids())
    assert counts([change.stock, *change.batches]) == [(24, 0), (24, 0)]
    assert change.events == (
        inventory.StockReceived(PRODUCT, VARIANT, UUID(int=1), 24),
        inventory.BackInStock(PRODUCT, VARIANT, 24),
    )


def test_a_movement_says_what_changed_why_when_and_by_whom() -> None:
    change = inventory.correct(stock(batch(1, 5)), batch(1, 5), -2, COUNTED, fresh_ids(700))
    assert change.movements == (
        inventory.Movement(
            product_id=PRODUCT,
            id=UUID(int=700),
            variant_id=VARIANT,
            batch_id=UUID(int=1),
            kind="adjusted",
            quantity=-2,
            cause="correction",
            cause_id=UUID(int=52),
            recorded_at=AT,
            actor_id=UUID(int=9),
            reason="counted the shelf",
        ),
    )


def test_receiving_more_of_a_batch_adds_to_it() -> None:
    there = batch(1, 10, 4)
    change = inventory.receive(stock(there), there, 5, RECEIPT, fresh_ids())
    assert counts([change.stock, *change.batches]) == [(15, 4), (15, 4)]
    assert change.events == (inventory.StockReceived(PRODUCT, VARIANT, UUID(int=1), 5),)


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_quantities_that_make_no_sense_are_refused_everywhere(quantity: int) -> None:
    there = batch(1, 10, 4)
    with pytest.raises(shared.InvalidAmount):
        inventory.receive(stock(there), there, quantity, RECEIPT, fresh_ids())
    with pytest.raises(shared.InvalidAmount):
        reserve(quantity, there)
    with pytest.raises(shared.InvalidAmount):
        inventory.release(stock(there), [there], [pick(1, quantity)], ORDER, fresh_ids())
    with pytest.raises(shared.InvalidAmount):
        inventory.ship(stock(there), [there], [pick(1, quantity)], ORDER, fresh_ids())
    with pytest.raises(shared.InvalidAmount):
        inventory.write_off(stock(there), there, quantity, COUNTED, fresh_ids())


@pytest.mark.parametrize("difference", [0, 1_000_001, -1_000_001])
def test_a_correction_changes_something_within_reason(difference: int) -> None:
    with pytest.raises(shared.InvalidAmount):
        inventory.correct(stock(batch(1, 5)), batch(1, 5), difference, COUNTED, fresh_ids())


# --- reserve ----------------------------------------------------------------------------------


def test_what_expires_first_goes_first_and_what_never_expires_goes_last() -> None:
    never, late, soon = (
        batch(1, 3),
        batch(2, 3, best_before=date(2027, 1, 1)),
        batch(3, 3, best_before=date(2026, 6, 1)),
    )
    assert reserve(8, never, late, soon).picks == (pick(3, 3), pick(2, 3), pick(1, 2))


def test_at_the_same_date_what_was_received_first_goes_first_and_then_the_lower_id() -> None:
    older = AT - timedelta(days=1)
    batches = (batch(4, 1), batch(3, 1), batch(9, 1, received_at=older))
    assert reserve(3, *batches).picks == (pick(9, 1), pick(3, 1), pick(4, 1))


def test_only_the_batches_that_gave_something_are_changed() -> None:
    batches = (batch(1, 5, 5), batch(2, 5, 3), batch(3, 5))
    change = reserve(2, *batches)
    assert change.batches == (batch(2, 5, 5),)
    assert counts([change.stock]) == [(15, 10)]
    assert change.events == ()


def test_a_batch_without_enough_life_left_is_skipped() -> None:
    week = TODAY + timedelta(days=7)
    near, enough = batch(1, 5, best_before=week - timedelta(days=1)), batch(2, 5, best_before=week)
    assert reserve(5, near, enough).picks == (pick(2, 5),)
    assert reserve(5, near, enough, minimum_days=6).picks == (pick(1, 5),)


def test_a_demand_is_met_as_a_whole_or_not_at_all() -> None:
    stale = batch(1, 5, best_before=TODAY)
    with pytest.raises(inventory.InsufficientStock) as refused:
        reserve(4, stale, batch(2, 5, 2), batch(3))
    assert refused.value.facts() == {"sku": "HONEY-250", "needed": 4, "available": 3}
    assert isinstance(refused.value, shared.RuleForbids)


def test_without_any_batch_nothing_is_available() -> None:
    with pytest.raises(inventory.InsufficientStock, match="0 are available"):
        reserve(1)


def test_whoever_takes_the_last_piece_makes_it_sold_out() -> None:
    change = reserve(2, batch(1, 5, 3))
    assert change.events == (inventory.SoldOut(PRODUCT, VARIANT),)
    assert change.stock.available == 0


# --- release and ship -------------------------------------------------------------------------


def test_releasing_makes_pieces_available_again() -> None:
    batches = [batch(1, 5, 5), batch(2, 5, 5)]
    change = inventory.release(stock(*batches), batches, [pick(2, 3), pick(1, 1)], ORDER, fresh_ids())
    assert change.batches == (batch(2, 5, 2), batch(1, 5, 4))
    assert [(one.kind, one.quantity) for one in change.movements] == [("released", -3), ("released", -1)]
    assert change.events == (inventory.BackInStock(PRODUCT, VARIANT, 4),)


def test_shipping_takes_pieces_off_the_shelf_and_off_what_is_promised() -> None:
    there = batch(1, 5, 3)
    change = inventory.ship(stock(there), [there], [pick(1, 2)], ORDER, fresh_ids())
    assert counts([change.stock, *change.batches]) == [(3, 1), (3, 1)]
    assert [(one.kind, one.quantity) for one in change.movements] == [("shipped", -2)]
    assert change.events == ()


@pytest.mark.parametrize("take", [inventory.release, inventory.ship])
def test_no_more_is_released_or_shipped_than_is_allocated(take: Any) -> None:
    there = batch(1, 5, 3)
    with pytest.raises(inventory.NotAllocated) as refused:
        take(stock(there), [there], [pick(1, 2), pick(1, 2)], ORDER, fresh_ids())
    assert refused.value.facts() == {"batch_id": UUID(int=1), "wanted": 2, "allocated": 1}


@pytest.mark.parametrize("take", [inventory.release, inventory.ship])
def test_a_pick_of_an_unknown_batch_or_of_another_variant_is_not_found(take: Any) -> None:
    there, other = batch(1, 5, 3), batch(2, 5, 3, variant_id=UUID(int=8))
    for unknown in (2, 3):
        with pytest.raises(shared.NotFound, match="batch"):
            take(stock(there), [there, other], [pick(unknown, 1)], ORDER, fresh_ids())


# --- correct ----------------------------------------------------------------------------------


def test_a_correction_goes_up_or_down_with_its_reason() -> None:
    there = batch(1, 5, 3)
    for difference, on_hand in ((2, 7), (-2, 3)):
        change = inventory.correct(stock(there), there, difference, COUNTED, fresh_ids())
        assert counts([change.stock, *change.batches]) == [(on_hand, 3), (on_hand, 3)]
        assert change.events[0] == inventory.StockCorrected(
            PRODUCT, VARIANT, UUID(int=1), difference, "counted the shelf"
        )


def test_writing_off_takes_damaged_pieces_away() -> None:
    there = batch(1, 5, 3)
    change = inventory.write_off(stock(there), there, 2, COUNTED, fresh_ids())
    assert [(one.kind, one.quantity) for one in change.movements] == [("damaged", -2)]
    assert counts(change.batches) == [(3, 3)]
    assert change.events[1:] == (inventory.SoldOut(PRODUCT, VARIANT),)


@pytest.mark.parametrize("remove", [inventory.correct, inventory.write_off])
@pytest.mark.parametrize("reason", ["", "  "])
def test_a_correction_says_why(remove: Any, reason: str) -> None:
    there = batch(1, 5)
    with pytest.raises(inventory.ReasonRequired):
        remove(stock(there), there, 1, shared.evolve(COUNTED, reason=reason), fresh_ids())


def test_what_is_promised_is_not_corrected_away() -> None:
    there = batch(1, 5, 3)
    with pytest.raises(inventory.BelowAllocated) as refused:
        inventory.correct(stock(there), there, -3, COUNTED, fresh_ids())
    assert refused.value.facts() == {
        "batch_id": UUID(int=1),
        "on_hand": 5,
        "allocated": 3,
        "difference": -3,
    }
    with pytest.raises(inventory.BelowAllocated):
        inventory.write_off(stock(there), there, 3, COUNTED, fresh_ids())


# --- properties -------------------------------------------------------------------------------


@given(st.data())
def test_whatever_happens_totals_equal_the_batches_and_the_movements_recount_them(
    data: st.DataObject,
) -> None:
    ids, orders = fresh_ids(), dict[UUID, list[inventory.Pick]]()
    batches: list[inventory.Batch] = []
    totals = inventory.Stock(PRODUCT, VARIANT)
    movements: list[inventory.Movement] = []
    for step in range(data.draw(st.integers(1, 25))):
        change = _some_change(data, step, totals, batches, orders, ids)
        if change is None:
            continue
        totals, batches = change.stock, after(batches, change)
        movements += change.movements
        assert counts([totals]) == counts([stock(*batches)])
        assert all(0 <= one.allocated <= one.on_hand for one in batches)
        assert inventory.recount(movements) == (totals.on_hand, totals.allocated)
        for one in batches:
            own = [movement for movement in movements if movement.batch_id == one.id]
            assert inventory.recount(own) == (one.on_hand, one.allocated)
    promised = sum(taken.quantity for picks in orders.values() for taken in picks)
    assert promised == totals.allocated


def _some_change(
    data: st.DataObject,
    step: int,
    totals: inventory.Stock,
    batches: list[inventory.Batch],
    orders: dict[UUID, list[inventory.Pick]],
    ids: Callable[[], UUID],
) -> inventory.Change | None:
    """One step that the state allows, or None when it refuses."""
    kind = data.draw(st.sampled_from(["receive", "reserve", "release", "ship", "correct", "write_off"]))
    quantity = data.draw(st.integers(1, 12))
    if kind == "receive" or not batches:
        life = data.draw(st.none() | st.integers(0, 40))
        best_before = None if life is None else TODAY + timedelta(days=life)
        batches.append(batch(step + 1, best_before=best_before))
        return inventory.receive(totals, batches[-1], quantity, RECEIPT, ids)
    if kind == "reserve":
        free = sum(one.available for one in inventory.sellable(batches, TODAY, 7))
        if free < quantity:
            with pytest.raises(inventory.InsufficientStock):
                inventory.reserve(totals, batches, demand(quantity), ORDER, ids)
            return None
        change = inventory.reserve(totals, batches, demand(quantity), ORDER, ids)
        orders[ids()] = list(change.picks)
        return change
    if kind in ("correct", "write_off"):
        chosen = data.draw(st.sampled_from(batches))
        if kind == "correct" and data.draw(st.booleans()):
            return inventory.correct(totals, chosen, quantity, COUNTED, ids)
        if chosen.available < quantity:
            with pytest.raises(inventory.BelowAllocated):
                inventory.write_off(totals, chosen, quantity, COUNTED, ids)
            return None
        if kind == "correct":
            return inventory.correct(totals, chosen, -quantity, COUNTED, ids)
        return inventory.write_off(totals, chosen, quantity, COUNTED, ids)
    if not orders:
        return None
    picks = orders.pop(data.draw(st.sampled_from(list(orders))))
    take = inventory.release if kind == "release" else inventory.ship
    return take(totals, batches, picks, ORDER, ids)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(-5, 60)),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 30),
    st.integers(0, 30),
)
def test_no_piece_is_taken_while_one_that_expires_sooner_is_left(
    drawn: list[tuple[int, int, int | None]], quantity: int, minimum_days: int
) -> None:
    batches = [
        batch(
            number,
            free + promised,
            promised,
            best_before=None if life is None else TODAY + timedelta(days=life),
        )
        for number, (free, promised, life) in enumerate(drawn, start=1)
    ]
    usable = inventory.sellable(batches, TODAY, minimum_days)
    if sum(one.available for one in usable) < quantity:
        with pytest.raises(inventory.InsufficientStock):
            reserve(quantity, *batches, minimum_days=minimum_days)
        return
    taken = {
        one.batch_id: one.quantity for one in reserve(quantity, *batches, minimum_days=minimum_days).picks
    }
    partly = [one for one in usable if 0 < taken.get(one.id, 0) < one.available]
    untouched = [one for one in usable if one.id not in taken]
    last = max((one.best_before or date.max for one in usable if one.id in taken), default=date.min)
    assert len(partly) <= 1
    assert all((one.best_before or date.max) >= last for one in [*partly, *untouched])
    assert set(taken) <= {one.id for one in usable}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(inventory.ON_HAND | inventory.ALLOCATED)), st.integers(-9, 9)))
)
def test_a_recount_adds_up_like_the_counts_in_any_order(drawn: list[tuple[Any, int]]) -> None:
    movements = [
        inventory.Movement(
            PRODUCT, UUID(int=1), VARIANT, UUID(int=2), kind, quantity, "order", UUID(int=3), AT
        )
        for kind, quantity in drawn
    ]
    on_hand = sum(
        q for kind, q in drawn if kind in ("received", "shipped", "adjusted", "damaged", "returned")
    )
    allocated = sum(q for kind, q in drawn if kind in ("allocated", "released", "shipped"))
    assert inventory.recount(movements) == inventory.recount(movements[::-1]) == (on_hand, allocated)
