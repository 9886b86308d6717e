"""Between records and rows: statements written in Core, compiled once, run on bare asyncpg.

`Stored` ties a kind of record to its table: the columns are the record's fields, nested records and
tuples are JSON. Bulk reads and writes pass one array a column and `unnest` them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from asyncpg import Record as Row
from sqlalchemy import (
    ARRAY,
    Executable,
    Insert,
    Table,
    Update,
    and_,
    any_,
    bindparam,
    column,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from ...application.work import Group, Key, Kind, values_of_fields
from ...domain import shared

R = TypeVar("R", bound=shared.Record)
_DIALECT: Any = asyncpg_dialect()  # type: ignore[no-untyped-call]
LAST_ID = UUID(int=2**128 - 1)
"""After every id: where a listing from the newest begins."""

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


class Part(NamedTuple):
    """An insert or an update of one kind of record, and what makes its arguments: one array a column."""

    table: str
    statement: Insert | Update
    arrays: Callable[[Sequence[Any]], Iterable[tuple[str, Sequence[Any]]]]


class Statements(NamedTuple):
    """What loads and writes one kind of record."""

    insert: Part
    update: Part | None
    by_key: str
    by_key_locked: str
    by_group: dict[str, str]


class Stored(Generic[R]):
    """How a kind of record is kept: its table, and the statements that load and write it."""

    def __init__(self, kind: Kind[R], table: Table) -> None:
        self.kind, self.table = kind, table
        self.fields = tuple(field.name for field in msgspec.structs.fields(kind.record))
        self.home = "" if table.info["home"] == "reference" else table.info["home"]
        self._decoders = _decoders(kind.record, table)

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
        by, groups = self.kind.key_fields, self.kind.group_fields
        return Statements(
            insert=self._insert(),
            update=self._update(homes) if self.kind.changes else None,
            by_key=self._by(by, homes),
            by_key_locked=self._by(by, homes, lock=True),
            by_group={name: self._by(by, homes, group=True) for name, by in groups.items()},
        )

    def _rows(self, names: Iterable[str], alias: str) -> Any:
        """`unnest($1, $2, …) AS alias(a, b, …)`, typed as the table's columns."""
        columns = [self.table.c[name] for name in names]
        arrays = [bindparam(self._array(c.name, alias), type_=ARRAY(c.type)) for c in columns]
        return (
            func.unnest(*arrays)
            .table_valued(*(column(c.name, c.type) for c in columns), name=alias)
            .render_derived()
        )

    def _array(self, name: str, alias: str) -> str:
        return f"{self.table.name}_{alias}_{name}"

    def _in_home(self, names: Iterable[str], alias: str, homes: bool) -> list[Any]:
        if not (homes and self.home in tuple(names)):
            return []
        home = self.table.c[self.home]
        return [home == any_(bindparam(self._array(self.home, alias), type_=ARRAY(home.type)))]

    def _insert(self) -> Part:
        given = self._rows(self.fields, "added")
        rows = select(*(given.c[name] for name in self.fields))
        insert = self.table.insert().from_select(list(self.fields), rows)
        return self._part(insert.returning(next(iter(self.table.primary_key))), self.fields, "added")

    def _update(self, homes: bool) -> Part:
        t, names = self.table, (*self.kind.key_fields, *self.kind.changes)
        given = self._rows(names, "changed")
        same = [t.c[name] == given.c[name] for name in self.kind.key_fields]
        update = t.update().values({name: given.c[name] for name in self.kind.changes})
        update = update.where(*same, *self._in_home(names, "changed", homes))
        return self._part(update.returning(next(iter(t.primary_key))), names, "changed")

    def _part(self, statement: Insert | Update, names: tuple[str, ...], alias: str) -> Part:
        values_of = values_of_fields(names)
        arrays = [self._array(name, alias) for name in names]
        nested = [isinstance(self.table.c[name].type, JSONB) for name in names]

        def gather(records: Sequence[R]) -> Iterator[tuple[str, Sequence[Any]]]:
            columns = zip(*map(values_of, records), strict=True)
            for array, values, is_nested in zip(arrays, columns, nested, strict=True):
                yield array, [_as_json(value) for value in values] if is_nested else values

        return Part(self.table.name, statement, gather)

    def _by(self, names: tuple[str, ...], homes: bool, *, lock: bool = False, group: bool = False) -> str:
        t = self.table
        live = [plain(self.kind.live(t.c))] if group and self.kind.live else []
        statement = select(*self.columns).where(*self._in_home(names, "wanted", homes), *live)
        if names:
            wanted = self._rows(names, "wanted")
            same = [t.c[name] == wanted.c[name] for name in names]
            statement = statement.select_from(t.join(wanted, and_(*same)))
        statement = statement.order_by(*(t.c[name] for name in self.kind.key_fields))
        return Statement(statement.with_for_update(of=t) if lock else statement).sql


@lru_cache(maxsize=1024)
def writing(*parts: Insert | Update) -> Statement:
    """One statement of several inserts and updates; it answers how many rows each of them wrote."""
    written = [part.cte(f"part_{number}") for number, part in enumerate(parts)]
    return Statement(select(*(select(func.count()).select_from(part).scalar_subquery() for part in written)))


def arrays(wanted: Sequence[Key[Any] | Group[Any]]) -> list[Sequence[Any]]:
    """The values of keys or groups of one kind, one array a column."""
    return list(zip(*(one.values for one in wanted), strict=True))


def _as_json(value: Any) -> str | None:
    return value if value is None or type(value) is str else _encode(value).decode()


def _decoders(record: type[shared.Record], table: Table) -> list[tuple[int, Callable[[str], Any]]]:
    """For each JSON field, its place and what turns its text into the field's type."""
    hints = get_type_hints(record, include_extras=True)
    return [
        (index, msgspec.json.Decoder(hints[field.name]).decode)
        for index, field in enumerate(msgspec.structs.fields(record))
        if isinstance(table.c[field.name].type, JSONB) and hints[field.name] is not str
    ]
