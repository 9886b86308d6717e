"""`baobab demo`: the demo community, a year of it, and three years of subscriptions."""

import asyncio
import sys
from datetime import UTC, datetime

import rich_click as click

from .. import program
from ..demo import ACCOUNTS, Demo, load_demo, load_year, subscribers
from ..settings import from_environment
from .points import books
from .terminal import as_json, print_json, text_of

YEAR = ("year", "renewed", "failed", "ended", "cancelled", "returned", "unanswered")
LINE = (
    *("name", "began", "state", "reason", "periods", "tries"),
    *("charged", "refunded", "placed", "unplaced", "points"),
)
SAID = {
    "loaded": "The demo community is loaded.",
    "completed": "The demo community, which was there in part, is complete.",
    "there already": "The demo community is there already; nothing was changed.",
}


@click.group("demo", invoke_without_command=True)
@as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Load the demo community: producers, projects, a shop, and members with twenty months of history.

    Safe to run twice, and on a database that holds other things: those stay as they are. It pays in
    the sandbox, so it is refused where BAOBAB_SANDBOX is off.
    """
    if context.invoked_subcommand is not None:
        return
    with program.ready(from_environment()) as settings:
        demo = asyncio.run(load_demo(settings))
    if as_json:
        print_json({"demo": demo, "accounts": [account._asdict() for account in ACCOUNTS]})
    else:
        _show(demo)


@command.command("year")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="The day on which the year ends; today by default."
)
@as_json
def year(until: datetime | None, as_json: bool) -> None:
    """Play the year after the demo community's history, and show its books.

    In an empty database the history then ends a year ago. Played again it changes nothing.
    """
    with program.ready(from_environment()) as settings:
        played = asyncio.run(load_year(settings, until and until.replace(tzinfo=UTC)))
    if as_json:
        print_json(played)
        return
    click.echo(f"{SAID[played.demo.outcome]} Its year ends at {text_of(played.ends_at)}.\n")
    books.liability(played.liability)
    click.echo()
    books.periods(played.periods)
    click.echo()
    books.coverage(played.coverage)
    click.echo()
    books.limited_network(played.limited_network)


@command.command("subscriptions")
@as_json
def subscriptions(as_json: bool) -> None:
    """Play three years of subscriptions, in memory, and show that they add up.

    No database is touched. Exit code 1 where a cent or a point is missing.
    """
    report = asyncio.run(subscribers.play())
    if as_json:
        print_json({"report": report, "adds_up": report.adds_up})
    else:
        _show_subscriptions(report)
    if not report.adds_up:
        sys.exit(1)


def _show_subscriptions(report: subscribers.Report) -> None:
    click.secho(f"Subscriptions from {subscribers.BEGINS} on, renewed every morning", bold=True)
    books.table(YEAR, ((number, *row) for number, row in enumerate(books.values(report.years, YEAR[1:]), 1)))
    click.echo()
    books.table(LINE, books.values(report.lines, LINE), report.total())
    click.echo()
    books.table(("what must be equal", "one", "the other"), report.pairs())
    click.echo("Everything adds up." if report.adds_up else "It does not add up.")


def _show(demo: Demo) -> None:
    click.echo(f"{SAID[demo.outcome]} Its history ends on {demo.since:%Y-%m-%d %H:%M} UTC.")
    click.echo("It has " + _listed(demo.made) + ".")
    if any(demo.found.values()):
        click.echo("Before it there were " + _listed(demo.found) + " (counted up to 100), which stay.")
    click.echo("Sign in with one of these (e-mail, password):")
    click.echo(accounts())


def accounts() -> str:
    """The accounts of the demo, one a line."""
    return "\n".join(f"  {email:<24} {password:<20} {who}" for email, password, who in ACCOUNTS)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
