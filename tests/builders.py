"""What tests are made with: a world to act in, its clock, records of any kind, and the DDL of tables."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast
from uuid import UUID

from msgspec import inspect
from sqlalchemy import Table, create_mock_engine
from uuid_utils.compat import uuid7

from baobab.adapters.memory.queries import MemoryQueries
from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.postgres.database import Database, Limits
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.schema import metadata
from baobab.adapters.postgres.storage import PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application.identity import MEMBERS
from baobab.application.identity.people import CHECKS
from baobab.application.runner import Runner
from baobab.application.work import Changes, Kind, Storage, Transaction
from baobab.domain import shared
from baobab.domain.identity import Member
from baobab.domain.identity.checks import Check, KycLevel

PATIENT = Limits(statement=120, lock=120, free=120, answer=150)
"""For a database that waits however busy the machine is: a test of limits has its own."""
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


class Peopled:
    """A storage of a world: the members who came since it was last used are written down first."""

    def __init__(self, storage: Storage, world: "World") -> None:
        self._storage, self._world = storage, world

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        await self._world.let_in()
        async with self._storage.begin() as transaction:
            yield transaction


class World:
    """Somewhere to act: a Runner over a storage, a clock that is set by hand, and people.

    `run` is the Runner; `runner()` is another one over the same storage, as another process has it.
    """

    def __init__(self, storage: Storage, queries: Any) -> None:
        self.storage, self.queries, self.clock = storage, queries, Clock()
        self.newcomers: dict[Kind[Any], list[Any]] = {}
        self.door = asyncio.Lock()
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
        """Another Runner, which waits however busy the machine is unless it is told otherwise."""
        waits = {"patience": 120.0, "longest_wait": 120.0} | options
        return Runner(Peopled(storage or self.storage, self), self.queries, self.clock, **waits)

    async def let_in(self) -> None:
        """Write down who came, and what was found of them, since this was last done."""
        async with self.door:
            newcomers, self.newcomers = self.newcomers, {}
            if newcomers:
                async with self.storage.begin() as transaction:
                    await transaction.write(Changes(newcomers, {}))

    def member(
        self, role: shared.Role = "member", *, kyc: KycLevel = 2, verified: bool = True, **facts: Any
    ) -> shared.Actor:
        """Somebody new, known by the id alone; a member is written down, who may invest as much as they like:
        their e-mail is `verified`, and who they are checked."""
        actor = shared.Actor(uuid7(), role, **facts)
        if role == "member":
            email, now = f"member-{actor.user_id}@example.org", self.clock.now
            facts_of = (email, "Member", "member", "explorateur", "active", None, now)
            one = Member(actor.user_id, *facts_of, verified_at=now if verified else None)  # type: ignore[arg-type]
            self.newcomers.setdefault(MEMBERS, []).append(one)
            self.vouch(actor.user_id, kyc)
        return actor

    def vouch(self, user_id: UUID, kyc: KycLevel) -> None:
        """Somebody checked who a member is: it holds for two years."""
        if kyc:
            now, until = self.clock.now, self.clock.now + timedelta(days=730)
            asked = Check(user_id, uuid7(), kyc, "verified", "manual", "", now, until)
            seen = shared.evolve(asked, decided_at=now, decided_by=uuid7(), reason="Seen.")
            self.newcomers.setdefault(CHECKS, []).append(seen)


def ddl_of(tables: Iterable[Table]) -> list[str]:
    """The statements that make tables with their indexes, in an order that works."""
    statements: list[str] = []
    engine = create_mock_engine(
        "postgresql+asyncpg://",
        lambda statement, *_, **__: statements.append(str(statement.compile(dialect=engine.dialect))),
    )
    metadata.create_all(engine, tables=list(tables), checkfirst=False)
    return statements


R = TypeVar("R", bound=shared.Record)
WORDS = ("écorce {0}", "code-{0}", "{0}", "FR", "a" * 64, "https://example.org/{0}")
"""What texts are made of: the first that a field's constraints let pass."""


def filled(record: type[R], seed: int) -> R:
    """A record with a value of the right type in every field; another seed, other values."""
    return cast("R", _value(inspect.type_info(record), Random(seed)))


def _value(kind: Any, chance: Random) -> Any:
    match kind:
        case inspect.StructType():
            return kind.cls(**{field.name: _value(field.type, chance) for field in kind.fields})
        case inspect.Metadata():
            return _value(kind.type, chance)
        case inspect.UnionType():
            return _value(chance.choice(kind.types), chance)
        case inspect.VarTupleType():
            return tuple(_value(kind.item_type, chance) for _ in range(chance.randrange(3)))
        case inspect.DictType():
            return {f"field_{chance.randrange(9)}": _value(kind.value_type, chance)}
        case inspect.LiteralType():
            return chance.choice(kind.values)
        case inspect.StrType():
            words = [word.format(chance.randrange(10**6)) for word in WORDS]
            return next(word for word in words if re.search(kind.pattern or "", word))[: kind.max_length]
        case inspect.IntType():
            return (kind.ge or 0) + chance.randrange(3)
        case inspect.FloatType():
            return (kind.ge or 0) + chance.random()
    return PLAIN[type(kind)](chance)


PLAIN: dict[Any, Callable[[Random], Any]] = {
    inspect.AnyType: lambda chance: chance.choice((None, 1, "écorce", ["a", True])),
    inspect.NoneType: lambda chance: None,
    inspect.BoolType: lambda chance: chance.random() < 0.5,
    inspect.BytesType: lambda chance: chance.randbytes(chance.randrange(40)),
    inspect.UUIDType: lambda chance: UUID(bytes=chance.randbytes(16)),
    inspect.DateType: lambda chance: START.date() + timedelta(days=chance.randrange(9_999)),
    inspect.DateTimeType: lambda chance: START + timedelta(microseconds=chance.randrange(10**15)),
}
