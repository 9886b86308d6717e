"""Between records and rows: statements written in Core, compiled once, run on bare asyncpg.

`Stored` ties a kind of record to its table: the columns are the record's fields, nested records and
tuples are JSON. Keys are passed as one array a column and unnested; records to be written are passed as
one JSON document, which costs Python a fraction of what encoding their values one by one does.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from asyncpg import Record as Row
from sqlalchemy import (
    ARRAY,
    Column,
    Delete,
    Executable,
    Insert,
    Table,
    Text,
    Update,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSON, JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from ...application.work import Group, Key, Kind, Listed
from ...domain import shared

R = TypeVar("R", bound=shared.Record)
_DIALECT: Any = asyncpg_dialect()  # type: ignore[no-untyped-call]
LAST_ID = UUID(int=2**128 - 1)
"""After every id: where a listing from the newest begins."""

BASE64: Any = literal_column("'base64'")
_encode = msgspec.json.Encoder().encode


class Statement:
    """A Core statement compiled once: `sql` with `$n` places, and the names that fill them."""

    def __init__(self, statement: Executable) -> None:
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._defaults: dict[str, Any] = compiled.params

    def args(self, values: dict[str, Any]) -> list[Any]:
        """The arguments in the order of the places. Values that the statement has itself may be left out."""
        return [values[name] if name in values else self._defaults[name] for name in self._names]


def plain(clause: Any) -> Any:
    """A clause with its values written into the text, so that partial indexes match it."""
    return text(str(clause.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})))


def unnested(alias: str, **columns: Any) -> Any:
    """`unnest($1, $2, …) AS alias(a, b, …)`: rows given as one array a column, under `alias_a`, `alias_b`."""
    arrays = [bindparam(f"{alias}_{name}", type_=ARRAY(kind)) for name, kind in columns.items()]
    named = (column(name, kind) for name, kind in columns.items())
    return func.unnest(*arrays).table_valued(*named, name=alias).render_derived()


Write = Insert | Update | Delete


class Part(NamedTuple):
    """A write of one kind of record, and what makes its arguments of the records."""

    table: str
    statement: Write
    arguments: Callable[[Sequence[Any]], dict[str, Any]]


class Statements(NamedTuple):
    """What loads and writes one kind of record."""

    insert: Part
    update: Part | None
    delete: Part | None
    erase: Part | None
    by_key: str
    by_key_locked: str
    by_group: dict[str, str]


class Stored(Generic[R]):
    """How a kind of record is kept: its table, and the statements that load and write it."""

    def __init__(self, kind: Kind[R], table: Table) -> None:
        self.kind, self.table = kind, table
        self.fields = tuple(field.name for field in msgspec.structs.fields(kind.record))
        self.home = "" if table.info["home"] == "reference" else table.info["home"]
        self._nested = _nested(kind.record, table)
        self._decoders = [
            (place, self._nested[name]) for place, name in enumerate(self.fields) if name in self._nested
        ]

    @property
    def columns(self) -> list[Any]:
        """The table's columns in the order of the record's fields, for a select."""
        return [self.table.c[name] for name in self.fields]

    def record(self, row: Sequence[Any] | Row) -> R:
        """The record of the values of `columns`."""
        if not self._decoders:
            return self.kind.record(*row)
        values = list(row)
        for index, decode in self._decoders:
            if values[index] is not None:
                values[index] = decode(values[index])
        return self.kind.record(*values)

    @cached_property
    def plain(self) -> Statements:
        """The statements for one server."""
        return self._statements(homes=False)

    @cached_property
    def spread(self) -> Statements:
        """The statements for a cluster: they name the home of their rows once more, as `= any($n)`, so that
        only the shards concerned are visited. One server would read all rows of that home."""
        return self._statements(homes=True)

    @cached_property
    def one_locked(self) -> str:
        """The record of one key, locked."""
        t = self.table
        same = [t.c[name] == bindparam(f"_{name}", type_=t.c[name].type) for name in self.kind.key_fields]
        return Statement(select(*self.columns).where(*same).with_for_update(of=t)).sql

    def _statements(self, *, homes: bool) -> Statements:
        by = self.kind.key_fields
        return Statements(
            insert=self._insert(),
            update=self._update(self.kind.changes, "changed", homes),
            delete=self._delete(homes) if self.kind.removable else None,
            erase=self._update(self._erased, "erased", homes) if self.kind.marked else None,
            by_key=self._by(by, by, homes),
            by_key_locked=self._by(by, by, homes, lock=True),
            by_group={name: self._list(listed, homes) for name, listed in self.kind.groups.items()},
        )

    def _list(self, listed: Listed, homes: bool) -> str:
        t, live = self.table, self.kind.live
        order = (*listed.order, *self.kind.key_fields)
        where = [plain(live(t.c))] if live and not listed.history else []
        if not listed.most:
            return self._by(listed.by, order, homes, *where)
        first = select(*self.columns).where(*where).limit(literal_column(str(listed.most)))
        first = first.order_by(*(t.c[name] for name in dict.fromkeys(order) if name not in listed.by))
        if homes or not listed.by:
            given = {name: bindparam(f"_{name}", type_=t.c[name].type) for name in listed.by}
            return Statement(first.where(*(t.c[name] == value for name, value in given.items()))).sql
        wanted = unnested("wanted", **{name: t.c[name].type for name in listed.by})
        each = first.where(*(t.c[name] == wanted.c[name] for name in listed.by)).lateral("listed")
        return Statement(
            select(*(each.c[name] for name in self.fields)).select_from(wanted.join(each, true()))
        ).sql

    def _insert(self) -> Part:
        values = self._given(self.fields, "added")
        insert = self.table.insert().from_select(list(values), select(*values.values()))
        return self._part(insert.returning(next(iter(self.table.primary_key))), "added")

    @property
    def _erased(self) -> tuple[str, ...]:
        """What is written of a record whose marked fields are made neutral."""
        kind = self.kind
        return tuple(name for name in self.fields if name in kind.changes or name in kind.marked)

    def _update(self, names: tuple[str, ...], alias: str, homes: bool) -> Part | None:
        t, keys = self.table, self.kind.key_fields
        if not names or not set(names).isdisjoint(keys):
            return None
        values = self._given((*keys, *names), alias)
        same = [t.c[name] == values[name] for name in keys]
        update = t.update().values({name: values[name] for name in names})
        update = update.where(*same, *self._at_home(keys, f"{t.name}_{alias}_home", homes))
        return self._part(update.returning(next(iter(t.primary_key))), alias, homes)

    def _delete(self, homes: bool) -> Part:
        t, keys = self.table, self.kind.key_fields
        values = self._given(keys, "removed")
        same = [t.c[name] == values[name] for name in keys]
        delete = t.delete().where(*same, *self._at_home(keys, f"{t.name}_removed_home", homes))
        return self._part(delete.returning(next(iter(t.primary_key))), "removed", homes)

    def _part(self, statement: Write, alias: str, homes: bool = False) -> Part:
        name = self.table.name

        def arguments(records: Sequence[R]) -> dict[str, Any]:
            given: dict[str, Any] = {f"{name}_{alias}": _encode(records).decode()}
            if homes and self.home:
                given[f"{name}_{alias}_home"] = [getattr(record, self.home) for record in records]
            return given

        return Part(name, statement, arguments)

    def _given(self, names: Iterable[str], alias: str) -> dict[str, Any]:
        """The values of records that are given as JSON, by name; all of them are of one `FROM`."""
        columns = [self.table.c[name] for name in names]
        document = bindparam(f"{self.table.name}_{alias}", type_=JSON)
        rows = func.json_to_recordset(document).table_valued(
            *(column(c.name, Text if self._is_coded(c) else c.type) for c in columns), name=alias
        )
        given = rows.render_derived(with_types=True)
        return {c.name: self._decoded(given.c[c.name], c) for c in columns}

    def _is_coded(self, c: Column[Any]) -> bool:
        """Whether JSON has the value as text: bytes, and what is JSON already."""
        return isinstance(c.type, BYTEA) or (isinstance(c.type, JSONB) and c.name not in self._nested)

    def _decoded(self, value: Any, c: Column[Any]) -> Any:
        if not self._is_coded(c):
            return value
        return func.decode(value, BASE64) if isinstance(c.type, BYTEA) else cast(value, c.type)

    def _by(
        self, names: tuple[str, ...], order: tuple[str, ...], homes: bool, *where: Any, lock: bool = False
    ) -> str:
        t = self.table
        statement = select(*self.columns).where(*self._at_home(names, f"wanted_{self.home}", homes), *where)
        if names:
            wanted = unnested("wanted", **{name: t.c[name].type for name in names})
            same = [t.c[name] == wanted.c[name] for name in names]
            statement = statement.select_from(t.join(wanted, and_(*same)))
        statement = statement.order_by(*(t.c[name] for name in order))
        return Statement(statement.with_for_update(of=t) if lock else statement).sql

    def _at_home(self, names: Iterable[str], array: str, homes: bool) -> list[Any]:
        """The home column once more, as `= any($n)`, where it is among the names."""
        if not (homes and self.home in tuple(names)):
            return []
        home = self.table.c[self.home]
        return [home == any_(bindparam(array, type_=ARRAY(home.type)))]


@lru_cache(maxsize=1024)
def writing(*parts: Write) -> Statement:
    """One statement of several writes; it answers how many rows each of them wrote."""
    written = [part.cte(f"part_{number}") for number, part in enumerate(parts)]
    return Statement(select(*(select(func.count()).select_from(part).scalar_subquery() for part in written)))


PLACE = re.compile(r"\$(\d+)")


class SideBySide(NamedTuple):
    """One statement of several selects. The first column of a row is the number of its select, whose columns
    are in `places`; those of the others are null."""

    sql: str
    places: tuple[slice, ...]


@lru_cache(maxsize=1024)
def side_by_side(*parts: tuple[str, Stored[Any]]) -> SideBySide:
    """One statement of the selects of several kinds, which answers in their order."""
    columns = [[f"null::{c.type.compile(_DIALECT)}" for c in stored.columns] for _, stored in parts]
    selects: list[str] = []
    places: list[slice] = []
    given = 0
    for number, (sql, _) in enumerate(parts):
        before = [str(number), *(null for some in columns[:number] for null in some)]
        after = [null for some in columns[number + 1 :] for null in some]
        places += [slice(len(before), len(before) + len(columns[number]))]
        selects += [f"(select {', '.join((*before, 'one.*', *after))} from ({_shifted(sql, given)}) as one)"]
        given += len(set(PLACE.findall(sql)))
    return SideBySide(" union all ".join(selects), tuple(places))


def _shifted(sql: str, by: int) -> str:
    """A statement whose places begin `by` later."""
    return PLACE.sub(lambda place: f"${int(place[1]) + by}", sql)


def arrays(wanted: Sequence[Key[Any] | Group[Any]]) -> list[Sequence[Any]]:
    """The values of keys or groups of one kind, one array a column."""
    return list(zip(*(one.values for one in wanted), strict=True))


def _nested(record: type[shared.Record], table: Table) -> dict[str, Callable[[str], Any]]:
    """What turns the text of each JSON column into the type of its field, where that is not text itself."""
    hints = get_type_hints(record, include_extras=True)
    return {
        field.name: msgspec.json.Decoder(hints[field.name]).decode
        for field in msgspec.structs.fields(record)
        if isinstance(table.c[field.name].type, JSONB) and hints[field.name] is not str
    }
