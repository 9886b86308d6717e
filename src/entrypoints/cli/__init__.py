"""The command line: `baobab`. Tables for people, `--json` for programs.

Exit codes: 0 done, 1 refused (the reason on standard error), 2 wrong usage, 3 the database or the
configuration is not usable.
"""

import sys

import rich_click as click

from ... import __version__
from ...adapters.postgres.server import EmbeddedServerError
from ...domain import shared
from ..settings import InvalidSetting
from . import audit, db, demo, identity, inventory, investments, orders, payments, points, reference, serve
from .terminal import harmless

REFUSED, UNUSABLE = 1, 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="baobab")
def cli() -> None:
    """baobab: the backend for communities that fund, share and trade.

    Without BAOBAB_DATABASE_URL everything runs on an embedded PostgreSQL, whose data are kept in
    BAOBAB_DATA_DIR (default: your data folder).
    """


for context in (
    serve,
    db,
    demo,
    points,
    payments,
    orders,
    inventory,
    investments,
    identity,
    audit,
    reference,
):
    cli.add_command(context.command)


def main() -> None:
    """Run a command; an error becomes one sentence on standard error and an exit code."""
    try:
        cli()
    except (shared.Unavailable, EmbeddedServerError, InvalidSetting, OSError) as error:
        _fail(error, UNUSABLE)
    except shared.DomainError as error:
        _fail(error, REFUSED)


def _fail(error: Exception, code: int) -> None:
    click.echo(f"baobab: {harmless(str(error))}", err=True)
    sys.exit(code)
