"""`baobab points`: what an operator moves and sets by hand."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result

from baobab.adapters.postgres.database import Database
from baobab.application import identity, points
from baobab.domain import shared
from baobab.entrypoints.cli import cli
from builders import World

ONE, OTHER = "member-1@example.org", "member-2@example.org"


class Desk:
    """An operator's terminal on a database with two members, the first of whom has 65 points."""

    def __init__(self, database: Database) -> None:
        self.database, self.world = database, World.on(database)
        self.ids: dict[str, UUID] = {}

    async def open(self) -> "Desk":
        self.world.clock.at("2020-03-02 10:30")
        for email in (ONE, OTHER):
            self.ids[email] = self.world.run.new_id()
            wish = identity.Enrol(user_id=self.ids[email], email=email, name="Member", password_hash="-")
            await self.world.run(identity.enrol, wish, actor=self.world.admin)
        await self.json("earn", ONE, "--funded", "50", "--bonus", "15")
        return self

    async def say(self, *words: str) -> Result:
        """What `baobab points WORDS` prints, in a terminal wide enough for a table."""
        environment = {"BAOBAB_DATABASE_URL": self.database.url, "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner(env=environment).invoke, cli, ("points", *words))

    async def json(self, *words: str) -> Any:
        result = await self.say(*words, "--json")
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    async def balance(self, member: str = ONE) -> int:
        found: int = (await self.json("balance", member))["balance"]
        return found

    async def refused(self, *words: str) -> shared.DomainError:
        """The error that the program turns into a sentence and exit code 1."""
        result = await self.say(*words)
        assert isinstance(result.exception, shared.DomainError), result.output
        return result.exception


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).open()


async def test_points_are_given_spent_and_corrected(desk: Desk) -> None:
    assert (await desk.json("spend", ONE, "5"))["available"] == 60
    assert (await desk.json("adjust", ONE, "-10", "--reason", "counted again"))["available"] == 50
    assert (await desk.json("adjust", ONE, "3", "--reason", "counted again"))["available"] == 53
    newest, before, *_ = (await desk.json("statement", ONE))["items"]
    assert [(one["kind"], one["amount"], one["reason"]) for one in (newest, before)] == [
        ("adjustment", 3, "counted again"),
        ("adjustment", -10, "counted again"),
    ]
    said = (await desk.say("spend", ONE, "1")).stdout
    assert "52.00 EUR" in said


async def test_a_correction_names_who_decided_it(desk: Desk) -> None:
    await desk.json("adjust", ONE, "1", "--reason", "counted again", "--author", OTHER)
    assert (await desk.json("statement", ONE))["items"][0]["author_id"] == str(desk.ids[OTHER])


async def test_a_dry_run_says_what_would_be_and_changes_nothing(desk: Desk) -> None:
    tried = await desk.say("spend", ONE, "5", "--dry-run", "--json")
    assert json.loads(tried.stdout)["available"] == 60
    assert tried.stderr == "Nothing was changed.\n"
    assert await desk.balance() == 65
    assert (await desk.say("spend", ONE, "5", "--json")).stderr == ""


async def test_the_same_key_and_wish_are_done_once(desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.json("spend", ONE, "5", "--key", "till-7"))["available"] == 60
    assert await desk.balance() == 60
    assert (await desk.refused("spend", ONE, "6", "--key", "till-7")).code == "idempotency_key_reused"


async def test_what_happened_in_the_past_is_written_down_as_such(desk: Desk) -> None:
    await desk.json("earn", OTHER, "--funded", "7", "--effective-at", "2026-01-05T12:00+01:00")
    [line] = (await desk.json("statement", OTHER))["items"]
    assert line["effective_at"] == "2026-01-05T11:00:00Z"
    assert line["recorded_at"] > line["effective_at"]


@pytest.mark.parametrize("time", ["yesterday", "2026-01-05T12:00"])
async def test_a_time_says_its_zone(desk: Desk, time: str) -> None:
    said = await desk.say("earn", OTHER, "--funded", "7", "--effective-at", time)
    assert said.exit_code == 2
    assert f"'{time}'" in said.stderr


async def test_a_gift_goes_to_an_email_or_an_id(desk: Desk) -> None:
    given = await desk.json("give", ONE, OTHER, "5", "--message", "happy birthday")
    assert (given["recipient_id"], given["balance"]["available"]) == (str(desk.ids[OTHER]), 60)
    said = (await desk.say("give", ONE, str(desk.ids[OTHER]), "5")).stdout
    assert "Balance:" in said
    assert await desk.balance(OTHER) == 10


async def test_points_become_another_unit(desk: Desk) -> None:
    start = desk.world.clock.now
    wish = points.SetPolicy(unit="pearls", in_force_at=desk.world.clock.advance(days=2))
    desk.world.clock.at(start)
    await desk.world.run(points.set_policy, wish, actor=desk.world.admin)
    desk.world.clock.advance(days=3)
    rate = points.SetRate(unit="points", to_unit="pearls", give=5, get=2, in_force_at=wish.in_force_at)
    rate = shared.evolve(rate, in_force_at=desk.world.clock.now.replace(year=2021))
    await desk.world.run(points.set_rate, rate, actor=desk.world.admin)
    got = await desk.json("convert", ONE, "10", "pearls")
    assert (got["to_amount"], got["balance"]["available"], got["to_balance"]["available"]) == (4, 55, 4)
    assert (await desk.refused("convert", ONE, "9", "pearls")).code == "rate_leaves_rest"


async def test_a_grant_is_taken_back_and_what_is_missing_is_owed(desk: Desk) -> None:
    await desk.json("spend", ONE, "20")
    async with desk.database.connection() as connection:
        grant_id = await connection.fetchval("select distinct grant_id from baobab.lot")
    taken = await desk.json("claw-back", ONE, str(grant_id), "--reason", "never paid", "--author", OTHER)
    assert (taken["available"], taken["debt"]) == (0, 20)
    again = await desk.refused("claw-back", ONE, str(grant_id), "--reason", "never paid")
    assert again.code == "grant_already_revoked"
    assert (await desk.refused("claw-back", ONE, str(uuid4()), "--reason", "never paid")).code == "not_found"


async def test_an_empty_account_is_closed_and_opened_again(desk: Desk) -> None:
    assert (await desk.refused("close-account", ONE, "--reason", "moved away")).code == "account_not_empty"
    await desk.json("spend", ONE, "65")
    await desk.json("close-account", ONE, "--reason", "moved away")
    assert (await desk.refused("earn", ONE, "--funded", "1")).code == "account_closed"
    await desk.json("reopen-account", ONE, "--reason", "came back")
    assert (await desk.json("earn", ONE, "--funded", "1"))["available"] == 1


async def test_a_new_version_of_a_policy_changes_what_is_said_alone(desk: Desk) -> None:
    made = await desk.json("set-policy", "pearls", "--no-end", "--cents", "50", "--not-giftable")
    assert (made["version"], made["validity_months"], made["giftable"]) == (1, None, False)
    next_one = await desk.json("set-policy", "pearls", "--grace-days", "7")
    assert (next_one["version"], next_one["cents"], next_one["validity_months"]) == (2, 50, None)
    points_now = await desk.json("set-policy", "points", "--validity-months", "12")
    assert (points_now["version"], points_now["cents"], points_now["grace_days"]) == (2, 100, 30)
    late = await desk.refused("set-policy", "pearls", "--from", "2026-01-01T00:00Z")
    assert late.code == "too_soon"


async def test_units_rates_and_books_are_shown(desk: Desk) -> None:
    await desk.json("set-policy", "pearls")
    assert (await desk.refused("set-rate", "points", "pearls", "5", "2")).code == "unknown_unit"
    closed = await desk.json("close-period", "2020-02")
    assert closed["closed_through"] == "2020-02-29T23:00:00Z"
    said = (await desk.say("units")).stdout
    assert [word for word in ("Europe/Paris", "pearls", "2020-02-29 23:00 UTC") if word not in said] == []
    found = await desk.json("units")
    assert [(one["unit"], one["version"]) for one in found["policies"]] == [("points", 1), ("pearls", 1)]
    assert (await desk.refused("close-period", "2020-01")).code == "period_closed"


async def test_what_is_no_month_or_no_reason_is_refused(desk: Desk) -> None:
    for words in (
        ("close-period", "march"),
        ("close-account", ONE, "--reason", "x"),
        ("spend", ONE, "0"),
        ("set-policy", "Not a unit"),
    ):
        assert (await desk.refused(*words)).code == "invalid_command"
    assert (await desk.say("adjust", ONE, "5")).exit_code == 2
