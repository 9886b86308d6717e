"""The read side of catalog in memory."""

from collections.abc import Sequence
from uuid import UUID

from ...application.catalog import CATEGORIES, PRODUCT_SLUGS, PRODUCTS, VARIANTS, Sought
from ...domain import catalog
from ...domain.catalog import Category, Product, Variant
from .storage import MemoryStorage, newest


class CatalogQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def categories(self) -> list[Category]:
        return self._storage.all(CATEGORIES)

    async def product(self, product_id: UUID) -> Product | None:
        return self._storage.find(PRODUCTS.key(product_id))

    async def product_of_slug(self, slug: str) -> Product | None:
        owner = self._storage.find(PRODUCT_SLUGS.key(slug))
        return self._storage.find(PRODUCTS.key(owner.product_id)) if owner else None

    async def products(self, sought: Sought, limit: int, before: UUID | None) -> list[Product]:
        subtree = self._subtree(sought.category_id)
        found = [
            one
            for one in self._storage.all(PRODUCTS, lambda one: _fits(one, sought))
            if (sought.category_id is None or one.category_id in subtree) and self._has_fitting(one, sought)
        ]
        return newest(found, limit, before, lambda one: one.id)

    async def variants(self, product_ids: Sequence[UUID]) -> list[Variant]:
        found = [one for id in product_ids for one in self._storage.group(VARIANTS, "product", id)]
        return sorted(found, key=lambda one: (one.price_points, one.id))

    def _subtree(self, category_id: UUID | None) -> set[UUID | None]:
        """The ids of a category and of everything below it."""
        subtree = {category_id}
        everything = self._storage.all(CATEGORIES)
        while more := {one.id for one in everything if one.parent_id in subtree} - subtree:
            subtree |= more
        return subtree

    def _has_fitting(self, product: Product, sought: Sought) -> bool:
        if sought.min_points is None and sought.max_points is None and sought.buyer is None:
            return True
        variants = self._storage.group(VARIANTS, "product", product.id)
        return any(_fits_variant(product, one, sought) for one in variants)


def _fits(product: Product, sought: Sought) -> bool:
    return (
        sought.producer_id in (None, product.producer_id)
        and (sought.tag is None or sought.tag in product.tags)
        and (sought.certification is None or sought.certification in product.certifications)
        and sought.fulfilment in (None, product.fulfilment)
        and sought.featured in (None, product.featured)
        and sought.active in (None, product.active)
    )


def _fits_variant(product: Product, variant: Variant, sought: Sought) -> bool:
    buyer = sought.buyer
    return (
        variant.active
        and (sought.min_points is None or variant.price_points >= sought.min_points)
        and (sought.max_points is None or variant.price_points <= sought.max_points)
        and (
            buyer is None
            or (
                not catalog.objections(product, variant, buyer.level, buyer.today)
                and (product.fulfilment == "dropship" or variant.id in buyer.stocked)
            )
        )
    )
