"""PostgreSQL's errors get the names of the application, by their SQLSTATE alone."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from sqlalchemy import bindparam, func, select

from baobab.adapters.postgres.database import Database, Limits, Turns, translated
from baobab.adapters.postgres.rows import Statement
from baobab.adapters.postgres.schema import Int
from baobab.application.points import ACCOUNTS, POSTINGS
from baobab.application.work import (
    Changes,
    Conflict,
    ConnectionLost,
    Crowded,
    DatabaseAway,
    Locked,
    TooSlow,
)
from baobab.domain import shared
from baobab.domain.points import POINTS, Posting, open_account
from builders import START, World, filled

SLEEP = Statement(select(func.pg_sleep(20)))
NUMBER = Statement(select(bindparam("number", type_=Int)))


async def fail(database: Database, state: str, message: str = "as told") -> None:
    async with database.connection() as connection:
        with translated():
            await connection.execute(
                f"do $$ begin raise exception using errcode = '{state}', message = '{message}'; end $$"
            )


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("23505", Conflict),
        ("40001", Conflict),
        ("40P01", Conflict),
        ("55P03", Locked),
        ("08006", ConnectionLost),
        ("57P01", ConnectionLost),
        ("53300", shared.Unavailable),
        ("57014", TooSlow),
        ("23514", asyncpg.CheckViolationError),
        ("XX000", asyncpg.InternalServerError),
    ],
)
async def test_an_error_of_the_server_has_one_name(
    database: Database, state: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await fail(database, state)


async def test_a_cluster_that_loses_a_node_is_a_lost_connection(database: Database) -> None:
    with pytest.raises(ConnectionLost):
        await fail(database, "XX000", "server closed the connection unexpectedly")


async def test_a_value_that_fits_no_column_is_a_mistake_and_no_outage(database: Database) -> None:
    with pytest.raises(asyncpg.DataError, match="out of int64 range"):
        await database.one(NUMBER, number=2**70)


async def test_a_server_that_is_not_there_is_a_lost_connection() -> None:
    with pytest.raises(ConnectionLost):
        await Database("postgresql://nobody@/nothing?host=/nowhere").__aenter__()


async def test_a_read_whose_connection_is_lost_is_unavailable_and_the_next_one_answers(
    database: Database,
) -> None:
    ends_itself = Statement(select(func.pg_terminate_backend(func.pg_backend_pid())))
    with pytest.raises(shared.Unavailable):
        await database.all(ends_itself)
    assert await database.all(NUMBER, number=7) == [(7,)]


async def test_what_was_ended_while_it_lay_idle_is_a_lost_connection(database_url: str) -> None:
    """Its end may be read before or after the next statement is sent: asyncpg has an error for each."""
    async with Database(database_url, connections=4) as database:
        for _ in range(30):
            async with database.connection() as first, database.connection() as second:
                await second.execute("select pg_terminate_backend($1)", first.get_server_pid())
                with pytest.raises(ConnectionLost), translated():
                    await first.fetch("select 1")


async def test_a_server_that_falls_silent_is_unavailable_in_time(database_url: str) -> None:
    """Nothing is undone or cancelled on a connection that does not answer: that would be to wait again."""
    async with Database(database_url, connections=1, limits=Limits(free=0.1, answer=1)) as database:
        waiting = (database.all(SLEEP) for _ in range(2))
        began = time.monotonic()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in results] == [shared.Unavailable, Crowded]
        assert time.monotonic() - began < 10, "half of what the statement takes"
        await database.check()


async def test_a_check_says_that_the_database_does_not_answer(database_url: str) -> None:
    async with Database(database_url, connections=1) as database, database.connection():
        with pytest.raises(DatabaseAway):
            await database.check()


async def test_a_database_that_was_closed_is_unavailable(database_url: str) -> None:
    async with Database(database_url) as database:
        await database.check()
    for attempt in (database.check(), database.one(NUMBER, number=1), database.all(NUMBER, number=1)):
        with pytest.raises(shared.Unavailable):
            await attempt


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(database_url: str) -> None:
    limits = Limits.of(statement=0.2, lock=0.1)
    async with Database(database_url, connections=1, limits=limits) as database:
        for read in (database.all, database.look_up):
            with pytest.raises(TooSlow):
                await read(SLEEP)
        async with database.connection() as connection:
            assert await connection.fetchval("show lock_timeout") == "100ms"


async def test_the_client_waits_longer_than_the_server_is_told_to() -> None:
    assert Limits.of(statement=60, lock=5).answer > 60
    assert Limits.of(statement=1, lock=30).answer > 30


async def test_where_too_many_wait_for_a_connection_the_next_one_is_sent_away_at_once(
    database_url: str,
) -> None:
    async with Database(database_url, connections=1, most_waiting=2) as database:
        async with database.connection(), database.by_key():
            waiting = [asyncio.create_task(read(NUMBER, number=1)) for read in 2 * [database.all]]
            await asyncio.sleep(0)
            with pytest.raises(Crowded):
                await database.all(NUMBER, number=1)
            assert database.standing().busy == 2
            assert database.standing().waiting == 2
        assert [await one for one in waiting] == [[(1,)], [(1,)]]
        assert (database.standing().busy, database.standing().waiting) == (0, 0)


async def test_who_comes_first_waits_though_others_may_not() -> None:
    """A batch of many commands is not refused because readers wait."""
    turns = Turns(1, 0, seconds=5)
    await turns.take()
    with pytest.raises(Crowded):
        await turns.take()
    batch = asyncio.create_task(turns.take(first=True))
    await asyncio.sleep(0)
    turns.give()
    await batch


async def test_nobody_waits_for_a_turn_for_ever() -> None:
    turns = Turns(1, 10, seconds=0.01)
    await turns.take()
    with pytest.raises(Crowded):
        await turns.take()
    turns.give()
    await turns.take()


async def test_a_record_that_is_written_once_is_not_changed(postgres_world: World) -> None:
    with pytest.raises(TypeError, match="a posting is written once"):
        await change(postgres_world, POSTINGS, filled(Posting, 1))


async def test_a_change_of_what_is_not_there_is_a_mistake(postgres_world: World) -> None:
    with pytest.raises(RuntimeError, match="0 of 1 rows of account"):
        await change(postgres_world, ACCOUNTS, open_account(shared.NOBODY, POINTS, START))


async def change(world: World, kind: Any, record: Any) -> None:
    async with world.storage.begin() as transaction:
        await transaction.write(Changes({}, {kind: [record]}))
