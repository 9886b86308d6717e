"""The schema `baobab`: its metadata, and the words that every table is written with.

Every table names its home in `info["home"]`: the column by which it is distributed (`user_id`,
`product_id`, `project_id`, or the unique value itself for a look-up table), or `reference`.
The home is the first column of the primary key. Rules: docs/decisions/0005-homes.md.
"""

from typing import Any, get_args

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, MetaData, Table
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

SCHEMA = "baobab"
metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)

Uuid = UUID(as_uuid=True)
Time = DateTime(timezone=True)
Bytes = BYTEA
Json = JSONB
Int = BigInteger


def table(name: str, home: str, *items: Any, updated: bool = False) -> Table:
    """A table of the schema with its home named. Pages of one that is `updated` all the time keep some room,
    so that the new version of a row stays beside the old one and no index hears of it."""
    options: dict[str, Any] = {"postgresql_with": {"fillfactor": 80}} if updated else {}
    return Table(name, metadata, *items, info={"home": home}, **options)


def field(name: str, kind: Any, *rest: Any, **options: Any) -> Column[Any]:
    """A column that is never null unless it says `nullable=True`."""
    options.setdefault("nullable", False)
    return Column(name, kind, *rest, **options)


def one_of(column: str, literal: Any) -> CheckConstraint:
    """The column holds one of the values of a `Literal` of the domain."""
    values = ", ".join(f"'{value}'" for value in get_args(literal))
    return CheckConstraint(f"{column} in ({values})", name=column)


def holds(name: str, rule: str) -> CheckConstraint:
    """A rule that every row keeps, whatever writes it."""
    return CheckConstraint(rule, name=name)


__all__ = [
    "ARRAY",
    "SCHEMA",
    "Bytes",
    "Int",
    "Json",
    "Time",
    "Uuid",
    "field",
    "holds",
    "metadata",
    "one_of",
    "table",
]
