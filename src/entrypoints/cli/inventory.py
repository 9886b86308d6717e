"""`baobab stock`: whether the counts of the shelves are right."""

import sys
from time import monotonic

import rich_click as click

from ...application.fulfillment import checking
from ...application.fulfillment.checking import Verification, VerifyStock
from ...domain import shared
from ..container import Container
from ..program import OPERATOR
from .terminal import as_json, on_database, print_json, show_all

BROKEN = 1
"""The exit code of a verification that found something."""
FINDINGS = ("check", "table", "row", "says")


class Verified(Verification, kw_only=True):
    """What was verified, what was found, and how long it took."""

    seconds: float


@click.group("stock")
def command() -> None:
    """Look after the stock."""


@command.command()
@as_json
def verify(as_json: bool) -> None:
    """Check every count: batches against their movements, totals against batches, promises against shipments.

    Exits with 1 where anything is found; the first bad row and its check are named.
    """

    async def ask(container: Container) -> Verification:
        return await container.runner().read(checking.verify, VerifyStock(), actor=OPERATOR)

    since = monotonic()
    found = on_database(ask)
    verified = shared.recast(Verified, found, seconds=round(monotonic() - since, 1))
    if as_json:
        print_json(verified)
    else:
        _show(verified)
    if verified.findings:
        sys.exit(BROKEN)


def _show(verified: Verified) -> None:
    of = f"{verified.variants:,} variants in {verified.batches:,} batches"
    figures = f"{of} with {verified.movements:,} movements"
    if not verified.findings:
        checks = ", ".join(verified.checks)
        click.echo(f"{figures} are in order ({checks}; {verified.seconds} s).")
        return
    first = verified.findings[0]
    click.echo(f"The first bad row: {first.table} {first.row} {first.says} Check: {first.check}.")
    show_all(verified.findings, FINDINGS, as_json=False)
    click.echo(f"{len(verified.findings)} findings in {figures} ({verified.seconds} s).")
