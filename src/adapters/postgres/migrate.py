"""The history of the schema, run by Alembic on asyncpg. Blocking: for programs, not for coroutines.

A change is drafted by `new_revision` (`make migration name="add units"`) and read before it is kept.
As long as the first migration runs nowhere, changed tables go into it: delete its file and draft it
anew on an empty database, `BAOBAB_DATA_DIR=$(mktemp -d) make migration name="the first tables"`.
Every function takes a database's address as asyncpg reads it.
"""

import asyncio
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, NullPool, func, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateSchema, DropSchema

from .schema import SCHEMA

T = TypeVar("T")

FILE_TEMPLATE = "%%(year)d-%%(month).2d-%%(day).2d-%%(hour).2d%%(minute).2d_%%(slug)s"
LOCK = int.from_bytes(b"baobab", "big")
"""The advisory lock of whoever migrates a database."""
LOOK_AGAIN = 0.05
"""Seconds. Waiting in the server would hold a snapshot, which an index made concurrently waits for."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision, from whatever it is at. Programs that ask at once take turns."""
    _alone(url, lambda connection: command.upgrade(_config(connection), revision))


def downgrade(url: str, revision: str) -> None:
    """Bring a database down to a revision; `base` leaves nothing behind."""
    _alone(url, partial(_downgrade, revision=revision))


def current(url: str) -> str | None:
    """The revision a database is at, None where nothing was migrated."""
    return _on(url, _revision)


def head() -> str:
    """The newest revision that this program knows."""
    return cast("str", ScriptDirectory.from_config(_config()).get_current_head())


def new_revision(message: str, url: str) -> Path | None:
    """Draft the migration from what the history makes to what the tables say; None where they agree.

    The database is brought up to date first: take one that nobody needs. Uses ruff, which comes with
    the development tools.
    """
    upgrade(url)
    draft = _alone(url, lambda connection: command.revision(_config(connection), message, autogenerate=True))
    if not isinstance(draft, Script):
        return None
    for step in (("check", "--fix-only"), ("format",)):
        subprocess.run([sys.executable, "-m", "ruff", *step, "--quiet", draft.path], check=True)
    return Path(draft.path)


def _downgrade(connection: Connection, revision: str) -> None:
    command.downgrade(_config(connection), revision)
    if _revision(connection) is None:
        connection.execute(text(f"drop table {SCHEMA}.alembic_version"))
        connection.execute(DropSchema(SCHEMA))
        connection.commit()


def _revision(connection: Connection) -> str | None:
    versions = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return versions.get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection}, cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", "baobab.migrations:")
    config.set_main_option("file_template", FILE_TEMPLATE)
    config.set_main_option("timezone", "UTC")
    return config


def _alone(url: str, step: Callable[[Connection], T]) -> T:
    """What a step answers that is run while no other program migrates this database."""

    def run(connection: Connection) -> T:
        while not connection.scalar(select(func.pg_try_advisory_lock(LOCK))):
            connection.rollback()
            time.sleep(LOOK_AGAIN)
        if not inspect(connection).has_schema(SCHEMA):
            connection.execute(CreateSchema(SCHEMA))
        connection.commit()
        return step(connection)

    return _on(url, run)


def _on(url: str, step: Callable[[Connection], T]) -> T:
    """What a step answers that is run on a connection of its own."""

    async def connect() -> Any:
        # A user called `baobab` would have its schema as the default, which reflection then does not name.
        return await asyncpg.connect(url, server_settings={"search_path": "public"})

    async def run() -> T:
        engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(step)

    return asyncio.run(run())
