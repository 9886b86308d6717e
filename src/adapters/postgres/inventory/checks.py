"""What a verification of stock reads, on PostgreSQL: counts beside what made them, compared by the server."""

from typing import Any

from sqlalchemy import and_, bindparam, cast, func, literal_column, not_, or_, select, union_all
from sqlalchemy.sql.functions import coalesce

from ....application.inventory.checking import Promised, StockSize
from ....domain.inventory import ALLOCATED, ON_HAND
from ....domain.inventory.checks import Check, Miscount
from ..database import Database
from ..rows import Statement, plain
from ..schema import Int
from .tables import batch, movement, stock

_MOST = bindparam("most", type_=Int)
_COUNTS = ("on_hand", "allocated")


def _moved(kinds: frozenset[Any]) -> Any:
    return coalesce(func.sum(movement.c.quantity).filter(plain(movement.c.kind.in_(sorted(kinds)))), 0)


_batch_of = (movement.c.product_id, movement.c.variant_id, movement.c.batch_id)
_made = (
    select(*_batch_of, _moved(ON_HAND).label("on_hand"), _moved(ALLOCATED).label("allocated"))
    .group_by(*_batch_of)
    .subquery("made")
)
_variant_of = (batch.c.product_id, batch.c.variant_id)
_summed = (
    select(*_variant_of, *(func.sum(batch.c[name]).label(name) for name in _COUNTS))
    .group_by(*_variant_of)
    .subquery("summed")
)
_same_batch = and_(
    batch.c.product_id == _made.c.product_id,
    batch.c.variant_id == _made.c.variant_id,
    batch.c.id == _made.c.batch_id,
)
_same_variant = and_(stock.c.product_id == _summed.c.product_id, stock.c.variant_id == _summed.c.variant_id)


def _pieces(count: Any) -> Any:
    return cast(coalesce(count, 0), Int)


def _found(check: Check, product_id: Any, variant_id: Any, batch_id: Any, *counts: Any) -> Any:
    """The columns of a miscount."""
    names = ("product_id", "variant_id", "batch_id", *_COUNTS, "due_on_hand", "due_allocated")
    values = (product_id, variant_id, batch_id, *counts)
    named = (value.label(name) for name, value in zip(names, values, strict=True))
    return select(literal_column(f"'{check}'").label("check"), *named)


def _compared(check: Check, there: Any, due: Any, batch_id: Any, same: Any) -> Any:
    """Where a row does not count what is due, or is missing."""
    counts = [_pieces(rows.c[name]) for rows in (there, due) for name in _COUNTS]
    home = (coalesce(there.c[name], due.c[name]) for name in ("product_id", "variant_id"))
    return (
        _found(check, *home, batch_id, *counts)
        .select_from(there.join(due, same, full=True))
        .where(or_(there.c.product_id.is_(None), counts[0] != counts[2], counts[1] != counts[3]))
    )


def _unbound(rows: Any, batch_id: Any) -> Any:
    on_hand, allocated = rows.c.on_hand, rows.c.allocated
    most = func.greatest(on_hand, 0)
    counts = on_hand, allocated, most, func.least(func.greatest(allocated, 0), most)
    fits = and_(allocated >= 0, allocated <= on_hand)
    return _found("bounds", rows.c.product_id, rows.c.variant_id, batch_id, *counts).where(not_(fits))


_NO_BATCH: Any = literal_column("null::uuid")
_CHECKED = (
    _compared("movements", batch, _made, coalesce(batch.c.id, _made.c.batch_id), _same_batch),
    _compared("totals", stock, _summed, _NO_BATCH, _same_variant),
    union_all(_unbound(batch, batch.c.id), _unbound(stock, _NO_BATCH)),
)


def _first(check: Any) -> Any:
    """The first findings of a check."""
    rows = check.subquery()
    ordered = select(rows).order_by(rows.c.product_id, rows.c.variant_id, rows.c.batch_id)
    return select(ordered.limit(_MOST).subquery())


_MISCOUNTS = Statement(union_all(*map(_first, _CHECKED)))
_SIZE = Statement(
    select(*(select(func.count()).select_from(rows).scalar_subquery() for rows in (stock, batch, movement)))
)
_promised = func.sum(movement.c.quantity)
_PROMISED = Statement(
    select(movement.c.cause_id, movement.c.batch_id, cast(_promised, Int))
    .where(movement.c.cause == "order", plain(movement.c.kind.in_(sorted(ALLOCATED))))
    .group_by(movement.c.product_id, movement.c.cause_id, movement.c.batch_id)
    .having(_promised != 0)
)


class StockChecks:
    """What a verification of stock reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def size(self) -> StockSize:
        row = await self._database.one(_SIZE)
        assert row is not None, "counts have one row"
        return StockSize(*row)

    async def miscounts(self, most: int) -> list[Miscount]:
        return [Miscount(*row) for row in await self._database.all(_MISCOUNTS, most=most)]

    async def promised(self) -> list[Promised]:
        return [Promised(*row) for row in await self._database.all(_PROMISED)]
