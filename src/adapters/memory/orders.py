"""The read side of orders in memory."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from ...application.catalog import PRODUCTS, VARIANTS
from ...application.orders import (
    ORDER_LINES,
    ORDER_NUMBERS,
    ORDERS,
    STATUS_CHANGES,
    Article,
    OrderFile,
    OrderNumber,
    OrderSummary,
    Sought,
)
from ...application.partners import PRODUCERS
from ...application.work import Key
from ...domain import shared
from ...domain.catalog import Variant
from ...domain.orders import Order
from .storage import MemoryStorage, newest

R = TypeVar("R", bound=shared.Record)


class OrdersQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def articles(self, variant_ids: Sequence[UUID]) -> list[Article]:
        found = [self._storage.find(VARIANTS.key(variant_id)) for variant_id in variant_ids]
        return [self._article(variant) for variant in found if variant is not None]

    async def owner(self, order_id: UUID) -> UUID | None:
        found = self._storage.group(ORDERS, "id", order_id)
        return found[0].user_id if found else None

    async def of_number(self, number: str) -> OrderNumber | None:
        return self._storage.find(ORDER_NUMBERS.key(number))

    async def order(self, user_id: UUID, order_id: UUID) -> OrderFile | None:
        order = self._storage.find(ORDERS.key(user_id, order_id))
        if order is None:
            return None
        lines = self._storage.group(ORDER_LINES, "order", user_id, order_id)
        changes = self._storage.group(STATUS_CHANGES, "order", user_id, order_id)
        return OrderFile(order, tuple(sorted(lines, key=lambda line: line.position)), tuple(changes))

    async def orders(self, sought: Sought, limit: int, before: UUID | None) -> list[OrderSummary]:
        found = self._storage.all(ORDERS, lambda order: _fits(order, sought))
        return [shared.recast(OrderSummary, one) for one in newest(found, limit, before, lambda one: one.id)]

    def _article(self, variant: Variant) -> Article:
        product = self._there(PRODUCTS.key(variant.product_id))
        return Article(product, variant, self._there(PRODUCERS.key(product.producer_id)))

    def _there(self, key: Key[R]) -> R:
        record = self._storage.find(key)
        assert record is not None, f"{key} is there"
        return record


def _fits(order: Order, sought: Sought) -> bool:
    return (
        sought.user_id in (None, order.user_id)
        and sought.order_id in (None, order.id)
        and sought.status in (None, order.status)
        and sought.shipping_method in (None, order.shipping_method)
        and (sought.since is None or order.placed_at >= sought.since)
        and (sought.until is None or order.placed_at < sought.until)
    )
