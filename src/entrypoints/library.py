"""What another Python service imports: a Runner in memory, or on a PostgreSQL.

async with library.in_memory() as run:
    balance = await run(points.earn, points.Earn(...), actor=actor)
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from dependency_injector import providers

from ..application.runner import Runner, utc_now
from . import program
from .container import Container, MemoryContainer
from .settings import Settings

Clock = Callable[[], datetime]


@asynccontextmanager
async def in_memory(clock: Clock = utc_now) -> AsyncIterator[Runner]:
    """A Runner whose records live as long as the block."""
    async with _running(MemoryContainer(settings=Settings()), clock) as run:
        yield run


@asynccontextmanager
async def on_postgres(url: str, clock: Clock = utc_now, *, connections: int = 8) -> AsyncIterator[Runner]:
    """A Runner on the database of an address, whose schema is current. Raises SchemaNotCurrent."""
    settings = Settings(database_url=url, connections=connections)
    await asyncio.to_thread(program.ensure_schema, settings, embedded=False)
    async with _running(Container(settings=settings), clock) as run:
        yield run


@asynccontextmanager
async def _running(container: Any, clock: Clock) -> AsyncIterator[Runner]:
    container.clock.override(providers.Object(clock))
    async with program.opened(container) as opened:
        yield opened.runner()
