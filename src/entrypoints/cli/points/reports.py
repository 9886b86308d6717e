"""`baobab points as-of`, `liability`, `periods`, ...: the reports of the ledger."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import rich_click as click

from ....application import points
from ....application.investments import coverage as covering
from ....application.points import reports
from ....domain import shared
from ...container import Container
from ...program import OPERATOR
from ..terminal import answer, as_json, moment, on_database, print_json, show
from . import books
from .moving import UNIT

V = TypeVar("V", bound=shared.Record)

EXPIRING = ("expires_at", "amount", "funded", "lot_id")
AHEAD = ("month", "ends_at", "balance", "available", "pending", "expiring", "ripening")
ALERT = 1
"""The exit code of a check that says: look at this."""


def _print(found: V, tell: Callable[[V], None], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        tell(found)


@click.command("as-of")
@click.argument("member")
@click.argument("at", type=moment, required=False)
@click.option("--known-at", type=moment, help="As it was known then.")
@UNIT
@as_json
def as_of(member: str, at: datetime | None, known_at: datetime | None, unit: str, as_json: bool) -> None:
    """Show what a member held at an instant, such as 2026-03-31T22:00Z; now where none is given."""
    found = answer(reports.as_of, reports.GetAsOf, member, unit=unit, at=at, known_at=known_at)
    show(found, as_json=as_json)


@click.command()
@click.argument("member")
@click.option("--days", type=click.IntRange(1, 800), default=60, show_default=True)
@UNIT
@as_json
def expiring(member: str, days: int, unit: str, as_json: bool) -> None:
    """List what of a member's points ends within some days, soonest first."""

    def tell(found: points.Expiring) -> None:
        books.table(EXPIRING, books.values(found.lots, EXPIRING), ("in all", found.total, "", ""))

    found = answer(points.expiring, points.GetExpiring, member, unit=unit, days=days)
    _print(found, tell, as_json=as_json)


@click.command()
@click.argument("member")
@click.option("--months", type=click.IntRange(1, 36), default=12, show_default=True)
@UNIT
@as_json
def forecast(member: str, months: int, unit: str, as_json: bool) -> None:
    """Show what a member will hold at the end of the coming months if nothing moves."""

    def tell(found: reports.Forecast) -> None:
        click.echo(f"{found.balance} {found.unit} now")
        books.table(AHEAD, books.values(found.months, AHEAD))

    found = answer(reports.ahead, reports.GetForecast, member, unit=unit, months=months)
    _print(found, tell, as_json=as_json)


@click.command()
@click.option("--unit", help="One unit; all by default.")
@as_json
def liability(unit: str | None, as_json: bool) -> None:
    """Show what is owed to all members now, by unit and month of expiry."""
    _print(answer(reports.liability, reports.GetLiability, unit=unit), books.liability, as_json=as_json)


@click.command()
@click.option("--last", help="The last month, as 2026-03; the one that runs by default.")
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True)
@UNIT
@as_json
def periods(last: str | None, months: int, unit: str, as_json: bool) -> None:
    """Show how months closed: issuance, redemption, breakage, corrections."""
    found = answer(reports.periods, reports.GetPeriods, unit=unit, last=last, months=months)
    _print(found, books.periods, as_json=as_json)


@click.command()
@as_json
def coverage(as_json: bool) -> None:
    """Show how money that came stands against the points that it paid for."""
    _print(answer(covering.coverage, covering.GetCoverage), books.coverage, as_json=as_json)


@click.command("limited-network")
@click.option("--check", is_flag=True, help="Exit with 1 from 80 % of the threshold on.")
@as_json
def limited_network(check: bool, as_json: bool) -> None:
    """Show what was redeemed in twelve months, against BAOBAB_LIMITED_NETWORK_CENTS."""

    async def run(container: Container) -> reports.LimitedNetwork:
        threshold = container.settings().limited_network_cents
        question = reports.GetLimitedNetwork(threshold_cents=threshold)
        return await container.runner().read(reports.limited_network, question, actor=OPERATOR)

    found = on_database(run)
    _print(found, books.limited_network, as_json=as_json)
    if check and found.alert:
        sys.exit(ALERT)


COMMANDS = (as_of, expiring, forecast, liability, periods, coverage, limited_network)
