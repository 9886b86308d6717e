"""Whose points are due to end or to be warned of, in PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from ....application.points.sweeping import Tally, Task
from ....domain.points import WARNING_DAYS
from ..database import Database
from ..rows import Statement, plain
from ..schema import Int, Time, Uuid
from .tables import hold, lot

_UNIT, _AT = bindparam("unit", type_=Text), bindparam("at", type_=Time)
_AFTER, _LIMIT, _SKIP = (
    bindparam("after", type_=Uuid),
    bindparam("limit", type_=Int),
    bindparam("skip", type_=Int),
)
_held_of_unit = (hold.c.unit == _UNIT) & plain(hold.c.state == "held")
_part = func.jsonb_array_elements(hold.c.parts).table_valued(column("value", hold.c.parts.type), name="part")
_lot_id = cast(_part.c.value["lot_id"].astext, Uuid)
_kept = (
    select(
        hold.c.user_id,
        _lot_id.label("lot_id"),
        func.sum(cast(_part.c.value["amount"].astext, BigInteger)).label("amount"),
    )
    .select_from(hold.join(_part, true()))
    .where(_held_of_unit, hold.c.expires_at > _AT)
    .group_by(hold.c.user_id, _lot_id)
    .cte("kept")
)
"""What live holds keep alive of each lot."""
_open_of_unit = (lot.c.unit == _UNIT) & plain(lot.c.open)
_free = lot.c.remaining - func.coalesce(_kept.c.amount, 0)
_ended = (
    select(lot.c.user_id, _free.label("amount"))
    .select_from(lot.outerjoin(_kept, (_kept.c.user_id == lot.c.user_id) & (_kept.c.lot_id == lot.c.id)))
    .where(_open_of_unit, lot.c.expires_at <= _AT, _free > 0)
)
_lapsed = select(hold.c.user_id, literal(None, BigInteger).label("amount")).where(
    _held_of_unit, hold.c.expires_at <= _AT
)


def _reached(days: int) -> Any:
    """That a lot ends within so many days, and that was not said yet."""
    within = bindparam(f"within_{days}", type_=Time)
    return and_(lot.c.expires_at <= within, or_(lot.c.warned == 0, lot.c.warned > days))


_unwarned = select(lot.c.user_id, lot.c.remaining.label("amount")).where(
    _open_of_unit,
    lot.c.expires_at > _AT,
    lot.c.expires_at <= bindparam(f"within_{max(WARNING_DAYS)}", type_=Time),
    or_(*map(_reached, WARNING_DAYS)),
)


def _find(due: Any) -> Statement:
    found = due.subquery("due")
    return Statement(
        select(found.c.user_id)
        .where(found.c.user_id > _AFTER)
        .distinct()
        .order_by(found.c.user_id)
        .limit(_LIMIT)
        .offset(_SKIP)
    )


def _count(due: Any) -> Statement:
    """Accounts, lots, points, holds; what has no amount is a hold."""
    found = due.subquery("due")
    lots = func.count(found.c.amount)
    return Statement(
        select(
            func.count(found.c.user_id.distinct()),
            lots,
            cast(func.coalesce(func.sum(found.c.amount), 0), BigInteger),
            func.count() - lots,
        )
    )


_DUE = {"expiry": union_all(_ended, _lapsed), "warning": _unwarned}
_FIND = {task: _find(due) for task, due in _DUE.items()}
_COUNT = {task: _count(due) for task, due in _DUE.items()}


class PointsDue:
    """What is due, found by the end of lots and the limit of holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, task: Task, unit: str, at: datetime, after: UUID, limit: int, skip: int
    ) -> list[UUID]:
        rows = await self._database.all(
            _FIND[task], unit=unit, after=after, limit=limit, skip=skip, **_instants(at)
        )
        return [row["user_id"] for row in rows]

    async def count(self, task: Task, unit: str, at: datetime) -> Tally:
        row = await self._database.one(_COUNT[task], unit=unit, **_instants(at))
        assert row is not None, "a count always answers"
        return Tally(*row)


def _instants(at: datetime) -> dict[str, datetime]:
    return {"at": at} | {f"within_{days}": at + timedelta(days=days) for days in WARNING_DAYS}
