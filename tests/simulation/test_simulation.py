"""A short simulation, and simulations that must fail; `make simulate` is the long one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from simulation.house import House, house
from simulation.ledger import Account, Lot, Policy
from simulation.oracle import Oracle
from simulation.playing import Size, World, played
from simulation.report import Report
from simulation.running import play


@pytest.fixture(scope="module")
def built() -> Iterator[House]:
    with house() as one:
        yield one


def test_months_of_commands_do_what_the_oracle_says_though_the_server_is_killed(built: House) -> None:
    report = play(built, range(1, 3), Size(rounds=6, steps=6, kills=0.4))
    assert not report.failures, str(report)
    assert report.totals.kills > 0
    assert report.totals.acknowledged > 50
    assert report.totals.refused > 20
    assert report.totals.lost == 0


def test_clients_that_are_killed_go_on_where_they_were(built: House) -> None:
    report = play(built, [10], Size(rounds=3, steps=6, crashes=2))
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
    report = play(built, [11], Size(rounds=8, steps=8, kills=0.0), changed)
    assert [one.seed for one in report.failures] == [11]
    assert "--seed 11" in str(report)


class Tampered(World):
    """A world whose rows are changed behind everybody's back in its second round."""

    sql = ""

    async def _verify(self, draw: Random) -> None:
        await super()._verify(draw)
        if self.round == 2:
            async with self.server.connection(self.name) as connection:
                await connection.execute(self.sql)


FIRST = "select min(id::text)::uuid, max(sequence) from baobab.posting group by user_id, unit"
"""The first posting of every account, and how many it has."""


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("delete from baobab.command_log where name = 'points.earn'", "acknowledged writes are lost"),
        (f"update baobab.posting set hash = sha256(hash) where (id, 2) in ({FIRST})", "invariant 6"),
        ("update baobab.event set run_key = 'same' where type = 'points.earned'", "invariant 7"),
        ("update baobab.posting set reason = 'none'", "reason none instead of"),
        ("update baobab.lot set expires_at = expires_at + interval '1 hour'", "expires_at"),
    ],
)
def test_rows_that_are_changed_behind_the_ledger_are_noticed(built: House, sql: str, told: str) -> None:
    async def run() -> Report:
        built.begin()
        world = Tampered(3, built, Oracle, Size(rounds=3, steps=8, kills=0.0))
        world.sql = sql
        return await played(world)

    [failure] = asyncio.run(run()).failures
    assert told in failure.what


def test_the_oracle_shares_no_code_with_the_product() -> None:
    program = (
        "import sys, simulation.chance; sys.exit(any(name.startswith('baobab') for name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_a_failure_replays_from_its_seed(built: House) -> None:
    told = [play(built, [5], Size(rounds=6, steps=8, kills=0.0, clients=1), FundedFirst) for _ in range(2)]
    first, again = (one.failures[0].what for one in told)
    assert first == again
