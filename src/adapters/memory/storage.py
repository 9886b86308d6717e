"""The storage of the Runner in memory. A transaction writes to the side; commit puts it in place."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from ...application.work import Changes, Conflict, Group, Key, Kind, Loaded, Wanted
from ...domain import shared

R = TypeVar("R", bound=shared.Record)


class MemoryStorage:
    """Records by kind and key, listed by group. One transaction at a time, as a lock would have it."""

    def __init__(self) -> None:
        self._records: dict[Kind[Any], dict[tuple[object, ...], Any]] = {}
        self._groups: dict[tuple[Kind[Any], str, tuple[object, ...]], set[tuple[object, ...]]] = {}
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["MemoryTransaction"]:
        async with self._lock:
            transaction = MemoryTransaction(self)
            yield transaction
            self._commit(transaction.written)

    def _commit(self, written: Mapping[tuple[Kind[Any], tuple[object, ...]], Any]) -> None:
        for (kind, key), record in written.items():
            if record is None:
                self._forget(kind, key)
                continue
            self._records.setdefault(kind, {})[key] = record
            for group, values_of in kind.group_values_of.items():
                self._groups.setdefault((kind, group, values_of(record)), set()).add(key)

    def _forget(self, kind: Kind[Any], key: tuple[object, ...]) -> None:
        record = self._records.get(kind, {}).pop(key, None)
        for group, values_of in kind.group_values_of.items() if record is not None else ():
            self._groups[kind, group, values_of(record)].discard(key)

    def find(self, key: Key[R]) -> R | None:
        """The committed record of a key, or None."""
        return self._records.get(key.kind, {}).get(key.values)

    def all(self, kind: Kind[R], where: Callable[[R], bool] = lambda record: True) -> list[R]:
        """The committed records of a kind that pass, in key order."""
        records = self._records.get(kind, {})
        return [records[key] for key in sorted(records) if where(records[key])]

    def group(self, kind: Kind[R], group: str, *values: object) -> list[R]:
        """The committed records of a group, live or not, in key order."""
        records = self._records.get(kind, {})
        return [records[key] for key in sorted(self._groups.get((kind, group, values), ()))]


class MemoryTransaction:
    """What one transaction sees and writes."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage
        self.written: dict[tuple[Kind[Any], tuple[object, ...]], Any] = {}

    async def load(self, wanted: Sequence[Wanted], *, lock: bool) -> Loaded:
        loaded = Loaded({}, {})
        for one in wanted:
            if isinstance(one, Key):
                if (record := self._storage.find(one)) is not None:
                    loaded.records[one] = record
            else:
                loaded.groups[one] = self._list(one)
        return loaded

    def _list(self, group: Group[Any]) -> list[Any]:
        kind = group.kind
        found = self._storage.group(kind, group.group, *group.values)
        listed = [record for record in found if kind.lists(group.group, record)]
        listed.sort(key=kind.order_of[group.group])
        return listed[: kind.groups[group.group].most or None]

    async def write(self, changes: Changes) -> None:
        """Stage the changes. What PostgreSQL would not write raises TypeError, so that tests see it."""
        for kind, records in changes.removed.items():
            for record in records:
                kind.check_removal(self._now(kind, record))
                self.written[kind, kind.values_of(record)] = None
        for kind, records in changes.added.items():
            for record in records:
                if self._now(kind, record) is not None:
                    raise Conflict(f"{kind.name} {kind.values_of(record)} is taken")
                self.written[kind, kind.values_of(record)] = record
        for kind, records in changes.changed.items():
            for record in records:
                kind.check_change(self._now(kind, record), record)
                self.written[kind, kind.values_of(record)] = record
        for kind, records in changes.erased.items():
            for record in records:
                kind.check_erasure(self._now(kind, record), record)
                self.written[kind, kind.values_of(record)] = record

    def _now(self, kind: Kind[R], record: R) -> R | None:
        """What this transaction sees under the key of a record."""
        key = kind.key(*kind.values_of(record))
        place = (kind, key.values)
        return self.written[place] if place in self.written else self._storage.find(key)


def newest(found: Sequence[R], limit: int, before: UUID | None, id_of: Callable[[R], UUID]) -> list[R]:
    """The newest of what was found, before an id: ids are UUIDv7, their order is that of creation."""
    seen = [record for record in found if before is None or id_of(record) < before]
    return sorted(seen, key=id_of, reverse=True)[:limit]
