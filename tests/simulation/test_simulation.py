"""A short simulation, and simulations that must fail; `make simulate` is the long one."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from simulation.house import House, house
from simulation.ledger import Account, Lot, Policy
from simulation.oracle import Oracle
from simulation.playing import Size
from simulation.running import play


@pytest.fixture(scope="module")
def built() -> Iterator[House]:
    with house() as one:
        yield one


def test_months_of_commands_do_what_the_oracle_says_though_the_server_is_killed(built: House) -> None:
    report = play(built, range(1, 4), Size(rounds=7, steps=6, kills=0.3))
    assert not report.failures, str(report)
    assert report.totals.kills > 0
    assert report.totals.acknowledged > 100
    assert report.totals.refused > 50
    assert report.totals.lost == 0


def test_clients_that_are_killed_go_on_where_they_were(built: House) -> None:
    report = play(built, [10], Size(rounds=4, steps=6, crashes=2))
    assert not report.failures, str(report)
    assert report.totals.crashes == 2
    assert report.totals.acknowledged > 30
    assert report.totals.lost == 0


class FundedFirst(Oracle):
    def order(self, unit: str, lot: Lot, now: datetime) -> tuple[Any, ...]:
        return lot.expires_at, not lot.funded, lot.age


class NeverWritten(Oracle):
    def settle(self, account: Account, now: datetime) -> None:
        pass


class DayTooLong(Oracle):
    def promise(self, policy: Policy, since: datetime, now: datetime) -> datetime:
        return super().promise(policy, since, now) + timedelta(days=1)


class NoDebt(Oracle):
    def repay(self, account: Account, now: datetime) -> None:
        account.debt = 0


@pytest.mark.parametrize("changed", [FundedFirst, NeverWritten, DayTooLong, NoDebt])
def test_a_rule_that_is_changed_is_noticed_and_told_with_its_seed(
    built: House, changed: type[Oracle]
) -> None:
    report = play(built, [11], Size(rounds=12, steps=8, kills=0.0), changed)
    assert [one.seed for one in report.failures] == [11]
    assert "--seed 11" in str(report)


def test_a_failure_replays_from_its_seed(built: House) -> None:
    told = [play(built, [5], Size(rounds=6, steps=8, kills=0.0, clients=1), FundedFirst) for _ in range(2)]
    first, again = (one.failures[0].what for one in told)
    assert first == again
