"""What is stored of accounts, in PostgreSQL, as a verification reads it: whole ranges of owners, each in one
snapshot, a statement a table."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, and_, bindparam, case, func, or_, select, union
from sqlalchemy.dialects.postgresql import distinct_on

from ....application.points import auditing as app
from ....application.points.auditing import AuditPage, Size
from ....domain.points import Allocation, Posting, seals
from ....domain.points.audit import Checkpoint, Dossier, Gift
from ....domain.points.dossiers import Owned, dossiers_of
from ....domain.points.seals import Leaf, Top
from ..database import Database, reading
from ..rows import Statement, Stored, unnested
from ..schema import Bytes, Int, Json, Time, Uuid, field, table
from .seals import seal_chunk, seal_tree
from .tables import ACCOUNTS, ALLOCATIONS, HOLDS, LOTS, POSTINGS, account, allocation, hold, lot, posting

checkpoint = table(
    "checkpoint",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("unit", Text, primary_key=True),
    field("sequence", Int),
    field("hash", Bytes),
    field("account", Json),
    field("lots", Json),
    field("checked_at", Time),
)
CHECKPOINTS = Stored(app.CHECKPOINTS, checkpoint)
STORED = (CHECKPOINTS,)

MOST_OWNERS = 2_000
MOST_MOVED = 250
"""Owners of a page. Those that moved may be in as many pieces of a seal, which are read whole."""
BY_INDEX = "; ".join(f"set local enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin"))

SNAPSHOT = {"isolation": "repeatable_read", "readonly": True}

_FIRST, _LAST = bindparam("first", type_=Uuid), bindparam("last", type_=Uuid)
_MOST = bindparam("most", type_=Int)


def _range(stored: Stored[Any]) -> Statement:
    """All rows of a range of owners."""
    return Statement(select(*stored.columns).where(stored.table.c.user_id.between(_FIRST, _LAST)))


_ACCOUNTS, _POSTINGS, _ALLOCATIONS = _range(ACCOUNTS), _range(POSTINGS), _range(ALLOCATIONS)
_LOTS, _HOLDS = _range(LOTS), _range(HOLDS)
_OWNERS = Statement(
    select(account.c.user_id, func.sum(account.c.sequence).label("lines"))
    .where(account.c.user_id.between(_FIRST, _LAST))
    .group_by(account.c.user_id)
    .order_by(account.c.user_id)
    .limit(_MOST)
)
_SIZE = Statement(
    select(func.count(), func.coalesce(func.sum(account.c.sequence), 0).cast(BigInteger)).where(
        account.c.user_id.between(_FIRST, _LAST)
    )
)

# --- what has moved -----------------------------------------------------------------------------------

_now = select(account).where(account.c.user_id.between(_FIRST, _LAST)).subquery("now")
_then = select(checkpoint).where(checkpoint.c.user_id.between(_FIRST, _LAST)).subquery("before")
_owner = func.coalesce(_now.c.user_id, _then.c.user_id)
_MOVED = Statement(
    select(
        _owner.label("user_id"),
        func.coalesce(_now.c.unit, _then.c.unit).label("unit"),
        func.coalesce(_then.c.sequence, 0).label("sequence"),
        func.coalesce(_now.c.sequence, 0).label("lines"),
    )
    .select_from(
        _now.join(_then, and_(_now.c.user_id == _then.c.user_id, _now.c.unit == _then.c.unit), full=True)
    )
    .where(
        or_(
            _now.c.user_id.is_(None),
            _then.c.user_id.is_(None),
            _now.c.sequence != _then.c.sequence,
            _now.c.hash != _then.c.hash,
        )
    )
    .order_by(_owner, func.coalesce(_now.c.unit, _then.c.unit))
    .limit(_MOST)
)
_asked = unnested("asked", user_id=Uuid, unit=Text, sequence=BigInteger)
_touched = unnested("touched", user_id=Uuid, id=Uuid)


def _of_asked(t: Any) -> Any:
    return and_(t.c.user_id == _asked.c.user_id, t.c.unit == _asked.c.unit)


_ACCOUNTS_ASKED = Statement(select(*ACCOUNTS.columns).select_from(_asked.join(account, _of_asked(account))))
_CHECKPOINTS_ASKED = Statement(
    select(*CHECKPOINTS.columns).select_from(_asked.join(checkpoint, _of_asked(checkpoint)))
)
_POSTINGS_ASKED = Statement(
    select(*POSTINGS.columns).select_from(
        _asked.join(posting, and_(_of_asked(posting), posting.c.sequence > _asked.c.sequence))
    )
)
_ANCHORS = Statement(
    select(posting.c.user_id, posting.c.unit, posting.c.hash).select_from(
        _asked.join(posting, and_(_of_asked(posting), posting.c.sequence == _asked.c.sequence))
    )
)
_lines = (
    select(posting.c.user_id, posting.c.id, func.coalesce(posting.c.debit_id, posting.c.id).label("debit_id"))
    .select_from(_asked.join(posting, and_(_of_asked(posting), posting.c.sequence > _asked.c.sequence)))
    .subquery("line")
)
_ALLOCATIONS_ASKED = Statement(
    select(*ALLOCATIONS.columns).select_from(
        _lines.join(
            allocation,
            and_(
                allocation.c.user_id == _lines.c.user_id,
                allocation.c.debit_id == _lines.c.debit_id,
                allocation.c.posting_id == _lines.c.id,
            ),
        )
    )
)
_LOTS_ASKED = Statement(
    union(
        select(*LOTS.columns).select_from(_asked.join(lot, and_(_of_asked(lot), lot.c.open))),
        select(*LOTS.columns).select_from(
            _touched.join(lot, and_(lot.c.user_id == _touched.c.user_id, lot.c.id == _touched.c.id))
        ),
    )
)
_HOLDS_ASKED = Statement(select(*HOLDS.columns).select_from(_asked.join(hold, _of_asked(hold))))

# --- seals and gifts ------------------------------------------------------------------------------------

_TREES = Statement(
    select(seal_tree.c.unit, seal_tree.c.tree_id, seal_tree.c.tops)
    .ext(distinct_on(seal_tree.c.unit))
    .order_by(seal_tree.c.unit, seal_tree.c.number.desc())
)
_piece = unnested("piece", unit=Text, tree_id=Uuid, number=BigInteger)
_CHUNKS = Statement(
    select(seal_chunk.c.unit, seal_chunk.c.leaves).select_from(
        _piece.join(
            seal_chunk,
            and_(
                seal_chunk.c.unit == _piece.c.unit,
                seal_chunk.c.tree_id == _piece.c.tree_id,
                seal_chunk.c.number == _piece.c.number,
            ),
        )
    )
)
_is_given = posting.c.kind == "given"
_sides = case(
    (_is_given, posting.c.user_id.cast(Text) + func.coalesce(posting.c.contra_id.cast(Text), "")),
    else_=func.coalesce(posting.c.contra_id.cast(Text), "") + posting.c.user_id.cast(Text),
)
_names = func.min(_sides) == func.max(_sides)
_givers, _total = func.count().filter(_is_given), func.sum(posting.c.amount).cast(BigInteger)
_GIFTS = Statement(
    select(
        posting.c.unit,
        posting.c.source_id,
        func.coalesce(
            func.min(posting.c.user_id.cast(Text)).filter(_is_given), func.min(posting.c.user_id.cast(Text))
        ),
        func.coalesce(func.min(posting.c.id.cast(Text)).filter(_is_given), func.min(posting.c.id.cast(Text))),
        _givers,
        _total,
        _names,
    )
    .where(or_(_is_given, posting.c.kind == "received"))
    .group_by(posting.c.unit, posting.c.source_id)
    .having(or_(_givers != 1, _total != 0, ~_names))
    .order_by(posting.c.unit, posting.c.source_id)
    .limit(_MOST)
)


class _Snapshot:
    """One transaction in which every statement sees the same."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, statement: Statement, **values: Any) -> Sequence[Any]:
        rows: Sequence[Any] = await self._connection.fetch(statement.sql, *statement.args(values))
        return rows

    async def by_index(self) -> None:
        """From here on rows are found by their keys."""
        await self._connection.execute(BY_INDEX)

    async def all(self, stored: Stored[Any], statement: Statement, **values: Any) -> list[Any]:
        return [*map(stored.record, await self.rows(statement, **values))]

    async def sealed(
        self, pieces: Callable[[Sequence[Top]], Iterable[int]], is_wanted: Callable[[UUID], bool]
    ) -> dict[Owned, Leaf]:
        """What the newest seals say of some owners, who are in these pieces."""
        trees = [(unit, id, seals.unpacked_tops(tops)) for unit, id, tops in await self.rows(_TREES)]
        places = [(unit, id, number) for unit, id, tops in trees for number in pieces(tops)]
        units, ids, numbers = zip(*places, strict=True) if places else ((), (), ())
        chunks = await self.rows(_CHUNKS, piece_unit=units, piece_tree_id=ids, piece_number=numbers)
        return {
            (leaf.user_id, unit): leaf
            for unit, leaves in chunks
            for leaf in seals.unpacked(leaves)
            if is_wanted(leaf.user_id)
        }


class AuditQueries:
    """What is stored of accounts, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[_Snapshot]:
        with reading():
            async with self._database.connection() as connection, connection.transaction(**SNAPSHOT):
                yield _Snapshot(connection)

    async def page(self, first: UUID, last: UUID, lines: int) -> AuditPage:
        async with self._snapshot() as now:
            owners = await now.rows(_OWNERS, first=first, last=last, most=MOST_OWNERS)
            through = _through(owners, lines, MOST_OWNERS)
            end = last if through is None else through
            until = {"first": first, "last": end}
            dossiers = dossiers_of(
                await now.all(ACCOUNTS, _ACCOUNTS, **until),
                await now.all(POSTINGS, _POSTINGS, **until),
                await now.all(ALLOCATIONS, _ALLOCATIONS, **until),
                await now.all(LOTS, _LOTS, **until),
                await now.all(HOLDS, _HOLDS, **until),
                sealed=await now.sealed(
                    lambda tops: seals.pieces_between(tops, first, end), lambda one: first <= one <= end
                ),
                checkpoints={},
                anchors={},
            )
        return AuditPage(tuple(dossiers), through)

    async def moved(self, first: UUID, last: UUID, lines: int) -> AuditPage:
        async with self._snapshot() as now:
            found = await now.rows(_MOVED, first=first, last=last, most=MOST_MOVED)
            through = _through([(one[0], one["lines"] - one["sequence"]) for one in found], lines, MOST_MOVED)
            asked = [one for one in found if through is None or one["user_id"] <= through]
            await now.by_index()
            return AuditPage(tuple(await self._since(now, asked)), through)

    async def _since(self, now: _Snapshot, asked: Sequence[Any]) -> Sequence[Dossier]:
        """The dossiers of accounts from their checkpoints on."""
        wanted = {f"asked_{name}": [one[name] for one in asked] for name in ("user_id", "unit", "sequence")}
        postings: list[Posting] = await now.all(POSTINGS, _POSTINGS_ASKED, **wanted)
        parts: list[Allocation] = await now.all(ALLOCATIONS, _ALLOCATIONS_ASKED, **wanted)
        touched = {(one.user_id, one.id) for one in postings} | {(one.user_id, one.lot_id) for one in parts}
        lots = {f"touched_{name}": [one[at] for one in touched] for at, name in enumerate(("user_id", "id"))}
        marks: list[Checkpoint] = await now.all(CHECKPOINTS, _CHECKPOINTS_ASKED, **wanted)
        owners = {one["user_id"] for one in asked}
        keys = {(one["user_id"], one["unit"]) for one in asked}
        sealed = await now.sealed(lambda tops: _pieces(tops, owners), owners.__contains__)
        return dossiers_of(
            await now.all(ACCOUNTS, _ACCOUNTS_ASKED, **wanted),
            postings,
            parts,
            await now.all(LOTS, _LOTS_ASKED, **wanted, **lots),
            await now.all(HOLDS, _HOLDS_ASKED, **wanted),
            sealed={key: leaf for key, leaf in sealed.items() if key in keys},
            checkpoints={(one.user_id, one.unit): one for one in marks},
            anchors={(row[0], row[1]): row[2] for row in await now.rows(_ANCHORS, **wanted)},
        )

    async def gifts(self, limit: int) -> list[Gift]:
        rows = await self._database.all(_GIFTS, most=limit)
        return [Gift(unit, id, UUID(owner), UUID(first), *rest) for unit, id, owner, first, *rest in rows]

    async def size(self, first: UUID, last: UUID) -> Size:
        row = await self._database.one(_SIZE, first=first, last=last)
        assert row is not None, "a count has one row"
        return Size(*row)


def _pieces(tops: Sequence[Top], owners: Iterable[UUID]) -> set[int]:
    found = (seals.piece_with(tops, one) for one in owners)
    return {number for number in found if number is not None}


def _through(rows: Sequence[Any], lines: int, most: int) -> UUID | None:
    """The last owner of a page of about so many lines, none torn apart; None where all of them fit. As
    many as `most` rows are not all: the last owner may have more."""
    ended: UUID | None = None
    last: UUID | None = None
    count = 0
    for user_id, more, *_ in rows:
        if user_id != last:
            ended, last = last, user_id
            if ended is not None and count + max(0, int(more)) > lines:
                return ended
        count += max(0, int(more))
    return (ended or last) if len(rows) == most else None
