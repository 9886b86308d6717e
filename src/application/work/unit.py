"""The unit of work: all that a use case works with."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from ...domain import shared
from .kinds import Group, Key, Wanted
from .lines import Happening
from .mapping import IdentityMap

R = TypeVar("R", bound=shared.Record)

_encode = msgspec.json.Encoder().encode


class Work:
    """What a use case works with: records, the time, the actor, new ids, and what it has to say."""

    def __init__(
        self, records: IdentityMap, now: datetime, actor: shared.Actor, run_key: str, ids: Callable[[], UUID]
    ) -> None:
        self._map, self._run_key = records, run_key
        self.now, self.actor, self.new_id = now, actor, ids

    def find(self, key: Key[R]) -> R | None:
        """The record, or None where there is none. It must have been declared or loaded."""
        return self._map.find(key)

    def get(self, key: Key[R]) -> R:
        """The record; raises NotFound where there is none."""
        if (record := self._map.find(key)) is None:
            raise shared.NotFound(kind=key.kind.name, id="/".join(str(value) for value in key.values))
        return record

    def list(self, group: Group[R]) -> list[R]:
        """The records of a group, those that this batch added included: in its order, where it has one, and
        only up to the edge."""
        return self._map.list(group)

    def edge(self, group: Group[R]) -> R | None:
        """None where a group is known as a whole, else the last record that the storage listed: behind it,
        in the order, there may be others. To see those, load a group that lists all."""
        return self._map.edge(group)

    def save(self, *records: shared.Record) -> None:
        """Put new or changed records in the map; they are written when the batch is flushed."""
        for record in records:
            self._map.save(record)

    def remove(self, *records: shared.Record) -> None:
        """Take records out of the map, that were found in it; they are deleted when the batch is flushed, and
        the same key may be saved anew. A root must be locked. Only kinds that are `removable`."""
        for record in records:
            self._map.remove(record)

    def erase(self, *records: shared.Record) -> None:
        """Make everything neutral that is marked in records that were found in the map, what never changes
        otherwise included. A kind whose key is marked is removed instead."""
        for record in records:
            self._map.erase(record)

    def record(self, *events: shared.Event) -> None:
        """Say what happened; the events are stored with the changes, in their order."""
        for event in events:
            config = type(event).__struct_config__
            owner = getattr(event, "user_id", shared.NOBODY)
            body = _encode(event).decode()
            self.save(Happening(owner, self.new_id(), str(config.tag), body, self._run_key, self.now))

    async def load(self, *wanted: Wanted) -> None:
        """Load and lock more than was declared, where that is known only under the first lock."""
        await self._map.load([one for one in wanted if not self._map.knows(one)], lock=True)
