"""The storage of the Runner on PostgreSQL: load and lock one statement per table, write all in one."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg

from ...application.work import Changes, Group, Key, Kind, Loaded, Wanted
from ...domain import shared
from .database import Database, in_time, translated
from .rows import Part, Statements, Stored, arrays, writing

Connection = Any  # asyncpg.Connection or the pool's proxy of one


BEGIN = "begin" + "".join(
    f"; set local enable_{way} = off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
)
"""Every row is found by its key in an index, in its order. Left alone, a connection plans a statement while
its table is small, and goes on reading the whole of it."""


class Locking(Protocol):
    """How the rows of several keys are locked in sorted key order, how the first few of several groups are
    found, and which statements go with it."""

    def statements(self, stored: Stored[Any]) -> Statements: ...

    async def rows(
        self, connection: Connection, stored: Stored[Any], keys: Sequence[Key[Any]]
    ) -> Sequence[asyncpg.Record]: ...

    async def first(
        self, connection: Connection, stored: Stored[Any], group: str, wanted: Sequence[Group[Any]]
    ) -> Sequence[asyncpg.Record]: ...


class ArrayLocking:
    """One `select … for update` for all keys, ordered by key. For one server."""

    def statements(self, stored: Stored[Any]) -> Statements:
        return stored.plain

    async def rows(
        self, connection: Connection, stored: Stored[Any], keys: Sequence[Key[Any]]
    ) -> Sequence[asyncpg.Record]:
        rows: Sequence[asyncpg.Record] = await connection.fetch(stored.plain.by_key_locked, *arrays(keys))
        return rows

    async def first(
        self, connection: Connection, stored: Stored[Any], group: str, wanted: Sequence[Group[Any]]
    ) -> Sequence[asyncpg.Record]:
        rows: Sequence[asyncpg.Record] = await connection.fetch(stored.plain.by_group[group], *arrays(wanted))
        return rows


class PipelinedLocking:
    """The same select for one key at a time, in sorted order, in one pipeline. For a cluster, which
    does not lock the rows of several owners in one statement."""

    def statements(self, stored: Stored[Any]) -> Statements:
        return stored.spread

    async def rows(
        self, connection: Connection, stored: Stored[Any], keys: Sequence[Key[Any]]
    ) -> Sequence[asyncpg.Record]:
        ordered = sorted(key.values for key in keys)
        rows: Sequence[asyncpg.Record] = await connection.fetchmany(stored.one_locked, ordered)
        return rows

    async def first(
        self, connection: Connection, stored: Stored[Any], group: str, wanted: Sequence[Group[Any]]
    ) -> Sequence[asyncpg.Record]:
        values = [one.values for one in wanted]
        rows: Sequence[asyncpg.Record] = await connection.fetchmany(stored.spread.by_group[group], values)
        return rows


Place = tuple[Kind[Any], str]
"""Where records are looked for: in a kind by key (""), or in one of its groups."""


class PostgresTransaction:
    """One open transaction on one connection. `stored` is in the order of writing, `places` of locking."""

    def __init__(
        self,
        connection: Connection,
        stored: Mapping[Kind[Any], Stored[Any]],
        places: Mapping[Place, int],
        locking: Locking,
    ) -> None:
        self._connection, self._stored, self._places, self._locking = connection, stored, places, locking

    async def load(self, wanted: Sequence[Wanted], *, lock: bool) -> Loaded:
        loaded = Loaded({}, {})
        asked: dict[Place, list[Any]] = {}
        for one in wanted:
            asked.setdefault((one.kind, one.group if isinstance(one, Group) else ""), []).append(one)
        for place in sorted(asked, key=self._places.__getitem__):
            kind, group = place
            if group:
                await self._list(self._stored[kind], group, asked[place], loaded)
            else:
                await self._find(self._stored[kind], asked[place], lock and kind.root, loaded)
        return loaded

    async def _find(self, stored: Stored[Any], keys: Sequence[Key[Any]], lock: bool, loaded: Loaded) -> None:
        if lock:
            rows = await self._locking.rows(self._connection, stored, keys)
        else:
            rows = await self._connection.fetch(self._locking.statements(stored).by_key, *arrays(keys))
        kind, values_of = stored.kind, stored.kind.values_of
        loaded.records.update((Key(kind, values_of(one)), one) for one in map(stored.record, rows))

    async def _list(
        self, stored: Stored[Any], group: str, wanted: Sequence[Group[Any]], loaded: Loaded
    ) -> None:
        if stored.kind.groups[group].most:
            rows = await self._locking.first(self._connection, stored, group, wanted)
        else:
            statement = self._locking.statements(stored).by_group[group]
            rows = await self._connection.fetch(statement, *arrays(wanted))
        values_of = stored.kind.group_values_of[group]
        found: dict[tuple[object, ...], list[shared.Record]] = {one.values: [] for one in wanted}
        for record in map(stored.record, rows):
            found[values_of(record)].append(record)
        loaded.groups.update((one, found[one.values]) for one in wanted)

    async def write(self, changes: Changes) -> None:
        parts = list(self._writes(changes))
        statement = writing(*(part.statement for part, _ in parts))
        values = {name: value for part, records in parts for name, value in part.arguments(records).items()}
        counts = await self._connection.fetchrow(statement.sql, *statement.args(values))
        for (part, records), count in zip(parts, counts, strict=True):
            if count != len(records):
                raise RuntimeError(f"{count} of {len(records)} rows of {part.table}")

    def _writes(self, changes: Changes) -> Iterator[tuple[Part, Sequence[shared.Record]]]:
        for kind, stored in self._stored.items():
            if added := changes.added.get(kind):
                yield self._locking.statements(stored).insert, added
            if changed := changes.changed.get(kind):
                update = self._locking.statements(stored).update
                if update is None:
                    raise TypeError(f"a {kind.name} is written once and never changed")
                yield update, changed


class PostgresStorage:
    """Where the Runner keeps records: one transaction of one pooled connection a batch."""

    def __init__(
        self, database: Database, stored: Mapping[Kind[Any], Stored[Any]], locking: Locking | None = None
    ) -> None:
        self._database, self._stored, self._locking = database, stored, locking
        self._places = _places(stored)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        with translated():
            async with self._database.connection() as connection:
                await connection.execute(BEGIN)
                try:
                    with in_time(connection):
                        yield PostgresTransaction(connection, self._stored, self._places, self._lock())
                except BaseException:
                    await connection.execute("rollback")
                    raise
                await connection.execute("commit")

    def _lock(self) -> Locking:
        """The way that was asked for, else the one for what the database is."""
        if self._locking is None:
            self._locking = PipelinedLocking() if self._database.is_cluster else ArrayLocking()
        return self._locking


def _places(kinds: Iterable[Kind[Any]]) -> dict[Place, int]:
    """Roots by name first, in the order of kinds, then what they guard."""
    places = [(kind, group) for kind in kinds for group in ("", *kind.groups)]
    places.sort(key=lambda place: not place[0].root or place[1] != "")
    return {place: number for number, place in enumerate(places)}
