"""`baobab points sweep` and `warn`: what falls due by itself, for all members."""

from random import random
from time import monotonic

import rich_click as click

from ....application.points import sweeping
from ....application.points.sweeping import Tally, Task
from ....domain import shared
from ...container import Container
from ...program import OPERATOR
from ..progress import progress
from ..terminal import as_json, on_database, show

UNIT = click.option("--unit", help="Which unit; every one by default.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say how much is due, and change nothing.")


class Swept(shared.Record):
    """How much was done, or is due: accounts, lots, their points, holds past their limit; and the time."""

    accounts: int
    lots: int
    points: int
    holds: int
    seconds: float


def _run(task: Task, words: str, unit: str | None, *, dry_run: bool, as_json: bool) -> None:
    async def do(container: Container) -> Tally:
        run = container.runner()
        if dry_run:
            return await sweeping.tally_due(run, task, actor=OPERATOR, unit=unit)
        with progress(words) as watch:
            return await sweeping.run_due(run, task, actor=OPERATOR, unit=unit, share=random(), watch=watch)

    since = monotonic()
    done = on_database(do)
    show(shared.recast(Swept, done, seconds=round(monotonic() - since, 3)), as_json=as_json)
    if dry_run:
        click.echo("Nothing was changed.", err=True)


@click.command()
@UNIT
@DRY_RUN
@as_json
def sweep(unit: str | None, dry_run: bool, as_json: bool) -> None:
    """Write down what time decided: points that ended, holds past their limit.

    What members may spend does not change. Safe to stop, to run twice and on two machines at once.
    """
    _run("expiry", "Sweeping", unit, dry_run=dry_run, as_json=as_json)


@click.command()
@UNIT
@DRY_RUN
@as_json
def warn(unit: str | None, dry_run: bool, as_json: bool) -> None:
    """Warn members 60, 30 and 7 days before points end; of each lot once.

    A warning is an event `points.expiring_soon`. Safe to stop, to run twice and on two machines at once.
    """
    _run("warning", "Warning", unit, dry_run=dry_run, as_json=as_json)


COMMANDS = (sweep, warn)
