"""`baobab points as-of`, `liability`, `periods`, ...: the books for people and for programs."""

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from baobab.adapters.postgres.database import Database
from baobab.application import identity
from baobab.domain import shared
from baobab.entrypoints.cli import cli
from builders import World

ONE = "member-1@example.org"


class Desk:
    """An accountant's terminal on a database with a member who was given 65 points, and spent 20."""

    def __init__(self, database: Database) -> None:
        self.database, self.world = database, World.on(database)

    async def open(self) -> "Desk":
        id = self.world.run.new_id()
        wish = identity.Enrol(user_id=id, email=ONE, name="Member", password_hash="-")
        await self.world.run(identity.enrol, wish, actor=self.world.admin)
        await self.json("earn", ONE, "--funded", "50", "--bonus", "15")
        await self.json("spend", ONE, "20")
        return self

    async def say(self, *words: str, **settings: str) -> Result:
        """What `baobab points WORDS` prints, in a terminal wide enough for a table."""
        environment = {"BAOBAB_DATABASE_URL": self.database.url, "COLUMNS": "200", **settings}
        return await asyncio.to_thread(CliRunner(env=environment).invoke, cli, ("points", *words))

    async def json(self, *words: str) -> Any:
        result = await self.say(*words, "--json")
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    async def rows(self, *words: str) -> list[list[str]]:
        """The words of each line that is printed."""
        result = await self.say(*words)
        assert result.exit_code == 0, (result.output, result.exception)
        return [line.split() for line in result.stdout.splitlines() if line.strip()]


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).open()


async def test_what_a_member_held_at_an_instant_is_shown(desk: Desk) -> None:
    now = await desk.json("as-of", ONE)
    assert (now["balance"], now["sequence"], now["euros"]["amount"]) == (45, 3, 4_500)
    before = await desk.json("as-of", ONE, "2020-01-01T00:00Z")
    assert (before["balance"], before["at"]) == (0, "2020-01-01T00:00:00Z")
    known = await desk.json("as-of", ONE, "2020-01-01T00:00Z", "--known-at", "2020-02-01T00:00Z")
    assert known["known_at"] == "2020-02-01T00:00:00Z"
    assert ["balance", "45"] in await desk.rows("as-of", ONE)
    assert (await desk.say("as-of", ONE, "yesterday")).exit_code == 2


async def test_what_ends_and_what_will_be_left_is_shown(desk: Desk) -> None:
    assert (await desk.json("expiring", ONE))["total"] == 0
    found = await desk.json("expiring", ONE, "--days", "800")
    assert [(one["amount"], one["funded"]) for one in found["lots"]] == [(45, True)]
    assert ["in", "all", "45"] in await desk.rows("expiring", ONE, "--days", "800")
    months = (await desk.json("forecast", ONE, "--months", "24"))["months"]
    assert [months[place]["balance"] for place in (0, 23)] == [45, 0]
    rows = await desk.rows("forecast", ONE, "--months", "24")
    assert rows[0] == ["45", "points", "now"]
    assert len(rows) == 2 + 24


async def test_what_is_owed_is_shown_with_what_it_sums_to(desk: Desk) -> None:
    owed = await desk.json("liability")
    assert (owed["euros"]["amount"], [one["funded"] for one in owed["units"]]) == (4_500, [45])
    month = owed["units"][0]["months"][0]["month"]
    title, heads, row, total = await desk.rows("liability", "--unit", "points")
    assert title[:4] == ["Owed", "to", "all", "members"]
    assert heads == ["unit", "month", "funded", "bonus", "points", "euros"]
    assert row == ["points", month, "45", "0", "45", "45.00", "EUR"]
    assert total == ["in", "all", "45", "0", "45", "45.00", "EUR"]


async def test_how_months_closed_is_shown_with_what_they_sum_to(desk: Desk) -> None:
    found = await desk.json("periods", "--months", "2")
    assert [one["closing_balance"] for one in found["months"]] == [0, 45]
    *_, last, total = await desk.rows("periods", "--months", "2")
    assert last[1:] == ["0", "0", "65", "20", "0", "0", "0", "0", "45", "45.00", "EUR"]
    assert total == ["in", "all", *last[1:]]
    again = await desk.json("periods", "--months", "1", "--last", found["months"][0]["month"])
    assert again["months"] == found["months"][:1]
    refused = await desk.say("periods", "--last", "march")
    assert isinstance(refused.exception, shared.DomainError)


async def test_what_covers_the_points_is_shown(desk: Desk) -> None:
    found = await desk.json("coverage")
    assert (found["issued_elsewhere"], found["liability"]["amount"], found["ratio_bp"]) == (50, 4_500, 0)
    assert ["liability", "45.00", "EUR"] in await desk.rows("coverage")


async def test_the_threshold_of_the_limited_network_is_checked(desk: Desk) -> None:
    found = await desk.json("limited-network")
    assert (found["redeemed"]["amount"], found["threshold"]["amount"]) == (2_000, 100_000_000)
    for cents, code, word in (("2501", 0, "far"), ("2500", 1, "near"), ("1999", 1, "exceeded")):
        settings = {"BAOBAB_LIMITED_NETWORK_CENTS": cents}
        checked = await desk.say("limited-network", "--check", **settings)
        assert (checked.exit_code, word in checked.stdout) == (code, True)
        assert (await desk.say("limited-network", **settings)).exit_code == 0
    assert ["points", "20", "0", "20.00", "EUR"] in await desk.rows("limited-network")
