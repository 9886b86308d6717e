"""The unit of work: what a use case reads, changes and says, over one identity map.

A use case declares what it will look at (`loads`) and what it will lock (`locks`) as keys and groups
of records. The Runner loads them for a whole batch of commands, one statement per table, and the use
case then decides on frozen records in memory. Nothing is written until the batch is flushed.

Decision: docs/decisions/0003-work-and-runner.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, cast, get_type_hints
from uuid import UUID

import msgspec

from ..domain import shared
from .marks import is_personal, marked_fields, neutral

R = TypeVar("R", bound=shared.Record)
C = TypeVar("C", bound=shared.Record)
V = TypeVar("V")
P = TypeVar("P", covariant=True)


class Listed(shared.Record):
    """How a group lists: records with the same values `by`, the first `most` of them in an `order` of fields.

    Without an order that of the key, which also decides between equals; 0 is all. `history` lists
    the records that are no longer live, too.
    """

    by: tuple[str, ...]
    order: tuple[str, ...] = ()
    most: int = 0
    history: bool = False


class Kind(Generic[R]):
    """One kind of stored record: the fields that identify it, and the fields it is listed by.

    `root` says that the record is locked by name; a part (`root=False`) is guarded by the lock of
    its root and never locked itself. `live` says which records a group lists (the others are history,
    found by key or by a group with history), as an expression of the fields that reads the same on a
    record and on the columns of a table: `lambda lot: lot.open`. A group by no field lists the
    whole kind: for what is small. `changes` names the fields that may change, all but the key by
    default; none for a record that is written once. Only what is `removable` is ever removed: all
    else is there for good. `kept` is for configuration, small and rarely written: it may be `KEPT` old, so
    that a change must come into force later than that; it is never locked.

    What is personal or secret in it is told by the types of its fields, and made neutral by `erase` whatever
    may change otherwise; a part that changes names the root that guards it then. The audit trail shows every
    change, unless `unaudited` says why it need not.
    """

    of: ClassVar[dict[type[shared.Record], "Kind[Any]"]] = {}

    def __init__(
        self,
        record: type[R],
        name: str,
        key: tuple[str, ...],
        groups: Mapping[str, tuple[str, ...] | Listed] | None = None,
        *,
        root: bool = False,
        live: Callable[[Any], Any] | None = None,
        changes: tuple[str, ...] | None = None,
        removable: bool = False,
        kept: bool = False,
        unaudited: str = "",
        guard: Callable[[R], "Key[Any]"] | None = None,
    ) -> None:
        self.record, self.name, self.key_fields = record, name, key
        fixed = () if changes is None else set(record.__struct_fields__) - {*key, *changes}
        self.fixed = tuple(name for name in record.__struct_fields__ if name in fixed)
        self.changes = tuple(one for one in record.__struct_fields__ if one not in (*key, *self.fixed))
        self.root, self.live, self.removable, self.kept = root, live, removable, kept
        self.unaudited, self.guard = unaudited, guard
        self.marked = marked_fields(record, "personal", "secret")
        self.personal = marked_fields(record, "personal")
        self.secret = marked_fields(record, "secret")
        self.has_owner = "user_id" in record.__struct_fields__
        self.values_of = values_of_fields(key)
        self.groups = {
            name: one if isinstance(one, Listed) else Listed(one) for name, one in (groups or {}).items()
        }
        self.group_values_of = {name: values_of_fields(one.by) for name, one in self.groups.items()}
        self.order_of = {name: values_of_fields((*one.order, *key)) for name, one in self.groups.items()}
        Kind.of[record] = self

    def key(self, *values: object) -> "Key[R]":
        return Key(self, values)

    def group(self, group: str, *values: object) -> "Group[R]":
        return Group(self, group, values)

    def is_live(self, record: R) -> bool:
        """Whether this record is no history yet."""
        return self.live is None or bool(self.live(record))

    def lists(self, group: str, record: R) -> bool:
        """Whether a group still lists this record."""
        return self.groups[group].history or self.is_live(record)

    def check_change(self, before: R | None, after: R) -> None:
        """Raise TypeError where a field changes that was to stay, or there was nothing to change."""
        if before is None or not self.changes:
            raise TypeError(f"a {self.name} is written once and never changed")
        changed = [name for name in self.fixed if getattr(before, name) != getattr(after, name)]
        if changed:
            raise TypeError(f"{', '.join(changed)} of a {self.name} never changes")

    def check_erasure(self, before: R | None, after: R) -> None:
        """Raise TypeError where more becomes neutral than what is marked, or there was nothing."""
        if before is None or any(name in self.key_fields for name in self.marked):
            raise TypeError(f"a {self.name} has a key that is marked: it is removed instead")
        kept = (name for name in self.fixed if name not in self.marked)
        if any(getattr(before, name) != getattr(after, name) for name in kept):
            raise TypeError(f"only what is marked of a {self.name} is erased")

    def check_removal(self, before: R | None) -> None:
        """Raise TypeError where a record is to stay for good, or there was nothing to remove."""
        if not self.removable:
            raise TypeError(f"a {self.name} is there for good")
        if before is None:
            raise TypeError(f"the {self.name} to be removed is not there")

    def __repr__(self) -> str:
        return f"Kind({self.name})"


def values_of_fields(names: tuple[str, ...]) -> Callable[[Any], tuple[object, ...]]:
    """What takes the values of some fields out of a record: always a tuple, also of one or none."""
    if not names:
        return lambda record: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda record: (get(record),)


class Key(shared.Record, Generic[R], cache_hash=True):
    """One record, by the values of its kind's key."""

    kind: Kind[R]
    values: tuple[object, ...]


class Group(shared.Record, Generic[R], cache_hash=True):
    """The records of a kind that share the values of one of its groups."""

    kind: Kind[R]
    group: str
    values: tuple[object, ...]


Wanted = Key[Any] | Group[Any]
Step = Callable[[Any, "Work"], Iterable[Wanted]]


class Done(NamedTuple):
    """What a command did to one record: as it was, as it is; None where there was or is none."""

    kind: Kind[Any]
    before: shared.Record | None
    after: shared.Record | None


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


class Change(shared.Record):
    """How one record was changed: the fields that changed, as they were and as they are.

    A new record has no `old`, a removed one no `new`, and one that never changes neither: it says so itself.
    What is personal or secret shows only that it is there.
    """

    table: str
    key: dict[str, Any]
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None


class Run(shared.Record):
    """One line of the command log: the idempotency record and the audit trail at once.

    Nothing in it is personal, as it is there for good. `user_id` owns the key; `digest` and `result` (the
    stored answer as JSON) are empty where they are secret, or kept in a private part. `origin` is where a
    service or a program asked from; where a person did, their credential knows. `touched` names what and
    whom the command touched: `table/key`, `person/user_id`.
    """

    user_id: UUID
    key: str
    name: str
    digest: bytes
    actor_id: UUID
    role: str
    origin: str
    request_id: str
    result: bytes
    recorded_at: datetime
    credential_id: UUID | None = None
    changes: tuple[Change, ...] | None = None
    touched: tuple[str, ...] | None = None


class PrivatePart(shared.Record):
    """What is personal of a line of the command log, until the person is erased.

    `digest`, `result` and `changes` as the line would have them, `address` where it is not that of the
    credential; `subjects` are the others whom it speaks of.
    """

    user_id: UUID
    key: str
    digest: bytes
    result: shared.Personal[bytes]
    address: shared.Personal[str]
    recorded_at: datetime
    changes: shared.Personal[tuple[Change, ...] | None] = None
    subjects: tuple[UUID, ...] | None = None


class Happening(shared.Record):
    """An event as it is stored, in the transaction that caused it."""

    user_id: UUID
    id: UUID
    type: str
    body: str
    run_key: str
    recorded_at: datetime


RUNS = Kind(Run, "command_log", ("user_id", "key"), changes=(), unaudited="it is the audit trail")
PRIVATE_PARTS = Kind(
    PrivatePart,
    "private_part",
    ("user_id", "key"),
    changes=(),
    removable=True,
    unaudited="it is the audit trail",
)
HAPPENINGS = Kind(Happening, "event", ("user_id", "id"), changes=(), unaudited="it says what happened")
KINDS: tuple[Kind[Any], ...] = (RUNS, PRIVATE_PARTS, HAPPENINGS)

_encode = msgspec.json.Encoder().encode


class _Entry(msgspec.Struct, eq=False, gc=False):
    """One record of a batch: as the storage has it, and as the batch has made it so far. The key is None
    where nobody asked for a record of the kind."""

    kind: Kind[Any]
    key: Key[Any] | None
    record: shared.Record | None = None
    stored: shared.Record | None = None
    is_erased: bool = False


class _Listing:
    """What is known of a group. Where the storage left some out, `edge` is the last that it listed, and
    `last` its place in the order: every record up to there is known."""

    __slots__ = ("edge", "entries", "last", "live", "order_of")

    def __init__(self, group: Group[Any], entries: Iterable[_Entry], edge: shared.Record | None) -> None:
        kind, listed = group.kind, group.kind.groups[group.group]
        self.entries = dict.fromkeys(entries)
        self.live = None if listed.history else kind.live
        self.order_of = kind.order_of[group.group] if listed.order or listed.most else None
        self.edge = edge
        self.last = None if edge is None else kind.order_of[group.group](edge)

    def records(self) -> list[Any]:
        """The records that it lists now."""
        live, order_of, last = self.live, self.order_of, self.last
        found: list[Any] = [entry.record for entry in self.entries if entry.record is not None]
        if live is not None:
            found = [record for record in found if live(record)]
        if last is not None and order_of is not None:
            found = [record for record in found if order_of(record) <= last]
        if order_of is not None and len(found) > 1:
            found.sort(key=order_of)
        return found


KEPT = timedelta(seconds=30)


class Kept:
    """What was read of kinds that are kept, or that there is nothing, until the first of it is `KEPT` old."""

    def __init__(self) -> None:
        self._answers: dict[Wanted, Any] = {}
        self._since = self._now = datetime.min.replace(tzinfo=UTC)

    def look_at(self, now: datetime) -> None:
        """What time it is. Whatever is too old is forgotten, and all where a clock was turned back."""
        if not self._now <= now < self._since + KEPT:
            self.forget()
            self._since = now
        self._now = now

    def knows(self, one: Wanted) -> bool:
        return one in self._answers

    def find(self, one: Wanted) -> Any:
        """The record of a key or the records of a group."""
        return self._answers[one]

    def keeper(self) -> Callable[[Wanted, Any], None]:
        """Keeps what is read from now on, if it is of a kind that is kept; in vain once it is forgotten."""
        answers = self._answers

        def keep(one: Wanted, found: Any) -> None:
            if one.kind.kept:
                answers[one] = found

        return keep

    def forget(self) -> None:
        """Forget everything, what is being read at this moment included."""
        self._answers = {}


_Listings = tuple[_Listing, ...]


class IdentityMap:
    """The records of one batch, each once, with the journal that undoes a refused command.

    `failure` is what broke the transaction while a command looked: nobody else can look any more.
    `has_written` says whether anything was, or was begun to be; `has_changed_kept` whether configuration was.
    """

    def __init__(self, transaction: Transaction, kept: Kept) -> None:
        self._transaction, self._kept = transaction, kept
        self.failure: Exception | None = None
        self.has_written = self.has_changed_kept = False
        self._asked: dict[Kind[Any], set[str]] = {}
        self._entries: dict[Key[Any], _Entry] = {}
        self._listings: dict[Group[Any], _Listing] = {}
        self._locked: set[Wanted] = set()
        self._touched: dict[_Entry, None] = {}
        self._unwritten: dict[_Entry, None] = {}
        self._journal: list[tuple[_Entry, object, _Listings]] = []
        self._writing: asyncio.Task[None] | None = None

    async def load(self, wanted: Iterable[Wanted], *, lock: bool = False) -> None:
        """Load what is not known yet; with `lock`, read everything again under the lock."""
        missing = [
            one for one in dict.fromkeys(wanted) if (lock and not one.kind.kept) or not self._recalls(one)
        ]
        if missing:
            keep = self._kept.keeper()
            try:
                await self.written()
                loaded = await self._transaction.load(missing, lock=lock)
            except Exception as error:
                self.failure = error
                raise
            if lock:
                self._locked.update(missing)
            for one in missing:
                found = loaded.records.get(one) if isinstance(one, Key) else loaded.groups.get(one, ())
                keep(one, found)
                self._accept(one, found)

    def knows(self, one: Wanted) -> bool:
        return one in self._entries or one in self._listings

    def _recalls(self, one: Wanted) -> bool:
        """Whether this is known, or kept from an earlier batch."""
        if self.knows(one):
            return True
        if not self._kept.knows(one):
            return False
        self._accept(one, self._kept.find(one))
        return True

    def _accept(self, one: Wanted, found: Any) -> None:
        groups = self._groups_asked(one.kind)
        if isinstance(one, Key):
            self._note(one, found)
        else:
            groups.add(one.group)
            self._listings[one] = self._listing(one, found)

    def _groups_asked(self, kind: Kind[Any]) -> set[str]:
        """The groups of a kind that were asked for. From the first time on, what is saved is found by key."""
        if (groups := self._asked.get(kind)) is None:
            groups = self._asked[kind] = set()
            for entry in self._touched:
                if entry.kind is kind and entry.key is None:
                    entry.key = Key(kind, kind.values_of(entry.record))
                    self._entries[entry.key] = entry
        return groups

    def _listing(self, group: Group[Any], found: Sequence[shared.Record]) -> _Listing:
        """What the storage found, and what earlier commands of the batch saved before it was asked."""
        kind, most = group.kind, group.kind.groups[group.group].most
        entries = [self._note(Key(kind, kind.values_of(record)), record) for record in found]
        edge = found[-1] if most and len(found) >= most else None
        return _Listing(group, entries + self._touched_in(group), edge)

    def _touched_in(self, group: Group[Any]) -> list[_Entry]:
        """The records of a group that earlier commands of the batch saved before it was loaded."""
        if not self._touched:
            return []
        values_of = group.kind.group_values_of[group.group]
        entries = (entry for entry in self._touched if entry.kind is group.kind)
        return [one for one in entries if one.record is not None and values_of(one.record) == group.values]

    def _note(self, key: Key[Any], record: shared.Record | None) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(key.kind, key)
        if entry not in self._touched:
            entry.stored = entry.record = record
        return entry

    def find(self, key: Key[R]) -> R | None:
        try:
            return cast("R | None", self._entries[key].record)
        except KeyError:
            raise LookupError(f"{key} was not declared: add it to the use case's loads or locks") from None

    def list(self, group: Group[R]) -> list[R]:
        return self._declared(group).records()

    def edge(self, group: Group[R]) -> R | None:
        return cast("R | None", self._declared(group).edge)

    def _declared(self, group: Group[Any]) -> _Listing:
        try:
            return self._listings[group]
        except KeyError:
            raise LookupError(f"{group} was not declared: add it to the use case's loads or locks") from None

    def save(self, record: shared.Record) -> None:
        """What is written once, and was never asked for, needs no place where it would be found. What was
        removed is made anew, in a place of its own."""
        kind = Kind.of[type(record)]
        asked = self._asked.get(kind)
        before: object = _UNKNOWN
        if asked is None and not kind.changes:
            entry = _Entry(kind, None)
        else:
            key = Key(kind, kind.values_of(record))
            if (known := self._entries.get(key)) is None:
                entry = self._entries[key] = _Entry(kind, key)
            elif known.record is None and known in self._touched:
                entry = self._entries[key] = _Entry(kind, key)
                before = known
            else:
                entry, before = known, known.record
        self._journal.append((entry, before, self._join(asked, entry, record) if asked else ()))
        entry.record = record
        self._touched[entry] = self._unwritten[entry] = None

    def remove(self, record: shared.Record) -> None:
        """What is removed was found before; a root, under its lock."""
        kind = Kind.of[type(record)]
        key = Key(kind, kind.values_of(record))
        kind.check_removal(self.find(key))
        entry = self._entries[key]
        if kind.root and entry.stored is not None and key not in self._locked:
            raise LookupError(f"{key} is not locked: add it to the use case's locks")
        self._journal.append((entry, entry.record, ()))
        entry.record = None
        self._touched[entry] = self._unwritten[entry] = None

    def erase(self, record: shared.Record) -> None:
        kind = Kind.of[type(record)]
        key = Key(kind, kind.values_of(record))
        found = self.find(key)
        kind.check_erasure(found, record)
        self.save(neutral(record))
        self._entries[key].is_erased = True

    def _join(self, asked: Iterable[str], entry: _Entry, record: shared.Record) -> _Listings:
        """List the record in its groups; the ones that did not list it yet."""
        joined: _Listings = ()
        kind = entry.kind
        for name in asked:
            listing = self._listings.get(Group(kind, name, kind.group_values_of[name](record)))
            if listing is not None and entry not in listing.entries:
                listing.entries[entry] = None
                joined += (listing,)
        return joined

    def mark(self) -> int:
        """Where the journal stands; `undo` goes back to it."""
        return len(self._journal)

    def since(self, mark: int) -> Sequence[Done]:
        """What was done since a mark, in its order: each record once."""
        steps: dict[_Entry, shared.Record | None] = {}
        for entry, before, _ in self._journal[mark:] if mark else self._journal:
            if entry not in steps:
                steps[entry] = before if isinstance(before, shared.Record) else None
        return [Done(entry.kind, before, entry.record) for entry, before in steps.items()]

    def undo(self, mark: int) -> None:
        while len(self._journal) > mark:
            entry, before, joined = self._journal.pop()
            for listing in joined:
                del listing.entries[entry]
            if before is _UNKNOWN or type(before) is _Entry:
                self._take_back(entry, before)
            else:
                entry.record = cast("shared.Record | None", before)

    def _take_back(self, entry: _Entry, before: object) -> None:
        """Undo that a record was made: what was removed before has its place again."""
        if type(before) is _Entry and before.key is not None:
            self._entries[before.key] = before
        elif entry.key is not None:
            del self._entries[entry.key]
        del self._touched[entry], self._unwritten[entry]
        entry.record = None

    async def write(self) -> None:
        """Begin to write what has changed since the last time; it can no longer be undone. The next
        commands can be run meanwhile."""
        await self.written()
        changes = self._changes()
        self._unwritten.clear()
        self._journal.clear()
        if any(changes):
            if any(kind.kept for side in changes for kind in side):
                self.has_changed_kept = True
                self._kept.forget()
            self.has_written = True
            self._writing = asyncio.create_task(self._transaction.write(changes))
            await asyncio.sleep(0)  # it starts,
            await asyncio.sleep(0)  # and what it says is sent

    async def written(self) -> None:
        """Wait until all that was begun is written."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    def _changes(self) -> Changes:
        added: dict[Kind[Any], list[shared.Record]] = {}
        changed: dict[Kind[Any], list[shared.Record]] = {}
        removed: dict[Kind[Any], list[shared.Record]] = {}
        erased: dict[Kind[Any], list[shared.Record]] = {}
        for entry in self._unwritten:
            record, stored = entry.record, entry.stored
            if record is None and stored is not None:
                removed.setdefault(entry.kind, []).append(stored)
            elif record is not None and record is not stored:
                side = added if stored is None else erased if entry.is_erased else changed
                side.setdefault(entry.kind, []).append(record)
            entry.stored = record
            entry.is_erased = False
        return Changes(added, changed, removed, erased)


_UNKNOWN = object()


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


def _name_of(run: Callable[..., Any]) -> str:
    """`context.function`, also where the context is a package."""
    _, _, inside = run.__module__.partition(f"{__package__}.")
    context = inside.partition(".")[0] or run.__module__.rpartition(".")[2]
    return f"{context}.{run.__name__}"


SCOPES: set[str] = set()
"""What a credential can be limited to, such as `points:read`: two words for each context that is there."""


def _scope_of(name: str, verb: str) -> str:
    """The scope that a use case needs, by its name."""
    scope = f"{name.partition('.')[0]}:{verb}"
    SCOPES.add(scope)
    return scope


class UseCase(Generic[C, V]):
    """A function of a command and the work, with who may ask, what it looks at and what it locks."""

    def __init__(
        self,
        run: Callable[[C, Work], Awaitable[V]],
        allow: frozenset[shared.Role],
        loads: Sequence[Step],
        locks: Step,
        secret: bool,
        forgets: bool,
    ) -> None:
        hints = get_type_hints(run, include_extras=True)
        self.run, self.allow, self.loads, self.locks, self.secret = run, allow, tuple(loads), locks, secret
        self.name = _name_of(run)
        self.scope = _scope_of(self.name, "write")
        self.__doc__ = run.__doc__
        self.forgets = forgets
        self.command: type[C] = hints["command"]
        self._answer = hints["return"]
        self.decode_command = msgspec.json.Decoder(self.command).decode
        self.decode_result = msgspec.json.Decoder(hints["return"]).decode

    @cached_property
    def is_personal(self) -> bool:
        """Whether what it is told may be personal."""
        return is_personal(self.command)

    @cached_property
    def answers_personally(self) -> bool:
        """Whether what it answers may be personal."""
        return is_personal(self._answer)

    @cached_property
    def leaves_private(self) -> bool:
        """Whether what a replay needs of a run is kept apart."""
        return not self.secret and (self.is_personal or self.answers_personally)

    def __call__(self, command: C, work: Work) -> Awaitable[V]:
        """Run inside another use case's work, whose loads and locks must cover this one's."""
        return self.run(command, work)

    def __repr__(self) -> str:
        return f"UseCase({self.name})"


ANYONE: frozenset[shared.Role] = frozenset(
    ("anonymous", "member", "partner_staff", "partner_owner", "admin", "service")
)
SIGNED_IN: frozenset[shared.Role] = ANYONE - {"anonymous"}
PARTNERS: frozenset[shared.Role] = frozenset(("partner_staff", "partner_owner", "admin", "service"))
ADMINS: frozenset[shared.Role] = frozenset(("admin", "service"))


def use_case(
    *,
    allow: frozenset[shared.Role],
    loads: Sequence[Step] = (),
    locks: Step = lambda command, work: (),
    secret: bool = False,
    forgets: bool = False,
) -> Callable[[Callable[[C, Work], Awaitable[V]]], UseCase[C, V]]:
    """Declare a use case.

    `allow` is who may ask. `loads` are steps, each a function of (command, work) giving the keys and
    groups to read without a lock; a later step may look at what an earlier one found. `locks` gives
    what is locked, and read again under the lock. A `secret` use case stores neither the digest of
    its command nor its answer, so it is audited but cannot be replayed. One that `forgets` leaves no
    private part: what it made neutral is nowhere any more.
    """
    return lambda run: UseCase(run, allow, loads, locks, secret, forgets)


class Read(Generic[P]):
    """What a query works with: the query ports, the time and the actor."""

    def __init__(self, ports: P, now: datetime, actor: shared.Actor) -> None:
        self.ports, self.now, self.actor = ports, now, actor


class QueryCase(Generic[C, V]):
    """A function of a query and the read side, with who may ask."""

    def __init__(self, run: Callable[[C, Any], Awaitable[V]], allow: frozenset[shared.Role]) -> None:
        self.run, self.allow = run, allow
        self.name = _name_of(run)
        self.scope = _scope_of(self.name, "read")
        self.__doc__ = run.__doc__
        question = next(iter(get_type_hints(run).values()))
        self.decode = msgspec.json.Decoder(question).decode


def query(*, allow: frozenset[shared.Role]) -> Callable[[Callable[[C, Any], Awaitable[V]]], QueryCase[C, V]]:
    """Declare a use case that only reads; `allow` is who may ask."""
    return lambda run: QueryCase(run, allow)
