"""Stock, in memory and on PostgreSQL alike: nothing is promised twice, and every count adds up."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from shop import Shop, release, reserve, ship, take

from baobab.application import inventory
from baobab.application.catalog import VariantView
from baobab.application.runner import Runner
from baobab.domain import inventory as rules
from builders import World

ORDER = UUID(int=50)


@pytest.fixture
async def shop(any_world: World) -> Shop:
    return await Shop.open(any_world)


async def all_movements(shop: Shop, variant: VariantView) -> list[rules.Movement]:
    found: list[rules.Movement] = []
    page = await shop.movements(variant, limit=100)
    found += page.items
    while page.next_cursor:
        page = await shop.movements(variant, limit=100, cursor=page.next_cursor)
        found += page.items
    return found


async def check_books(shop: Shop, variant: VariantView) -> inventory.StockView:
    """Totals are the sum of the batches on the shelves, and both are what the movements make."""
    shown = await shop.stock(variant)
    movements = await all_movements(shop, variant)
    of_batches = (
        sum(one.on_hand for one in shown.batches),
        sum(one.allocated for one in shown.batches),
    )
    assert (shown.on_hand, shown.allocated) == of_batches == rules.recount(movements)
    for batch in shown.batches:
        mine = [one for one in movements if one.batch_id == batch.id]
        assert (batch.on_hand, batch.allocated) == rules.recount(mine)
    return shown


async def rush(shop: Shop, variant: VariantView, buyers: int, *runs: Runner) -> Counter[str]:
    """That many members, all at once, each for one piece."""
    orders = [
        run(reserve, take(variant, 1, UUID(int=number)), actor=shop.world.member())
        for number, run in zip(range(buyers), runs * buyers, strict=False)
    ]
    results = await asyncio.gather(*orders, return_exceptions=True)
    refused = [one for one in results if isinstance(one, rules.InsufficientStock)]
    assert {(one.sku, one.needed, one.available) for one in refused} <= {("MIEL-LAV-250", 1, 0)}
    return Counter(type(one).__name__ for one in results)


async def test_of_a_thousand_buyers_of_the_last_piece_one_gets_it(world: World) -> None:
    shop = await Shop.open(world)
    variant = await shop.on_shelf(1)
    assert await rush(shop, variant, 1_000, world.run) == {"tuple": 1, "InsufficientStock": 999}
    shown = await check_books(shop, variant)
    assert (shown.on_hand, shown.allocated, shown.available) == (1, 1, 0)


async def test_of_two_hundred_buyers_in_two_processes_one_gets_the_last_piece(
    postgres_world: World,
) -> None:
    shop = await Shop.open(postgres_world)
    variant = await shop.on_shelf(1)
    results = await rush(shop, variant, 200, postgres_world.run, postgres_world.runner())
    assert results == {"tuple": 1, "InsufficientStock": 199}
    shown = await check_books(shop, variant)
    assert (shown.on_hand, shown.allocated, shown.available) == (1, 1, 0)


async def test_what_is_taken_from_two_sides_is_never_more_than_there_is(shop: Shop) -> None:
    variant, today = await shop.on_shelf(0), shop.world.clock().date()
    for days, pieces in ((30, 7), (20, 3), (40, 5)):
        await shop.receive(variant, pieces, best_before=today + timedelta(days=days))
    results = await rush(shop, variant, 40, shop.world.run, shop.world.runner())
    assert results == {"tuple": 15, "InsufficientStock": 25}
    shown = await check_books(shop, variant)
    assert [one.available for one in shown.batches] == [0, 0, 0]


async def test_deliveries_from_two_sides_all_count(shop: Shop) -> None:
    """Also the first ones, before which there is no row to lock."""
    variant, other = await shop.on_shelf(0), shop.world.runner()
    receipt = inventory.ReceiveStock(
        product_id=variant.product_id, variant_id=variant.id, quantity=2, number="L1", cost_cents=450
    )
    runs = (shop.world.run, other) * 5
    await asyncio.gather(*(run(inventory.receive, receipt, actor=shop.world.admin) for run in runs))
    shown = await check_books(shop, variant)
    assert (shown.on_hand, len(shown.batches)) == (20, 10)


async def test_the_books_add_up_whatever_happens(shop: Shop) -> None:
    variant, today, dice = await shop.on_shelf(0), shop.world.clock().date(), random.Random(7)
    run, admin, promised = shop.world.run, shop.world.admin, list[rules.Pick]()
    for number in range(60):
        shelf = (await shop.stock(variant)).batches
        what = dice.choice(["receive", "reserve", "reserve", "release", "ship", "correct", "write off"])
        try:
            if what == "receive":
                days = dice.choice([None, 3, 10, 90])
                until = None if days is None else today + timedelta(days=days)
                await shop.receive(variant, dice.randrange(1, 9), best_before=until)
            elif what == "reserve":
                order = take(variant, dice.randrange(1, 6), UUID(int=number))
                promised += await run(reserve, order, actor=admin)
            elif what in ("release", "ship") and promised:
                one = promised.pop(dice.randrange(len(promised)))
                use_case: Any = release if what == "release" else ship
                await run(use_case, take(variant, 1, ORDER, one), actor=admin)
            elif shelf:
                await _count_again(shop, variant, dice.choice(shelf), dice.randrange(1, 4), what)
        except (rules.InsufficientStock, rules.BelowAllocated):
            continue
    shown = await check_books(shop, variant)
    assert shown.allocated == sum(one.quantity for one in promised)
    kinds = {one.kind for one in await all_movements(shop, variant)}
    assert kinds == {"received", "allocated", "released", "shipped", "adjusted", "damaged"}


async def _count_again(
    shop: Shop, variant: VariantView, batch: inventory.BatchView, pieces: int, what: str
) -> None:
    ids = {"product_id": variant.product_id, "variant_id": variant.id, "batch_id": batch.id}
    if what == "correct":
        await shop.do(inventory.correct, inventory.CorrectStock(difference=-pieces, reason="counted", **ids))
    else:
        await shop.do(inventory.write_off, inventory.WriteOff(quantity=pieces, reason="broken", **ids))


# --- reading ------------------------------------------------------------------------------------


async def test_stock_is_read_as_it_was_received(shop: Shop) -> None:
    variant, today = await shop.on_shelf(0), shop.world.clock().date()
    facts = {"number": "L é 1", "location": "annex", "supplier_reference": "BL 7", "shelf": "A3"}
    never = await shop.receive(variant, 4, **facts)
    until = await shop.receive(variant, 2, best_before=today + timedelta(days=30), cost_cents=0)
    await shop.world.run(reserve, take(variant, 3, ORDER), actor=shop.world.admin)
    shown = await shop.stock(variant)
    assert (shown.on_hand, shown.allocated, shown.available) == (6, 3, 3)
    assert [(one.id, one.allocated) for one in shown.batches] == [(until.batch.id, 2), (never.batch.id, 1)]
    assert shown.batches[1].number == "L é 1"
    assert (shown.batches[0].best_before, shown.batches[1].best_before) == (today + timedelta(days=30), None)


async def test_a_batch_that_is_empty_is_read_no_more_and_can_be_found_again(shop: Shop) -> None:
    variant = await shop.on_shelf(2)
    (batch,) = (await shop.stock(variant)).batches
    await _count_again(shop, variant, batch, 2, "correct")
    assert ((await shop.stock(variant)).batches, (await shop.stock(variant)).on_hand) == ((), 0)
    await _count_again(shop, variant, batch, -1, "correct")
    assert (await check_books(shop, variant)).on_hand == 1


async def test_movements_are_listed_newest_first_page_by_page(shop: Shop) -> None:
    variant, other = await shop.on_shelf(0), await shop.on_shelf(3, "huile", "HUILE-500")
    for pieces in (1, 2, 3):
        await shop.receive(variant, pieces)
    first = await shop.movements(variant, limit=2)
    rest = await shop.movements(variant, limit=2, cursor=first.next_cursor)
    assert [one.quantity for one in (*first.items, *rest.items)] == [3, 2, 1]
    assert (rest.next_cursor, len((await shop.movements(other)).items)) == (None, 1)


async def test_the_overview_lists_what_ever_came_the_newest_variant_first(shop: Shop) -> None:
    one = await shop.on_shelf(3, "one", "ONE")
    two = await shop.on_shelf(5, "two", "TWO")
    await shop.on_shelf(0, "three", "THREE")
    await shop.world.run(reserve, take(two, 4, ORDER), actor=shop.world.admin)
    run, admin = shop.world.run, shop.world.admin
    first = await run.read(inventory.overview, inventory.ListStock(limit=1), actor=admin)
    question = inventory.ListStock(limit=1, cursor=first.next_cursor)
    rest = await run.read(inventory.overview, question, actor=admin)
    assert first.items == (
        inventory.StockLine(
            product_id=two.product_id,
            variant_id=two.id,
            on_hand=5,
            allocated=4,
            available=1,
            sku="TWO",
            variant_name="250 g",
            product_slug="two",
            product_name="Two",
        ),
    )
    assert [line.variant_id for line in rest.items] == [one.id]
    assert rest.next_cursor is None
