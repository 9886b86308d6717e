"""A server and its database in a scratch folder, both as in production: killed, and started again whenever
they end, as a supervisor does it."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from baobab.adapters.postgres import migrate, roles
from baobab.adapters.postgres.server import EmbeddedServer, EmbeddedServerError

from .wire import Lost, Wire

PROGRAM = (sys.executable, "-c", "from baobab.entrypoints.cli import main; main()")
SETTINGS = {"BAOBAB_LOG_LEVEL": "warning", "BAOBAB_RATE_LIMITS": "false"}
"""All clients come from one address, and quicker than people do."""
LONGEST_START = 120
"""Seconds; who does not come up by then never does."""


class Town:
    """The server, its database, and their supervisors. `wrong` is what nobody may see of them.

    `url` is for who looks at everything; the program uses `service_url`, and may do no more than it needs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.wrong = folder, _free_port(), list[str]()
        self._uses = [EmbeddedServer.start(folder / "data")]
        self.url = self._uses[0].url("baobab")
        self.service_url = roles.as_role(self.url, roles.SERVICE)
        self._server: asyncio.subprocess.Process | None = None
        self._gone: set[int] = set()
        self._died = asyncio.Event()
        self._starting: asyncio.Task[EmbeddedServer] | None = None
        self._log = open(folder / "server.log", "ab")  # noqa: SIM115 - for as long as the town stands
        self._supervisors: list[asyncio.Task[None]] = []

    def prepare(self) -> None:
        """Make the database. Blocking."""
        self._uses[0].ensure_database("baobab")
        migrate.upgrade(self.url)
        asyncio.run(roles.apply(self.url))

    async def serve(self) -> None:
        """Begin to supervise, and wait until the server is ready."""
        self._supervisors = [asyncio.create_task(one) for one in (self._keep_serving(), self._keep_stored())]
        await self.ready()

    @property
    def environment(self) -> dict[str, str]:
        """Of the programs: nothing counts their branches, however they are killed."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        return {**ours, **SETTINGS, "BAOBAB_DATABASE_URL": self.service_url}

    async def ready(self) -> None:
        """Wait until the server says that it is ready. Raises TimeoutError."""
        deadline = time.monotonic() + LONGEST_START
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, Lost), contextlib.closing(Wire()) as wire:
                if (await wire.ask(self.port, "GET", "/health/ready", {})).status == 200:
                    return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"the server is not ready; its log is {self.folder / 'server.log'}")

    async def rows(self, sql: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()

    async def command(self, *words: str) -> tuple[int, str]:
        """The exit code of `baobab WORDS`, and what it printed."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *words, env=self.environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace").strip()

    # --- killing ------------------------------------------------------------------------------

    async def kill_server(self) -> None:
        """SIGKILL to the process that was started, whatever it is doing: starting included."""
        os.kill(await self._found(lambda: self._serving), signal.SIGKILL)

    async def kill_database(self) -> None:
        """SIGKILL to every process of the database, whatever it is doing: recovering included."""
        main = await self._found(lambda: self._storing)
        with contextlib.suppress(ProcessLookupError):
            os.kill(main, signal.SIGSTOP)  # it makes no more
            for pid in (main, *_children(main)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._gone.add(main)
        self._died.set()

    @property
    def _serving(self) -> int | None:
        return self._server.pid if self._server and self._server.returncode is None else None

    @property
    def _storing(self) -> int | None:
        pid = self._uses[0].pid
        return None if pid in self._gone else pid

    @staticmethod
    async def _found(pid: Callable[[], int | None]) -> int:
        """The number of a process, as soon as it is there."""
        while True:
            if (found := pid()) is not None:
                return found
            await asyncio.sleep(0.005)

    # --- supervising --------------------------------------------------------------------------

    async def _keep_serving(self) -> None:
        while True:
            self._server = await asyncio.create_subprocess_exec(
                *(*PROGRAM, "serve", "--port", str(self.port)),
                env=self.environment,
                stdout=self._log,
                stderr=self._log,
            )
            await self._server.wait()
            await asyncio.sleep(0.05)

    async def _keep_stored(self) -> None:
        while True:
            await self._died.wait()
            self._died.clear()
            start = asyncio.to_thread(EmbeddedServer.start, self.folder / "data")
            self._starting = asyncio.create_task(start)
            try:
                self._uses.append(await asyncio.shield(self._starting))
                self._starting = None
            except EmbeddedServerError:  # it was killed while it started
                self._died.set()

    # --- ending -------------------------------------------------------------------------------

    async def close(self) -> None:
        """Stop everything that was started; what does not end by itself is noted as wrong."""
        for supervisor in self._supervisors:
            supervisor.cancel()
        await asyncio.gather(*self._supervisors, return_exceptions=True)
        await self._stop_server()
        self._log.close()
        said = (self.folder / "server.log").read_text(errors="replace")
        self.wrong += [line for line in said.splitlines() if "is taken; using" in line]
        if self._starting is not None:  # broken off while it starts
            with contextlib.suppress(EmbeddedServerError):
                self._uses.append(await self._starting)
        for use in reversed(self._uses):
            await asyncio.to_thread(use.stop)

    async def _stop_server(self) -> None:
        if self._server is not None and self._server.returncode is None:
            self._server.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait(), 60)
        for pid in self._left():
            self.wrong.append(f"the process {pid} of the server outlived it")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _left(self) -> list[int]:
        """The processes that serve, or did, by the port in their names."""
        mine = f"serve --port {self.port}"
        return [int(pid) for pid, *args in _processes("args") if args and args[0].rstrip().endswith(mine)]


def _children(main: int) -> list[int]:
    return [int(pid) for pid, parent in _processes("ppid") if int(parent) == main]


def _processes(fact: str) -> list[list[str]]:
    """Every process of this machine: its number, and a fact of it."""
    command = ["ps", "-A", "-ww", "-o", f"pid=,{fact}="]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split(maxsplit=1) for line in listed.stdout.splitlines()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """A town in a folder of its own. Nothing is left of it, unless something went wrong there."""
    folder = Path(tempfile.mkdtemp(prefix="baobab-chaos-", dir="/tmp"))
    built = await asyncio.to_thread(Town, folder)
    try:
        await asyncio.to_thread(built.prepare)
        yield built
    except BaseException:
        built.wrong.append("it was broken off")
        raise
    finally:
        await built.close()
        if not built.wrong:
            shutil.rmtree(folder, ignore_errors=True)
