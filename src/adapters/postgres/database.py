"""Connections to PostgreSQL: one pool of asyncpg, and the one place where its errors get a name."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import asyncpg

from ...application.work import Conflict, ConnectionLost, Crowded, DatabaseAway, Locked, NotGranted, TooSlow
from ...domain import shared
from .rows import Statement

log = logging.getLogger("baobab.database")
CONFLICTS = frozenset(("23505", "40001", "40P01"))
"""Unique violation, serialization failure, deadlock."""


@contextmanager
def translated() -> Iterator[None]:
    """Give PostgreSQL's errors the names of the application. Decided by SQLSTATE."""
    try:
        yield
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        if state == "55P03":
            raise Locked(str(error)) from error
        if state in CONFLICTS:
            raise Conflict(str(error)) from error
        if state[:2] == "08" or state[:4] == "57P0" or (state == "XX000" and "server closed" in str(error)):
            raise ConnectionLost(str(error)) from error
        if state == "57014":
            raise TooSlow from error
        if state == "42501":
            log.error("the database refuses its role something, see `baobab db roles --check`: %s", error)
            raise NotGranted from error
        if state[:2] == "53":
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


SETTINGS = {
    "application_name": "baobab",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60s",
}
"""The last is for us alone: who stops in the middle of a transaction keeps no lock for longer."""
BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    **{f"enable_{way}": "off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")},
}
"""Where rows are found by key, to be locked and written or looked up, an index finds them, in its order, by a
plan that is made once. Left alone, a connection plans a statement while its table is small and goes on
reading the whole of it, or plans it anew each time."""
_CLUSTER = "select 1 from pg_catalog.pg_extension where extname = 'citus'"


class Turns:
    """So many at once, and so many who wait for their turn, for so many seconds."""

    def __init__(self, most: int, most_waiting: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._most_waiting, self._seconds = most_waiting, seconds
        self.taken = self.waiting = 0

    async def take(self, *, first: bool = False) -> None:
        """Wait for a turn. Raises Crowded."""
        if self._free.locked():
            await self._wait(first)
        else:
            await self._free.acquire()
        self.taken += 1

    def give(self) -> None:
        self.taken -= 1
        self._free.release()

    async def _wait(self, first: bool) -> None:
        if self.waiting >= self._most_waiting and not first:
            raise Crowded
        self.waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Crowded from None
        finally:
            self.waiting -= 1


class Standing(NamedTuple):
    """Connections that are open, in use, and how many tasks wait for one."""

    open: int
    busy: int
    waiting: int


class Limits(NamedTuple):
    """Seconds that a statement may take, that a lock is waited for, a connection that is free, and an answer.
    The last is the longest, so that the server says first what is the matter."""

    statement: float = 12.0
    lock: float = 10.0
    free: float = 5.0
    answer: float = 15.0

    @classmethod
    def of(cls, statement: float, lock: float) -> "Limits":
        """Those that follow from what the server is told."""
        return cls(statement, lock, answer=max(statement, lock) + 3)

    def settings(self) -> dict[str, str]:
        """What a connection tells the server."""
        told = {"statement_timeout": self.statement, "lock_timeout": self.lock}
        return SETTINGS | {name: f"{round(seconds * 1_000)}ms" for name, seconds in told.items()}


class Database:
    """Connections, opened with `async with Database(url):`; then it knows whether it is a cluster.

    At most `connections` are for reading of any kind, and as many for what finds its rows by key: all that
    is written, and look-ups. For each, `most_waiting` tasks may wait; beyond, and where one waits too long,
    Crowded is raised, so that no queue is without an end.
    """

    def __init__(
        self, url: str, *, connections: int = 8, most_waiting: int = 256, limits: Limits | None = None
    ) -> None:
        self.url, self._connections, self._limits = url, connections, limits or Limits()
        self._pool: Any = None
        self._idle: list[Any] | None = None
        self._reading, self._keyed = (Turns(connections, most_waiting, self._limits.free) for _ in range(2))
        self.is_cluster = False

    async def __aenter__(self) -> "Database":
        with translated():
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._connections,
                reset=_keep,
                server_settings=self._limits.settings(),
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
            "command_timeout": self._limits.answer,
            "statement_cache_size": 1024,
            "max_cached_statement_lifetime": 0,
        }

    def standing(self) -> Standing:
        """How it stands with the connections now."""
        return Standing(
            (self._pool.get_size() if self._pool else 0) + len(self._idle or ()) + self._keyed.taken,
            self._reading.taken + self._keyed.taken,
            self._reading.waiting + self._keyed.waiting,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection for reading of any kind."""
        await self._reading.take()
        try:
            async with self._pool.acquire(timeout=self._limits.answer) as connection:
                with in_time(connection):
                    yield connection
        finally:
            self._reading.give()

    @asynccontextmanager
    async def by_key(self, *, first: bool = False) -> AsyncIterator[Any]:
        """A connection for what finds its rows by key: the one that was used last, a new one where all are in
        use. Costs a tenth of what a pool's does. Who comes `first` is not refused because others wait."""
        await self._keyed.take(first=first)
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
            self._keyed.give()

    async def _idle_or_new(self) -> Any:
        if self._idle is None:
            raise asyncpg.InterfaceError("the database is closed")
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        settings = self._limits.settings() | BY_KEY
        return await asyncpg.connect(
            self.url, timeout=self._limits.answer, server_settings=settings, **self._options
        )

    async def check(self) -> None:
        """Raise DatabaseAway unless there is a connection, and an answer on it, within two seconds."""
        try:
            async with asyncio.timeout(2):
                with translated():
                    async with self.connection() as connection:
                        await connection.fetchval("select 1")
        except (ConnectionLost, shared.Unavailable, TimeoutError) as error:
            raise DatabaseAway from error

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
