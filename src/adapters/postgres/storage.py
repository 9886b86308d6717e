"""The storage of the Runner on PostgreSQL: load and lock one statement per table, write all in one."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

from ...application.work import Changes, Group, Key, Kind, Loaded, Wanted
from ...domain import shared
from .database import Database, in_time, translated
from .rows import Part, Statements, Stored, arrays, side_by_side, writing

Connection = Any  # asyncpg.Connection or the pool's proxy of one


class Asked(NamedTuple):
    """What is looked for in one kind: by key (group ""), or in one of its groups."""

    stored: Stored[Any]
    group: str
    wanted: Sequence[Any]

    @property
    def values(self) -> list[tuple[object, ...]]:
        return [one.values for one in self.wanted]

    def sql(self, statements: Statements) -> str:
        return statements.by_group[self.group] if self.group else statements.by_key


Rows = Sequence[Sequence[Any]]


class Locking(Protocol):
    """How the rows of several keys are locked in sorted key order, how rows are found without a lock, and
    which statements go with it."""

    def statements(self, stored: Stored[Any]) -> Statements: ...

    async def locked(self, connection: Connection, asked: Asked) -> Rows: ...

    async def found(self, connection: Connection, asked: Sequence[Asked]) -> list[Rows]: ...


class ArrayLocking:
    """One `select … for update` for all keys, ordered by key. For one server."""

    FEW = 16
    """Keys. So few of several kinds are found in one round trip; more are found a kind at a time, by
    statements that all batches share."""

    def statements(self, stored: Stored[Any]) -> Statements:
        return stored.plain

    async def locked(self, connection: Connection, asked: Asked) -> Rows:
        rows: Rows = await connection.fetch(asked.stored.plain.by_key_locked, *arrays(asked.wanted))
        return rows

    async def found(self, connection: Connection, asked: Sequence[Asked]) -> list[Rows]:
        if len(asked) > 1 and sum(len(one.wanted) for one in asked) <= self.FEW:
            return await self._found_together(connection, asked)
        sql = ((one.sql(one.stored.plain), arrays(one.wanted)) for one in asked)
        return [await connection.fetch(statement, *values) for statement, values in sql]

    async def _found_together(self, connection: Connection, asked: Sequence[Asked]) -> list[Rows]:
        statement = side_by_side(*((one.sql(one.stored.plain), one.stored) for one in asked))
        values = [array for one in asked for array in arrays(one.wanted)]
        found: list[list[Sequence[Any]]] = [[] for _ in asked]
        for row in await connection.fetch(statement.sql, *values):
            found[row[0]].append(row[statement.places[row[0]]])
        return list(found)


class PipelinedLocking:
    """The same select for one key at a time, in sorted order, in one pipeline. For a cluster, which
    does not lock the rows of several owners in one statement."""

    def statements(self, stored: Stored[Any]) -> Statements:
        return stored.spread

    async def locked(self, connection: Connection, asked: Asked) -> Rows:
        rows: Rows = await connection.fetchmany(asked.stored.one_locked, sorted(asked.values))
        return rows

    async def found(self, connection: Connection, asked: Sequence[Asked]) -> list[Rows]:
        return [await self._found(connection, one) for one in asked]

    async def _found(self, connection: Connection, asked: Asked) -> Rows:
        sql, group = asked.sql(asked.stored.spread), asked.group
        is_cut = group and asked.stored.kind.groups[group].most
        rows: Rows = await (
            connection.fetchmany(sql, asked.values)
            if is_cut
            else connection.fetch(sql, *arrays(asked.wanted))
        )
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
        loaded, others = Loaded({}, {}), []
        by_place: dict[Place, list[Any]] = {}
        for one in wanted:
            by_place.setdefault((one.kind, one.group if type(one) is Group else ""), []).append(one)
        for place in sorted(by_place, key=self._places.__getitem__):
            kind, group = place
            asked = Asked(self._stored[kind], group, by_place[place])
            if lock and kind.root and not group:
                _accept(loaded, asked, await self._locking.locked(self._connection, asked))
            else:
                others.append(asked)
        for asked, rows in zip(others, await self._locking.found(self._connection, others), strict=True):
            _accept(loaded, asked, rows)
        return loaded

    async def write(self, changes: Changes) -> None:
        """What is removed goes first: its keys may be taken again, and uniqueness is checked row by row."""
        for parts in (list(self._removals(changes)), list(self._writes(changes))):
            if parts:
                await self._write(parts)

    async def _write(self, parts: Sequence[tuple[Part, Sequence[shared.Record]]]) -> None:
        statement = writing(*(part.statement for part, _ in parts))
        values = {name: value for part, records in parts for name, value in part.arguments(records).items()}
        counts = await self._connection.fetchrow(statement.sql, *statement.args(values))
        for (part, records), count in zip(parts, counts, strict=True):
            if count != len(records):
                raise RuntimeError(f"{count} of {len(records)} rows of {part.table}")

    def _removals(self, changes: Changes) -> Iterator[tuple[Part, Sequence[shared.Record]]]:
        for kind, stored in self._stored.items() if changes.removed else ():
            if removed := changes.removed.get(kind):
                delete = self._locking.statements(stored).delete
                if delete is None:
                    raise TypeError(f"a {kind.name} is there for good")
                yield delete, removed

    def _writes(self, changes: Changes) -> Iterator[tuple[Part, Sequence[shared.Record]]]:
        for kind, stored in self._stored.items():
            if added := changes.added.get(kind):
                yield self._locking.statements(stored).insert, added
            if changed := changes.changed.get(kind):
                update = self._locking.statements(stored).update
                if update is None:
                    raise TypeError(f"a {kind.name} is written once and never changed")
                yield update, changed
            if erased := changes.erased.get(kind):
                erase = self._locking.statements(stored).erase
                if erase is None:
                    raise TypeError(f"nothing of a {kind.name} is erased")
                yield erase, erased


def _accept(loaded: Loaded, asked: Asked, rows: Rows) -> None:
    """Add the records of rows that were found to what is loaded."""
    kind, group = asked.stored.kind, asked.group
    records = map(asked.stored.record, rows)
    if group:
        values_of = kind.group_values_of[group]
        listed: dict[tuple[object, ...], list[shared.Record]] = {one.values: [] for one in asked.wanted}
        for record in records:
            listed[values_of(record)].append(record)
        loaded.groups.update((one, listed[one.values]) for one in asked.wanted)
    else:
        loaded.records.update((Key(kind, kind.values_of(one)), one) for one in records)


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
            async with self._database.by_key(first=True) as connection:
                await connection.execute("begin")
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
