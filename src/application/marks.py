"""What the types of fields say of their values: that they are personal (`shared.Personal`) or secret
(`shared.Secret`), wherever in a record they stand.

From that alone follows what the audit trail may show, what a member is given of theirs, and what is made
neutral when they are erased: a field that is marked is never forgotten, one that is not is never touched.

Decision: docs/decisions/0017-audit-and-privacy.md.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import inspect

from ..domain import shared

R = TypeVar("R", bound=shared.Record)
Mark = Literal["personal", "secret"]
BOTH: frozenset[Mark] = frozenset(("personal", "secret"))
SECRET: frozenset[Mark] = frozenset(("secret",))
WORDS = ("", "-", "ZZ", "erased", "erased@example.invalid", "https://example.invalid/")
"""What a text becomes that is made neutral: the first that its constraints let pass."""


class NoNeutralValue(TypeError):
    """A marked field whose type has no value that says nothing."""


@lru_cache(maxsize=4096)
def marked_fields(record: type[shared.Record], *marks: Mark) -> tuple[str, ...]:
    """The fields of a record that hold something so marked, at any depth."""
    return tuple(
        field.name for field in _struct(record).fields if any(mark in _marks(field.type) for mark in marks)
    )


@lru_cache(maxsize=4096)
def is_personal(kind: Any) -> bool:
    """Whether a value of this type may hold something personal, at any depth."""
    return "personal" in _marks(inspect.type_info(kind))


def shown(record: shared.Record, names: Sequence[str], hide: frozenset[Mark] = BOTH) -> dict[str, Any]:
    """Some fields as plain values of JSON; what is so marked shows only that it is there."""
    marked = marked_fields(type(record), *hide)
    plain = {name: getattr(record, name) for name in names if name not in marked}
    found: dict[str, Any] = msgspec.to_builtins(plain)
    if len(found) < len(names):
        types = _types(type(record))
        found |= {name: _shown(getattr(record, name), types[name], hide) for name in names if name in marked}
    return found


def neutral(record: R) -> R:
    """The record with everything that is marked made neutral; done again, it is the same."""
    names = marked_fields(type(record), "personal", "secret")
    types = _types(type(record))
    return shared.evolve(record, **{name: _neutral(getattr(record, name), types[name]) for name in names})


@lru_cache(maxsize=4096)
def _struct(record: type[shared.Record]) -> inspect.StructType:
    found = inspect.type_info(record)
    if not isinstance(found, inspect.StructType):
        raise TypeError(f"{record} is no record")
    return found


@lru_cache(maxsize=4096)
def _types(record: type[shared.Record]) -> dict[str, inspect.Type]:
    return {field.name: field.type for field in _struct(record).fields}


def _mark(kind: inspect.Type) -> Mark | None:
    """The mark of the type itself."""
    extra = (kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}
    return next((mark for mark in BOTH if extra.get(mark)), None)


def _marks(kind: inspect.Type, seen: frozenset[Any] = frozenset()) -> frozenset[Mark]:
    """The marks of a type and of everything in it."""
    own = _mark(kind)
    if own is not None:
        return frozenset((own,))
    if isinstance(kind, inspect.StructType):
        if kind.cls in seen:
            return frozenset()
        seen |= {kind.cls}
    return frozenset().union(*(_marks(one, seen) for one in _parts(kind)))


def _parts(kind: inspect.Type) -> list[inspect.Type]:
    """The types that a type is made of."""
    match kind:
        case inspect.Metadata():
            return [kind.type]
        case inspect.StructType():
            return [field.type for field in kind.fields]
        case inspect.UnionType():
            return list(kind.types)
        case inspect.TupleType():
            return list(kind.item_types)
        case inspect.DictType():
            return [kind.key_type, kind.value_type]
    return [kind.item_type] if hasattr(kind, "item_type") else []


def _shown(value: Any, kind: inspect.Type, hide: frozenset[Mark]) -> Any:
    if not value or not (marks := _marks(kind) & hide):
        return msgspec.to_builtins(value)
    if (mark := _mark(kind)) is not None:
        return {mark: True}
    match kind:
        case inspect.Metadata():
            return _shown(value, kind.type, hide)
        case inspect.StructType():
            return {one.name: _shown(getattr(value, one.name), one.type, hide) for one in kind.fields}
        case inspect.UnionType():
            return _shown(value, _alternative(value, kind), hide)
        case inspect.VarTupleType():
            return [_shown(one, kind.item_type, hide) for one in value]
    return {next(iter(marks)): True}


def _alternative(value: Any, kind: inspect.UnionType) -> inspect.Type:
    """The part of a union that a value is of: that of its class, else one that is marked."""
    for one in kind.types:
        if isinstance(one, inspect.StructType) and type(value) is one.cls:
            return one
    return next(one for one in kind.types if _marks(one))


def _neutral(value: Any, kind: inspect.Type) -> Any:
    if value is None or not _marks(kind):
        return value
    if _mark(kind) is not None:
        return neutral_of(kind)
    match kind:
        case inspect.Metadata():
            return _neutral(value, kind.type)
        case inspect.StructType():
            inside = {one.name: _neutral(getattr(value, one.name), one.type) for one in kind.fields}
            return shared.evolve(value, **inside)
        case inspect.UnionType():
            if any(isinstance(one, inspect.NoneType) for one in kind.types) and any(map(_mark, kind.types)):
                return None
            return _neutral(value, _alternative(value, kind))
        case inspect.VarTupleType():
            return tuple(_neutral(one, kind.item_type) for one in value)
    return neutral_of(kind)


def neutral_of(kind: inspect.Type) -> Any:
    """The value of a type that says nothing. Raises NoNeutralValue."""
    match kind:
        case inspect.Metadata():
            return neutral_of(kind.type)
        case inspect.UnionType():
            return (
                None
                if any(isinstance(one, inspect.NoneType) for one in kind.types)
                else neutral_of(kind.types[0])
            )
        case inspect.StructType():
            return kind.cls(**{field.name: neutral_of(field.type) for field in kind.fields})
        case inspect.StrType():
            return next(word for word in WORDS if _passes(word, kind))
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.IntType() | inspect.FloatType():
            return kind.ge or 0
    if type(kind) in NOTHING:
        return NOTHING[type(kind)]
    raise NoNeutralValue(kind)


def _passes(word: str, kind: inspect.StrType) -> bool:
    long_enough = (kind.min_length or 0) <= len(word) <= (kind.max_length or len(word))
    return long_enough and re.search(kind.pattern or "", word) is not None


NOTHING: dict[Any, Any] = {
    inspect.NoneType: None,
    inspect.BoolType: False,
    inspect.BytesType: b"",
    inspect.UUIDType: UUID(int=0),
    inspect.DateType: date(1, 1, 1),
    inspect.DateTimeType: datetime(1, 1, 1, tzinfo=UTC),
    inspect.VarTupleType: (),
    inspect.DictType: {},
}
