"""What catalog keeps, and how it is shown."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ...domain import catalog, identity, shared
from ...domain.catalog import Category, Product, Variant
from ..work import Kind

ZONE = "Europe/Paris"
"""The shop's zone: launches, seasons and best-before dates follow its calendar."""


class CategorySlug(shared.Record):
    """Whose a slug is. It stays theirs when they take another, so that old links hold."""

    slug: str
    category_id: UUID


class ProductSlug(shared.Record):
    """Whose a slug is. It stays theirs when they take another, so that old links hold."""

    slug: str
    product_id: UUID


class Sku(shared.Record):
    """Whose a SKU is. It stays theirs when they take another: what was sold under it keeps its meaning."""

    sku: str
    product_id: UUID
    variant_id: UUID


CATEGORIES = Kind(Category, "category", ("id",), {"tree": ()}, root=True)
CATEGORY_SLUGS = Kind(CategorySlug, "category_slug", ("slug",), root=True, changes=())
PRODUCTS = Kind(Product, "product", ("id",), root=True)
PRODUCT_SLUGS = Kind(ProductSlug, "product_slug", ("slug",), root=True, changes=())
VARIANTS = Kind(Variant, "variant", ("id",), {"product": ("product_id",)}, root=True)
SKUS = Kind(Sku, "sku", ("sku",), root=True, changes=())
KINDS: tuple[Kind[Any], ...] = (CATEGORIES, CATEGORY_SLUGS, PRODUCTS, PRODUCT_SLUGS, VARIANTS, SKUS)


class CategoryView(shared.Record):
    """A branch of the category tree; `parent_id` is null for a root."""

    id: UUID
    slug: str
    name: str
    description: str
    parent_id: UUID | None
    sort_order: int
    active: bool
    created_at: datetime
    version: int


class ProductView(shared.Record, kw_only=True):
    """A product. Administrators see the commission of its own as well, where it has one."""

    id: UUID
    slug: str
    name: str
    short_description: str
    description: str
    category_id: UUID
    producer_id: UUID
    fulfilment: catalog.Fulfilment
    hero: bool
    images: tuple[str, ...]
    tags: tuple[str, ...]
    nutrition: catalog.NutritionFacts | None
    allergens: tuple[catalog.Allergen, ...]
    certifications: tuple[str, ...]
    origin_country: str | None
    seasons: tuple[catalog.Season, ...]
    minimum_level: identity.Level
    commission_bp: int | None = None
    featured: bool
    active: bool
    launch_date: date | None
    discontinue_date: date | None
    created_at: datetime
    version: int


class VariantView(shared.Record, kw_only=True):
    """What is bought: `price_points` and `weight_grams` are of one piece."""

    id: UUID
    product_id: UUID
    sku: str
    name: str
    price_points: int
    weight_grams: int
    options: tuple[catalog.Option, ...]
    dimensions: catalog.Dimensions | None
    active: bool
    created_at: datetime
    version: int


def day_of(at: datetime) -> date:
    """The day it is in the shop."""
    return shared.day_in(at, ZONE)
