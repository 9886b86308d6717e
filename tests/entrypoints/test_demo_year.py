"""The books of the demo community after a simulated year: they add up, to the cent."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner
from dependency_injector import providers

from baobab.adapters.postgres.database import Database
from baobab.application import identity, points
from baobab.application.points import reports
from baobab.domain import shared
from baobab.entrypoints import demo
from baobab.entrypoints.cli import cli
from baobab.entrypoints.container import Container, MemoryContainer
from baobab.entrypoints.demo import Year
from baobab.entrypoints.program import OPERATOR, opened
from baobab.entrypoints.settings import Settings

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
YEAR = timedelta(days=365)


class QuickSecrets:
    """Hashes that cost nothing."""

    async def hash(self, password: str) -> str:
        return f"quick:{password}"

    async def matches(self, password_hash: str, password: str) -> bool:
        return password_hash == f"quick:{password}"

    def random(self, size: int) -> bytes:
        return bytes(size)


def quick(container: Container, now: datetime = NOW) -> Container:
    """The container with cheap hashes, at a time that stands still."""
    container.secrets.override(providers.Object(QuickSecrets()))
    container.clock.override(providers.Object(lambda: now))
    return container


@pytest.fixture(scope="module", params=["memory", "postgres"])
def played(request: pytest.FixtureRequest) -> tuple[Callable[[], Container], Year]:
    """The year, played once: what makes a container on it, and its books."""
    memory = quick(MemoryContainer(settings=Settings()))
    if request.param == "memory":
        return lambda: memory, asyncio.run(demo.play_year(memory))
    settings = Settings(database_url=request.getfixturevalue("migrated")(), connections=2)

    async def play() -> Year:
        async with opened(quick(Container(settings=settings))) as container:
            return await demo.play_year(container)

    return lambda: quick(Container(settings=settings)), asyncio.run(play())


@pytest.fixture
def year(played: tuple[Callable[[], Container], Year]) -> Year:
    return played[1]


async def ask(played: tuple[Callable[[], Container], Year], which: Any, question: shared.Query) -> Any:
    async with opened(played[0]()) as container:
        return await container.runner().read(which, question, actor=OPERATOR)


def cents(*amounts: shared.Money) -> int:
    return sum(one.amount for one in amounts)


async def test_what_is_owed_is_what_the_members_hold(
    played: tuple[Callable[[], Container], Year], year: Year
) -> None:
    members = (await ask(played, identity.members, identity.ListMembers(limit=100))).items
    asked = [points.GetBalance(user_id=one.user_id) for one in members]
    held = [await ask(played, points.balance, one) for one in asked]
    (owed,) = year.liability.units
    assert cents(year.liability.euros) == cents(*(one.euros for one in held)) > 0
    assert cents(year.liability.euros) == cents(*(one.euros for one in owed.months))
    assert owed.points == owed.funded + owed.bonus == sum(one.points for one in owed.months)
    assert all(one.euros.amount == 100 * (one.funded + one.bonus) for one in owed.months)


def test_every_month_goes_from_its_opening_to_its_closing_and_the_last_is_what_is_owed(year: Year) -> None:
    months = year.periods.months
    for one in months:
        moved = one.brought + one.issuance - one.redemption - one.breakage
        moved += one.adjustments + one.gifts + one.conversions
        assert one.opening_balance + moved == one.closing_balance
        assert one.euros == shared.Money(100 * one.closing_balance)
    for before, after in pairwise(months):
        assert before.closing_balance == after.opening_balance
    assert len(months) == 13
    assert months[-1].euros == year.liability.euros


async def test_everything_that_was_ever_issued_is_spent_lost_corrected_or_owed(
    played: tuple[Callable[[], Container], Year], year: Year
) -> None:
    found = await ask(played, reports.periods, reports.GetPeriods(months=48))
    assert found.months[0].opening_balance == 0
    sums = {
        name: sum(getattr(one, name) for one in found.months)
        for name in ("issuance", "redemption", "breakage", "adjustments", "gifts")
    }
    left = sums["issuance"] - sums["redemption"] - sums["breakage"] + sums["adjustments"]
    assert left == year.liability.units[0].points
    assert sums["gifts"] == 0
    assert found.months[-13:] == year.periods.months


def test_the_year_has_something_of_everything(year: Year) -> None:
    kinds = {kind.kind for one in year.periods.months for kind in one.kinds}
    assert kinds == {
        *("earned", "bonus", "revoked", "spent", "refunded"),
        *("expired", "adjustment", "given", "received"),
    }
    assert sum(one.unwritten for one in year.periods.months) > 0
    assert sum(one.breakage > one.unwritten for one in year.periods.months) > 3


def test_the_money_covers_the_points_that_it_paid_for_to_the_cent(year: Year) -> None:
    found = year.coverage
    assert cents(found.kept) == cents(found.received) - cents(found.returned)
    assert cents(found.paid_points) == 100 * (found.issued - found.taken_back)
    assert cents(found.difference) == cents(found.kept) - cents(found.paid_points)
    explained = (found.refunds_due, found.remainders, found.clawed_back, found.unexplained)
    assert cents(found.difference) == cents(*explained)
    assert cents(found.clawed_back) == 5_000, "the points of a disputed share"
    assert (cents(found.unexplained), found.issued_elsewhere) == (0, 0)
    assert found.liability == year.liability.euros
    assert found.ratio_bp == cents(found.kept) * 10_000 // cents(found.liability)


def test_the_limited_network_counts_the_redemption_of_the_year(year: Year) -> None:
    found = year.limited_network
    assert (found.since, found.until) == (datetime(2025, 11, 20, 23, tzinfo=UTC), NOW)
    (unit,) = found.units
    assert cents(found.redeemed) == 100 * (unit.spent - unit.refunded) > 0
    whole_months = sum(one.redemption for one in year.periods.months[1:])
    before = sum(one.redemption for one in year.periods.months[:1])
    assert whole_months <= unit.spent - unit.refunded <= whole_months + before
    assert not found.alert


async def test_what_was_so_at_the_end_of_a_month_is_how_it_closed(
    played: tuple[Callable[[], Container], Year], year: Year
) -> None:
    members = (await ask(played, identity.members, identity.ListMembers(limit=100))).items
    for one in year.periods.months[2:12:3]:
        number, month = (int(part) for part in one.month.split("-"))
        end = datetime(number + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        end -= timedelta(hours=2 if 3 < end.month < 11 else 1)
        asked = [reports.GetAsOf(user_id=member.user_id, at=end) for member in members]
        held = [await ask(played, reports.as_of, question) for question in asked]
        assert sum(account.balance for account in held) == one.closing_balance, one.month


async def test_played_again_nothing_changes(played: tuple[Callable[[], Container], Year], year: Year) -> None:
    async with opened(played[0]()) as container:
        again = await demo.play_year(container)
    assert again == shared.evolve(year, demo=again.demo)
    assert (year.demo.outcome, again.demo.outcome) == ("loaded", "there already")
    assert year.demo.since == NOW - YEAR


async def test_a_year_that_is_not_over_is_not_played() -> None:
    container = quick(MemoryContainer(settings=Settings()))
    with pytest.raises(demo.YearNotOver):
        await demo.play_year(container, NOW + timedelta(days=1))
    await demo.load(container)
    with pytest.raises(demo.YearNotOver) as caught:
        await demo.play_year(container)
    assert (caught.value.began_at, caught.value.ends_at) == (NOW, NOW + YEAR)


async def test_the_terminal_shows_the_books_as_tables_and_as_json(database: Database) -> None:
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "200"}

    async def say(*words: str) -> str:
        result = await asyncio.to_thread(CliRunner(env=environment).invoke, cli, words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    found = json.loads(await say("demo", "year", "--until", "2026-02-01", "--json"))
    assert found["ends_at"] == "2026-02-01T00:00:00Z"
    owed = found["liability"]["euros"]["amount"]
    shown = await say("demo", "year", "--until", "2026-02-01")
    lines = [line.split() for line in shown.splitlines()]
    assert next(line for line in lines if line[:2] == ["in", "all"])[-2:] == [f"{owed / 100:.2f}", "EUR"]
    for word in ("breakage", "unexplained", "The threshold of 1000000.00 EUR is far."):
        assert word in shown
    later = json.loads(await say("points", "periods", "--last", "2026-01", "--months", "1", "--json"))
    assert later["months"] == found["periods"]["months"][-2:-1]
