"""What tests are made with: a world to act in, its clock, and the DDL of tables."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, create_mock_engine
from uuid_utils.compat import uuid7

from baobab.adapters.memory.queries import MemoryQueries
from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.schema import metadata
from baobab.adapters.postgres.storage import PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application.runner import Runner
from baobab.application.work import Storage
from baobab.domain import shared

START = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
"""When a world begins: a Monday in March."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def at(self, moment: datetime | str) -> datetime:
        """Move to a moment; a text such as `2026-08-31 14:00` is in UTC."""
        self.now = datetime.fromisoformat(f"{moment}+00:00") if isinstance(moment, str) else moment
        return self.now

    def advance(self, **delta: float) -> datetime:
        """Move forward by `days`, `hours`, `minutes`, ..."""
        self.now += timedelta(**delta)
        return self.now


class World:
    """Somewhere to act: a Runner over a storage, a clock that is set by hand, and people.

    `run` is the Runner; `runner()` is another one over the same storage, as another process has it.
    """

    def __init__(self, storage: Storage, queries: Any) -> None:
        self.storage, self.queries, self.clock = storage, queries, Clock()
        self.run = self.runner()
        self.admin = self.member("admin")

    @classmethod
    def in_memory(cls) -> "World":
        storage = MemoryStorage()
        return cls(storage, MemoryQueries(storage))

    @classmethod
    def on(cls, database: Database) -> "World":
        return cls(PostgresStorage(database, STORED), PostgresQueries(database))

    def runner(self, storage: Storage | None = None, **options: Any) -> Runner:
        return Runner(storage or self.storage, self.queries, self.clock, **options)

    def member(self, role: shared.Role = "member", **facts: Any) -> shared.Actor:
        """Somebody new, known by the id alone."""
        return shared.Actor(uuid7(), role, **facts)


def ddl_of(tables: Iterable[Table]) -> list[str]:
    """The statements that make tables with their indexes, in an order that works."""
    statements: list[str] = []
    engine = create_mock_engine(
        "postgresql+asyncpg://",
        lambda statement, *_, **__: statements.append(str(statement.compile(dialect=engine.dialect))),
    )
    metadata.create_all(engine, tables=list(tables), checkfirst=False)
    return statements
