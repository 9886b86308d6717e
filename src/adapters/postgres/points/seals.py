"""The seals of the points ledger in PostgreSQL. Home: `unit`, by which few are ever written."""

from collections.abc import AsyncGenerator
from datetime import date
from uuid import UUID

from sqlalchemy import Date, Text, bindparam, or_, select

from ....application.points import sealing as app
from ....application.points.sealing import SealTree
from ....domain.points import seals
from ....domain.points.seals import Leaf, Seal
from ..database import Database, reading
from ..rows import Statement, Stored
from ..schema import Bytes, Int, Time, Uuid, field, holds, table
from .tables import account

seal = table(
    "seal",
    "unit",
    field("unit", Text, primary_key=True),
    field("number", Int, primary_key=True),
    field("day", Date),
    field("root", Bytes),
    field("total", Int),
    field("accounts", Int),
    field("previous", Bytes),
    field("sealed_at", Time),
    field("hash", Bytes),
    holds("total", "total >= 0 and accounts >= 0"),
)
seal_tree = table(
    "seal_tree",
    "unit",
    field("unit", Text, primary_key=True),
    field("number", Int, primary_key=True),
    field("tree_id", Uuid),
    field("tops", Bytes),
)
seal_chunk = table(
    "seal_chunk",
    "unit",
    field("unit", Text, primary_key=True),
    field("tree_id", Uuid, primary_key=True),
    field("number", Int, primary_key=True),
    field("leaves", Bytes),
)
SEALS = Stored(app.SEALS, seal)
TREES = Stored(app.TREES, seal_tree)
CHUNKS = Stored(app.CHUNKS, seal_chunk)
STORED = (SEALS, TREES, CHUNKS)

_UNIT, _NUMBER = bindparam("unit", type_=Text), bindparam("number", type_=Int)
_DAY, _TREE = bindparam("day", type_=Date), bindparam("tree_id", type_=Uuid)
_newest_first = select(*SEALS.columns).where(seal.c.unit == _UNIT).order_by(seal.c.number.desc())
_SEALS = Statement(_newest_first.where(seal.c.number < _NUMBER).limit(bindparam("limit", type_=Int)))
_SEAL = Statement(_newest_first.where(or_(_DAY.is_(None), seal.c.day == _DAY)).limit(1))
_TREE_OF = Statement(select(*TREES.columns).where(seal_tree.c.unit == _UNIT, seal_tree.c.number == _NUMBER))
_CHUNK = Statement(
    select(seal_chunk.c.leaves).where(
        seal_chunk.c.unit == _UNIT, seal_chunk.c.tree_id == _TREE, seal_chunk.c.number == _NUMBER
    )
)
_LEAVES = Statement(
    select(account.c.user_id, account.c.sequence, account.c.hash, account.c.balance)
    .where(account.c.unit == _UNIT)
    .order_by(account.c.user_id)
)


class SealQueries:
    """The read side of seals on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def leaves(self, unit: str) -> AsyncGenerator[list[Leaf], None]:
        with reading():
            async with self._database.connection() as connection, connection.transaction(readonly=True):
                cursor = await connection.cursor(_LEAVES.sql, *_LEAVES.args({"unit": unit}))
                while rows := await cursor.fetch(seals.CHUNK):
                    yield [Leaf(*row) for row in rows]

    async def seals(self, unit: str, limit: int, before: int | None) -> list[Seal]:
        last = 2**63 - 1 if before is None else before
        rows = await self._database.all(_SEALS, unit=unit, limit=limit, number=last)
        return [*map(SEALS.record, rows)]

    async def seal(self, unit: str, day: date | None) -> Seal | None:
        row = await self._database.one(_SEAL, unit=unit, day=day)
        return None if row is None else SEALS.record(row)

    async def tree(self, unit: str, number: int) -> SealTree | None:
        row = await self._database.one(_TREE_OF, unit=unit, number=number)
        return None if row is None else TREES.record(row)

    async def chunk(self, unit: str, tree_id: UUID, number: int) -> bytes | None:
        row = await self._database.one(_CHUNK, unit=unit, tree_id=tree_id, number=number)
        return None if row is None else bytes(row["leaves"])
