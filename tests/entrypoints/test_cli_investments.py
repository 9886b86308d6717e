"""`baobab subscriptions`: for people and for programs."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from click.testing import CliRunner, Result
from subscribing import subscriber

from baobab.adapters.postgres.database import Database
from baobab.application.runner import utc_now
from baobab.entrypoints.cli.investments import command
from builders import World


async def subscriptions(database: Database, *words: str) -> Result:
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner(env=environment).invoke, command, words)


async def as_json(database: Database, *words: str) -> Any:
    result = await subscriptions(database, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_what_is_due_is_counted_and_then_renewed(database: Database) -> None:
    world = World.on(database)
    world.clock.now = utc_now() - timedelta(days=370)
    mine = await subscriber(world)
    one = await mine.begin()
    assert await as_json(database, "renew", "--dry-run") == {"due": 1}
    done = await as_json(database, "renew")
    assert (done["due"], done["renewed"]) == (1, 1)
    assert (await as_json(database, "renew"))["due"] == 0
    who = str(mine.actor.user_id)
    [known] = (await as_json(database, "list", who))["items"]
    assert (known["id"], known["period"]) == (str(one.id), 2)
    charges = (await as_json(database, "show", who, str(one.id)))["items"]
    assert [charge["number"] for charge in charges] == [2, 1]


async def test_an_operator_looks_and_stops_one(database: Database) -> None:
    world = World.on(database)
    mine = await subscriber(world)
    one = await mine.begin()
    who = str(mine.actor.user_id)
    for words in (("list", "member-1@example.org"), ("show", who, str(one.id))):
        shown = await subscriptions(database, *words)
        assert (shown.exit_code, "ambassadeur_standard" in shown.stdout) == (0, True)
    stopped = await subscriptions(database, "stop", who, str(one.id), "--reason", "asked by telephone")
    assert (stopped.exit_code, "cancelled" in stopped.stdout) == (0, True)
    dry = await subscriptions(database, "renew", "--dry-run")
    assert "Nothing was changed." in dry.output
    [known] = (await as_json(database, "list", who))["items"]
    assert (known["state"], known["reason"]) == ("cancelled", "admin")
    again = await as_json(database, "stop", who, str(one.id), "--reason", "asked by telephone")
    assert again["stopped_at"] == known["stopped_at"]
