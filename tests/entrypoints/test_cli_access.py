"""`baobab members`: who is let in, and how."""

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from signing import EMAIL, Signing

from baobab.adapters.postgres.database import Database
from baobab.application.runner import utc_now
from baobab.domain import identity as rules
from baobab.domain import shared
from baobab.entrypoints.cli.identity import command
from builders import World

WORD = "correct horse battery"


async def members(database: Database, *words: str, typed: str = "") -> Result:
    """What `baobab members WORDS` prints, in a terminal wide enough for a table."""
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "250"}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(lambda: runner.invoke(command, words, input=typed))


async def as_json(database: Database, *words: str, typed: str = "") -> Any:
    result = await members(database, *words, "--json", typed=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout[result.stdout.index("{") :])


async def test_an_operator_enrols_a_member_who_signs_in_at_once(database: Database) -> None:
    wish = ("add", EMAIL, "--name", "Member One", "--password")
    poor = await members(database, *wish, typed="password123\npassword123\n")
    assert type(poor.exception) is rules.PasswordTooCommon
    added = await as_json(database, *wish, typed=f"{WORD}\n{WORD}\n")
    assert added["verified_at"]
    shown = await members(database, "show", EMAIL)
    assert added["user_id"] in shown.stdout
    without = await as_json(database, "add", "member-2@example.org", "--name", "Member Two")
    assert without["verified_at"]
    again = await members(database, "add", EMAIL, "--name", "Another")
    assert type(again.exception) is rules.EmailTaken


async def test_an_email_that_nobody_verified_names_nobody_who_is_given_power(database: Database) -> None:
    signing = Signing(World.on(database))
    signed = await signing.sign_up()
    refused = await members(database, "role", EMAIL, "admin")
    assert type(refused.exception) is shared.NotFound
    other = await signing.sign_up()
    unclear = await members(database, "verify", EMAIL)
    assert str(signed.member.user_id) in str(unclear.exception)
    tried = await as_json(database, "verify", str(other.member.user_id), "--dry-run")
    assert tried["verified_at"]
    await as_json(database, "verify", str(signed.member.user_id))
    assert (await as_json(database, "role", EMAIL, "admin"))["user_id"] == str(signed.member.user_id)
    absent = await members(database, "show", "nobody@example.org")
    assert type(absent.exception) is shared.NotFound


async def test_an_operator_keeps_a_member_out_and_lets_them_in_again(database: Database) -> None:
    world = World.on(database)
    world.clock.at(utc_now())
    signing = Signing(world)
    await signing.join()
    assert (await as_json(database, "sign-out", EMAIL))["closed"] == 1
    out = await as_json(database, "suspend", EMAIL, "--reason", "Somebody else signed in.")
    assert (out["status"], out["standing"]) == ("suspended", "Somebody else signed in.")
    with pytest.raises(rules.MemberSuspended):
        await signing.sign_in()
    assert (await as_json(database, "reinstate", EMAIL))["status"] == "active"
    none = await members(database, "reset-second-factor", EMAIL)
    assert type(none.exception) is rules.NoSecondFactor


async def test_an_operator_makes_lists_and_revokes_keys(database: Database) -> None:
    signing = Signing(World.on(database))
    await signing.join()
    made = await as_json(database, "keys", "make", EMAIL, "points:read", "--name", "till")
    actor = await signing.actor(made["token"])
    assert (actor.role, actor.scopes) == ("member", ("points:read",))
    plain = await members(database, "keys", "make", EMAIL, "points:read", "--name", "scale", "--service")
    assert "baobab_key_" in plain.stdout.splitlines()[-1]
    listed = await members(database, "keys", "list", EMAIL, "--limit", "1")
    assert "scale" in listed.stdout
    assert "More: --cursor" in listed.stdout
    page = await as_json(database, "keys", "list", EMAIL)
    assert [one["name"] for one in page["items"]] == ["scale", "till"]
    await as_json(database, "keys", "revoke", EMAIL, made["key"]["id"])
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(made["token"])
    unknown = await members(database, "keys", "make", EMAIL, "points:all", "--name", "till")
    assert unknown.exit_code != 0
    late = await members(
        database, "keys", "make", EMAIL, "points:read", "--name", "x", "--until", "2020-01-01T00:00Z"
    )
    assert type(late.exception) is rules.KeyEnds
