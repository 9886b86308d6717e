"""The read side of inventory on PostgreSQL."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Date, any_, bindparam, cast, func, or_, select

from ....application.inventory import StockLine
from ....domain.inventory import MINIMUM_DAYS, Batch, Movement, Stock
from ..catalog import product, variant
from ..database import Database
from ..rows import LAST_ID, Statement
from ..schema import Int, Uuid
from .tables import BATCHES, MOVEMENTS, STOCKS, batch, movement, on_shelf, stock

_PRODUCT, _VARIANT = bindparam("product_id", type_=Uuid), bindparam("variant_id", type_=Uuid)
_BEFORE, _LIMIT = bindparam("before", type_=Uuid), bindparam("limit", type_=Int)
_PRODUCTS = bindparam("product_ids", type_=ARRAY(Uuid))
_free = batch.c.on_hand - batch.c.allocated
_good = or_(batch.c.best_before.is_(None), batch.c.best_before >= bindparam("fresh_until", type_=Date))
_SELLABLE = Statement(
    select(batch.c.variant_id, cast(func.sum(_free), Int).label("pieces"))
    .where(batch.c.product_id == any_(_PRODUCTS), on_shelf, _good)
    .group_by(batch.c.variant_id)
)
_STOCKED = Statement(select(batch.c.variant_id).where(on_shelf, _free > 0, _good).distinct())
_STOCK = Statement(
    select(*STOCKS.columns, *BATCHES.columns)
    .select_from(
        stock.outerjoin(
            batch,
            (batch.c.product_id == stock.c.product_id)
            & (batch.c.variant_id == stock.c.variant_id)
            & on_shelf,
        )
    )
    .where(stock.c.product_id == _PRODUCT, stock.c.variant_id == _VARIANT)
)
_MOVEMENTS = Statement(
    select(*MOVEMENTS.columns)
    .where(movement.c.product_id == _PRODUCT, movement.c.variant_id == _VARIANT, movement.c.id < _BEFORE)
    .order_by(movement.c.id.desc())
    .limit(_LIMIT)
)
_OVERVIEW = Statement(
    select(
        *STOCKS.columns,
        (stock.c.on_hand - stock.c.allocated).label("available"),
        variant.c.sku,
        variant.c.name.label("variant_name"),
        product.c.slug.label("product_slug"),
        product.c.name.label("product_name"),
    )
    .join(variant, variant.c.id == stock.c.variant_id)
    .join(product, product.c.id == stock.c.product_id)
    .where(stock.c.variant_id < _BEFORE)
    .order_by(stock.c.variant_id.desc())
    .limit(_LIMIT)
)
_STOCK_WIDTH = len(STOCKS.fields)


class InventoryQueries:
    """The read side of inventory on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sellable(self, product_ids: Sequence[UUID], today: date) -> dict[UUID, int]:
        rows = await self._database.all(_SELLABLE, product_ids=product_ids, fresh_until=_fresh(today))
        return {row["variant_id"]: row["pieces"] for row in rows}

    async def stocked(self, today: date) -> list[UUID]:
        rows = await self._database.all(_STOCKED, fresh_until=_fresh(today))
        return [row["variant_id"] for row in rows]

    async def stock(self, product_id: UUID, variant_id: UUID) -> tuple[Stock, list[Batch]] | None:
        rows = await self._database.all(_STOCK, product_id=product_id, variant_id=variant_id)
        if not rows:
            return None
        batches = [BATCHES.record(row[_STOCK_WIDTH:]) for row in rows if row["id"] is not None]
        return STOCKS.record(rows[0][:_STOCK_WIDTH]), batches

    async def movements(
        self, product_id: UUID, variant_id: UUID, limit: int, before: UUID | None
    ) -> list[Movement]:
        rows = await self._database.all(
            _MOVEMENTS, product_id=product_id, variant_id=variant_id, limit=limit, before=before or LAST_ID
        )
        return [MOVEMENTS.record(row) for row in rows]

    async def overview(self, limit: int, before: UUID | None) -> list[StockLine]:
        rows = await self._database.all(_OVERVIEW, limit=limit, before=before or LAST_ID)
        return [StockLine(**dict(row)) for row in rows]


def _fresh(today: date) -> date:
    return today + timedelta(days=MINIMUM_DAYS)
