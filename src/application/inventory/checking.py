"""What a verification of stock reads. It is made where the shipments are: in `fulfillment.checking`."""

from typing import Protocol
from uuid import UUID

from ...domain import shared
from ...domain.inventory.checks import Miscount


class StockSize(shared.Record):
    """How much there is to verify."""

    variants: int
    batches: int
    movements: int


class Promised(shared.Record):
    """So many pieces of a batch are promised to an order."""

    order_id: UUID
    batch_id: UUID
    quantity: int


class StockChecks(Protocol):
    """What is read, each in one statement over everything."""

    async def size(self) -> StockSize: ...

    async def miscounts(self, most: int) -> list[Miscount]:
        """Counts that are not what made them: causes first, so many of each check at most."""
        ...

    async def promised(self) -> list[Promised]:
        """What is promised to orders by movements, and neither given back nor gone."""
        ...


class HasStockChecks(Protocol):
    @property
    def stock_checks(self) -> StockChecks: ...
