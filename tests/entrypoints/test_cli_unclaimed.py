"""`baobab members sweep`."""

import asyncio
import json

from click.testing import CliRunner, Result
from signing import Signing

from baobab.adapters.postgres.database import Database
from baobab.entrypoints.cli import cli
from builders import World


async def sweep(database: Database, *words: str, **settings: str) -> Result:
    environment = {"BAOBAB_DATABASE_URL": database.url, **settings}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(lambda: runner.invoke(cli, ("members", "sweep", "--json", *words)))


async def test_an_operator_sweeps_accounts_that_nobody_claimed(database: Database) -> None:
    """They were opened when the clock of the tests began, which is long ago."""
    await Signing(World.on(database)).sign_up()
    young = await sweep(database, BAOBAB_UNVERIFIED_DAYS="3650")
    assert json.loads(young.stdout) == {"erased": 0, "kept": 0}
    said = await sweep(database, "--dry-run")
    assert json.loads(said.stdout) == {"erased": 1, "kept": 0}
    assert "Nothing was changed." in said.stderr
    done = await sweep(database)
    assert json.loads(done.stdout) == {"erased": 1, "kept": 0}
    assert json.loads((await sweep(database)).stdout) == {"erased": 0, "kept": 0}
