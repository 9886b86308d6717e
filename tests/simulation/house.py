"""The PostgreSQL of a simulation: an embedded server with a folder of its own, killed and started again."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from baobab.adapters.postgres import migrate
from baobab.adapters.postgres.server import EmbeddedServer

TEMPLATE = "template_simulation"


class Server(Protocol):
    """A server as clients see it: `is_up` is an event, which whoever lost the server waits for."""

    is_up: asyncio.Event

    def url(self, database: str) -> str: ...

    def database(self, name: str) -> AbstractAsyncContextManager[str]: ...

    def kill(self, after: int = 0) -> None: ...

    async def repaired(self) -> None:
        """Wait until a server that was killed, or is about to be, is back."""

    @asynccontextmanager
    async def connection(self, database: str) -> AsyncIterator[Any]:
        await self.repaired()
        connection = await asyncpg.connect(self.url(database))
        try:
            yield connection
        finally:
            connection.terminate()


class House(Server):
    """A server that commits as in production, and that can be killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uses: list[EmbeddedServer] = []
        self._start()
        self._repairs: set[asyncio.Task[None]] = set()
        self.begin()

    def begin(self) -> None:
        """Serve a loop of its own: a new one for each seed."""
        self.is_up = asyncio.Event()
        self.is_up.set()

    def url(self, database: str) -> str:
        return self._uses[-1].url(database)

    def prepare(self) -> None:
        """Make the database that every world is cloned from. Blocking."""
        self._uses[-1].ensure_database(TEMPLATE)
        migrate.upgrade(self.url(TEMPLATE))

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[str]:
        """The address of a migrated, empty database, which is dropped afterwards."""
        await self._order(f"drop database if exists {name} with (force)")
        await self._order(f"create database {name} template {TEMPLATE} strategy file_copy")
        yield self.url(name)
        await self._order(f"drop database if exists {name} with (force)")

    async def _order(self, sql: str) -> None:
        async with self.connection("postgres") as connection:
            await connection.execute(sql)

    def kill(self, after: int = 0) -> None:
        """End every process of the server at once, so many turns of the loop from now, and start it again."""
        repair = asyncio.ensure_future(self._break_and_repair(after))
        self._repairs.add(repair)
        repair.add_done_callback(self._repairs.discard)

    async def _break_and_repair(self, after: int) -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        self.is_up.clear()
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self._start)
        self.is_up.set()

    def _start(self) -> None:
        self._uses.append(EmbeddedServer.start(self._folder))

    def _processes(self) -> list[int]:
        """The main process, stopped so that it makes no more, and its children."""
        main = self._uses[-1].pid
        if main is None:
            raise RuntimeError("there is no server to kill")
        os.kill(main, signal.SIGSTOP)
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True)
        pairs = [line.split() for line in listed.stdout.splitlines()]
        return [main, *(int(pid) for pid, parent in pairs if int(parent) == main)]

    async def repaired(self) -> None:
        await asyncio.gather(*self._repairs)

    def stop(self) -> None:
        for use in reversed(self._uses):
            use.stop()


@contextmanager
def house() -> Iterator[House]:
    """A house in a folder of its own; nothing is left of it."""
    folder = Path(tempfile.mkdtemp(prefix="baobab-simulation-", dir="/tmp"))
    try:
        built = House(folder)
        try:
            built.prepare()
            yield built
        finally:
            built.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
