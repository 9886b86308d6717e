"""The shop window: categories, products and their variants (M20, M21)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ..domain import shared
from ..domain.catalog import Category, Product, Variant
from .work import Kind

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


CATEGORIES = Kind(Category, "category", ("id",), root=True)
CATEGORY_SLUGS = Kind(CategorySlug, "category_slug", ("slug",), root=True)
PRODUCTS = Kind(Product, "product", ("id",), root=True)
PRODUCT_SLUGS = Kind(ProductSlug, "product_slug", ("slug",), root=True)
VARIANTS = Kind(Variant, "variant", ("id",), {"product": ("product_id",)}, root=True)
SKUS = Kind(Sku, "sku", ("sku",), root=True)
KINDS: tuple[Kind[Any], ...] = (CATEGORIES, CATEGORY_SLUGS, PRODUCTS, PRODUCT_SLUGS, VARIANTS, SKUS)


# --- for use cases above ------------------------------------------------------------------------


def day_of(at: datetime) -> date:
    """The day it is in the shop."""
    return shared.day_in(at, ZONE)
