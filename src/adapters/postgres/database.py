"""Connections to PostgreSQL: one pool of asyncpg, and the one place where its errors get a name."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any

import asyncpg

from ...application.work import Conflict, ConnectionLost
from ...domain import shared
from .rows import Statement

CONFLICTS = frozenset(("23505", "40001", "40P01", "55P03"))
"""Unique violation, serialization failure, deadlock, lock not available."""


@contextmanager
def translated() -> Iterator[None]:
    """Give PostgreSQL's errors the names of the application. Decided by SQLSTATE."""
    try:
        yield
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        if state in CONFLICTS:
            raise Conflict(str(error)) from error
        if state[:2] == "08" or state[:4] == "57P0" or (state == "XX000" and "server closed" in str(error)):
            raise ConnectionLost(str(error)) from error
        if state[:2] == "53" or state == "57014":
            raise shared.Unavailable from error
        raise
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise ConnectionLost(str(error)) from error


@contextmanager
def reading() -> Iterator[None]:
    """The same where nothing is changed: what the Runner would try again is Unavailable."""
    try:
        with translated():
            yield
    except (Conflict, ConnectionLost) as error:
        raise shared.Unavailable from error


@contextmanager
def in_time(connection: Any) -> Iterator[None]:
    """End a connection that did not answer in time: to undo or cancel on it would be to wait again."""
    try:
        yield
    except TimeoutError:
        connection.terminate()
        raise


async def _keep(connection: Any) -> None:
    """Nothing to reset between uses: no session state is ever set."""


SETTINGS = {"application_name": "baobab", "jit": "off", "lock_timeout": "10s"}
BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    **{f"enable_{way}": "off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")},
}
"""Where rows are found by key, to be locked and written or looked up, an index finds them, in its order, by a
plan that is made once. Left alone, a connection plans a statement while its table is small and goes on
reading the whole of it, or plans it anew each time."""
_CLUSTER = "select 1 from pg_catalog.pg_extension where extname = 'citus'"


class Database:
    """Connections, opened with `async with Database(url):`; then it knows whether it is a cluster.

    At most `connections` are for reading of any kind, and as many for what finds its rows by key: all that
    is written, and look-ups. `timeout` is how many seconds one waits for a free one, and then for the answer
    to a statement: longer than for a lock, so that the server says first what is the matter.
    """

    def __init__(self, url: str, *, connections: int = 8, timeout: float = 15.0) -> None:
        self.url, self._connections, self._timeout = url, connections, timeout
        self._pool: Any = None
        self._idle: list[Any] | None = None
        self._free = asyncio.Semaphore(connections)
        self.is_cluster = False

    async def __aenter__(self) -> "Database":
        with translated():
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._connections,
                reset=_keep,
                server_settings=SETTINGS,
                **self._options,
            )
            self._idle = []
            self.is_cluster = bool(await self._pool.fetchval(_CLUSTER))
        return self

    async def __aexit__(self, *error: object) -> None:
        idle, self._idle = self._idle or [], None
        for connection in idle:
            await connection.close()
        await self._pool.close()

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "command_timeout": self._timeout,
            "statement_cache_size": 1024,
            "max_cached_statement_lifetime": 0,
        }

    @asynccontextmanager
    async def connection(self, *, within: float | None = None) -> AsyncIterator[Any]:
        """A connection; at most so many seconds are waited for one that is free, `timeout` by default."""
        async with self._pool.acquire(timeout=within or self._timeout) as connection:
            with in_time(connection):
                yield connection

    @asynccontextmanager
    async def by_key(self) -> AsyncIterator[Any]:
        """A connection for what finds its rows by key: the one that was used last, a new one where all are in
        use. Costs a tenth of what a pool's does."""
        async with asyncio.timeout(self._timeout) if self._free.locked() else nullcontext():
            await self._free.acquire()
        try:
            connection = await self._idle_or_new()
            try:
                with in_time(connection):
                    yield connection
            except asyncio.CancelledError:
                connection.terminate()  # what was cancelled may still be under way
                raise
            finally:
                if self._idle is None or connection.is_closed() or connection.is_in_transaction():
                    connection.terminate()
                else:
                    self._idle.append(connection)
        finally:
            self._free.release()

    async def _idle_or_new(self) -> Any:
        if self._idle is None:
            raise asyncpg.InterfaceError("the database is closed")
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        settings = SETTINGS | BY_KEY
        return await asyncpg.connect(
            self.url, timeout=self._timeout, server_settings=settings, **self._options
        )

    async def check(self) -> None:
        """Raise Unavailable unless there is a connection, and an answer on it, within two seconds each."""
        with reading():
            async with self.connection(within=2) as connection:
                await connection.fetchval("select 1", timeout=2)

    async def all(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """Every row of a reading statement."""
        with reading():
            async with self.connection() as connection:
                rows: list[asyncpg.Record] = await connection.fetch(statement.sql, *statement.args(values))
                return rows

    async def look_up(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """Every row of a reading statement that finds them by key."""
        with reading():
            async with self.by_key() as connection:
                rows: list[asyncpg.Record] = await connection.fetch(statement.sql, *statement.args(values))
                return rows

    async def one(self, statement: Statement, **values: Any) -> asyncpg.Record | None:
        """The only row of a reading statement, or None."""
        with reading():
            async with self.connection() as connection:
                row: asyncpg.Record | None = await connection.fetchrow(statement.sql, *statement.args(values))
                return row
