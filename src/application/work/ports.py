"""What a unit of work needs of a storage, and how that fails."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from ...domain import shared
from .kinds import Group, Key, Kind, Wanted


class Loaded(NamedTuple):
    """What a storage found: absent keys are left out, a group lists its records in its order."""

    records: dict[Key[Any], shared.Record]
    groups: dict[Group[Any], list[shared.Record]]


class Changes(NamedTuple):
    """What one flush writes, by kind: the removed records go first, so that new ones may take their keys. Of
    erased ones everything that is marked is written, whatever may change otherwise."""

    added: Mapping[Kind[Any], list[shared.Record]]
    changed: Mapping[Kind[Any], list[shared.Record]]
    removed: Mapping[Kind[Any], list[shared.Record]] = MappingProxyType({})
    erased: Mapping[Kind[Any], list[shared.Record]] = MappingProxyType({})


class Conflict(Exception):
    """Another writer came first (unique key, deadlock, serialization): run again, one by one."""


class Locked(Conflict):
    """Others kept what is wanted locked for too long."""


class ConnectionLost(Exception):
    """The storage went away; whether the transaction was committed is not known."""


class Crowded(shared.Unavailable):
    message = "Too many requests are under way; nothing was changed. Try again in a moment."


class TooSlow(shared.Unavailable):
    message = "The database took too long; nothing was changed. Try again in a moment."


class DatabaseAway(shared.Unavailable):
    message = "The database does not answer."


class NotGranted(shared.Unavailable):
    """The role that the program runs as lacks a privilege: `baobab db roles` brings the roles up to date."""

    message = "The database does not let the service do that; nothing was changed. Its operator can mend it."


class Transaction(Protocol):
    """One open transaction of a storage."""

    async def load(self, wanted: Sequence[Wanted], *, lock: bool) -> Loaded:
        """The records asked for, as committed now; with `lock`, roots are locked in key order."""
        ...

    async def write(self, changes: Changes) -> None:
        """Write every change, one statement per table. Raises Conflict where a key is taken."""
        ...


class Storage(Protocol):
    """Where records are kept. The transaction commits when its block ends, and only then."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]: ...
