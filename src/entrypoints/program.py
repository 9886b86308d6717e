"""A running program: its settings, its database (embedded unless one is named), its container."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from ..adapters.postgres import migrate, roles
from ..adapters.postgres.server import EmbeddedServer
from ..domain import shared
from . import waiting
from .container import Container
from .secret import kept_secret
from .settings import Settings

C = TypeVar("C", bound=Container)

OPERATOR = shared.Actor(role="service", address="cli", whereabouts="public")
"""Who acts when somebody at this machine runs a command."""


class SchemaNotCurrent(shared.Unavailable):
    message = "The database's schema is at {current}, this program needs {head}: run `baobab db upgrade`."
    current: str
    head: str


@contextmanager
def database_of(settings: Settings, *, patient: bool = False) -> Iterator[Settings]:
    """The settings with a database that is there: the one they name, which is waited for (for long by who is
    patient), or the embedded one, started or joined, and stopped by the last program that uses it, its key
    for secrets beside it. Raises EmbeddedServerError, and what waiting.until_it_answers raises."""
    if settings.database_url:
        waiting.until_it_answers(settings, most=math.inf if patient else waiting.FOR_A_COMMAND)
        yield settings
        return
    with EmbeddedServer.start(settings.data_path) as server:
        server.ensure_database("baobab")
        key = settings.secret_key or kept_secret(settings.data_path / "secret_key")
        yield shared.evolve(settings, database_url=server.url("baobab"), secret_key=key)


def ensure_schema(settings: Settings, *, embedded: bool) -> None:
    """Migrate the embedded database and bring its roles up to date; of another only say that it must be.
    Raises SchemaNotCurrent."""
    if embedded:
        migrate.upgrade(settings.database_url)
        asyncio.run(roles.apply(settings.database_url))
    elif (current := migrate.current(settings.database_url)) != migrate.head():
        raise SchemaNotCurrent(current=current or "nothing", head=migrate.head())


@contextmanager
def ready(settings: Settings, *, patient: bool = False) -> Iterator[Settings]:
    """The settings with a database whose schema is current; on the embedded one as the role of the service,
    which may do no more than it needs."""
    embedded = not settings.database_url
    with database_of(settings, patient=patient) as found:
        ensure_schema(found, embedded=embedded)
        url = found.database_url
        yield shared.evolve(found, database_url=roles.as_role(url, roles.SERVICE) if embedded else url)


@asynccontextmanager
async def opened(container: C) -> AsyncIterator[C]:
    """A container with its database open; every accepted command is answered before it closes."""
    async with container.database():
        try:
            yield container
        finally:
            await container.gate().later.done()
            await container.runner().close()
