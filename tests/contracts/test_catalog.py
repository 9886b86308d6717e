"""The catalog, in memory and on PostgreSQL alike."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from shop import STRANGER, Shop, reserve, take

from baobab.application import catalog
from baobab.domain import catalog as rules
from baobab.domain import shared
from builders import World

NOWHERE = UUID(int=9)
EVERYTHING: dict[str, Any] = {
    "short_description": "Récolté en août",
    "description": "Miel de lavande\ndu Vercors.",
    "hero": True,
    "images": ("https://example.org/1.jpg", "https://example.org/2.jpg?size=2"),
    "tags": ("bio", 'with "quotes"'),
    "nutrition": rules.NutritionFacts(1_360, 320, 0, 0, 80_000, 79_000, 400, 10, None, "100g"),
    "allergens": ("nuts", "milk"),
    "certifications": ("AB", "Nature & Progrès"),
    "origin_country": "FR",
    "seasons": (rules.Months(11, 2), rules.Dates(date(2026, 3, 1), date(2026, 3, 31))),
    "minimum_level": "protecteur",
    "featured": True,
    "launch_date": date(2026, 1, 1),
    "discontinue_date": date(2027, 1, 1),
}
OPTIONS = (rules.Option("size", "250 g"), rules.Option("lid", "bois"))


@pytest.fixture
async def shop(any_world: World) -> Shop:
    return await Shop.open(any_world)


async def test_a_product_is_read_as_it_was_written(shop: Shop) -> None:
    product = await shop.product(commission_bp=900, **EVERYTHING)
    assert {name: getattr(product, name) for name in EVERYTHING} == EVERYTHING
    variant = await shop.variant(product.id, options=OPTIONS, dimensions=rules.Dimensions(60, 60, 90))
    shown = await shop.show(product.id, shop.world.admin)
    assert shown == await shop.show(product.slug, shop.world.admin)
    assert shared.recast(catalog.ProductView, shown) == product
    assert shared.recast(catalog.VariantView, shown.variants[0]) == variant
    assert (variant.options, variant.dimensions) == (OPTIONS, rules.Dimensions(60, 60, 90))


async def test_variants_stand_cheapest_first_then_the_oldest(shop: Shop) -> None:
    product = await shop.product()
    for sku, price in (("B", 12), ("C", 4), ("A", 12)):
        await shop.variant(product.id, sku, price_points=price)
    assert [one.sku for one in (await shop.show(product.id)).variants] == ["C", "B", "A"]


async def test_what_was_changed_is_read_as_it_was_changed(shop: Shop) -> None:
    product = await shop.product(commission_bp=900, **EVERYTHING)
    variant = await shop.variant(product.id, options=OPTIONS)
    bare: dict[str, Any] = {"nutrition": None, "seasons": (), "tags": (), "commission_bp": None}
    product = await shop.amend(product, slug="after", discontinue_date=None, **bare)
    variant = await shop.revise(variant, sku="AFTER", options=(), price_points=0)
    shown = await shop.show("miel-de-lavande", shop.world.admin)
    assert shared.recast(catalog.ProductView, shown) == product
    assert shared.recast(catalog.VariantView, shown.variants[0]) == variant
    for reference in ("never", NOWHERE):
        with pytest.raises(shared.NotFound):
            await shop.show(reference)


async def test_the_tree_is_read_as_it_was_written(shop: Shop) -> None:
    honey = await shop.category("miels", parent_id=shop.category_id, sort_order=2, description="Du Vercors")
    await shop.category("huiles", parent_id=shop.category_id, sort_order=1)
    closed = await shop.category("ecorces", active=False)
    assert await shop.tree() == ["epicerie", "huiles", "miels"]
    moved = await shop.recategorize(honey, parent_id=closed.id, slug="miel")
    assert await shop.tree() == ["epicerie", "huiles"]
    page = await shop.world.run.read(catalog.categories, catalog.ListCategories(), actor=shop.world.admin)
    assert [one.slug for one in page.items] == ["ecorces", "miel", "epicerie", "huiles"]
    assert page.items[1] == moved


# --- listings -----------------------------------------------------------------------------------


async def test_products_are_listed_newest_first_page_by_page(shop: Shop) -> None:
    for number in range(5):
        await shop.product(f"product-{number}")
    run, slugs, cursor = shop.world.run, list[str](), None
    for _ in range(3):
        question = catalog.ListProducts(limit=2, cursor=cursor)
        page = await run.read(catalog.products, question, actor=STRANGER)
        slugs += [card.slug for card in page.items]
        cursor = page.next_cursor
    assert slugs == [f"product-{number}" for number in reversed(range(5))]
    assert cursor is None


async def test_products_are_listed_by_every_filter(shop: Shop) -> None:
    honey = await shop.category("miels", parent_id=shop.category_id)
    acacia = await shop.category("acacia", parent_id=honey.id)
    elsewhere = await shop.category("soins")
    one = await shop.product("one", tags=("bio", "100%"), certifications=("AB",), featured=True)
    two = await shop.product("two", category_id=acacia.id, fulfilment="dropship", tags=("bio",))
    await shop.product("three", category_id=elsewhere.id, active=False, certifications=("AB", "é'\""))
    await shop.variant(one.id, "ONE", price_points=5)
    await shop.variant(one.id, "ONE-OFF", price_points=1, active=False)
    await shop.variant(two.id, "TWO-A", price_points=8)
    await shop.variant(two.id, "TWO-B", price_points=20)
    found = {
        (): ["two", "one"],
        (("category_id", shop.category_id),): ["two", "one"],
        (("category_id", honey.id),): ["two"],
        (("category_id", NOWHERE),): [],
        (("producer_id", shop.producer_id), ("tag", "bio")): ["two", "one"],
        (("producer_id", NOWHERE),): [],
        (("tag", "100%"),): ["one"],
        (("tag", "1"),): [],
        (("certification", "AB"),): ["one"],
        (("fulfilment", "dropship"),): ["two"],
        (("featured", True),): ["one"],
        (("featured", False),): ["two"],
        (("min_points", 5), ("max_points", 8)): ["two", "one"],
        (("max_points", 4),): [],
        (("min_points", 9), ("max_points", 19)): [],
        (("min_points", 20),): ["two"],
        (("certification", "é'\""),): [],
    }
    assert {asked: await shop.listed(**dict(asked)) for asked in found} == found
    admin = shop.world.admin
    assert await shop.listed(admin, certification="é'\"") == ["three"]
    assert await shop.listed(admin, active=True) == ["two", "one"]


async def test_what_is_listed_as_available_is_what_may_be_bought(shop: Shop) -> None:
    """The rules are Python for one product and SQL for a listing: on every day they agree."""
    month_ends = {"launch_date": date(2026, 3, 1), "discontinue_date": date(2026, 7, 1)}
    kinds: list[dict[str, Any]] = [
        {},
        {"active": False},
        {"fulfilment": "dropship"},
        {"minimum_level": "protecteur"},
        {"minimum_level": "ambassadeur", "fulfilment": "dropship"},
        month_ends,
        {"seasons": (rules.Months(3, 6),)},
        {"seasons": (rules.Months(11, 2),)},
        {"seasons": (rules.Months(7, 7), rules.Months(12, 12))},
        {"seasons": (rules.Dates(date(2026, 3, 1), date(2026, 6, 30)),)},
        {"seasons": (rules.Dates(date(2026, 2, 28), date(2026, 2, 28)), rules.Months(12, 1))},
        {**month_ends, "seasons": (rules.Months(7, 2),)},
    ]
    for number, facts in enumerate(kinds):
        await shop.on_shelf(1, f"kind-{number}", f"SKU-{number}", **facts)
    await shop.on_shelf(0, "sent", "SENT", fulfilment="dropship")
    await shop.on_shelf(0, "never-came", "NEVER")
    fading = await shop.on_shelf(0, "fading", "FADING")
    await shop.variant(fading.product_id, "FADING-OFF", active=False)
    await shop.receive(fading, 1, best_before=date(2026, 4, 1))
    promised = await shop.on_shelf(1, "promised", "PROMISED")
    await shop.do(reserve, take(promised, 1, NOWHERE))
    seen = {}
    for actor in (STRANGER, await shop.member_at("protecteur"), shop.world.admin):
        for day in (
            *("2026-01-31", "2026-02-28", "2026-03-01", "2026-03-25", "2026-03-26", "2026-06-30"),
            *("2026-07-01", "2026-11-01", "2026-12-31"),
        ):
            shop.world.clock.at(f"{day} 12:00")
            may_buy = [card.slug for card in await shop.cards(actor) if card.may_buy]
            assert await shop.listed(actor, available_now=True) == may_buy
            seen[actor.role, day] = {"sent", "never-came", "fading", "promised"}.intersection(may_buy)
    assert seen["anonymous", "2026-03-25"] == {"sent", "fading"}
    assert seen["anonymous", "2026-03-26"] == {"sent"}


# --- two at once --------------------------------------------------------------------------------


async def test_of_many_who_want_one_slug_or_sku_one_gets_it(shop: Shop) -> None:
    other, product = shop.world.runner(), await shop.product()
    for wanted in (
        (catalog.add_category, catalog.NewCategory(slug="same", name="Same")),
        (
            catalog.add_variant,
            catalog.NewVariant(
                product_id=product.id, sku="SAME", name="Same", price_points=1, weight_grams=1
            ),
        ),
    ):
        tries = [run(*wanted, actor=shop.world.admin) for run in (shop.world.run, other) for _ in range(5)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        refused = [one for one in results if isinstance(one, (catalog.CategorySlugTaken, catalog.SkuTaken))]
        assert len(refused) == 9


async def test_two_processes_never_make_a_cycle_together(shop: Shop) -> None:
    """A ring of moves from two sides, far enough apart that none names what the other names."""
    ring = [await shop.category(f"ring-{number}") for number in range(6)]
    runs = shop.world.run, shop.world.runner()
    moves = [
        runs[number % 2](
            catalog.amend_category,
            shared.recast(
                catalog.AmendCategory, one, category_id=one.id, parent_id=ring[(number + 1) % 6].id
            ),
            actor=shop.world.admin,
        )
        for number, one in enumerate(ring)
    ]
    results = await asyncio.gather(*moves, return_exceptions=True)
    refused = [one for one in results if isinstance(one, rules.CategoryCycle)]
    assert (len(refused), len(results)) == (1, 6)
    assert len(await shop.tree()) == 7


async def test_of_two_who_change_one_version_one_does(shop: Shop) -> None:
    product, other = await shop.product(), shop.world.runner()
    wishes = [
        run(
            catalog.amend_product,
            shared.recast(catalog.AmendProduct, product, product_id=product.id, name=name),
            actor=shop.world.admin,
        )
        for run, name in ((shop.world.run, "one"), (other, "two"))
    ]
    results = await asyncio.gather(*wishes, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["ProductView", "StaleVersion"]
