"""`baobab points units`, `set-policy`, `set-rate`, `close-period`: what is counted, and how."""

from datetime import datetime, timedelta
from typing import Any, get_args

import msgspec
import rich_click as click

from ....application import points
from ....application.points import Units, sweeping
from ....domain.points import NOTICE, POINTS, Consumption
from ...container import Container
from ...program import OPERATOR
from ..terminal import as_json, moment, on_database, print_json, show_all
from .moving import submit, submits

POLICY_COLUMNS = (
    "unit",
    "version",
    "in_force_at",
    "validity_months",
    "maturity_days",
    "grace_days",
    "zone",
    "consumption",
    "giftable",
    "cents",
)
RATE_COLUMNS = ("unit", "to_unit", "version", "give", "get", "in_force_at")
BOOKS_COLUMNS = ("unit", "closed_through", "closed_at")
SLACK = timedelta(minutes=1)
"""More than the least notice, as the command takes its time too."""
FROM = click.option(
    "--from",
    "in_force_at",
    type=moment,
    help="From when on: a time with its zone, at least a minute ahead; two minutes by default.",
)


async def _units(container: Container) -> Units:
    return await container.runner().read(points.units, points.ListUnits(), actor=OPERATOR)


def _soon(container: Container, given: datetime | None) -> datetime:
    return given or container.runner().clock() + NOTICE + SLACK


@click.command()
@as_json
def units(as_json: bool) -> None:
    """Show every version of every policy and rate, and how far the books are closed."""
    found = on_database(_units)
    if as_json:
        print_json(found)
        return
    show_all(found.policies, POLICY_COLUMNS, as_json=False)
    for listed, columns in ((found.rates, RATE_COLUMNS), (found.books, BOOKS_COLUMNS)):
        if listed:
            click.echo()
            show_all(listed, columns, as_json=False)


@click.command("set-policy")
@click.argument("unit")
@FROM
@click.option("--validity-months", type=int, help="How many months points of this unit live.")
@click.option("--no-end", is_flag=True, help="Points of this unit live for ever.")
@click.option("--maturity-days", type=int, help="How many days until points can be spent.")
@click.option("--grace-days", type=int, help="How many days points last that come back after their end.")
@click.option("--zone", help="An IANA time zone, in which days begin and end.")
@click.option("--consumption", type=click.Choice(get_args(Consumption)))
@click.option("--giftable/--not-giftable", default=None)
@click.option("--cents", type=int, help="How many euro cents one stands for.")
@submits
def set_policy(
    unit: str,
    in_force_at: datetime | None,
    no_end: bool,
    key: str | None,
    as_json: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Say how UNIT behaves from an instant on. What is not said stays as it is; a new unit is made."""
    said = {name: value for name, value in given.items() if value is not None}
    if no_end:
        said["validity_months"] = None

    async def make(container: Container) -> points.SetPolicy:
        known = [one for one in (await _units(container)).policies if one.unit == unit]
        last = msgspec.structs.asdict(max(known, key=lambda one: one.version)) if known else {}
        kept = {name: value for name, value in last.items() if name in given}
        return points.SetPolicy(unit=unit, in_force_at=_soon(container, in_force_at), **{**kept, **said})

    submit(points.set_policy, make, key=key, as_json=as_json, dry_run=dry_run)


@click.command("set-rate")
@click.argument("unit")
@click.argument("to_unit")
@click.argument("give", type=int)
@click.argument("get", type=int)
@FROM
@submits
def set_rate(
    unit: str, to_unit: str, give: int, get: int, in_force_at: datetime | None, **options: Any
) -> None:
    """Say that GIVE of UNIT become GET of TO_UNIT from an instant on."""

    async def make(container: Container) -> points.SetRate:
        return points.SetRate(
            unit=unit, to_unit=to_unit, give=give, get=get, in_force_at=_soon(container, in_force_at)
        )

    submit(points.set_rate, make, **options)


@click.command("close-period")
@click.argument("month")
@click.option("--unit", default=POINTS, show_default=True)
@submits
def close_period(month: str, unit: str, **options: Any) -> None:
    """Close the books of a unit through the end of MONTH, such as 2026-03. What ended is written down first,
    but not by a dry run."""

    async def make(container: Container) -> points.ClosePeriod:
        if not options["dry_run"]:
            await sweeping.run_due(container.runner(), "expiry", actor=OPERATOR, unit=unit)
        return points.ClosePeriod(unit=unit, month=month)

    submit(points.close_period, make, **options)


COMMANDS = (units, set_policy, set_rate, close_period)
