"""Catalog: a tree without cycles, products and variants that make sense, and who may buy what today."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import catalog, identity, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)

HONEY = catalog.NutritionFacts(
    energy_kj=1_360,
    energy_kcal=320,
    fat_mg=0,
    saturates_mg=0,
    carbohydrate_mg=80_000,
    sugars_mg=79_000,
    protein_mg=400,
    salt_mg=10,
)


def category(number: int = 1, parent: int | None = None, **changes: Any) -> catalog.Category:
    given = catalog.Category(
        id=UUID(int=number),
        slug=f"category-{number}",
        name=f"Category {number}",
        created_at=AT,
        parent_id=None if parent is None else UUID(int=parent),
    )
    return shared.evolve(given, **changes)


def product(**changes: Any) -> catalog.Product:
    given = catalog.Product(
        id=UUID(int=10),
        slug="miel-de-lavande",
        name="Miel de lavande",
        category_id=UUID(int=1),
        producer_id=UUID(int=2),
        fulfilment="stock",
        created_at=AT,
    )
    return shared.evolve(given, **changes)


def variant(**changes: Any) -> catalog.Variant:
    given = catalog.Variant(
        id=UUID(int=20),
        product_id=UUID(int=10),
        sku="MIEL-LAV-250",
        name="250 g",
        price_points=9,
        weight_grams=420,
        created_at=AT,
    )
    return shared.evolve(given, **changes)


def objections(
    of: catalog.Product, level: identity.Level = "explorateur", today: date = TODAY, **changes: Any
) -> list[catalog.NotForSale]:
    return catalog.objections(of, variant(**changes), level, today)


# --- categories -------------------------------------------------------------------------------


def test_a_tree_with_several_roots_and_shared_parents_is_sound() -> None:
    tree = [category(1), category(2, parent=1), category(3, parent=1), category(4, parent=3), category(5)]
    catalog.check_tree(tree)
    catalog.check_tree(reversed(tree))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_category_cannot_stand_below_itself(length: int) -> None:
    ring = [category(number, parent=number % length + 1) for number in range(1, length + 1)]
    with pytest.raises(catalog.CategoryCycle):
        catalog.check_tree([*ring, category(9)])


def test_a_branch_that_leads_into_a_cycle_is_refused_too() -> None:
    with pytest.raises(catalog.CategoryCycle):
        catalog.check_tree([category(1, parent=2), category(2, parent=3), category(3, parent=2)])


def test_a_category_cannot_stand_below_one_that_does_not_exist() -> None:
    with pytest.raises(catalog.UnknownParent, match="category-2"):
        catalog.check_tree([category(1), category(2, parent=7)])


@given(st.permutations(range(2, 12)).flatmap(lambda order: st.tuples(st.just(order), st.randoms())))
def test_every_tree_grown_from_a_root_is_sound_in_any_order(drawn: tuple[list[int], Any]) -> None:
    order, chance = drawn
    grown = [category(1)]
    for number in order:
        grown.append(category(number, parent=chance.choice(grown).id.int))
    chance.shuffle(grown)
    catalog.check_tree(grown)
    cut = chance.choice([branch for branch in grown if branch.parent_id is not None])
    with pytest.raises(catalog.UnknownParent):
        catalog.check_tree([branch for branch in grown if branch.id != cut.parent_id])


def test_a_new_category_starts_at_version_one() -> None:
    written = catalog.add_category(category(2, parent=1, version=9), [category(1)])
    assert written.record == category(2, parent=1, version=1)
    assert written.events == (catalog.CategoryWritten(UUID(int=2), "category-2", 1),)


def test_an_amended_category_keeps_its_id_and_birth_and_takes_the_next_version() -> None:
    wished = category(8, name="Épicerie", slug="epicerie", created_at=LATER, version=1)
    written = catalog.amend_category(category(1, version=4), wished, 4, [category(1, version=4)])
    assert written.record == category(1, name="Épicerie", slug="epicerie", version=5)
    assert written.events == (catalog.CategoryWritten(UUID(int=1), "epicerie", 5),)


def test_amending_a_category_into_a_cycle_is_refused() -> None:
    tree = [category(1), category(2, parent=1)]
    with pytest.raises(catalog.CategoryCycle):
        catalog.amend_category(tree[0], category(1, parent=2), 1, tree)


def test_amending_from_a_stale_version_is_refused() -> None:
    with pytest.raises(shared.StaleVersion) as refused:
        catalog.amend_category(category(version=3), category(), 2, [])
    assert refused.value.facts() == {"kind": "category", "given": 2, "current": 3}
    with pytest.raises(shared.StaleVersion, match="product"):
        catalog.amend_product(product(version=3), product(), 4)
    with pytest.raises(shared.StaleVersion, match="variant"):
        catalog.amend_variant(variant(version=3), variant(), 1)


# --- products and variants --------------------------------------------------------------------


def test_a_new_product_starts_at_version_one() -> None:
    written = catalog.add_product(product(version=3, nutrition=HONEY, commission_bp=0))
    assert written.record == product(version=1, nutrition=HONEY, commission_bp=0)
    assert written.events == (catalog.ProductWritten(UUID(int=10), "miel-de-lavande", 1),)


def test_an_amended_product_keeps_its_id_and_birth_and_takes_the_next_version() -> None:
    wished = product(id=UUID(int=99), created_at=LATER, featured=True)
    written = catalog.amend_product(product(version=2), wished, 2)
    assert written.record == product(featured=True, version=3)
    assert written.events == (catalog.ProductWritten(UUID(int=10), "miel-de-lavande", 3),)


def test_a_season_cannot_close_before_it_opens() -> None:
    season = catalog.Dates(date(2026, 6, 2), date(2026, 6, 1))
    with pytest.raises(catalog.ImpossiblePeriod, match="season"):
        catalog.add_product(product(seasons=(catalog.Months(11, 2), season)))


def test_a_product_cannot_leave_before_it_comes() -> None:
    with pytest.raises(catalog.ImpossiblePeriod, match="sale"):
        catalog.add_product(product(launch_date=TODAY, discontinue_date=TODAY - timedelta(days=1)))


def test_one_day_is_a_period_and_one_end_alone_is_fine() -> None:
    one_day = catalog.Dates(TODAY, TODAY)
    for periods in (
        {"launch_date": TODAY, "discontinue_date": TODAY},
        {"launch_date": TODAY},
        {"discontinue_date": TODAY},
        {"seasons": (one_day,)},
    ):
        assert catalog.add_product(product(**periods)).record == product(**periods)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("energy_kj", -1),
        ("energy_kj", 3_801),
        ("energy_kcal", 911),
        ("fat_mg", 100_001),
        ("saturates_mg", 1),
        ("carbohydrate_mg", 100_001),
        ("sugars_mg", 80_001),
        ("protein_mg", -1),
        ("salt_mg", 100_001),
        ("fibre_mg", 100_001),
        ("fibre_mg", -1),
    ],
)
def test_nutrition_facts_that_cannot_be_are_refused_by_name(field: str, value: int) -> None:
    facts = shared.evolve(HONEY, **{field: value})
    with pytest.raises(catalog.ImpossibleMeasure) as refused:
        catalog.add_product(product(nutrition=facts))
    assert (refused.value.field, refused.value.given) == (field, value)


def test_a_hundred_millilitres_may_weigh_more_than_a_hundred_grams() -> None:
    syrup = shared.evolve(HONEY, carbohydrate_mg=110_000, fibre_mg=100, per="100ml")
    assert catalog.add_product(product(nutrition=syrup)).record.nutrition == syrup


@pytest.mark.parametrize("rate", [-1, 10_001])
def test_a_commission_is_a_part_of_the_sale(rate: int) -> None:
    with pytest.raises(catalog.ImpossibleMeasure, match="commission_bp"):
        catalog.add_product(product(commission_bp=rate))


def test_a_new_variant_may_be_free_and_starts_at_version_one() -> None:
    whole = {"price_points": 0, "dimensions": catalog.Dimensions(60, 60, 90)}
    written = catalog.add_variant(variant(version=5, **whole))
    assert written.record == variant(**whole)
    assert written.events == (catalog.VariantWritten(UUID(int=20), UUID(int=10), "MIEL-LAV-250", 1),)


def test_an_amended_variant_stays_with_its_product() -> None:
    wished = variant(product_id=UUID(int=77), price_points=10)
    assert catalog.amend_variant(variant(), wished, 1).record == variant(price_points=10, version=2)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("price_points", {"price_points": -1}),
        ("price_points", {"price_points": 1_000_001}),
        ("weight_grams", {"weight_grams": -1}),
        ("weight_grams", {"weight_grams": 1_000_001}),
        ("length_mm", {"dimensions": catalog.Dimensions(0, 1, 1)}),
        ("width_mm", {"dimensions": catalog.Dimensions(1, 10_001, 1)}),
        ("height_mm", {"dimensions": catalog.Dimensions(1, 1, -5)}),
    ],
)
def test_measures_of_a_variant_out_of_range_are_refused_by_name(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(catalog.ImpossibleMeasure) as refused:
        catalog.add_variant(variant(**changes))
    assert refused.value.field == field


def test_a_variant_has_one_value_for_each_option() -> None:
    sizes = (catalog.Option("size", "250 g"), catalog.Option("glass", "round"))
    assert catalog.add_variant(variant(options=sizes)).record.options == sizes
    with pytest.raises(catalog.RepeatedOption, match="size"):
        catalog.add_variant(variant(options=(*sizes, catalog.Option("size", "500 g"))))


def test_the_fourteen_allergens_are_known_and_no_fifteenth() -> None:
    assert len(msgspec.json.schema(catalog.Allergen)["enum"]) == 14
    assert msgspec.convert("milk", catalog.Allergen) == "milk"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("honey", catalog.Allergen)


def test_a_product_survives_the_way_through_json() -> None:
    whole = product(
        nutrition=HONEY,
        allergens=("nuts", "milk"),
        seasons=(catalog.Months(11, 2), catalog.Dates(TODAY, TODAY)),
        launch_date=TODAY,
    )
    assert msgspec.json.decode(msgspec.json.encode(whole), type=catalog.Product) == whole


# --- buying -----------------------------------------------------------------------------------


def test_nothing_is_said_against_an_ordinary_purchase() -> None:
    assert objections(product()) == []
    catalog.check_may_buy(product(), variant(), "explorateur", TODAY)


def test_every_reason_is_given_at_once_and_the_first_is_raised() -> None:
    forbidden = product(
        active=False,
        launch_date=TODAY + timedelta(days=1),
        discontinue_date=TODAY,
        seasons=(catalog.Months(6, 9),),
        minimum_level="ambassadeur",
    )
    assert [type(objection) for objection in objections(forbidden, active=False)] == [
        catalog.ProductInactive,
        catalog.NotYetLaunched,
        catalog.Discontinued,
        catalog.VariantInactive,
        catalog.OutOfSeason,
        catalog.LevelTooLow,
    ]
    with pytest.raises(catalog.ProductInactive, match="miel-de-lavande"):
        catalog.check_may_buy(forbidden, variant(), "explorateur", TODAY)


def test_each_objection_is_a_rule_of_the_product_with_its_facts() -> None:
    later = TODAY + timedelta(days=1)
    slug = {"product": "miel-de-lavande"}
    for forbidden, facts in (
        (product(launch_date=later), slug | {"launches": later}),
        (product(discontinue_date=TODAY), slug | {"since": TODAY}),
        (product(seasons=(catalog.Months(6, 9),)), slug | {"opens": date(2026, 6, 1)}),
        (product(minimum_level="protecteur"), slug | {"needed": "protecteur", "level": "explorateur"}),
    ):
        (objection,) = objections(forbidden)
        assert isinstance(objection, shared.RuleForbids)
        assert objection.facts() == facts
        assert "miel-de-lavande" in str(objection)
    (inactive,) = objections(product(), active=False)
    assert inactive.facts() == slug | {"sku": "MIEL-LAV-250"}


def test_a_product_is_sold_from_its_launch_until_the_day_before_it_is_discontinued() -> None:
    limited = product(launch_date=TODAY, discontinue_date=TODAY + timedelta(days=2))
    sold = [not objections(limited, today=TODAY + timedelta(days=days)) for days in (-1, 0, 1, 2)]
    assert sold == [False, True, True, False]


@pytest.mark.parametrize(
    ("level", "buys"),
    [
        ("explorateur", ["explorateur"]),
        ("protecteur", ["explorateur", "protecteur"]),
        ("ambassadeur", ["explorateur", "protecteur", "ambassadeur"]),
    ],
)
def test_a_level_may_buy_what_its_own_and_lower_levels_may(level: identity.Level, buys: list[str]) -> None:
    bought = [needed for needed in identity.LEVELS if not objections(product(minimum_level=needed), level)]
    assert bought == buys


def test_a_window_of_months_has_whole_months_and_may_wrap_the_year() -> None:
    summer, winter, june = catalog.Months(6, 9), catalog.Months(11, 2), catalog.Months(6, 6)
    months = range(1, 13)
    assert [m for m in months if catalog.is_open(summer, date(2026, m, 30 if m != 2 else 28))] == [6, 7, 8, 9]
    assert [m for m in months if catalog.is_open(winter, date(2026, m, 1))] == [1, 2, 11, 12]
    assert [m for m in months if catalog.is_open(june, date(2026, m, 15))] == [6]


def test_a_window_of_dates_has_both_its_days() -> None:
    window = catalog.Dates(date(2026, 6, 1), date(2026, 6, 3))
    assert [day for day in range(1, 6) if catalog.is_open(window, date(2026, 6, day))] == [1, 2, 3]
    assert not catalog.is_open(window, date(2025, 6, 2))


def test_one_open_window_of_several_is_enough() -> None:
    assert objections(product(seasons=(catalog.Months(6, 9), catalog.Dates(TODAY, TODAY)))) == []


@pytest.mark.parametrize(
    ("season", "today", "opens"),
    [
        (catalog.Months(6, 9), date(2026, 3, 2), date(2026, 6, 1)),
        (catalog.Months(6, 9), date(2026, 6, 1), date(2027, 6, 1)),
        (catalog.Months(6, 9), date(2026, 10, 1), date(2027, 6, 1)),
        (catalog.Months(11, 2), date(2026, 3, 1), date(2026, 11, 1)),
        (catalog.Dates(date(2026, 5, 4), date(2026, 5, 5)), date(2026, 3, 2), date(2026, 5, 4)),
        (catalog.Dates(date(2026, 1, 4), date(2026, 1, 5)), date(2026, 3, 2), None),
    ],
)
def test_a_season_says_when_it_opens_next(season: catalog.Season, today: date, opens: date | None) -> None:
    assert catalog.next_opening([season], today) == opens


def test_the_earliest_of_the_coming_windows_is_named() -> None:
    seasons = (catalog.Months(9, 9), catalog.Dates(date(2026, 5, 4), date(2026, 5, 5)))
    (objection,) = objections(product(seasons=seasons))
    assert isinstance(objection, catalog.OutOfSeason)
    assert objection.opens == date(2026, 5, 4)


def test_a_product_whose_last_window_is_past_says_that_it_is_over() -> None:
    past = catalog.Dates(date(2026, 1, 4), date(2026, 1, 5))
    (objection,) = objections(product(seasons=(past,)))
    assert isinstance(objection, catalog.SeasonOver)


months = st.integers(1, 12)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
seasons = st.one_of(
    st.builds(catalog.Months, months, months),
    st.tuples(days, days).map(lambda pair: catalog.Dates(min(pair), max(pair))),
)


@given(st.lists(seasons, min_size=1, max_size=4), days)
def test_the_opening_that_is_named_is_an_open_day_after_closed_ones(
    windows: list[catalog.Season], today: date
) -> None:
    def is_closed(day: date) -> bool:
        return not any(catalog.is_open(window, day) for window in windows)

    opens = catalog.next_opening(windows, today)
    if is_closed(today):
        horizon = 800 if opens is None else (opens - today).days
        assert all(is_closed(today + timedelta(days=ahead)) for ahead in range(1, min(horizon, 800)))
        assert opens is None or not is_closed(opens)
