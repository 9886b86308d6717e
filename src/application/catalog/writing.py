"""Administrators write categories, products and variants (M20)."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from ...domain import catalog, identity, partners, shared
from ...domain.catalog import Category, Product, Variant, Written
from ..partners import PRODUCERS
from ..work import ADMINS, Kind, Wanted, Work, use_case
from .records import (
    CATEGORIES,
    CATEGORY_SLUGS,
    PRODUCT_SLUGS,
    PRODUCTS,
    SKUS,
    VARIANTS,
    CategorySlug,
    CategoryView,
    ProductSlug,
    ProductView,
    Sku,
    VariantView,
)

SortOrder = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000, description="Lowest first.")]
Allergens = Annotated[tuple[catalog.Allergen, ...], msgspec.Meta(max_length=14)]
Seasons = Annotated[tuple[catalog.Season, ...], msgspec.Meta(max_length=20)]
Options = Annotated[tuple[catalog.Option, ...], msgspec.Meta(max_length=10)]
TREE = CATEGORIES.group("tree")


class CategorySlugTaken(shared.StateForbids):
    message = "Another category has the slug {slug}."
    slug: str


class ProductSlugTaken(shared.StateForbids):
    message = "Another product has the slug {slug}."
    slug: str


class SkuTaken(shared.StateForbids):
    message = "Another variant has the SKU {sku}."
    sku: str


# --- commands -----------------------------------------------------------------------------------


class NewCategory(shared.Command, kw_only=True):
    """A new category: a root, or below `parent_id`."""

    slug: shared.Slug
    name: shared.Name
    description: shared.Text = ""
    parent_id: UUID | None = None
    sort_order: SortOrder = 0
    active: bool = True


class CategoryRevision(NewCategory, kw_only=True):
    """What a category is to be from now on, whole, and the version that was read."""

    version: shared.Version


class AmendCategory(CategoryRevision, kw_only=True):
    """Change a category."""

    category_id: UUID


class NewProduct(shared.Command, kw_only=True):
    """A new product of an active producer; its variants are added to it.

    `commission_bp` holds instead of the producer's own rate. Without a season it is sold all year.
    """

    slug: shared.Slug
    name: shared.Name
    category_id: UUID
    producer_id: UUID
    fulfilment: catalog.Fulfilment
    short_description: shared.Note = ""
    description: shared.Text = ""
    hero: bool = False
    images: shared.Urls = ()
    tags: shared.Names = ()
    nutrition: catalog.NutritionFacts | None = None
    allergens: Allergens = ()
    certifications: shared.Names = ()
    origin_country: shared.Country | None = None
    seasons: Seasons = ()
    minimum_level: identity.Level = "explorateur"
    commission_bp: shared.BasisPoints | None = None
    featured: bool = False
    active: bool = True
    launch_date: date | None = None
    discontinue_date: date | None = None


class ProductRevision(NewProduct, kw_only=True):
    """What a product is to be from now on, whole, and the version that was read."""

    version: shared.Version


class AmendProduct(ProductRevision, kw_only=True):
    """Change a product. Its earlier slugs go on leading to it."""

    product_id: UUID


class VariantFacts(shared.Command, kw_only=True):
    """One SKU: the price of a piece in points, its weight when packed in grams."""

    sku: shared.Code
    name: shared.Name
    price_points: shared.Price
    weight_grams: shared.Price
    options: Options = ()
    dimensions: catalog.Dimensions | None = None
    active: bool = True


class NewVariant(VariantFacts, kw_only=True):
    """A new variant of a product."""

    product_id: UUID


class VariantRevision(VariantFacts, kw_only=True):
    """What a variant is to be from now on, whole, and the version that was read."""

    version: shared.Version


class AmendVariant(VariantRevision, kw_only=True):
    """Change a variant."""

    product_id: UUID
    variant_id: UUID


# --- use cases ----------------------------------------------------------------------------------


@use_case(
    allow=ADMINS,
    loads=(lambda command, work: (TREE,),),
    locks=lambda command, work: (CATEGORY_SLUGS.key(command.slug),),
)
async def add_category(command: NewCategory, work: Work) -> CategoryView:
    """Add a category. Raises CategorySlugTaken, UnknownParent."""
    wished = shared.recast(Category, command, id=work.new_id(), created_at=work.now)
    return _keep_category(work, catalog.add_category(wished, work.list(TREE)))


def _amend_category_locks(command: AmendCategory, work: Work) -> tuple[Wanted, ...]:
    """The whole tree, so that no two amendments together make a cycle."""
    everyone = (CATEGORIES.key(one.id) for one in work.list(TREE))
    return (CATEGORIES.key(command.category_id), *everyone, TREE, CATEGORY_SLUGS.key(command.slug))


@use_case(allow=ADMINS, loads=(lambda command, work: (TREE,),), locks=_amend_category_locks)
async def amend_category(command: AmendCategory, work: Work) -> CategoryView:
    """Change or move a category. Raises StaleVersion, CategorySlugTaken, UnknownParent, CategoryCycle."""
    current = work.get(CATEGORIES.key(command.category_id))
    wished = shared.recast(Category, command, id=current.id, created_at=current.created_at)
    return _keep_category(work, catalog.amend_category(current, wished, command.version, work.list(TREE)))


def _bonds(command: NewProduct | AmendProduct, work: Work) -> tuple[Wanted, ...]:
    return (CATEGORIES.key(command.category_id), PRODUCERS.key(command.producer_id))


@use_case(
    allow=ADMINS,
    loads=(_bonds,),
    locks=lambda command, work: (PRODUCT_SLUGS.key(command.slug),),
)
async def add_product(command: NewProduct, work: Work) -> ProductView:
    """Add a product of an active producer. Raises ProductSlugTaken, ProducerNotActive, ImpossiblePeriod,
    ImpossibleMeasure."""
    work.get(CATEGORIES.key(command.category_id))
    partners.check_active(work.get(PRODUCERS.key(command.producer_id)))
    wished = shared.recast(Product, command, id=work.new_id(), created_at=work.now)
    return _keep_product(work, catalog.add_product(wished))


def _amend_product_locks(command: AmendProduct, work: Work) -> tuple[Wanted, ...]:
    return (PRODUCTS.key(command.product_id), PRODUCT_SLUGS.key(command.slug))


@use_case(allow=ADMINS, loads=(_bonds,), locks=_amend_product_locks)
async def amend_product(command: AmendProduct, work: Work) -> ProductView:
    """Change a product; only an active producer is given one that was another's.

    Raises StaleVersion, and what `add_product` raises.
    """
    current = work.get(PRODUCTS.key(command.product_id))
    work.get(CATEGORIES.key(command.category_id))
    producer = work.get(PRODUCERS.key(command.producer_id))
    if producer.id != current.producer_id:
        partners.check_active(producer)
    wished = shared.recast(Product, command, id=current.id, created_at=current.created_at)
    return _keep_product(work, catalog.amend_product(current, wished, command.version))


@use_case(
    allow=ADMINS,
    loads=(lambda command, work: (PRODUCTS.key(command.product_id),),),
    locks=lambda command, work: (SKUS.key(command.sku),),
)
async def add_variant(command: NewVariant, work: Work) -> VariantView:
    """Add a variant to a product. Raises SkuTaken, ImpossibleMeasure, RepeatedOption."""
    work.get(PRODUCTS.key(command.product_id))
    wished = shared.recast(Variant, command, id=work.new_id(), created_at=work.now)
    return _keep_variant(work, catalog.add_variant(wished))


def _amend_variant_locks(command: AmendVariant, work: Work) -> tuple[Wanted, ...]:
    return (VARIANTS.key(command.variant_id), SKUS.key(command.sku))


@use_case(allow=ADMINS, locks=_amend_variant_locks)
async def amend_variant(command: AmendVariant, work: Work) -> VariantView:
    """Change a variant of a product. Raises StaleVersion, and what `add_variant` raises."""
    current = work.get(VARIANTS.key(command.variant_id))
    if current.product_id != command.product_id:
        raise shared.NotFound(kind="variant", id=str(command.variant_id))
    wished = shared.recast(Variant, command, id=current.id, created_at=current.created_at)
    return _keep_variant(work, catalog.amend_variant(current, wished, command.version))


def _keep_category(work: Work, written: Written[Category]) -> CategoryView:
    category = written.record
    _claim(work, CategorySlug(category.slug, category.id), CategorySlugTaken(slug=category.slug))
    work.save(category)
    work.record(*written.events)
    return shared.recast(CategoryView, category)


def _keep_product(work: Work, written: Written[Product]) -> ProductView:
    product = written.record
    _claim(work, ProductSlug(product.slug, product.id), ProductSlugTaken(slug=product.slug))
    work.save(product)
    work.record(*written.events)
    return shared.recast(ProductView, product)


def _keep_variant(work: Work, written: Written[Variant]) -> VariantView:
    variant = written.record
    _claim(work, Sku(variant.sku, variant.product_id, variant.id), SkuTaken(sku=variant.sku))
    work.save(variant)
    work.record(*written.events)
    return shared.recast(VariantView, variant)


def _claim(work: Work, wanted: shared.Record, taken: shared.StateForbids) -> None:
    """Give a unique value to the first who asks for it; raises `taken` where it is another's."""
    kind = Kind.of[type(wanted)]
    owner = work.find(kind.key(*kind.values_of(wanted)))
    if owner is None:
        work.save(wanted)
    elif owner != wanted:
        raise taken
