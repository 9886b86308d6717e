"""The read side of inventory in memory."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from ....application.catalog import PRODUCTS, VARIANTS
from ....application.inventory import BATCHES, MOVEMENTS, STOCKS, StockLine
from ....domain import inventory
from ....domain.inventory import MINIMUM_DAYS, Batch, Movement, Stock
from ..storage import MemoryStorage, newest


class InventoryQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def sellable(self, product_ids: Sequence[UUID], today: date) -> dict[UUID, int]:
        pieces: Counter[UUID] = Counter()
        batches = self._storage.all(BATCHES, lambda one: one.product_id in product_ids)
        for one in inventory.sellable(batches, today, MINIMUM_DAYS):
            pieces[one.variant_id] += one.available
        return dict(pieces)

    async def stocked(self, today: date) -> list[UUID]:
        batches = inventory.sellable(self._storage.all(BATCHES), today, MINIMUM_DAYS)
        return list({one.variant_id for one in batches})

    async def stock(self, product_id: UUID, variant_id: UUID) -> tuple[Stock, list[Batch]] | None:
        stock = self._storage.find(STOCKS.key(product_id, variant_id))
        batches = self._storage.group(BATCHES, "variant", product_id, variant_id)
        return (stock, list(filter(BATCHES.is_live, batches))) if stock else None

    async def movements(
        self, product_id: UUID, variant_id: UUID, limit: int, before: UUID | None
    ) -> list[Movement]:
        found = self._storage.all(
            MOVEMENTS, lambda one: (one.product_id, one.variant_id) == (product_id, variant_id)
        )
        return newest(found, limit, before, lambda one: one.id)

    async def overview(self, limit: int, before: UUID | None) -> list[StockLine]:
        found = newest(self._storage.all(STOCKS), limit, before, lambda one: one.variant_id)
        return [self._line(one) for one in found]

    def _line(self, stock: Stock) -> StockLine:
        variant = self._storage.find(VARIANTS.key(stock.variant_id))
        product = self._storage.find(PRODUCTS.key(stock.product_id))
        assert variant is not None, f"the variant {stock.variant_id} is there"
        assert product is not None, f"the product {stock.product_id} is there"
        return StockLine(
            product_id=stock.product_id,
            variant_id=stock.variant_id,
            on_hand=stock.on_hand,
            allocated=stock.allocated,
            available=stock.available,
            sku=variant.sku,
            variant_name=variant.name,
            product_slug=product.slug,
            product_name=product.name,
        )
