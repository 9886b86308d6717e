"""What comes, goes and is counted again, as administrators and orders do it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from shop import Shop, release, reserve, ship, take

from baobab.application import inventory
from baobab.application.catalog import VariantView
from baobab.application.runner import InvalidCommand
from baobab.application.work import HAPPENINGS
from baobab.domain import inventory as rules
from baobab.domain import shared
from builders import World

NOWHERE, ORDER = UUID(int=9), UUID(int=50)


@pytest.fixture
async def shop(world: World) -> Shop:
    return await Shop.open(world)


def told(world: World) -> list[str]:
    storage: Any = world.storage
    events = storage.all(HAPPENINGS, lambda one: one.type.startswith("inventory."))
    return [one.type.removeprefix("inventory.") for one in sorted(events, key=lambda one: one.id)]


def correction(variant: VariantView, batch_id: UUID, difference: int, **facts: Any) -> Any:
    given = {"product_id": variant.product_id, "variant_id": variant.id, "batch_id": batch_id, **facts}
    return inventory.CorrectStock(difference=difference, **{"reason": "counted the shelf", **given})


def write_off(variant: VariantView, batch_id: UUID, quantity: int) -> inventory.WriteOff:
    return inventory.WriteOff(
        product_id=variant.product_id,
        variant_id=variant.id,
        batch_id=batch_id,
        quantity=quantity,
        reason="dropped a crate",
    )


async def order(shop: Shop, variant: VariantView, quantity: int) -> tuple[rules.Pick, ...]:
    return await shop.world.run(reserve, take(variant, quantity, ORDER), actor=shop.world.member())


async def after(shop: Shop, use_case: Any, variant: VariantView, *picks: rules.Pick) -> None:
    """Release or ship what was picked."""
    await shop.world.run(use_case, take(variant, 1, ORDER, *picks), actor=shop.world.admin)


# --- receipts and corrections -------------------------------------------------------------------


async def test_a_delivery_is_a_batch_of_its_own(shop: Shop) -> None:
    variant = await shop.on_shelf(0)
    facts = {"number": "L2026-04", "cost_cents": 520, "supplier_reference": "BL 77", "shelf": "A3"}
    first = await shop.receive(
        variant, 6, best_before=shop.world.clock().date() + timedelta(days=90), **facts
    )
    second = await shop.receive(variant, 4, location="annex", **facts)
    assert (first.batch.number, first.batch.shelf, first.batch.location) == ("L2026-04", "A3", "hub")
    assert (first.batch.cost, first.batch.supplier_reference) == (shared.Money(520), "BL 77")
    assert (second.stock.on_hand, second.stock.available, second.batch.on_hand) == (10, 10, 4)
    shown = await shop.stock(variant)
    assert (shown.sku, shown.batches) == ("MIEL-LAV-250", (first.batch, second.batch))
    assert told(shop.world) == ["stock_received", "back_in_stock", "stock_received"]


async def test_only_a_variant_of_the_product_is_received(shop: Shop) -> None:
    variant, other = await shop.on_shelf(0), await shop.product("huile")
    for wrong in ({"product_id": other.id}, {"variant_id": NOWHERE}):
        command = inventory.ReceiveStock(
            **{
                "product_id": variant.product_id,
                "variant_id": variant.id,
                "quantity": 1,
                "number": "L1",
                "cost_cents": 1,
                **wrong,
            }
        )
        with pytest.raises(shared.NotFound):
            await shop.do(inventory.receive, command)
        question = shared.recast(inventory.GetStock, command)
        with pytest.raises(shared.NotFound):
            await shop.world.run.read(inventory.stock, question, actor=shop.world.admin)


async def test_what_was_never_received_is_nothing(shop: Shop) -> None:
    shown = await shop.stock(await shop.on_shelf(0))
    assert (shown.on_hand, shown.allocated, shown.available, shown.batches) == (0, 0, 0, ())


async def test_a_count_of_the_shelf_is_booked_with_author_and_reason(shop: Shop) -> None:
    variant = await shop.on_shelf(5)
    (batch,) = (await shop.stock(variant)).batches
    counted = await shop.do(inventory.correct, correction(variant, batch.id, -5))
    assert (counted.batch.on_hand, counted.stock.on_hand) == (0, 0)
    assert (await shop.stock(variant)).batches == ()
    found_again = await shop.do(inventory.correct, correction(variant, batch.id, 2))
    assert (found_again.batch.on_hand, found_again.stock.available) == (2, 2)
    newest = (await shop.movements(variant)).items[0]
    assert (newest.kind, newest.quantity, newest.cause) == ("adjusted", 2, "correction")
    assert (newest.actor_id, newest.reason) == (shop.world.admin.user_id, "counted the shelf")
    assert told(shop.world)[2:] == ["stock_corrected", "sold_out", "stock_corrected", "back_in_stock"]


async def test_damaged_pieces_are_written_off(shop: Shop) -> None:
    variant = await shop.on_shelf(5)
    (batch,) = (await shop.stock(variant)).batches
    counted = await shop.do(inventory.write_off, write_off(variant, batch.id, 2))
    assert (counted.batch.on_hand, counted.stock.on_hand) == (3, 3)
    newest = (await shop.movements(variant)).items[0]
    assert (newest.kind, newest.quantity, newest.reason) == ("damaged", -2, "dropped a crate")


async def test_what_is_promised_cannot_be_counted_away(shop: Shop) -> None:
    variant = await shop.on_shelf(5)
    (batch,) = (await shop.stock(variant)).batches
    await order(shop, variant, 4)
    for use_case, command in (
        (inventory.correct, correction(variant, batch.id, -2)),
        (inventory.write_off, write_off(variant, batch.id, 2)),
    ):
        with pytest.raises(rules.BelowAllocated):
            await shop.do(use_case, command)
    assert len((await shop.movements(variant)).items) == 2


@pytest.mark.parametrize("reason", ["", "  ", "   ", "no"])
async def test_a_correction_says_why(shop: Shop, reason: str) -> None:
    variant = await shop.on_shelf(5)
    (batch,) = (await shop.stock(variant)).batches
    with pytest.raises(InvalidCommand):
        await shop.do(inventory.correct, correction(variant, batch.id, 1, reason=reason))


async def test_a_correction_names_a_batch_of_its_variant_and_changes_something(shop: Shop) -> None:
    variant, other = await shop.on_shelf(5), await shop.on_shelf(5, "huile", "HUILE-500")
    (batch,), (theirs,) = (await shop.stock(variant)).batches, (await shop.stock(other)).batches
    with pytest.raises(shared.InvalidAmount):
        await shop.do(inventory.correct, correction(variant, batch.id, 0))
    sibling = await shop.variant(variant.product_id, "MIEL-LAV-500")
    for command in (
        correction(variant, NOWHERE, 1),
        correction(variant, theirs.id, 1),
        correction(sibling, batch.id, 1),
        correction(variant, batch.id, 1, product_id=NOWHERE),
    ):
        with pytest.raises(shared.NotFound):
            await shop.do(inventory.correct, command)


@pytest.mark.parametrize("role", ["anonymous", "member", "partner_owner"])
async def test_stock_is_for_administrators(shop: Shop, role: shared.Role) -> None:
    variant = await shop.on_shelf(5)
    (batch,) = (await shop.stock(variant)).batches
    actor, run = shop.world.member(role), shop.world.run
    ids = {"product_id": variant.product_id, "variant_id": variant.id}
    receipt = inventory.ReceiveStock(quantity=1, number="L2", cost_cents=1, **ids)
    for use_case, command in (
        (inventory.receive, receipt),
        (inventory.correct, correction(variant, batch.id, 1)),
        (inventory.write_off, write_off(variant, batch.id, 1)),
    ):
        with pytest.raises((shared.Forbidden, shared.Unauthenticated)):
            await run(use_case, command, actor=actor)
    for query, question in (
        (inventory.stock, inventory.GetStock(**ids)),
        (inventory.movements, inventory.ListMovements(**ids)),
        (inventory.overview, inventory.ListStock()),
    ):
        with pytest.raises((shared.Forbidden, shared.Unauthenticated)):
            await run.read(query, question, actor=actor)


# --- orders -------------------------------------------------------------------------------------


async def test_an_order_takes_what_expires_first_and_may_take_from_several_batches(shop: Shop) -> None:
    variant, today = await shop.on_shelf(0), shop.world.clock().date()
    never = await shop.receive(variant, 5)
    late = await shop.receive(variant, 5, best_before=today + timedelta(days=60))
    soon = await shop.receive(variant, 2, best_before=today + timedelta(days=30))
    picks = await order(shop, variant, 9)
    assert [(one.batch_id, one.quantity) for one in picks] == [
        (soon.batch.id, 2),
        (late.batch.id, 5),
        (never.batch.id, 2),
    ]
    shown = await shop.stock(variant)
    assert (shown.on_hand, shown.allocated, shown.available) == (12, 9, 3)
    assert [one.allocated for one in shown.batches] == [2, 5, 2]


@pytest.mark.parametrize("received", [0, 2])
async def test_an_order_of_too_much_is_refused_with_its_sku_and_takes_nothing(
    shop: Shop, received: int
) -> None:
    variant = await shop.on_shelf(received)
    with pytest.raises(rules.InsufficientStock) as refused:
        await order(shop, variant, 3)
    assert refused.value.facts() == {"sku": "MIEL-LAV-250", "needed": 3, "available": received}
    assert (await shop.stock(variant)).allocated == 0


async def test_what_an_order_gives_back_can_be_sold_again(shop: Shop) -> None:
    variant = await shop.on_shelf(3)
    picks = await order(shop, variant, 3)
    await after(shop, release, variant, *picks)
    assert (await shop.stock(variant)).available == 3
    assert await order(shop, variant, 3) == picks
    assert told(shop.world) == ["stock_received", "back_in_stock", "sold_out", "back_in_stock", "sold_out"]


async def test_what_is_shipped_leaves_the_shelf_once(shop: Shop) -> None:
    variant = await shop.on_shelf(3)
    picks = await order(shop, variant, 2)
    await after(shop, ship, variant, *picks)
    shown = await shop.stock(variant)
    assert (shown.on_hand, shown.allocated, shown.batches[0].on_hand) == (1, 0, 1)
    for use_case in (ship, release):
        with pytest.raises(rules.NotAllocated):
            await after(shop, use_case, variant, *picks)


async def test_a_batch_that_left_as_a_whole_is_not_on_the_shelves_any_more(shop: Shop) -> None:
    variant = await shop.on_shelf(3)
    picks = await order(shop, variant, 3)
    await after(shop, ship, variant, *picks)
    assert (await shop.stock(variant)).batches == ()
    with pytest.raises(rules.NotAllocated):
        await after(shop, release, variant, *picks)
    with pytest.raises(shared.NotFound):
        await after(shop, release, variant, shared.evolve(picks[0], batch_id=NOWHERE))


async def test_every_movement_names_its_order_and_its_actor(shop: Shop) -> None:
    variant = await shop.on_shelf(3)
    picks = await order(shop, variant, 2)
    await after(shop, release, variant, *picks)
    found = (await shop.movements(variant)).items
    assert [(one.kind, one.quantity, one.cause) for one in found] == [
        ("released", -2, "order"),
        ("allocated", 2, "order"),
        ("received", 3, "receipt"),
    ]
    assert [one.cause_id for one in found[:2]] == [ORDER, ORDER]
    assert found[0].actor_id == shop.world.admin.user_id


async def test_orders_of_one_moment_share_what_there_is(shop: Shop) -> None:
    variant = await shop.on_shelf(5)
    taken = await asyncio.gather(*(order(shop, variant, 2) for _ in range(3)), return_exceptions=True)
    refused = [one for one in taken if isinstance(one, rules.InsufficientStock)]
    assert [one.available for one in refused] == [1]
    assert (await shop.stock(variant)).allocated == 4
