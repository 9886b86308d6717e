"""`baobab db`: the schema of the database."""

import rich_click as click

from ...adapters.postgres import migrate
from .. import program
from ..settings import from_environment


@click.group("db")
def command() -> None:
    """Look at and change the schema of the database."""


@command.command()
@click.option("--revision", default="head", show_default=True, help="The revision to go up to.")
def upgrade(revision: str) -> None:
    """Bring the schema up to date. Safe to run twice, and by two programs at once."""
    with program.database_of(from_environment()) as settings:
        migrate.upgrade(settings.database_url, revision)
        click.echo(f"The schema is at {migrate.current(settings.database_url)}.")


@command.command()
@click.argument("revision")
@click.confirmation_option(prompt="This drops tables and what is in them. Go on?")
def downgrade(revision: str) -> None:
    """Take the schema back to a revision; `base` drops everything."""
    with program.database_of(from_environment()) as settings:
        migrate.downgrade(settings.database_url, revision)
        click.echo(f"The schema is at {migrate.current(settings.database_url) or 'nothing'}.")


@command.command()
def current() -> None:
    """Say which revision the schema is at; exit code 1 if it is not the newest."""
    with program.database_of(from_environment()) as settings:
        at, head = migrate.current(settings.database_url), migrate.head()
    click.echo(at or "nothing")
    if at != head:
        raise click.ClickException(f"The newest is {head}: run `baobab db upgrade`.")


@command.command()
@click.argument("message")
def revision(message: str) -> None:
    """Draft a migration from the difference between the tables and the database (for developers)."""
    with program.ready(from_environment()) as settings:
        click.echo(migrate.new_revision(message, settings.database_url))


@command.command()
def url() -> None:
    """Print the address of the database. The embedded one listens only while a program uses it."""
    with program.database_of(from_environment()) as settings:
        click.echo(settings.database_url)
