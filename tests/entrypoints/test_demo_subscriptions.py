"""Three years of subscriptions on a clock that is set by hand (issue 4, must-show 7)."""

import json

from click.testing import CliRunner

from baobab.application.investments import Renewals
from baobab.domain import shared
from baobab.entrypoints.cli.demo import command
from baobab.entrypoints.demo import subscribers
from baobab.entrypoints.demo.stage import Clock
from baobab.entrypoints.demo.subscribers import Report, ThreeYears
from builders import START, World

BECAME = {
    "29 February": ("active", "", 4, 4),
    "before the clocks go forward": ("active", "", 4, 4),
    "after the clocks go forward": ("active", "", 4, 4),
    "before the clocks go back": ("active", "", 3, 3),
    "card fails once": ("active", "", 3, 4),
    "card fails twice": ("active", "", 3, 5),
    "card fails for good": ("ended", "dunning", 1, 4),
    "pays by hand": ("active", "", 3, 4),
    "goes up": ("active", "", 3, 3),
    "goes down": ("active", "", 3, 3),
    "cancels": ("cancelled", "period_end", 1, 1),
    "cancels, and stays": ("active", "", 3, 3),
    "thinks again": ("withdrawn", "withdrawal", 1, 1),
    "is not checked again": ("ended", "dunning", 2, 5),
    "chooses late": ("active", "", 3, 3),
}
"""State, reason, periods that were paid, and charges."""


def check(report: Report) -> None:
    assert {one.name: (one.state, one.reason, one.periods, one.tries) for one in report.lines} == BECAME
    for what, one, other in report.pairs():
        assert one == other, what
    assert report.adds_up
    by_name = {one.name: one for one in report.lines}
    assert by_name["goes up"].charged.amount == 20_000 + 2 * 35_000
    assert by_name["goes down"].charged.amount == 35_000 + 2 * 20_000
    assert by_name["thinks again"].refunded.amount == 35_000 - 6_000
    for one in report.lines:
        if one.state != "withdrawn":
            assert one.charged.amount == one.placed.amount + one.unplaced.amount, one.name
    assert sum(one.unplaced.amount for one in report.lines) > 0
    assert report.years[0] == Renewals()
    assert sum(one.renewed for one in report.years) == report.receipts[0] - len(BECAME) - 1


async def test_three_years_add_up_to_the_cent_in_memory() -> None:
    check(await subscribers.play())


async def test_three_years_add_up_to_the_cent_on_postgresql(postgres_world: World) -> None:
    clock = Clock(START)
    postgres_world.clock = clock  # type: ignore[assignment]
    report = await ThreeYears(postgres_world.runner(), clock).play()
    check(report)


def test_a_missing_cent_shows() -> None:
    fine = Report((), (), (5, 5), (5, 5), (1, 1), (2, 2), shared.Money(0), 0)
    assert fine.adds_up
    for name, wrong in (
        *((name, (1, 2)) for name in ("received", "stayed", "receipts", "granted")),
        *(("unexplained", shared.Money(1)), ("broken", 1)),
    ):
        assert not shared.evolve(fine, **{name: wrong}).adds_up


def test_the_three_years_are_shown_to_people_and_to_programs() -> None:
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(command, ["subscriptions"])
    assert shown.exit_code == 0
    for word in ("29 February", "card fails for good", "dunning", "Everything adds up."):
        assert word in shown.stdout
    told = CliRunner().invoke(command, ["subscriptions", "--json"])
    assert json.loads(told.stdout)["adds_up"] is True
