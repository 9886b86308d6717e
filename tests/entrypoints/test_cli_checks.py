"""`baobab members kyc`, `limits` and `level`."""

import asyncio
import json
from datetime import date, timedelta
from typing import Any

from click.testing import CliRunner, Result
from investing import hives, investor, join

from baobab.adapters.postgres.database import Database
from baobab.entrypoints.cli.identity import command
from builders import World

WHO = "member-1@example.org"


async def members(database: Database, *words: str) -> Result:
    """What `baobab members WORDS` prints, in a terminal wide enough for a table."""
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "250"}
    return await asyncio.to_thread(CliRunner(env=environment).invoke, command, words)


async def as_json(database: Database, *words: str) -> Any:
    result = await members(database, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_a_check_is_asked_for_listed_decided_and_revoked(database: Database) -> None:
    await join(World.on(database), kyc=0)
    check = await as_json(database, "kyc", "ask", WHO, "2", "--evidence", "file 12")
    listed = await as_json(database, "kyc", "list")
    assert [one["id"] for one in listed["items"]] == [check["id"]]
    shown = await members(database, "kyc", "list", "--limit", "1")
    for word in (check["id"], "pending", "file 12"):
        assert word in shown.stdout
    wish = ("kyc", "decide", WHO, check["id"], "verified", "--reason", "Seen.", "--provider", "post-office")
    tried = await as_json(database, *wish, "--dry-run")
    assert (tried["status"], (await as_json(database, "kyc", "show", WHO))["level"]) == ("verified", 0)
    decided = await as_json(database, *wish)
    assert (decided["provider"], decided["evidence"]) == ("post-office", "file 12")
    assert "Level 2" in (await members(database, "kyc", "show", WHO)).stdout
    gone = await as_json(database, "kyc", "revoke", WHO, check["id"], "--reason", "Forged.")
    assert (gone["status"], (await as_json(database, "kyc", "show", WHO))["level"]) == ("revoked", 0)


async def test_a_check_holds_until_the_day_that_is_named(database: Database) -> None:
    world = World.on(database)
    await join(world, kyc=0)
    check = await as_json(database, "kyc", "ask", WHO, "1")
    wish = ("kyc", "decide", WHO, check["id"], "verified", "--reason", "Seen.")
    late = await members(database, *wish, "--until", "2999-12-31")
    assert late.exit_code == 1
    assert type(late.exception).__name__ == "ValidityImplausible"
    # The day after in UTC: late in the evening it is today in Paris already, and the day of asking is past.
    day = date.fromisoformat(check["asked_at"][:10]) + timedelta(days=1)
    assert (await as_json(database, *wish, "--until", str(day)))["expires_at"] > check["asked_at"]


async def test_the_list_says_how_to_go_on(database: Database) -> None:
    world = World.on(database)
    for number in (1, 2):
        await join(world, number, kyc=0)
        await as_json(database, "kyc", "ask", f"member-{number}@example.org", "1")
    first = await members(database, "kyc", "list", "--limit", "1")
    cursor = first.stdout.rpartition("--cursor ")[2].strip()
    rest = await as_json(database, "kyc", "list", "--cursor", cursor)
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)


async def test_a_member_is_shown_their_level_and_its_facts(database: Database) -> None:
    await join(World.on(database), kyc=0)
    shown = await as_json(database, "level", WHO)
    assert (shown["level"], shown["investments"], shown["subscriptions"], shown["reason"]) == (
        "explorateur",
        0,
        0,
        "joined",
    )
    assert "explorateur" in (await members(database, "level", WHO)).stdout


async def test_a_member_is_shown_what_they_may_put_in(database: Database) -> None:
    world = World.on(database)
    one = await investor(world)
    await one.invest(await hives(world))
    shown = await as_json(database, "limits", WHO)
    assert (shown["level"], shown["limit"], shown["left"]) == (2, None, None)
    other = await join(world, 2, kyc=0)
    shown = await as_json(database, "limits", str(other.user_id))
    assert (shown["limit"]["amount"], shown["left"]["amount"], shown["comes_back"]) == (10_000, 10_000, [])
    assert "100.00 EUR" in (await members(database, "limits", str(other.user_id))).stdout
