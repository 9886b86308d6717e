"""The world of a benchmark: one embedded server in a temporary folder, filled by bulk SQL, and its books."""

import hashlib
import os
import platform
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from baobab.adapters.postgres import migrate
from baobab.adapters.postgres.server import EmbeddedServer

SCRIPTS = Path(__file__).parent / "scripts"
HOT = 0
"""The number of the one account that everybody uses in the hot cases; the others are 1 and up."""


class World(NamedTuple):
    """Where the server is, where its programs are, where to put files, and how many accounts there are."""

    url: str
    programs: Path
    folder: Path
    accounts: int


@contextmanager
def opened(accounts: int) -> Iterator[World]:
    """A migrated, empty world; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="baobab-bench-") as name:
        folder = Path(name)
        with EmbeddedServer.start(folder / "data") as server:
            server.ensure_database("bench")
            migrate.upgrade(server.url("bench"))
            yield World(server.url("bench"), server.bin_path, folder, accounts)


def user_id(number: int) -> UUID:
    """The owner of an account; the scripts compute the same."""
    return UUID(hashlib.md5(f"account {number}".encode(), usedforsecurity=False).hexdigest())


class Books(NamedTuple):
    """What was counted: how many there are of the first two, and how many of the others do not agree."""

    accounts: int
    postings: int
    wrong_accounts: int
    wrong_lots: int
    unsaid: int

    @property
    def add_up(self) -> bool:
        return not any(self[2:])


async def fill(world: World) -> None:
    """Give every member an account with points, and the planner its statistics."""
    async with _connected(world) as connection:
        await connection.execute("select set_config('bench.accounts', $1, false)", str(world.accounts))
        await connection.execute(script("fill"))
        for table in ("member", "account", "posting", "lot"):
            await connection.execute(f"vacuum analyze baobab.{table}")


async def add_up(world: World) -> Books:
    """Whether postings, balances, lots, allocations and events agree."""
    async with _connected(world) as connection:
        return Books(*await connection.fetchrow(script("books")))


async def machine(world: World) -> dict[str, Any]:
    """What the figures were measured on."""
    async with _connected(world) as connection:
        names = ("server_version", "fsync", "synchronous_commit")
        server = {name: await connection.fetchval(f"show {name}") for name in names}
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "disk": _disk(world.folder),
        "python": platform.python_version(),
        "postgresql": server.pop("server_version"),
        **server,
    }


@asynccontextmanager
async def _connected(world: World) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(world.url)
    try:
        yield connection
    finally:
        await connection.close()


def script(name: str) -> str:
    return (SCRIPTS / f"{name}.sql").read_text()


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _disk(folder: Path) -> str:
    """The kind of file system of a folder: in one that is kept in memory a sync is free."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown"
    found = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    return max((len(place), kind) for place, kind in found if folder.is_relative_to(place))[1]
