"""`baobab points sweep`, `warn` and `close-period`: what falls due by itself, for people and for programs."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ledgers import Ledger

from baobab.adapters.postgres.database import Database
from baobab.application.points import importing
from baobab.domain.points import UnknownUnit
from baobab.entrypoints.cli.points import command
from builders import World


async def points(database: Database, *words: str) -> Result:
    """What `baobab points WORDS` prints."""
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner(env=environment).invoke, command, words)


async def as_json(database: Database, *words: str) -> Any:
    result = await points(database, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
async def ended(database: Database) -> Ledger:
    """An account whose 10 points ended years ago, and of which nobody wrote that down."""
    world = World.on(database)
    world.clock.at("2022-03-02 10:30")
    ledger = Ledger(world)
    await ledger.earn(funded=10)
    return ledger


async def ends_soon(database: Database) -> None:
    """A member whose 7 points end within three weeks."""
    world = World.on(database)
    world.clock.at(datetime.now(UTC))
    line = importing.OpeningLine(
        reference="A-1",
        member=str(world.member().user_id),
        amount=7,
        funded=True,
        expires_at=(world.clock.now + timedelta(days=20)).isoformat(),
    )
    await world.run(importing.bring, importing.Bring(lines=(line,)), actor=world.admin)


def counts(answer: Any) -> tuple[int, int, int, int]:
    assert answer.pop("seconds") >= 0
    return answer["accounts"], answer["lots"], answer["points"], answer["holds"]


async def test_a_sweep_says_what_it_did_and_a_second_has_nothing_to_do(
    database: Database, ended: Ledger
) -> None:
    assert counts(await as_json(database, "sweep")) == (1, 1, 10, 0)
    assert [line.kind for line in await ended.lines()].count("expired") == 1
    assert counts(await as_json(database, "sweep")) == (0, 0, 0, 0)


async def test_a_dry_sweep_counts_what_is_due_and_changes_nothing(database: Database, ended: Ledger) -> None:
    tried = await points(database, "sweep", "--dry-run")
    assert (tried.exit_code, tried.stderr) == (0, "Nothing was changed.\n")
    assert "points    10" in tried.stdout
    assert counts(await as_json(database, "sweep", "--dry-run")) == (1, 1, 10, 0)
    assert [line.kind for line in await ended.lines()] == ["earned"]


async def test_one_unit_is_swept_alone(database: Database, ended: Ledger) -> None:
    result = await points(database, "sweep", "--unit", "shells")
    assert isinstance(result.exception, UnknownUnit)
    assert counts(await as_json(database, "sweep", "--unit", "points")) == (1, 1, 10, 0)


async def test_members_are_warned_once(database: Database, ended: Ledger) -> None:
    await ends_soon(database)
    assert counts(await as_json(database, "warn", "--dry-run")) == (1, 1, 7, 0)
    assert counts(await as_json(database, "warn")) == (1, 1, 7, 0)
    said = (await points(database, "warn")).stdout
    assert "accounts  0" in said
    async with database.connection() as connection:
        bodies = await connection.fetch("select body from baobab.event where type = 'points.expiring_soon'")
    assert [json.loads(row["body"])["days"] for row in bodies] == [30]


async def test_a_month_is_swept_before_it_is_closed(database: Database, ended: Ledger) -> None:
    tried = await points(database, "close-period", "2023-09", "--dry-run")
    assert tried.exception is not None
    assert "sweep first" in str(tried.exception)
    closed = await as_json(database, "close-period", "2023-09")
    assert closed["closed_through"] == "2023-09-30T22:00:00Z"
    assert [line.kind for line in await ended.lines()].count("expired") == 1
