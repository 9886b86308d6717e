"""What tests of the Runner stand on: a storage that is watched, and kinds of record that no context has."""

from collections.abc import AsyncIterator

import pytest
from coins import with_coins
from touching import Watched

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.storage import ArrayLocking, PipelinedLocking
from baobab.application.runner import Runner
from builders import World


@pytest.fixture
def watched(any_world: World) -> Watched:
    return Watched(any_world.storage)


@pytest.fixture
def run(any_world: World, watched: Watched) -> Runner:
    """A Runner whose transactions are watched."""
    return any_world.runner(watched)


@pytest.fixture(params=["memory", "postgres", "pipelined"])
async def coin_world(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[World]:
    """A world with the coins and rates of these tests."""
    if request.param == "memory":
        yield World.in_memory()
    else:
        locking = ArrayLocking() if request.param == "postgres" else PipelinedLocking()
        async with with_coins(database, locking) as storage:
            yield World(storage, PostgresQueries(database))
