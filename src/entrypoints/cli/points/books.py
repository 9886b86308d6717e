"""The books as people read them: tables whose numbers stand below each other, with a line of totals."""

from collections.abc import Iterable, Sequence

import rich_click as click
from rich.console import Console
from rich.table import Column, Table

from ....application.investments.coverage import Coverage
from ....application.points.reports import Liability, LimitedNetwork, Periods
from ....domain import shared
from ..terminal import show, text_of

OWED = ("unit", "month", "funded", "bonus", "points", "euros")
MOVED = (
    *("brought", "issuance", "redemption", "breakage"),
    *("adjustments", "gifts", "conversions"),
)
CLOSED = ("month", "opening_balance", *MOVED, "closing_balance", "euros")
REDEEMED = ("unit", "spent", "refunded", "euros")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], total: Sequence[object] = ()) -> None:
    """A table with words to the left and numbers to the right, and what they sum to."""
    shown = [tuple(map(text_of, row)) for row in rows]
    right = [
        all(not row[place] or row[place][:1] in "-0123456789" for row in shown)
        for place in range(len(columns))
    ]
    heads = (
        Column(name.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
        for name, is_number in zip(columns, right, strict=True)
    )
    printed = Table(*heads, box=None, header_style="bold", show_footer=False)
    for row in shown:
        printed.add_row(*row)
    if total:
        printed.add_section()
        printed.add_row(*map(text_of, total), style="bold")
    Console().print(printed)


def values(records: Iterable[shared.Record], columns: Sequence[str]) -> list[list[object]]:
    """Some fields of records, a row each."""
    return [[getattr(one, name) for name in columns] for one in records]


def liability(found: Liability) -> None:
    """What is owed, by unit and month of expiry."""
    click.secho(f"Owed to all members at {text_of(found.at)}", bold=True)
    rows = values((month for unit in found.units for month in unit.months), OWED)
    funded, bonus = (sum(getattr(unit, name) for unit in found.units) for name in ("funded", "bonus"))
    table(OWED, rows, ("in all", "", funded, bonus, funded + bonus, found.euros))


def periods(found: Periods) -> None:
    """How months closed."""
    click.secho(f"The books of {found.unit}, by months in {found.zone}, at {text_of(found.at)}", bold=True)
    sums = [sum(getattr(month, name) for month in found.months) for name in MOVED]
    first, last = found.months[0], found.months[-1]
    total = ("in all", first.opening_balance, *sums, last.closing_balance, last.euros)
    table(CLOSED, values(found.months, CLOSED), total)
    if unwritten := sum(month.unwritten for month in found.months):
        click.echo(f"Of the breakage {unwritten} ended without being written down yet.")


def coverage(found: Coverage) -> None:
    """How money stands against the points that it paid for."""
    click.secho("Money of investments against the points that it paid for", bold=True)
    show(found, as_json=False)


def limited_network(found: LimitedNetwork) -> None:
    """What was redeemed in twelve months."""
    click.secho(f"Redeemed from {text_of(found.since)} to {text_of(found.until)}", bold=True)
    table(REDEEMED, values(found.units, REDEEMED), ("in all", "", "", found.redeemed))
    word = "exceeded" if found.exceeded else "near: 80 % are reached" if found.alert else "far"
    click.echo(f"The threshold of {text_of(found.threshold)} is {word}.")
