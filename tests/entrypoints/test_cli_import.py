"""`baobab points import`: a file of opening balances, its report, and its exit codes."""

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ledgers import Ledger, enrolled

from baobab.adapters.postgres.database import Database
from baobab.application.points.importing import UnreadableFile
from baobab.entrypoints.cli.points import command
from builders import World

HEADER = "reference;member;amount;expires_at;funded\r\n"
ONE = "A-1;member-1@example.org;50;2999-12-31;yes\r\n"
TWO = "A-2;member-1@example.org;15;2999-12-31;no\r\n"
WRONG = "[/b];member-1@example.org;0;2999-12-31;no\r\n"
UNREADABLE = "A-4;member-1@example.org;one;2999-12-31;no\r\n"


class Desk:
    """Where files are imported for one member."""

    def __init__(self, database: Database, ledger: Ledger, folder: Path) -> None:
        self.database, self.ledger, self.folder = database, ledger, folder
        self.file, self.report = folder / "openings.csv", folder / "report.csv"

    def write(self, *lines: str) -> None:
        self.file.write_bytes(b"\xef\xbb\xbf" + "".join((HEADER, *lines)).encode())

    async def bring(self, *words: str) -> Result:
        """What `baobab points import FILE WORDS` prints."""
        environment = {"BAOBAB_DATABASE_URL": self.database.url, "COLUMNS": "200"}
        return await asyncio.to_thread(
            CliRunner(env=environment).invoke, command, ("import", str(self.file), *words)
        )

    async def as_json(self, *words: str, exit_code: int = 0) -> Any:
        result = await self.bring(*words, "--json")
        assert result.exit_code == exit_code, result.output
        answer = json.loads(result.stdout)
        assert answer.pop("seconds") >= 0
        return answer

    async def balance(self) -> int:
        return (await self.ledger.balance()).balance

    def reported(self) -> list[dict[str, str]]:
        with self.report.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, await enrolled(World.on(database), "member-1@example.org"), tmp_path)


async def test_a_file_is_brought_and_brought_again_it_is_there_already(desk: Desk) -> None:
    desk.write(ONE, TWO)
    first = await desk.as_json()
    assert first == {
        "written": True,
        "ok": 2,
        "already_there": 0,
        "wrong": 0,
        "points": 65,
        "wrong_lines": [],
    }
    again = await desk.as_json()
    assert (again["ok"], again["already_there"], again["points"]) == (0, 2, 0)
    assert await desk.balance() == 65


async def test_a_dry_run_says_what_the_run_will_and_writes_nothing(desk: Desk) -> None:
    desk.write(ONE, TWO)
    dry = await desk.as_json("--dry-run")
    assert await desk.balance() == 0
    assert await desk.as_json() == {**dry, "written": True}


async def test_with_a_wrong_line_nothing_is_written_and_the_exit_code_says_so(desk: Desk) -> None:
    desk.write(ONE, WRONG, UNREADABLE, TWO)
    refused = await desk.as_json(exit_code=1)
    assert (refused["written"], refused["ok"], refused["wrong"]) == (False, 2, 2)
    assert [(one["number"], one["reference"], one["field"]) for one in refused["wrong_lines"]] == [
        (3, "[/b]", "amount"),
        (4, "A-4", "amount"),
    ]
    assert await desk.balance() == 0


async def test_bad_lines_are_skipped_where_that_is_asked_for(desk: Desk) -> None:
    desk.write(ONE, WRONG, UNREADABLE, TWO)
    done = await desk.as_json("--skip-bad")
    assert (done["written"], done["ok"], done["wrong"], done["points"]) == (True, 2, 2, 65)
    assert await desk.balance() == 65


async def test_people_read_the_wrong_lines_in_a_table(desk: Desk) -> None:
    desk.write(ONE, WRONG)
    said = await desk.bring()
    assert said.exit_code == 1
    for words in ("[/b]", "An amount must be a whole number from 1 to", "wrong          1"):
        assert words in said.stdout
    desk.write(*(f"B-{number};nobody@example.org;1;2999-12-31;no\r\n" for number in range(25)))
    many = await desk.bring("--skip-bad")
    assert many.exit_code == 0
    assert "and 5 more: --report FILE lists them all" in many.stdout
    assert ("B-19" in many.stdout, "B-20" in many.stdout) == (True, False)


async def test_the_report_has_every_line_of_the_last_pass(desk: Desk) -> None:
    desk.write(ONE, WRONG, TWO)
    await desk.bring("--skip-bad", "--report", str(desk.report))
    assert [(row["number"], row["outcome"], row["points"]) for row in desk.reported()] == [
        ("2", "ok", "50"),
        ("3", "wrong", "0"),
        ("4", "ok", "15"),
    ]
    desk.write(ONE)
    await desk.bring("--report", str(desk.report))
    assert [(row["reference"], row["outcome"]) for row in desk.reported()] == [("A-1", "already_there")]


async def test_the_unit_of_lines_that_name_none_can_be_given(desk: Desk) -> None:
    desk.write(ONE)
    refused = await desk.as_json("--unit", "shells", exit_code=1)
    assert [one["field"] for one in refused["wrong_lines"]] == ["unit"]


async def test_a_file_that_is_none_is_an_error(desk: Desk) -> None:
    assert (await desk.bring()).exit_code == 2
    desk.file.write_text("colour\nred\n")
    result = await desk.bring()
    assert isinstance(result.exception, UnreadableFile)
    assert await desk.balance() == 0
