"""`baobab audit`, `baobab members export`, `erase`, `finish-erasures`."""

import asyncio
import json
import zipfile
from pathlib import Path

from click.testing import CliRunner, Result

from baobab.adapters.postgres.database import Database
from baobab.application import identity, privacy
from baobab.application.privacy import Erase
from baobab.domain.privacy import MemberBound
from baobab.entrypoints.cli import cli
from builders import World

EMAIL = "member-1@example.org"


async def baobab(database: Database, *words: str, typed: str = "") -> Result:
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "250"}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(lambda: runner.invoke(cli, words, input=typed))


async def test_an_operator_gives_out_a_members_data_and_erases_them(
    database: Database, tmp_path: Path
) -> None:
    await baobab(database, "members", "add", EMAIL, "--name", "Member One")
    file = tmp_path / "file.zip"
    exported = await baobab(database, "members", "export", EMAIL, "-o", str(file))
    assert exported.exit_code == 0, exported.output
    assert "login" in exported.stdout
    with zipfile.ZipFile(file) as archive:
        assert EMAIL.encode() in archive.read("member.csv")
    again = await baobab(database, "members", "export", EMAIL, "-o", str(file))
    assert type(again.exception) is FileExistsError
    doubted = await baobab(database, "members", "erase", EMAIL, typed="n\n")
    assert doubted.exit_code == 1
    erased = await baobab(database, "members", "erase", EMAIL, "--yes", "--json")
    assert json.loads(erased.stdout)["state"] == "done"
    trail = await baobab(database, "audit", "--name", "privacy.begin", "--json")
    (line,) = json.loads(trail.stdout)["items"]
    assert (line["origin"], line["role"]) == ("cli", "service")
    table = await baobab(database, "audit", "--limit", "1", "--since", "2026-01-01T00:00Z")
    assert "came from" in table.stdout
    assert "More: --cursor" in table.stdout


async def test_what_stands_against_an_erasure_is_said(database: Database) -> None:
    await baobab(database, "members", "add", EMAIL, "--name", "Member One")
    await baobab(database, "members", "role", EMAIL, "admin")
    refused = await baobab(database, "members", "erase", EMAIL, "--yes")
    assert type(refused.exception) is MemberBound


async def test_an_interrupted_erasure_is_finished(database: Database) -> None:
    world = World.on(database)
    who = world.run.new_id()
    wish = identity.Enrol(user_id=who, email=EMAIL, name="Member One", password_hash="-")
    await world.run(identity.enrol, wish, actor=world.admin)
    await world.run(privacy.begin, Erase(user_id=who, grounds="law"), actor=world.admin)
    finished = await baobab(database, "members", "finish-erasures", "--json")
    assert [(one["user_id"], one["state"]) for one in json.loads(finished.stdout)] == [(str(who), "done")]
    assert json.loads((await baobab(database, "members", "finish-erasures", "--json")).stdout) == []
