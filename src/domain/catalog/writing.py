"""What a category, a product and a variant must be in order to be written (M20)."""

from collections.abc import Iterable
from datetime import date
from typing import Generic, TypeVar
from uuid import UUID

from .. import shared
from .records import Category, Dates, NutritionFacts, Product, Variant

Editable = TypeVar("Editable", Category, Product, Variant)


class CategoryWritten(shared.Event, tag="catalog.category_written"):
    """Version 1 is a new category."""

    category_id: UUID
    slug: str
    version: int


class ProductWritten(shared.Event, tag="catalog.product_written"):
    """Version 1 is a new product."""

    product_id: UUID
    slug: str
    version: int


class VariantWritten(shared.Event, tag="catalog.variant_written"):
    """Version 1 is a new variant."""

    variant_id: UUID
    product_id: UUID
    sku: str
    version: int


class Written(shared.Record, Generic[Editable]):
    """A record as it was written, and what happened."""

    record: Editable
    events: tuple[shared.Event, ...]


class CategoryCycle(shared.RuleForbids):
    message = "The category {slug} would stand below itself."
    slug: str


class UnknownParent(shared.RuleForbids):
    message = "The category {slug} stands below a category that does not exist."
    slug: str


class ImpossibleMeasure(shared.RuleForbids):
    message = "{field} must be from {least} to {most}; {given} was given."
    field: str
    given: int
    least: int
    most: int


class ImpossiblePeriod(shared.RuleForbids):
    message = "{field} ends on {closes}, before it begins on {opens}."
    field: str
    opens: date
    closes: date


class RepeatedOption(shared.RuleForbids):
    message = "The variant {sku} has more than one value for the option {option}."
    sku: str
    option: str


MOST_ENERGY_KJ = 3_800
MOST_ENERGY_KCAL = 910
"""Pure fat has 3,700 kJ and 900 kcal per 100 g; labels round a little beyond."""
MOST_MILLIGRAMS = {"100g": 100_000, "100ml": 150_000}
"""What the basis of a declaration can weigh: the thickest syrups are half as heavy again as water."""
MOST_POINTS = 1_000_000
MOST_GRAMS = 1_000_000
MOST_MILLIMETRES = 10_000


def check_tree(categories: Iterable[Category]) -> None:
    """Every parent exists and no category stands below itself.

    Errors: UnknownParent, CategoryCycle.
    """
    by_id = {category.id: category for category in categories}
    sound: set[UUID] = set()
    for category in by_id.values():
        above: set[UUID] = set()
        step = category
        while step.id not in sound:
            if step.id in above:
                raise CategoryCycle(slug=step.slug)
            above.add(step.id)
            if step.parent_id is None:
                break
            if step.parent_id not in by_id:
                raise UnknownParent(slug=step.slug)
            step = by_id[step.parent_id]
        sound |= above


def add_category(wished: Category, others: Iterable[Category]) -> Written[Category]:
    """A new category beside the `others`, at its first version.

    Errors: UnknownParent, CategoryCycle.
    """
    return _written_category(_first(wished), others)


def amend_category(
    current: Category, wished: Category, version: int, others: Iterable[Category]
) -> Written[Category]:
    """`current` with the wished facts beside the `others`; `version` is the one that was read.

    Errors: StaleVersion, UnknownParent, CategoryCycle.
    """
    return _written_category(_next(current, wished, version, "category"), others)


def add_product(wished: Product) -> Written[Product]:
    """A new product, at its first version.

    Errors: ImpossiblePeriod, ImpossibleMeasure.
    """
    return _written_product(_first(wished))


def amend_product(current: Product, wished: Product, version: int) -> Written[Product]:
    """`current` with the wished facts; `version` is the one that was read.

    Errors: StaleVersion, ImpossiblePeriod, ImpossibleMeasure.
    """
    return _written_product(_next(current, wished, version, "product"))


def add_variant(wished: Variant) -> Written[Variant]:
    """A new variant, at its first version.

    Errors: ImpossibleMeasure, RepeatedOption.
    """
    return _written_variant(_first(wished))


def amend_variant(current: Variant, wished: Variant, version: int) -> Written[Variant]:
    """`current` with the wished facts, of the same product; `version` is the one that was read.

    Errors: StaleVersion, ImpossibleMeasure, RepeatedOption.
    """
    amended = _next(current, wished, version, "variant")
    return _written_variant(shared.evolve(amended, product_id=current.product_id))


def _first(wished: Editable) -> Editable:
    return shared.evolve(wished, version=1)


def _next(current: Editable, wished: Editable, version: int, kind: str) -> Editable:
    """The next version; the id and the time of creation stay."""
    if version != current.version:
        raise shared.StaleVersion(kind=kind, given=version, current=current.version)
    return shared.evolve(wished, id=current.id, created_at=current.created_at, version=version + 1)


def _written_category(category: Category, others: Iterable[Category]) -> Written[Category]:
    check_tree([category, *(other for other in others if other.id != category.id)])
    event = CategoryWritten(category.id, category.slug, category.version)
    return Written(category, (event,))


def _written_product(product: Product) -> Written[Product]:
    _check_periods(product)
    if product.nutrition is not None:
        _check_nutrition(product.nutrition)
    if product.commission_bp is not None:
        _check_measure("commission_bp", product.commission_bp, 0, 10_000)
    return Written(product, (ProductWritten(product.id, product.slug, product.version),))


def _written_variant(variant: Variant) -> Written[Variant]:
    _check_measure("price_points", variant.price_points, 0, MOST_POINTS)
    _check_measure("weight_grams", variant.weight_grams, 0, MOST_GRAMS)
    if variant.dimensions is not None:
        for field in ("length_mm", "width_mm", "height_mm"):
            _check_measure(field, getattr(variant.dimensions, field), 1, MOST_MILLIMETRES)
    _check_options(variant)
    event = VariantWritten(variant.id, variant.product_id, variant.sku, variant.version)
    return Written(variant, (event,))


def _check_measure(field: str, given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        raise ImpossibleMeasure(field=field, given=given, least=least, most=most)


def _check_periods(product: Product) -> None:
    """No window closes before it opens, and no product leaves before it comes."""
    periods = [
        ("season", season.opens, season.closes) for season in product.seasons if isinstance(season, Dates)
    ]
    if product.launch_date is not None and product.discontinue_date is not None:
        periods.append(("sale", product.launch_date, product.discontinue_date))
    for field, opens, closes in periods:
        if closes < opens:
            raise ImpossiblePeriod(field=field, opens=opens, closes=closes)


def _check_nutrition(facts: NutritionFacts) -> None:
    """Nothing is negative, larger than its whole, or more than fits."""
    most = MOST_MILLIGRAMS[facts.per]
    for field, given, limit in (
        ("energy_kj", facts.energy_kj, MOST_ENERGY_KJ),
        ("energy_kcal", facts.energy_kcal, MOST_ENERGY_KCAL),
        ("fat_mg", facts.fat_mg, most),
        ("saturates_mg", facts.saturates_mg, facts.fat_mg),
        ("carbohydrate_mg", facts.carbohydrate_mg, most),
        ("sugars_mg", facts.sugars_mg, facts.carbohydrate_mg),
        ("protein_mg", facts.protein_mg, most),
        ("salt_mg", facts.salt_mg, most),
        ("fibre_mg", facts.fibre_mg or 0, most),
    ):
        _check_measure(field, given, 0, limit)


def _check_options(variant: Variant) -> None:
    names = [option.name for option in variant.options]
    for name in names:
        if names.count(name) > 1:
            raise RepeatedOption(sku=variant.sku, option=name)
