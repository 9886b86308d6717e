"""Kinds of stored records: what identifies one, what guards it, and how they are listed."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar, Generic, TypeVar

from ...domain import shared
from ..marks import marked_fields

R = TypeVar("R", bound=shared.Record)


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
