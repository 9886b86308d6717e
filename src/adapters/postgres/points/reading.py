"""The read side of the points ledger on PostgreSQL: balances, statements, units."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import Text, bindparam, func, select, union_all

from ....application.points import Kept, LotPart, StatementLine
from ....domain.points import Account, Books, Lot, Policy, Rate
from ....domain.shared import evolve
from ..database import Database
from ..rows import Statement, plain, unnested
from ..schema import Int, Uuid
from ..together import Together
from .tables import (
    ACCOUNTS,
    BOOKS,
    HOLDS,
    LOTS,
    POLICIES,
    RATES,
    account,
    allocation,
    hold,
    lot,
    posting,
    unit_books,
    unit_policy,
    unit_rate,
)

_USER, _UNIT = bindparam("user_id", type_=Uuid), bindparam("unit", type_=Text)
_open_lot = (lot.c.user_id == account.c.user_id) & (lot.c.unit == account.c.unit) & plain(lot.c.open)
_asked = unnested("asked", user_id=Uuid, unit=Text)
_BOOKS = Statement(
    select(*ACCOUNTS.columns, *LOTS.columns).select_from(
        _asked.join(
            account, (account.c.user_id == _asked.c.user_id) & (account.c.unit == _asked.c.unit)
        ).outerjoin(lot, _open_lot)
    )
)
_HOLDS = Statement(
    select(*HOLDS.columns).where(hold.c.user_id == _USER, hold.c.unit == _UNIT, plain(hold.c.state == "held"))
)
_line = (
    select(posting)
    .where(
        posting.c.user_id == _USER,
        posting.c.unit == _UNIT,
        posting.c.sequence < bindparam("before", type_=Int),
    )
    .order_by(posting.c.sequence.desc())
    .limit(bindparam("limit", type_=Int))
    .cte("line")
)
_of_lot = (lot.c.user_id == allocation.c.user_id) & (lot.c.id == allocation.c.lot_id)
_of_line = (
    (allocation.c.user_id == _line.c.user_id)
    & (allocation.c.debit_id == func.coalesce(_line.c.debit_id, _line.c.id))
    & (allocation.c.posting_id == _line.c.id)
)
_touched = union_all(
    select(
        _line.c.id.label("posting_id"), lot.c.id.label("lot_id"), lot.c.amount, lot.c.funded, lot.c.expires_at
    ).select_from(_line.join(lot, (lot.c.user_id == _line.c.user_id) & (lot.c.id == _line.c.id))),
    select(_line.c.id, lot.c.id, -allocation.c.amount, lot.c.funded, lot.c.expires_at).select_from(
        _line.join(allocation, _of_line).join(lot, _of_lot)
    ),
).subquery("touched")
_LINE_FIELDS = StatementLine.__struct_fields__[:-1]
_LINES = Statement(
    select(
        *(_line.c[name] for name in _LINE_FIELDS), *(_touched.c[name] for name in LotPart.__struct_fields__)
    )
    .select_from(_line.outerjoin(_touched, _touched.c.posting_id == _line.c.id))
    .order_by(_line.c.sequence.desc(), _touched.c.expires_at, _touched.c.lot_id)
)
_ACCOUNT_WIDTH = len(ACCOUNTS.fields)
FRESH = timedelta(seconds=30)
"""For how long policies are not read again: half of the notice that a new version is given."""
_POLICIES = Statement(select(*POLICIES.columns).order_by(unit_policy.c.unit, unit_policy.c.version))
_RATES = Statement(
    select(*RATES.columns).order_by(unit_rate.c.unit, unit_rate.c.to_unit, unit_rate.c.version)
)
_UNIT_BOOKS = Statement(select(*BOOKS.columns).order_by(unit_books.c.unit))


class PointsQueries:
    """The read side of the ledger on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked = Together(self._books)
        self._policies: tuple[datetime, list[Policy]] | None = None

    async def book(self, user_id: UUID, unit: str) -> Kept | None:
        book = await self._asked.find((user_id, unit))
        if book is None or not book.account.held:
            return book
        rows = await self._database.all(_HOLDS, user_id=user_id, unit=unit)
        return evolve(book, holds=tuple(map(HOLDS.record, rows)))

    async def _books(self, keys: Sequence[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], Kept]:
        """The accounts with their open lots, without their holds."""
        owners, units = zip(*keys, strict=True)
        rows = await self._database.look_up(_BOOKS, asked_user_id=owners, asked_unit=units)
        found: dict[tuple[UUID, str], tuple[Account, list[Lot]]] = {}
        for row in rows:
            owner = ACCOUNTS.record(row[:_ACCOUNT_WIDTH])
            _, lots = found.setdefault((owner.user_id, owner.unit), (owner, []))
            if row["id"] is not None:
                lots.append(LOTS.record(row[_ACCOUNT_WIDTH:]))
        return {key: Kept(owner, tuple(lots)) for key, (owner, lots) in found.items()}

    async def policies(self, unit: str, at: datetime) -> list[Policy]:
        if self._policies is None or not self._policies[0] <= at < self._policies[0] + FRESH:
            rows = await self._database.all(_POLICIES)
            self._policies = at, [*map(POLICIES.record, rows)]
        return [one for one in self._policies[1] if one.unit == unit]

    async def units(self) -> tuple[list[Policy], list[Rate], list[Books]]:
        policies = await self._database.all(_POLICIES)
        rates, books = await self._database.all(_RATES), await self._database.all(_UNIT_BOOKS)
        return [*map(POLICIES.record, policies)], [*map(RATES.record, rates)], [*map(BOOKS.record, books)]

    async def lines(self, user_id: UUID, unit: str, limit: int, before: int | None) -> list[StatementLine]:
        rows = await self._database.all(
            _LINES, user_id=user_id, unit=unit, limit=limit, before=2**63 - 1 if before is None else before
        )
        width = len(_LINE_FIELDS)
        by_line = groupby(rows, key=lambda row: row[:width])
        return [
            evolve(StatementLine(*line), lots=tuple(LotPart(*row[width:]) for row in some if row["lot_id"]))
            for line, some in by_line
        ]
