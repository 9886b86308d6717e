"""Whether it costs more as history grows: spends and balances over ten thousand, a million and ten million
postings, and an account of ten thousand lots."""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from baobab.adapters.postgres import migrate
from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.points import Balance
from baobab.application.runner import Runner

from .measure import Contender, Sample, closed_loop
from .spends import SERVICE, once, ran_by
from .world import World, script, user_id

CLIENTS = 64
MOST_AT_ONCE = 500_000
"""Postings that are written by one statement of the filling."""
LOTS = {"three lots": UUID(int=3), "ten thousand lots": UUID(int=10_000)}
WHAT = ("spends", "balances")


class Size(NamedTuple):
    """So many accounts with so many postings each."""

    name: str
    accounts: int
    each: int


SIZES = (
    Size("ten thousand postings", 2_000, 5),
    Size("a million postings", 2_000, 500),
    Size("ten million postings", 2_000, 5_000),
)


@asynccontextmanager
async def contenders(world: World, shrunk: int = 1) -> AsyncIterator[dict[str, Contender]]:
    """By name. Each size is a database of its own on the same server; they take turns."""
    found: dict[str, Contender] = {}
    before = await commit_time(world)
    async with AsyncExitStack() as stack:
        for number, size in enumerate(SIZES):
            database = await stack.enter_async_context(await _grown(world, number, size, shrunk))
            members = [user_id(one) for one in range(1, size.accounts // shrunk + 1)]
            for what, ask in zip(WHAT, (_spend, _read), strict=True):
                found[named(what, size)] = partial(ask, database, members)
        rich = await stack.enter_async_context(await _with_lots(world, shrunk))
        for name, owner in LOTS.items():
            found[of_lots(name)] = partial(_spend_alone, rich, owner)
        await disk_is_calm(world, before)
        yield found


def named(what: str, size: Size) -> str:
    """The name of a contender."""
    return f"{what}, {CLIENTS} clients, {size.name}"


def of_lots(lots: str) -> str:
    """The name of a lone client's contender."""
    return f"spends, 1 client, {lots}"


async def _grown(world: World, number: int, size: Size, shrunk: int) -> Database:
    """A database whose accounts have a past."""
    url = await another(world, f"history_{number}")
    step = max(1, MOST_AT_ONCE // size.each)
    connection = await asyncpg.connect(url)
    try:
        await set_config(connection, each=size.each)
        for first in range(1, size.accounts // shrunk + 1, step):
            last = min(first + step - 1, size.accounts // shrunk)
            await set_config(connection, first=first, last=last)
            await connection.execute(script("history"))
    finally:
        await connection.close()
    await settle_down(url)
    return Database(url)


async def _with_lots(world: World, shrunk: int) -> Database:
    """A database with an account of three open lots, and one of ten thousand."""
    url = await another(world, "lots")
    connection = await asyncpg.connect(url)
    try:
        for lots, owner in zip((3, 10_000 // shrunk), LOTS.values(), strict=True):
            await set_config(connection, lots=lots, owner=owner)
            await connection.execute(script("lots"))
    finally:
        await connection.close()
    await settle_down(url)
    return Database(url)


async def set_config(connection: asyncpg.Connection, **values: object) -> None:
    """Settings that a script reads as `bench.<name>`."""
    for name, value in values.items():
        await connection.execute("select set_config($1, $2, false)", f"bench.{name}", str(value))


async def another(world: World, name: str) -> str:
    """Another migrated database of the same server."""
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    url = make_url(world.url).set(database=name).render_as_string(hide_password=False)
    await asyncio.to_thread(migrate.upgrade, url)
    return url


async def settle_down(url: str) -> None:
    """The planner has its statistics, and what was filled is on the disk."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def commit_time(world: World, commits: int = 50) -> float:
    """Seconds. The median of so many commits that write next to nothing."""
    connection = await asyncpg.connect(world.url)
    took = []
    try:
        for _ in range(commits):
            began = time.perf_counter()
            await connection.execute("select pg_logical_emit_message(true, 'bench', '')")
            took.append(time.perf_counter() - began)
    finally:
        await connection.close()
    return statistics.median(took)


async def disk_is_calm(world: World, before: float, patience: int = 180) -> None:
    """Wait until what was filled in is on the disk, and a commit takes no more than half as long again as it
    did `before`: a disk goes on working for a while after it said that it was done."""
    await asyncio.to_thread(os.sync)
    now = await commit_time(world)
    for _ in range(patience // 5):
        if now <= 1.5 * before:
            break
        await asyncio.sleep(5)
        now = await commit_time(world)
    print(f"a commit: {before * 1e3:.2f} ms before the filling, {now * 1e3:.2f} ms after", file=sys.stderr)


async def _spend(database: Database, members: Sequence[UUID], seconds: float) -> Sample:
    run = ran_by(database)
    return await closed_loop([partial(once, run, members)] * CLIENTS, seconds)


async def _spend_alone(database: Database, owner: UUID, seconds: float) -> Sample:
    return await closed_loop([partial(once, ran_by(database), [owner])], seconds)


async def _read(database: Database, members: Sequence[UUID], seconds: float) -> Sample:
    run = ran_by(database)
    return await closed_loop([partial(_balance, run, members)] * CLIENTS, seconds)


async def _balance(run: Runner, members: Sequence[UUID]) -> Balance:
    question = points.GetBalance(user_id=random.choice(members))
    return await run.read(points.balance, question, actor=SERVICE)
