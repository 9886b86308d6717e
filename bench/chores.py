"""How long the chores of a day take: a sweep of a hundred thousand lots, a check of a million postings."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from baobab.adapters.postgres.database import Database
from baobab.application.points import auditing, sweeping
from baobab.application.runner import Runner
from baobab.domain import points, shared
from baobab.domain.points import Account, Allocation, Lot, Movement, Posting

from .history import another, set_config, settle_down
from .spends import SERVICE, ran_by
from .world import World, script, user_id

SWEEP, VERIFY = "sweep of 100,000 lots", "verify of 1,000,000 postings"
TABLES: dict[type[shared.Record], str] = {
    Account: "account",
    Lot: "lot",
    Posting: "posting",
    Allocation: "allocation",
}
EACH = 50
"""Postings of an account."""


class Chore(NamedTuple):
    """What was done, in how many seconds, and how many it may take."""

    name: str
    done: str
    seconds: float
    at_most: float


async def done(world: World, shrunk: int = 1) -> list[Chore]:
    """Each chore once, on a database of its own."""
    return [await _swept(world, 20_000 // shrunk), await _verified(world, 20_000 // shrunk)]


async def _swept(world: World, accounts: int) -> Chore:
    url = await another(world, "due")
    connection = await asyncpg.connect(url)
    try:
        await set_config(connection, accounts=accounts)
        await connection.execute(script("due"))
    finally:
        await connection.close()
    tally, seconds = await _timed(url, lambda run: sweeping.run_due(run, "expiry", actor=SERVICE))
    return Chore(SWEEP, f"{tally.lots:,} lots of {tally.accounts:,} accounts", seconds, 20)


async def _verified(world: World, accounts: int) -> Chore:
    url = await another(world, "honest")
    connection = await asyncpg.connect(url)
    try:
        await _write(connection, accounts)
    finally:
        await connection.close()
    found, seconds = await _timed(url, lambda run: auditing.verify(auditing.Verify(), run, actor=SERVICE))
    said = f"{found.postings:,} postings of {found.accounts:,} accounts, {found.broken} findings"
    return Chore(VERIFY, said, seconds, 60)


async def _timed(url: str, work: Callable[[Runner], Awaitable[Any]]) -> tuple[Any, float]:
    await settle_down(url)
    async with Database(url) as database:
        run = ran_by(database)
        start = perf_counter()
        return await work(run), perf_counter() - start


# --- honest books, by the rules of the ledger -----------------------------------------------------


async def _write(connection: asyncpg.Connection, accounts: int) -> None:
    """Accounts of a grant and forty-nine spends, as the ledger would have written them."""
    owners = iter(range(1, accounts + 1))
    while some := list(islice(owners, 1_000)):
        rows: dict[type[shared.Record], list[tuple[Any, ...]]] = {kind: [] for kind in TABLES}
        for number in some:
            for record in _life(user_id(number)):
                rows[type(record)].append(msgspec.structs.astuple(record))
        for kind, values in rows.items():
            await connection.copy_records_to_table(
                TABLES[kind], schema_name="baobab", columns=kind.__struct_fields__, records=values
            )
        await asyncio.sleep(0)


def _life(owner: UUID) -> Iterator[shared.Record]:
    """The records of one account: what is written once, and the last state of what changes."""
    at, source = datetime.now(UTC) - timedelta(days=EACH + 1), points.Source("purchase", owner)
    new = points.Book(points.open_account(owner, points.POINTS, at), (), (), points.POLICIES[0])
    movement = points.earn(new, funded=1_000, bonus=0, source=source, at=at, ids=uuid7)
    yield from _lines(movement)
    for day in range(1, EACH):
        then = at + timedelta(days=day)
        movement = points.spend(movement.book, amount=3, source=source, at=then, ids=uuid7)
        yield from _lines(movement)
    yield movement.book.account
    yield from movement.book.lots


def _lines(movement: Movement) -> Iterable[shared.Record]:
    return (one for one in movement.changed if isinstance(one, (Posting, Allocation)))
