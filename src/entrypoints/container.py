"""The wiring, on one screen: which adapter stands behind which port. Only entry points import it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from dependency_injector import containers, providers

from ..adapters.common_passwords import is_common
from ..adapters.mail import MemoryMailer, mailer_of
from ..adapters.memory.queries import MemoryQueries
from ..adapters.memory.storage import MemoryStorage
from ..adapters.payments import NoProvider, SandboxGateway
from ..adapters.postgres.database import Database, Limits, Standing
from ..adapters.postgres.ids import new_id
from ..adapters.postgres.queries import PostgresQueries
from ..adapters.postgres.storage import PostgresStorage
from ..adapters.postgres.stored import STORED
from ..adapters.second_factor import Totp
from ..adapters.secrets import Argon2Secrets
from ..application.identity import Gate, Porter
from ..application.mail import Mailer
from ..application.payments import Gateway
from ..application.runner import Runner, utc_now
from ..domain import identity
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


def _secrets(settings: Settings) -> Argon2Secrets:
    return Argon2Secrets(settings.secret_keys)


def _mailer(settings: Settings) -> Mailer:
    return mailer_of(settings.smtp_url.reveal(), settings.mail_from, settings.mail_path)


def _gate(settings: Settings, run: Runner, secrets: Argon2Secrets, mailer: Mailer) -> Gate:
    return Gate(
        run,
        secrets,
        mailer,
        Totp(),
        is_common=is_common,
        lasting=identity.Lasting(settings.session_days, settings.session_limit_days),
        lifetimes=identity.Lifetimes(settings.link_minutes, settings.verify_hours),
        public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
    )


def _gateway(settings: Settings, clock: Callable[[], datetime]) -> Gateway:
    """The provider of payments: the sandbox, Stripe, or nobody."""
    if settings.sandbox:
        return SandboxGateway()
    if not settings.stripe_key:
        return NoProvider()
    from ..adapters.payments.stripe import StripeGateway  # noqa: PLC0415 (it takes a while)

    return StripeGateway(
        settings.stripe_key.reveal(),
        settings.stripe_webhook_secret.reveal(),
        clock,
        api_base=settings.stripe_api_base,
        public_key=settings.stripe_public_key,
        window=timedelta(seconds=settings.webhook_window),
    )


def _porter(settings: Settings, run: Runner, queries: Any) -> Porter:
    required = settings.require_second_factor
    return Porter(run, queries, idle_days=settings.session_days, require_second_factor=required)


class Container(containers.DeclarativeContainer):
    """Everything on PostgreSQL. Override `clock` to travel in time."""

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Object(utc_now)
    database: providers.Provider[Any] = providers.Singleton(_connected, settings)
    storage: providers.Provider[Any] = providers.Singleton(_on_every_table, database)
    queries: providers.Provider[Any] = providers.Singleton(PostgresQueries, database)
    runner = providers.Singleton(
        Runner, storage, queries, clock, ids=new_id, most_waiting=settings.provided.most_waiting
    )
    secrets = providers.Singleton(_secrets, settings)
    mailer: providers.Provider[Any] = providers.Singleton(_mailer, settings)
    gate = providers.Singleton(_gate, settings, runner, secrets, mailer)
    porter = providers.Singleton(_porter, settings, runner, queries)
    gateway: providers.Provider[Any] = providers.Singleton(_gateway, settings, clock)


class MemoryContainer(Container):
    """The same in memory: nothing outlives the process."""

    database = providers.Singleton(NoDatabase)
    storage = providers.Singleton(MemoryStorage)
    queries = providers.Singleton(MemoryQueries, storage)
    mailer = providers.Singleton(MemoryMailer)
    runner = providers.Singleton(Runner, storage, queries, Container.clock)
    gate = providers.Singleton(_gate, Container.settings, runner, Container.secrets, mailer)
    porter = providers.Singleton(_porter, Container.settings, runner, queries)
