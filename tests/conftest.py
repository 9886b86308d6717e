"""Fixtures for every test: a world in memory, and a real PostgreSQL.

    world                   use cases in memory: what most tests take
    any_world               the same test in memory and on PostgreSQL: for contracts
    postgres_world          use cases on PostgreSQL alone
    storage                 the Runner's storage: in memory, on one server, as on a cluster
    database                a pool on a migrated database of this process, as its owner; emptied afterwards
    service                 the same as the role of the service: on it are the worlds and the storages
    new_database            makes an empty database that is dropped after the test

The server is the embedded one, kept for the next run, or the one that BAOBAB_TEST_DATABASE_URL names
(any database of it; the user may create databases). Each process clones a database from a migrated
template. Hypothesis tries the same examples every time, so that a red build is red again;
`--hypothesis-profile=explore` tries many new ones.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url

from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.postgres import migrate, roles
from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.schema import metadata
from baobab.adapters.postgres.server import MAJOR, EmbeddedServer
from baobab.adapters.postgres.storage import PipelinedLocking, PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application.work import Storage
from builders import PATIENT, World, ddl_of

settings.register_profile("steady", derandomize=True, database=None, deadline=None, max_examples=40)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("steady")

TEMPLATES = int.from_bytes(b"template", "big") >> 1
"""The advisory lock of whoever makes or clones a template."""
EMPTY = "; ".join(f"delete from {table.fullname}" for table in reversed(metadata.sorted_tables))
"""30 to 100 times quicker than `truncate` or a fresh clone, as the tables hold few rows."""


LONG = {"bench", "chaos", "fuzz", "simulation", "test_http_attacks", "test_http_walk"}
"""Folders and modules of tests that take a minute each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker waits for it in the end."""
    items.sort(key=lambda item: LONG.isdisjoint((item.path.parent.name, item.path.stem)))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server. The embedded one does not sync: its data may be broken after a power cut,
    so that every boot of the machine has a folder of its own."""
    if url := os.environ.get("BAOBAB_TEST_DATABASE_URL"):
        yield url
        return
    boot = Path("/proc/sys/kernel/random/boot_id")
    since = boot.read_text()[:8] if boot.exists() else "0"
    folder = Path(tempfile.gettempdir(), f"baobab-tests-{MAJOR}-{os.geteuid()}-{since}")
    with EmbeddedServer.start(folder, durable=False) as embedded:
        yield embedded.url("postgres")


@pytest.fixture(scope="session")
def migrated(server: str) -> Iterator[Callable[[], str]]:
    """`migrated()` makes a migrated database of this process and is its address."""
    names: list[str] = []

    def make() -> str:
        names.append(f"test_{uuid4().hex}")
        asyncio.run(_clone_template(server, names[-1]))
        return _at(server, names[-1])

    yield make
    for name in names:
        asyncio.run(_drop(server, name))


@pytest.fixture(scope="session")
def database_url(migrated: Callable[[], str]) -> str:
    """The address of this process's database."""
    return migrated()


@pytest.fixture(scope="session")
def service_url(database_url: str) -> str:
    """The same for the role of the service."""
    return roles.as_role(database_url, roles.SERVICE)


@pytest.fixture(scope="session")
def empty(database_url: str) -> Iterator[Callable[[], None]]:
    """`empty()` deletes every row of this process's database, on a connection that is kept: a new one would
    have to plan each statement first, which takes five times as long."""
    kept: list[Any] = []

    async def delete() -> None:
        if not kept or kept[-1].is_closed():
            kept.append(await asyncpg.connect(database_url))
        await kept[-1].execute(EMPTY)

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as loop:
        yield lambda: loop.run(delete())
        for connection in kept:
            loop.run(connection.close())


@pytest.fixture
def emptied(database_url: str, empty: Callable[[], None]) -> Iterator[str]:
    """The address of this process's database, which is emptied once everybody has left."""
    yield database_url
    empty()


@pytest.fixture
async def database(emptied: str) -> AsyncIterator[Database]:
    async with Database(emptied, limits=PATIENT) as opened:
        yield opened


@pytest.fixture
async def service(service_url: str, emptied: str) -> AsyncIterator[Database]:
    """What the program itself works with: it may do no more than it needs."""
    async with Database(service_url, limits=PATIENT) as opened:
        yield opened


@pytest.fixture
async def new_database(server: str) -> AsyncIterator[Callable[[str], Any]]:
    """`await new_database()` is the address of an empty database."""
    made: list[str] = []

    async def make() -> str:
        name = f"test_{uuid4().hex}"
        async with _connected(server) as connection:
            await connection.execute(f"create database {name}")
        made.append(name)
        return _at(server, name)

    yield make
    for name in made:
        await _drop(server, name)


@pytest.fixture(params=["memory", "postgres", "pipelined"])
def storage(request: pytest.FixtureRequest) -> Storage:
    if request.param == "memory":
        return MemoryStorage()
    locking = PipelinedLocking() if request.param == "pipelined" else None
    return PostgresStorage(request.getfixturevalue("service"), STORED, locking)


@pytest.fixture
def world() -> World:
    return World.in_memory()


@pytest.fixture
def postgres_world(service: Database) -> World:
    return World.on(service)


@pytest.fixture(params=["world", "postgres_world"], ids=["memory", "postgres"])
def any_world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _at(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def _drop(server: str, name: str) -> None:
    async with _connected(server) as connection:
        await connection.execute(f"drop database if exists {name} with (force)")


async def _clone_template(server: str, name: str) -> None:
    """Make a database from the template, which is made when the migrations or the tables have changed."""
    migrations = sorted(resources.files("baobab.migrations").joinpath("versions").glob("*.py"))
    granted = sorted(map(str, roles.wanted()))
    sources = [*(path.read_text() for path in migrations), *ddl_of(metadata.sorted_tables), *granted]
    template = f"template_{hashlib.sha256(''.join(sources).encode()).hexdigest()[:16]}"
    async with _connected(server) as connection:
        await connection.execute("select pg_advisory_lock($1)", TEMPLATES)
        known = {row[0] for row in await connection.fetch("select datname from pg_database")}
        if template not in known:
            for stale in (one for one in known if one.startswith("template_")):
                await connection.execute(f"drop database if exists {stale} with (force)")
            await connection.execute("create database template_draft")
            await _migrate(_at(server, "template_draft"))
            await connection.execute(f"alter database template_draft rename to {template}")
        await connection.execute(f"create database {name} template {template}")


async def _migrate(url: str) -> None:
    """Run every migration. A table that has none yet is made too, so that a context can be tried while it
    grows; that nothing is missing is what tests/adapters/test_migrations.py asserts."""
    await asyncio.to_thread(migrate.upgrade, url)
    async with _connected(url) as connection:
        there = {row[0] for row in await connection.fetch("select tablename from pg_tables")}
        for statement in ddl_of(table for table in metadata.sorted_tables if table.name not in there):
            await connection.execute(statement)
    await roles.apply(url)
