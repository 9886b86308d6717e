"""Spends through the Runner: one transaction at a time, and grouped."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from uuid_utils.compat import uuid7

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.storage import PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application import points
from baobab.application.points import Balance
from baobab.application.runner import Runner
from baobab.domain import shared

from .measure import Contender, Sample, closed_loop
from .world import HOT, World, user_id

GROUPED_CLIENTS = 256
SERVICE = shared.Actor(role="service", address="127.0.0.1")


@asynccontextmanager
async def contenders(world: World) -> AsyncIterator[dict[str, Contender]]:
    """By name and case. Every command brings an idempotency key of its own, as a request does."""
    everybody = [user_id(number) for number in range(1, world.accounts + 1)]
    async with Database(world.url) as database:
        found: dict[str, Contender] = {}
        for case, owners in (("spread", everybody), ("hot", [user_id(HOT)])):
            spend = partial(_spend, database, owners)
            found[f"spends, one at a time, 1 client, {case}"] = partial(spend, 1, 1)
            found[f"spends, one at a time, 8 clients, {case}"] = partial(spend, 8, 1)
            found[f"spends, grouped, {case}"] = partial(spend, 1, GROUPED_CLIENTS)
        yield found


def ran_by(database: Database, most_grouped: int) -> Runner:
    """A Runner on the database, as the container makes it."""
    storage, queries = PostgresStorage(database, STORED), PostgresQueries(database)
    return Runner(storage, queries, most_grouped=most_grouped)


async def _spend(
    database: Database, owners: Sequence[UUID], runners: int, most_grouped: int, seconds: float
) -> Sample:
    """A Runner has one transaction at a time: eight clients, each with a transaction of its own, are
    eight Runners."""
    runs = [ran_by(database, most_grouped) for _ in range(runners)]
    clients = [partial(_once, run, owners) for run in runs for _ in range(most_grouped)]
    return await closed_loop(clients, seconds)


async def _once(run: Runner, owners: Sequence[UUID]) -> Balance:
    owner, amount, key = random.choice(owners), random.randint(1, 3), uuid7()
    command = points.Spend(user_id=owner, amount=amount, source_id=key)
    return await run(points.spend, command, actor=SERVICE, key=str(key))
