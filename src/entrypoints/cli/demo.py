"""`baobab demo`: the demo community."""

import asyncio

import rich_click as click

from .. import program
from ..demo import ACCOUNTS, Demo, load_demo
from ..settings import from_environment
from .terminal import as_json, print_json

SAID = {
    "loaded": "The demo community is loaded.",
    "completed": "The demo community, which was there in part, is complete.",
    "there already": "The demo community is there already; nothing was changed.",
}


@click.command("demo")
@as_json
def command(as_json: bool) -> None:
    """Load the demo community: producers, projects, a shop, and members with twenty months of history.

    Safe to run twice, and on a database that holds other things: those stay as they are. It pays in
    the sandbox, so it is refused where BAOBAB_SANDBOX is off.
    """
    with program.ready(from_environment()) as settings:
        demo = asyncio.run(load_demo(settings))
    if as_json:
        print_json({"demo": demo, "accounts": [account._asdict() for account in ACCOUNTS]})
    else:
        _show(demo)


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
