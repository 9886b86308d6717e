"""The wiring, on one screen: which adapter stands behind which port. Only entry points import it."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from dependency_injector import containers, providers

from ..adapters.memory.queries import MemoryQueries
from ..adapters.memory.storage import MemoryStorage
from ..adapters.payments import gateway_of
from ..adapters.postgres.database import Database, Limits, Standing
from ..adapters.postgres.queries import PostgresQueries
from ..adapters.postgres.storage import PostgresStorage
from ..adapters.postgres.stored import STORED
from ..adapters.secrets import Argon2Secrets
from ..application.runner import Runner, utc_now
from .settings import Settings


class NoDatabase(AbstractAsyncContextManager["NoDatabase"]):
    """What stands where a database would: always there."""

    async def __aexit__(self, *error: object) -> None:
        return None

    async def check(self) -> None:
        return None

    def standing(self) -> Standing:
        return Standing(0, 0, 0)


def _connected(settings: Settings) -> Database:
    limits = Limits.of(settings.statement_timeout, settings.lock_timeout)
    return Database(settings.database_url, connections=settings.connections, limits=limits)


def _on_every_table(database: Database) -> PostgresStorage:
    """A container copies what it is given; the kinds of record are compared by identity."""
    return PostgresStorage(database, STORED)


class Container(containers.DeclarativeContainer):
    """Everything on PostgreSQL. Override `clock` to travel in time."""

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Object(utc_now)
    database: providers.Provider[Any] = providers.Singleton(_connected, settings)
    storage: providers.Provider[Any] = providers.Singleton(_on_every_table, database)
    queries: providers.Provider[Any] = providers.Singleton(PostgresQueries, database)
    runner = providers.Singleton(
        Runner, storage, queries, clock, most_waiting=settings.provided.most_waiting
    )
    secrets = providers.Singleton(Argon2Secrets)
    gateway: providers.Provider[Any] = providers.Singleton(gateway_of, settings.provided.sandbox)


class MemoryContainer(Container):
    """The same in memory: nothing outlives the process."""

    database = providers.Singleton(NoDatabase)
    storage = providers.Singleton(MemoryStorage)
    queries = providers.Singleton(MemoryQueries, storage)
    runner = providers.Singleton(Runner, storage, queries, Container.clock)
