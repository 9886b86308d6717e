"""Who may write the catalog, what it refuses, and what everybody sees of it."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from shop import STRANGER, Shop, a_category, a_product, a_variant, reserve, take
from wishes import register

from baobab.application import catalog, partners
from baobab.application.pages import InvalidCursor
from baobab.application.runner import InvalidCommand
from baobab.application.work import HAPPENINGS
from baobab.domain import catalog as rules
from baobab.domain import partners as producers
from baobab.domain import shared
from builders import World

NOWHERE = UUID(int=9)


@pytest.fixture
async def shop(world: World) -> Shop:
    return await Shop.open(world)


async def suspend(shop: Shop) -> None:
    command = partners.MoveProducer(producer_id=shop.producer_id, status="suspended", version=1)
    await shop.do(partners.move, command)


def happened(world: World, context: str) -> list[tuple[str, str]]:
    storage: Any = world.storage
    events = storage.all(HAPPENINGS, lambda one: one.type.startswith(context))
    return [(one.type, one.body) for one in sorted(events, key=lambda one: one.id)]


@pytest.mark.parametrize("role", ["anonymous", "member", "partner_owner"])
@pytest.mark.parametrize(
    ("use_case", "command"),
    [
        (catalog.add_category, a_category()),
        (catalog.add_product, a_product(NOWHERE, NOWHERE)),
        (catalog.add_variant, a_variant(NOWHERE)),
        (
            catalog.amend_category,
            shared.recast(catalog.AmendCategory, a_category(), category_id=NOWHERE, version=1),
        ),
        (
            catalog.amend_product,
            shared.recast(catalog.AmendProduct, a_product(NOWHERE, NOWHERE), product_id=NOWHERE, version=1),
        ),
        (
            catalog.amend_variant,
            shared.recast(catalog.AmendVariant, a_variant(NOWHERE), variant_id=NOWHERE, version=1),
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_only_administrators_write_the_catalog(
    world: World, use_case: Any, command: Any, role: shared.Role
) -> None:
    with pytest.raises((shared.Forbidden, shared.Unauthenticated)):
        await world.run(use_case, command, actor=world.member(role))


# --- categories ---------------------------------------------------------------------------------


async def test_the_tree_is_listed_with_parents_first_and_siblings_in_their_order(shop: Shop) -> None:
    honey = await shop.category("miels", parent_id=shop.category_id, sort_order=2)
    await shop.category("soins", sort_order=-1)
    await shop.category("huiles", parent_id=shop.category_id, sort_order=1)
    await shop.category("acacia", parent_id=honey.id)
    await shop.category("bruyere", parent_id=honey.id)
    assert await shop.tree() == ["soins", "epicerie", "huiles", "miels", "acacia", "bruyere"]


async def test_a_branch_that_is_not_active_is_shown_to_administrators_alone(shop: Shop) -> None:
    honey = await shop.category("miels", parent_id=shop.category_id, active=False)
    await shop.category("acacia", parent_id=honey.id)
    assert await shop.tree() == ["epicerie"]
    assert await shop.tree(shop.world.admin) == ["epicerie", "miels", "acacia"]
    await shop.recategorize(honey, active=True)
    assert await shop.tree() == ["epicerie", "miels", "acacia"]


async def test_a_category_never_stands_below_itself(shop: Shop) -> None:
    honey = await shop.category("miels")
    acacia = await shop.category("acacia", parent_id=honey.id)
    for parent in (honey, acacia):
        with pytest.raises(rules.CategoryCycle):
            await shop.recategorize(honey, parent_id=parent.id)


async def test_of_two_moves_that_make_a_cycle_together_one_is_refused(shop: Shop) -> None:
    one, two = await shop.category("one"), await shop.category("two")
    moves = shop.recategorize(one, parent_id=two.id), shop.recategorize(two, parent_id=one.id)
    first, second = await asyncio.gather(*moves, return_exceptions=True)
    assert isinstance(first, catalog.CategoryView)
    assert isinstance(second, rules.CategoryCycle)
    assert await shop.tree() == ["epicerie", "two", "one"]


async def test_a_category_stands_below_one_that_exists(shop: Shop) -> None:
    with pytest.raises(rules.UnknownParent):
        await shop.category("miels", parent_id=NOWHERE)
    assert await shop.tree() == ["epicerie"]


async def test_a_category_is_changed_at_the_version_that_was_read(shop: Shop) -> None:
    honey = await shop.category("miels")
    changed = await shop.recategorize(honey, name="Miels de France")
    assert (changed.name, changed.version, changed.created_at) == ("Miels de France", 2, honey.created_at)
    with pytest.raises(shared.StaleVersion):
        await shop.recategorize(honey, name="Miels du monde")
    with pytest.raises(shared.NotFound):
        await shop.recategorize(honey, category_id=NOWHERE)


# --- unique values ------------------------------------------------------------------------------


async def test_a_slug_or_sku_stays_with_its_owner(shop: Shop) -> None:
    """Also when the owner has taken another, which it may give up again."""
    category = await shop.category("old")
    product = await shop.product("old")
    variant = await shop.variant(product.id, "OLD")
    category = await shop.recategorize(category, slug="new")
    product = await shop.amend(product, slug="new")
    variant = await shop.revise(variant, sku="NEW")
    with pytest.raises(catalog.CategorySlugTaken):
        await shop.category("old")
    with pytest.raises(catalog.ProductSlugTaken):
        await shop.product("old")
    with pytest.raises(catalog.SkuTaken):
        await shop.variant(product.id, "OLD")
    assert (await shop.recategorize(category, slug="old")).slug == "old"
    assert (await shop.amend(product, slug="old")).slug == "old"
    assert (await shop.revise(variant, sku="OLD")).sku == "OLD"


async def test_a_product_is_found_by_every_slug_that_it_had(shop: Shop) -> None:
    product = await shop.product("before")
    await shop.amend(product, slug="after")
    shown = [await shop.show(reference) for reference in ("before", "after", product.id)]
    assert {one.slug for one in shown} == {"after"}
    for reference in ("never", NOWHERE):
        with pytest.raises(shared.NotFound):
            await shop.show(reference)


# --- products and variants ----------------------------------------------------------------------


async def test_a_product_has_a_category_and_an_active_producer(shop: Shop) -> None:
    for missing in ("category_id", "producer_id"):
        with pytest.raises(shared.NotFound):
            await shop.product(**{missing: NOWHERE})
    await suspend(shop)
    with pytest.raises(producers.ProducerNotActive):
        await shop.product()
    assert await shop.listed(shop.world.admin) == []


async def test_a_product_is_amended_while_its_producer_rests_and_never_given_to_one_who_does(
    shop: Shop,
) -> None:
    honey, other = await shop.product(), await register(shop.world, "oliveraie")
    oil = await shop.product("huile", producer_id=other.id)
    await suspend(shop)
    assert (await shop.amend(honey, name="Miel")).name == "Miel"
    with pytest.raises(producers.ProducerNotActive):
        await shop.amend(oil, producer_id=shop.producer_id)
    for missing in ("category_id", "producer_id", "product_id"):
        with pytest.raises(shared.NotFound):
            await shop.amend(oil, **{missing: NOWHERE})


async def test_a_product_is_changed_at_the_version_that_was_read(shop: Shop) -> None:
    product = await shop.product()
    assert (await shop.amend(product, featured=True)).version == 2
    with pytest.raises(shared.StaleVersion):
        await shop.amend(product, featured=False)


async def test_a_product_that_makes_no_sense_is_refused(shop: Shop) -> None:
    with pytest.raises(rules.ImpossiblePeriod):
        await shop.product(launch_date=date(2026, 4, 2), discontinue_date=date(2026, 4, 1))
    with pytest.raises(InvalidCommand):
        await shop.product(slug="Not a slug")
    with pytest.raises(InvalidCommand):
        await shop.product(commission_bp=10_001)


async def test_a_variant_belongs_to_one_product(shop: Shop) -> None:
    one, two = await shop.product("one"), await shop.product("two")
    variant = await shop.variant(one.id)
    with pytest.raises(shared.NotFound):
        await shop.revise(variant, product_id=two.id)
    for missing in ({"variant_id": NOWHERE}, {"product_id": NOWHERE}):
        with pytest.raises(shared.NotFound):
            await shop.revise(variant, **missing)
    with pytest.raises(shared.NotFound):
        await shop.variant(NOWHERE, "OTHER")
    with pytest.raises(rules.ImpossibleMeasure):
        await shop.revise(variant, price_points=rules.writing.MOST_POINTS + 1)
    assert (await shop.revise(variant, price_points=10)).price_points == 10


async def test_whatever_is_written_is_said(shop: Shop) -> None:
    variant = await shop.variant((await shop.product()).id)
    await shop.revise(variant, price_points=10)
    told = [type for type, _ in happened(shop.world, "catalog.")]
    assert told == [
        "catalog.category_written",
        "catalog.product_written",
        "catalog.variant_written",
        "catalog.variant_written",
    ]


# --- who sees what ------------------------------------------------------------------------------


async def test_what_is_not_active_is_there_for_administrators_alone(shop: Shop) -> None:
    hidden = await shop.product("hidden", active=False)
    shown = await shop.product("shown")
    await shop.variant(shown.id, "A")
    await shop.variant(shown.id, "B", active=False, price_points=4)
    with pytest.raises(shared.NotFound):
        await shop.show(hidden.id)
    assert [one.sku for one in (await shop.show(shown.id)).variants] == ["A"]
    assert (await shop.show(hidden.id, shop.world.admin)).slug == "hidden"
    assert [one.sku for one in (await shop.show(shown.id, shop.world.admin)).variants] == ["B", "A"]
    assert await shop.listed(active=False) == ["shown"]
    assert await shop.listed(shop.world.admin, active=False) == ["hidden"]
    assert await shop.listed(shop.world.admin) == ["shown", "hidden"]


async def test_the_commission_of_a_product_is_for_administrators_alone(shop: Shop) -> None:
    product = await shop.product(commission_bp=900)
    assert product.commission_bp == 900
    assert (await shop.show(product.id)).commission_bp is None
    assert (await shop.show(product.id, shop.world.admin)).commission_bp == 900


async def test_a_card_shows_from_which_to_which_price_a_product_is_offered(shop: Shop) -> None:
    product = await shop.product()
    for sku, price in (("B", 12), ("C", 4), ("A", 9)):
        await shop.variant(product.id, sku, price_points=price)
    await shop.variant(product.id, "OFF", price_points=1, active=False)
    for actor in (STRANGER, shop.world.admin):
        (card,) = await shop.cards(actor)
        assert (card.from_points, card.to_points) == (4, 12)


async def test_a_product_without_variants_has_no_price_and_cannot_be_bought(shop: Shop) -> None:
    await shop.product()
    (card,) = await shop.cards()
    assert (card.from_points, card.to_points, card.may_buy) == (None, None, False)
    assert await shop.listed(min_points=0) == await shop.listed(available_now=True) == []


# --- who may buy what, and why not --------------------------------------------------------------


def codes(product: catalog.ProductDetails) -> list[str]:
    return [one.code for offer in product.variants for one in offer.objections]


async def test_what_is_in_stock_and_in_season_may_be_bought(shop: Shop) -> None:
    variant = await shop.on_shelf(3)
    (offer,) = (await shop.show(variant.product_id)).variants
    assert (offer.may_buy, offer.objections, offer.in_stock) == (True, (), 3)
    assert (await shop.cards())[0].may_buy


@pytest.mark.parametrize(
    ("facts", "code", "facts_told"),
    [
        ({"launch_date": date(2026, 3, 3)}, "not_yet_launched", {"launches": date(2026, 3, 3)}),
        ({"discontinue_date": date(2026, 3, 2)}, "discontinued", {"since": date(2026, 3, 2)}),
        ({"seasons": (rules.Months(4, 9),)}, "out_of_season", {"opens": date(2026, 4, 1)}),
        ({"seasons": (rules.Dates(date(2026, 1, 1), date(2026, 1, 31)),)}, "season_over", {}),
        ({"minimum_level": "protecteur"}, "level_too_low", {"needed": "protecteur", "level": "explorateur"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_reason_why_not_is_told(
    shop: Shop, facts: dict[str, Any], code: str, facts_told: dict[str, Any]
) -> None:
    variant = await shop.on_shelf(3, **facts)
    (offer,) = (await shop.show(variant.product_id)).variants
    (objection,) = offer.objections
    assert (offer.may_buy, objection.code) == (False, code)
    assert objection.facts == {"product": "miel-de-lavande", **facts_told}
    assert "miel-de-lavande" in objection.detail
    assert await shop.listed() == ["miel-de-lavande"]
    assert await shop.listed(available_now=True) == []


async def test_all_reasons_are_told_at_once(shop: Shop) -> None:
    product = await shop.product(
        active=False, launch_date=date(2026, 5, 1), seasons=(rules.Months(6, 6),), minimum_level="ambassadeur"
    )
    await shop.variant(product.id, active=False)
    assert codes(await shop.show(product.id, shop.world.admin)) == [
        "product_inactive",
        "not_yet_launched",
        "variant_inactive",
        "out_of_season",
        "level_too_low",
    ]


async def test_a_member_is_answered_at_their_level(shop: Shop) -> None:
    variant = await shop.on_shelf(3, minimum_level="protecteur")
    answers = {
        "stranger": STRANGER,
        "without account": shop.world.member(),
        "explorateur": await shop.member_at("explorateur"),
        "protecteur": await shop.member_at("protecteur"),
        "ambassadeur": await shop.member_at("ambassadeur"),
    }
    may = {
        who: (await shop.show(variant.product_id, actor)).variants[0].may_buy
        for who, actor in answers.items()
    }
    listed = {who: bool(await shop.listed(actor, available_now=True)) for who, actor in answers.items()}
    assert may == listed == dict.fromkeys(answers, False) | {"protecteur": True, "ambassadeur": True}


async def test_what_is_sold_out_cannot_be_bought_though_nothing_else_speaks_against_it(shop: Shop) -> None:
    variant = await shop.on_shelf(0)
    assert (await shop.show(variant.product_id)).variants[0].in_stock == 0
    await shop.receive(variant, 2)
    await shop.world.run(reserve, take(variant, 2, NOWHERE), actor=shop.world.member())
    (offer,) = (await shop.show(variant.product_id)).variants
    assert (offer.may_buy, offer.objections, offer.in_stock) == (False, (), 0)
    assert await shop.listed(available_now=True) == []


async def test_pieces_too_near_their_best_before_date_are_not_in_stock(shop: Shop) -> None:
    variant = await shop.on_shelf(0)
    today = shop.world.clock().date()
    await shop.receive(variant, 2, best_before=today + timedelta(days=6))
    assert (await shop.show(variant.product_id)).variants[0].in_stock == 0
    assert await shop.listed(available_now=True) == []
    await shop.receive(variant, 3, best_before=today + timedelta(days=7))
    assert (await shop.show(variant.product_id)).variants[0].in_stock == 3
    assert await shop.listed(available_now=True) == ["miel-de-lavande"]


async def test_what_the_producer_sends_needs_no_stock(shop: Shop) -> None:
    variant = await shop.on_shelf(0, fulfilment="dropship")
    (offer,) = (await shop.show(variant.product_id)).variants
    assert (offer.may_buy, offer.in_stock) == (True, None)
    assert await shop.listed(available_now=True) == ["miel-de-lavande"]


async def test_a_day_begins_in_the_shop(shop: Shop) -> None:
    """At 22:30 UTC in summer it is half past midnight there."""
    variant = await shop.on_shelf(1, launch_date=date(2026, 7, 1))
    shop.world.clock.at("2026-06-30 21:59")
    assert codes(await shop.show(variant.product_id)) == ["not_yet_launched"]
    shop.world.clock.at("2026-06-30 22:30")
    assert codes(await shop.show(variant.product_id)) == []


async def test_a_cursor_of_another_listing_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidCursor):
        await shop.listed(cursor="bm9uc2Vuc2U=")
