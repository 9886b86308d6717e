"""Between records and rows: statements written in Core, compiled once, run on bare asyncpg.

`Stored` ties a kind of record to its table: the columns are the record's fields, nested records and
tuples are JSON. Bulk reads and writes pass one array a column and `unnest` them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from asyncpg import Record as Row
from sqlalchemy import ARRAY, Executable, Table, and_, any_, bindparam, column, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from ...application.work import Group, Key, Kind
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


class Stored(Generic[R]):
    """How a kind of record is kept: its table, and the statements that load and write it.

    `changes` names the fields that an update writes, all but the key by default; none for a record
    that is written once.
    """

    def __init__(self, kind: Kind[R], table: Table, *, changes: tuple[str, ...] | None = None) -> None:
        self.kind, self.table = kind, table
        self.fields = tuple(field.name for field in msgspec.structs.fields(kind.record))
        self.home = "" if table.info["home"] == "reference" else table.info["home"]
        self._decoders = _decoders(kind.record, table)
        self._columns = [_column_of(name, table) for name in self.fields]
        everything = tuple(name for name in self.fields if name not in kind.key_fields)
        changing = everything if changes is None else changes
        self._change_columns = [_column_of(name, table) for name in (*kind.key_fields, *changing)]
        self.insert = self._insert()
        self.update = self._update(changing) if changing else None
        self.by_key = self._by(kind.key_fields, lock=False)
        self.by_key_locked = self._by(kind.key_fields, lock=True)
        self.one_locked = self._one_locked()
        self.by_group = {name: self._by(by, lock=False, group=True) for name, by in kind.group_fields.items()}

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

    def added(self, records: Sequence[R]) -> list[Any]:
        """The arguments of `insert`: one array a column."""
        return [take(records) for take in self._columns]

    def changed(self, records: Sequence[R]) -> list[Any]:
        """The arguments of `update`: one array a column, the key's columns first."""
        return [take(records) for take in self._change_columns]

    def _rows(self, names: Iterable[str], alias: str) -> Any:
        """`unnest($1, $2, …) AS alias(a, b, …)`, typed as the table's columns."""
        columns = [self.table.c[name] for name in names]
        arrays = [bindparam(f"_{c.name}", type_=ARRAY(c.type)) for c in columns]
        return (
            func.unnest(*arrays)
            .table_valued(*(column(c.name, c.type) for c in columns), name=alias)
            .render_derived()
        )

    def _in_home(self, names: Iterable[str]) -> list[Any]:
        """The home column again as `= any($n)`: on a cluster only the shards concerned are visited."""
        if not self.home or self.home not in tuple(names):
            return []
        home = self.table.c[self.home]
        return [home == any_(bindparam(f"_{self.home}", type_=ARRAY(home.type)))]

    def _insert(self) -> str:
        given = self._rows(self.fields, "given")
        statement = self.table.insert().from_select(
            list(self.fields), select(*(given.c[n] for n in self.fields))
        )
        return Statement(statement.returning(next(iter(self.table.primary_key)))).sql

    def _update(self, changing: Sequence[str]) -> str:
        t, names = self.table, (*self.kind.key_fields, *changing)
        given = self._rows(names, "given")
        same = [t.c[name] == given.c[name] for name in self.kind.key_fields]
        statement = t.update().values({name: given.c[name] for name in changing})
        return Statement(statement.where(and_(*same, *self._in_home(names)))).sql

    def _by(self, names: tuple[str, ...], *, lock: bool, group: bool = False) -> str:
        t = self.table
        live = [plain(self.kind.live(t.c))] if group and self.kind.live else []
        statement = select(*self.columns).where(*self._in_home(names), *live)
        if names:
            wanted = self._rows(names, "wanted")
            same = [t.c[name] == wanted.c[name] for name in names]
            statement = statement.select_from(t.join(wanted, and_(*same)))
        statement = statement.order_by(*(t.c[name] for name in self.kind.key_fields))
        return Statement(statement.with_for_update(of=t) if lock else statement).sql

    def _one_locked(self) -> str:
        t = self.table
        same = [t.c[name] == bindparam(f"_{name}", type_=t.c[name].type) for name in self.kind.key_fields]
        return Statement(select(*self.columns).where(*same).with_for_update(of=t)).sql


def arrays(wanted: Sequence[Key[Any] | Group[Any]]) -> list[list[Any]]:
    """The values of keys or groups of one kind, one array a column."""
    return [list(values) for values in zip(*(one.values for one in wanted), strict=True)]


def _column_of(name: str, table: Table) -> Callable[[Sequence[Any]], list[Any]]:
    """What gathers one field of many records into an array, nested values as JSON text."""
    as_json = isinstance(table.c[name].type, JSONB)

    def take(records: Sequence[Any]) -> list[Any]:
        values = [getattr(record, name) for record in records]
        if not as_json:
            return values
        return [v if v is None or type(v) is str else _encode(v).decode() for v in values]

    return take


def _decoders(record: type[shared.Record], table: Table) -> list[tuple[int, Callable[[str], Any]]]:
    """For each JSON field, its place and what turns its text into the field's type."""
    hints = get_type_hints(record, include_extras=True)
    return [
        (index, msgspec.json.Decoder(hints[field.name]).decode)
        for index, field in enumerate(msgspec.structs.fields(record))
        if isinstance(table.c[field.name].type, JSONB) and hints[field.name] is not str
    ]
