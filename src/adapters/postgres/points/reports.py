"""What the reports of the ledger are made from, on PostgreSQL: one statement each, so one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Interval,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from ....application.points.reports import Booked, KindMoved, Past
from ....domain.points import FOREVER
from ....domain.points.reports import Moved, Owed
from ..database import Database
from ..rows import Statement, plain, unnested
from ..schema import Int, Time, Uuid
from .tables import account, hold, lot, posting

_USER, _UNIT = bindparam("user_id", type_=Uuid), bindparam("unit", type_=Text)
_AT, _KNOWN_AT = bindparam("at", type_=Time), bindparam("known_at", type_=Time)
_INSTANT = literal_column("interval '1 microsecond'", Interval)
_ZERO, _ONE, _TWO = (literal_column(number, Int) for number in "012")


def _sum(value: Any) -> Any:
    """A sum as a whole number, 0 of nothing."""
    return cast(func.coalesce(func.sum(value), _ZERO), Int)


# --- what a hold keeps, and what ended without being written down -------------------------------------


def _kept(*of: Any) -> Any:
    """What each open hold sets aside of each lot, and until when."""
    part = (
        func.jsonb_to_recordset(hold.c.parts)
        .table_valued(column("lot_id", Uuid), column("amount", Int), name="part")
        .render_derived(with_types=True)
    )
    return (
        select(hold.c.user_id, hold.c.expires_at.label("until"), part.c.lot_id, part.c.amount)
        .select_from(hold.join(part, true()))
        .where(plain(hold.c.state == "held"), *of)
        .cte("kept")
    )


def _of_lot(kept: Any) -> ColumnElement[bool]:
    return and_(kept.c.user_id == lot.c.user_id, kept.c.lot_id == lot.c.id)


def _ended(kept: Any, by: Any, *of: Any) -> Any:
    """The expiries that time decided by an instant: at the lot's own, and, of what a hold kept longer, when
    the hold ended."""
    over = (plain(lot.c.open), lot.c.expires_at <= by, *of)
    longer = and_(_of_lot(kept), kept.c.until > lot.c.expires_at)
    at_once = lot.c.remaining - func.coalesce(func.sum(kept.c.amount), _ZERO)
    return union_all(
        select(lot.c.expires_at.label("effective_at"), at_once.label("amount"))
        .select_from(lot.outerjoin(kept, longer))
        .where(*over)
        .group_by(lot.c.user_id, lot.c.id),
        select(kept.c.until, kept.c.amount)
        .select_from(lot.join(kept, longer))
        .where(*over, kept.c.until <= by),
    ).cte("ended")


# --- what was so at an instant ------------------------------------------------------------------------


_mine = and_(posting.c.user_id == _USER, posting.c.unit == _UNIT)
_was_there = posting.c.recorded_at <= _AT
_search = (
    select(cast(_ZERO, Int).label("low"), account.c.sequence.label("high"))
    .where(account.c.user_id == _USER, account.c.unit == _UNIT)
    .cte("search", recursive=True)
)
_search = _search.union_all(
    select(
        case((_was_there, posting.c.sequence), else_=_search.c.low),
        case((_was_there, _search.c.high), else_=posting.c.sequence - _ONE),
    ).where(
        _search.c.low < _search.c.high,
        _mine,
        posting.c.sequence == (_search.c.low + _search.c.high + _ONE) // _TWO,
    )
)
"""The last line recorded by an instant, by halves: recorded time rises with the sequence."""
_found = select(func.max(_search.c.low).label("sequence")).subquery("found")
_moved_at = select(account.c.recorded_at).where(account.c.user_id == _USER, account.c.unit == _UNIT)
_late = select(_sum(posting.c.amount)).where(
    _mine,
    _moved_at.scalar_subquery() > _AT,  # of the present nothing is late: not even looked for
    plain(posting.c.effective_at < posting.c.recorded_at),
    posting.c.effective_at <= _AT,
    posting.c.recorded_at > _AT,
    or_(posting.c.recorded_at <= _KNOWN_AT, posting.c.kind == literal_column("'expired'")),
)
_debt = select(_sum(posting.c.debt)).where(_mine, plain(posting.c.debt != 0), posting.c.effective_at <= _AT)
_mine_ended = _ended(
    _kept(hold.c.user_id == _USER, hold.c.unit == _UNIT),
    bindparam("ended_by", type_=Time),
    lot.c.user_id == _USER,
    lot.c.unit == _UNIT,
)
_PAST = Statement(
    select(
        func.coalesce(posting.c.balance_after, _ZERO),
        _debt.scalar_subquery(),
        _late.scalar_subquery(),
        select(_sum(_mine_ended.c.amount)).scalar_subquery(),
        _found.c.sequence,
        func.coalesce(posting.c.hash, literal_column("''::bytea")),
    )
    .select_from(_found.outerjoin(posting, and_(_mine, posting.c.sequence == _found.c.sequence)))
    .where(_found.c.sequence.is_not(None))
)


# --- what is owed ---------------------------------------------------------------------------------------


_NOW = bindparam("now", type_=Time)
_asked = unnested("asked", unit=Text, zone=Text)
_kept_now = _kept(hold.c.expires_at > _NOW)
_held = (
    select(_kept_now.c.user_id, _kept_now.c.lot_id, func.sum(_kept_now.c.amount).label("amount"))
    .group_by(_kept_now.c.user_id, _kept_now.c.lot_id)
    .subquery("held")
)
_month = func.to_char(func.timezone(_asked.c.zone, lot.c.expires_at - _INSTANT), literal_column("'YYYY-MM'"))
_never = lot.c.expires_at >= bindparam("forever", FOREVER, Time)
_left_of = (
    select(
        lot.c.unit,
        case((_never, literal_column("''")), else_=_month).label("month"),
        lot.c.funded,
        case((lot.c.expires_at > _NOW, lot.c.remaining), else_=_held.c.amount).label("amount"),
    )
    .select_from(lot.join(_asked, lot.c.unit == _asked.c.unit).outerjoin(_held, _of_lot(_held)))
    .where(plain(lot.c.open))
    .subquery("left_of")
)
_OWED = Statement(
    select(
        _left_of.c.unit,
        _left_of.c.month,
        cast(func.coalesce(func.sum(_left_of.c.amount).filter(_left_of.c.funded), _ZERO), Int),
        cast(func.coalesce(func.sum(_left_of.c.amount).filter(~_left_of.c.funded), _ZERO), Int),
    )
    .where(_left_of.c.amount > _ZERO)
    .group_by(_left_of.c.unit, _left_of.c.month)
    .order_by(_left_of.c.unit.collate("C"), _left_of.c.month.collate("C"))
)


# --- what moved -------------------------------------------------------------------------------------------


_BOUNDS = bindparam("bounds", type_=ARRAY(Time))
_lines = (
    select(
        func.width_bucket(
            case(
                (posting.c.kind == literal_column("'expired'"), posting.c.effective_at - _INSTANT),
                else_=posting.c.effective_at,
            ),
            _BOUNDS,
        ).label("month"),
        posting.c.kind,
        posting.c.amount,
    )
    .where(posting.c.unit == _UNIT, posting.c.effective_at >= bindparam("since", type_=Time))
    .subquery("line")
)
_all_ended = _ended(_kept(hold.c.unit == _UNIT), _NOW, lot.c.unit == _UNIT)
_unwritten = select(
    func.width_bucket(_all_ended.c.effective_at - _INSTANT, _BOUNDS).label("month"), _all_ended.c.amount
).subquery("unwritten")
_BOOKED: Any = literal_column("'booked'")
_WRITTEN: Any = literal_column("'written'")
_ALONE: Any = literal_column("'unwritten'")
_MOVED = Statement(
    union_all(
        select(_BOOKED, _ZERO, literal_column("''"), _sum(account.c.balance)).where(account.c.unit == _UNIT),
        select(_WRITTEN, _lines.c.month, _lines.c.kind, _sum(_lines.c.amount))
        .where(_lines.c.month > _ZERO)
        .group_by(_lines.c.month, _lines.c.kind),
        select(_ALONE, _unwritten.c.month, literal_column("'expired'"), -_sum(_unwritten.c.amount))
        .where(_unwritten.c.amount > _ZERO)
        .group_by(_unwritten.c.month),
    )
)
_REDEEMED = Statement(
    select(posting.c.unit, posting.c.kind, _sum(posting.c.amount))
    .where(plain(posting.c.contra == "redemption"), posting.c.effective_at >= bindparam("since", type_=Time))
    .group_by(posting.c.unit, posting.c.kind)
    .order_by(posting.c.unit.collate("C"), posting.c.kind)
)


class PointsReports:
    """What the reports are made from, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def past(
        self, user_id: UUID, unit: str, at: datetime, known_at: datetime, ended_by: datetime
    ) -> Past | None:
        row = await self._database.one(
            _PAST, user_id=user_id, unit=unit, at=at, known_at=known_at, ended_by=ended_by
        )
        return None if row is None else Past(*row)

    async def owed(self, zones: Mapping[str, str], at: datetime) -> list[Owed]:
        rows = await self._database.all(
            _OWED, asked_unit=list(zones), asked_zone=list(zones.values()), now=at
        )
        return [Owed(*row) for row in rows]

    async def moved(self, unit: str, bounds: Sequence[datetime], at: datetime) -> Booked:
        rows = await self._database.all(_MOVED, unit=unit, bounds=bounds, since=bounds[0], now=at)
        moved = tuple(
            Moved(month, kind, amount, what == "written")
            for what, month, kind, amount in rows
            if what != "booked"
        )
        return Booked(next(row[3] for row in rows if row[0] == "booked"), moved)

    async def redeemed(self, since: datetime) -> list[KindMoved]:
        rows = await self._database.all(_REDEEMED, since=since)
        return [KindMoved(*row) for row in rows]
