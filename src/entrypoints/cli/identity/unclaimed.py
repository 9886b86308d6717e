"""`baobab members sweep`: accounts that nobody claimed."""

from datetime import timedelta

import rich_click as click

from ....application.privacy.unclaimed import SweptAccounts, sweep_unclaimed
from ...container import Container
from ...program import OPERATOR
from ..progress import progress
from ..terminal import as_json, on_database, show


@click.command()
@click.option("--dry-run", is_flag=True, help="Say how many would be, and change nothing.")
@as_json
def sweep(dry_run: bool, as_json: bool) -> None:
    """Erase accounts that nobody verified within BAOBAB_UNVERIFIED_DAYS, and where nobody is signed in.

    Nobody can come in there again. Safe to stop, to run twice and on two machines at once.
    """

    async def do(container: Container) -> SweptAccounts:
        run, days = container.runner(), container.settings().unverified_days
        before = run.clock() - timedelta(days=days)
        with progress("Sweeping") as watch:
            return await sweep_unclaimed(
                run, before, actor=OPERATOR, dry_run=dry_run, watch=lambda done: watch(done, done)
            )

    show(on_database(do), as_json=as_json)
    if dry_run:
        click.echo("Nothing was changed.", err=True)


COMMANDS = (sweep,)
