"""Spends through one Runner, as a server has it, for one client and for many."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.ids import new_id
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.storage import PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application import points
from baobab.application.points import Balance
from baobab.application.runner import Runner
from baobab.domain import shared

from .measure import Contender, Sample, closed_loop
from .world import HOT, World, user_id

CLIENTS = (1, 8, 64, 256)
SERVICE = shared.Actor(role="service", address="127.0.0.1", whereabouts="public")


@asynccontextmanager
async def contenders(world: World) -> AsyncIterator[dict[str, Contender]]:
    """By name and case. Every command brings an idempotency key of its own, as a request does."""
    everybody = [user_id(number) for number in range(1, world.accounts + 1)]
    async with Database(world.url) as database:
        found: dict[str, Contender] = {}
        for case, owners in (("spread", everybody), ("hot", [user_id(HOT)])):
            for clients in CLIENTS:
                found[named(clients, case)] = partial(_spend, database, owners, clients)
        yield found


def named(clients: int, case: str) -> str:
    return f"spends, {clients} client{'s' * (clients > 1)}, {case}"


def ran_by(database: Database) -> Runner:
    """A Runner on the database, as the container makes it."""
    return Runner(PostgresStorage(database, STORED), PostgresQueries(database), ids=new_id)


async def _spend(database: Database, owners: Sequence[UUID], clients: int, seconds: float) -> Sample:
    run = ran_by(database)
    return await closed_loop([partial(once, run, owners)] * clients, seconds)


async def once(run: Runner, owners: Sequence[UUID]) -> Balance:
    owner, amount = owners[int(random.random() * len(owners))], 1 + int(random.random() * 3)
    key = new_id()
    command = points.Spend(user_id=owner, amount=amount, source_id=key)
    return await run(points.spend, command, actor=SERVICE, key=str(key))
