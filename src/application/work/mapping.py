"""The records of a batch, each once, over one transaction."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec

from ...domain import shared
from ..marks import neutral
from .kinds import Group, Key, Kind, Wanted
from .ports import Changes, Transaction

R = TypeVar("R", bound=shared.Record)


class Undeclared(LookupError):
    """A record that was not asked for: forgotten, or found under the lock where another was found before."""


class Done(msgspec.Struct, frozen=True, gc=False):
    """What a command did to one record: as it was, as it is; None where there was or is none."""

    kind: Kind[Any]
    before: shared.Record | None
    after: shared.Record | None


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
                answers: Mapping[Any, Any] = loaded.records if type(one) is Key else loaded.groups
                found = answers.get(one)
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
        if type(one) is Key:
            self._note(one, found)
        elif type(one) is Group:
            groups.add(one.group)
            self._listings[one] = self._listing(one, found or ())

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
            raise Undeclared(f"{key} was not declared: add it to the use case's loads or locks") from None

    def list(self, group: Group[R]) -> list[R]:
        return self._declared(group).records()

    def edge(self, group: Group[R]) -> R | None:
        return cast("R | None", self._declared(group).edge)

    def _declared(self, group: Group[Any]) -> _Listing:
        try:
            return self._listings[group]
        except KeyError:
            raise Undeclared(f"{group} was not declared: add it to the use case's loads or locks") from None

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
            raise Undeclared(f"{key} is not locked: add it to the use case's locks")
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
        steps: dict[_Entry, Done] = {}
        for entry, before, _ in self._journal[mark:]:
            if entry not in steps:
                is_new = before is _UNKNOWN or type(before) is _Entry
                steps[entry] = Done(entry.kind, None if is_new else cast(shared.Record, before), entry.record)
        return list(steps.values())

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
