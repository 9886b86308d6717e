"""The points ledger in PostgreSQL. Home: `user_id`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import Boolean, Computed, Index, Integer, Text, bindparam, func, select, union_all

from ...application import points as app
from ...application.points import Kept, LotPart, StatementLine
from ...domain import points
from ...domain.points import Account, Books, Lot, Policy, Rate
from ...domain.shared import evolve
from .database import Database
from .rows import Statement, Stored, plain, unnested
from .schema import Bytes, Int, Json, Time, Uuid, field, holds, one_of, table
from .together import Together

account = table(
    "account",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("unit", Text, primary_key=True),
    field("balance", Int),
    field("held", Int),
    field("debt", Int),
    field("earned", Int),
    field("spent", Int),
    field("expired", Int),
    field("sequence", Int),
    field("hash", Bytes),
    field("matures_at", Time),
    field("refunded_at", Time),
    field("closed_at", Time, nullable=True),
    field("recorded_at", Time),
    holds("balance", "balance >= 0"),
    holds("debt", "debt >= 0"),
    holds("held", "held >= 0 and held <= balance"),
    updated=True,
)
lot = table(
    "lot",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("unit", Text),
    field("amount", Int),
    field("remaining", Int),
    field("funded", Boolean),
    field("available_at", Time),
    field("expires_at", Time),
    field("source_type", Text),
    field("source_id", Uuid),
    field("grant_id", Uuid),
    field("policy_version", Integer),
    field("expired", Int),
    field("warned", Integer),
    field("revoked", Boolean),
    field("created_at", Time),
    holds("remaining", "remaining >= 0 and remaining <= amount"),
    holds("expired", "expired >= 0 and expired + remaining <= amount"),
    holds("amount", "amount > 0"),
    field("open", Boolean, Computed("remaining > 0", persisted=True)),
    updated=True,
)
_open = plain(lot.c.open)
Index(
    "lot_open_idx",
    *(lot.c.user_id, lot.c.unit, lot.c.expires_at, lot.c.funded, lot.c.id),
    postgresql_where=_open,
)
Index("lot_due_idx", *(lot.c.unit, lot.c.expires_at, lot.c.user_id, lot.c.id), postgresql_where=_open)
posting = table(
    "posting",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("unit", Text),
    field("sequence", Int),
    field("kind", Text),
    field("contra", Text),
    field("contra_id", Uuid, nullable=True),
    field("amount", Int),
    field("debt", Int),
    field("balance_after", Int),
    field("source_type", Text),
    field("source_id", Uuid),
    field("base_amount", Int),
    field("multiplier", Integer),
    field("rate", Text),
    field("debit_id", Uuid, nullable=True),
    field("author_id", Uuid, nullable=True),
    field("reason", Text),
    field("available_at", Time, nullable=True),
    field("expires_at", Time, nullable=True),
    field("funded", Boolean, nullable=True),
    field("grant_id", Uuid, nullable=True),
    field("policy_version", Integer, nullable=True),
    field("effective_at", Time),
    field("recorded_at", Time),
    field("hash", Bytes),
    one_of("kind", points.PostingKind),
    one_of("contra", points.Contra),
    holds("balance_after", "balance_after >= 0"),
)
Index("posting_sequence_key", posting.c.user_id, posting.c.unit, posting.c.sequence, unique=True)
Index(
    "posting_late_idx",
    *(posting.c.user_id, posting.c.unit, posting.c.effective_at),
    postgresql_where=posting.c.effective_at < posting.c.recorded_at,
    postgresql_include=["recorded_at", "amount", "kind"],
)
Index(
    "posting_debt_idx",
    *(posting.c.user_id, posting.c.unit, posting.c.effective_at),
    postgresql_where=plain(posting.c.debt != 0),
    postgresql_include=["debt"],
)
Index("posting_effective_idx", posting.c.effective_at, postgresql_using="brin")
allocation = table(
    "allocation",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("debit_id", Uuid, primary_key=True),
    field("posting_id", Uuid, primary_key=True),
    field("lot_id", Uuid, primary_key=True),
    field("amount", Int),
    holds("amount", "amount <> 0"),
)
hold = table(
    "hold",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("unit", Text),
    field("amount", Int),
    field("captured", Int),
    field("state", Text),
    field("parts", Json),
    field("source_type", Text),
    field("source_id", Uuid),
    field("expires_at", Time),
    field("created_at", Time),
    field("closed_at", Time, nullable=True),
    one_of("state", points.HoldState),
    holds("captured", "captured >= 0 and captured <= amount"),
)
Index("hold_open_idx", hold.c.user_id, hold.c.unit, postgresql_where=plain(hold.c.state == "held"))
Index("hold_due_idx", hold.c.unit, hold.c.expires_at, postgresql_where=plain(hold.c.state == "held"))
unit_policy = table(
    "unit_policy",
    "reference",
    field("unit", Text, primary_key=True),
    field("version", Integer, primary_key=True),
    field("in_force_at", Time),
    field("validity_months", Integer, nullable=True),
    field("maturity_days", Integer),
    field("grace_days", Integer),
    field("zone", Text),
    field("consumption", Text),
    field("giftable", Boolean),
    field("cents", Integer),
    one_of("consumption", points.Consumption),
)
unit_rate = table(
    "unit_rate",
    "reference",
    field("unit", Text, primary_key=True),
    field("to_unit", Text, primary_key=True),
    field("version", Integer, primary_key=True),
    field("give", Integer),
    field("get", Integer),
    field("in_force_at", Time),
    holds("give", "give > 0"),
    holds("get", "get > 0"),
)
unit_books = table(
    "unit_books",
    "unit",
    field("unit", Text, primary_key=True),
    field("closed_through", Time),
    field("closed_at", Time),
)

ACCOUNTS = Stored(app.ACCOUNTS, account)
LOTS = Stored(app.LOTS, lot)
POSTINGS = Stored(app.POSTINGS, posting)
ALLOCATIONS = Stored(app.ALLOCATIONS, allocation)
HOLDS = Stored(app.HOLDS, hold)
POLICIES = Stored(app.POLICIES, unit_policy)
RATES = Stored(app.RATES, unit_rate)
BOOKS = Stored(app.BOOKS, unit_books)
STORED = (BOOKS, ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS, POLICIES, RATES)

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
