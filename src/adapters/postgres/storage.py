"""The storage of the Runner on PostgreSQL: load, lock and write a batch, one statement per table."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, Protocol

import asyncpg

from ...application.work import Changes, Group, Key, Kind, Loaded, Wanted
from ...domain import shared
from .database import Database, translated
from .rows import Stored, arrays

Connection = Any  # asyncpg.Connection or the pool's proxy of one


class Locking(Protocol):
    """How the rows of several keys are locked in sorted key order."""

    async def rows(
        self, connection: Connection, stored: Stored[Any], keys: Sequence[Key[Any]]
    ) -> Sequence[asyncpg.Record]: ...


class ArrayLocking:
    """One `select … for update` for all keys, ordered by key. For one server."""

    async def rows(
        self, connection: Connection, stored: Stored[Any], keys: Sequence[Key[Any]]
    ) -> Sequence[asyncpg.Record]:
        rows: Sequence[asyncpg.Record] = await connection.fetch(stored.by_key_locked, *arrays(keys))
        return rows


class PipelinedLocking:
    """The same select for one key at a time, in sorted order, in one pipeline. For a cluster, which
    does not lock the rows of several owners in one statement."""

    async def rows(
        self, connection: Connection, stored: Stored[Any], keys: Sequence[Key[Any]]
    ) -> Sequence[asyncpg.Record]:
        ordered = sorted(key.values for key in keys)
        rows: Sequence[asyncpg.Record] = await connection.fetchmany(stored.one_locked, ordered)
        return rows


class PostgresTransaction:
    """One open transaction on one connection."""

    def __init__(
        self, connection: Connection, stored: Mapping[Kind[Any], Stored[Any]], locking: Locking
    ) -> None:
        self._connection, self._stored, self._locking = connection, stored, locking
        self._rank = {kind: place for place, kind in enumerate(stored)}

    async def load(self, wanted: Sequence[Wanted], *, lock: bool) -> Loaded:
        loaded = Loaded({}, {})
        ordered = sorted(wanted, key=self._order)
        for (kind, is_group, group), ones in groupby(ordered, key=_statement):
            stored, some = self._stored[kind], list(ones)
            if is_group:
                rows = await self._connection.fetch(stored.by_group[group], *arrays(some))
                _gather(stored, group, some, rows, loaded)
            else:
                found = await self._rows(stored, some, lock=lock and kind.root)
                values_of = kind.values_of
                loaded.records.update((Key(kind, values_of(r)), r) for r in map(stored.record, found))
        return loaded

    def _order(self, one: Wanted) -> tuple[bool, int, str]:
        """Roots by name first, in the order of kinds, then what they guard."""
        is_group = isinstance(one, Group)
        return (
            is_group or not one.kind.root,
            self._rank[one.kind],
            one.group if isinstance(one, Group) else "",
        )

    async def _rows(
        self, stored: Stored[Any], keys: Sequence[Any], *, lock: bool
    ) -> Sequence[asyncpg.Record]:
        if lock:
            return await self._locking.rows(self._connection, stored, keys)
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(stored.by_key, *arrays(keys))
        return rows

    async def write(self, changes: Changes) -> None:
        for kind, stored in self._stored.items():
            if added := changes.added.get(kind):
                await self._connection.fetch(stored.insert, *stored.added(added))
            if changed := changes.changed.get(kind):
                if stored.update is None:
                    raise TypeError(f"a {kind.name} is written once and never changed")
                done = await self._connection.execute(stored.update, *stored.changed(changed))
                if int(done.rpartition(" ")[2]) != len(changed):
                    raise RuntimeError(f"{done} of {len(changed)} rows of {kind.name}")


def _statement(one: Wanted) -> tuple[Kind[Any], bool, str]:
    return (one.kind, True, one.group) if isinstance(one, Group) else (one.kind, False, "")


def _gather(
    stored: Stored[Any], group: str, wanted: Sequence[Any], rows: Sequence[asyncpg.Record], loaded: Loaded
) -> None:
    values_of = stored.kind.group_values_of[group]
    found: dict[tuple[object, ...], list[shared.Record]] = {one.values: [] for one in wanted}
    for row in rows:
        record = stored.record(row)
        found[values_of(record)].append(record)
    loaded.groups.update((one, found[one.values]) for one in wanted)


class PostgresStorage:
    """Where the Runner keeps records: one transaction of one pooled connection a batch."""

    def __init__(
        self, database: Database, stored: Mapping[Kind[Any], Stored[Any]], locking: Locking | None = None
    ) -> None:
        self._database, self._stored, self._locking = database, stored, locking or ArrayLocking()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        with translated():
            async with self._database.connection() as connection, connection.transaction():
                yield PostgresTransaction(connection, self._stored, self._locking)
