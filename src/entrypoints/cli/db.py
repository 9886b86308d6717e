"""`baobab db`: the schema of the database, and its roles."""

import asyncio

import rich_click as click

from ...adapters.postgres import migrate
from ...adapters.postgres import roles as roles_of_database
from .. import program
from ..settings import from_environment


@click.group("db")
def command() -> None:
    """Look at and change the schema of the database."""


@command.command()
@click.option("--revision", default="head", show_default=True, help="The revision to go up to.")
def upgrade(revision: str) -> None:
    """Bring the schema up to date, and what the roles may, where there are any.

    Safe to run twice, and by two programs at once. A database that starts is waited for.
    """
    with program.database_of(from_environment(), patient=True) as settings:
        migrate.upgrade(settings.database_url, revision)
        click.echo(f"The schema is at {migrate.current(settings.database_url)}.")
        if revision == "head" and asyncio.run(roles_of_database.are_used(settings.database_url)):
            done = asyncio.run(roles_of_database.apply(settings.database_url))
            click.echo(f"The roles are up to date: {len(done)} statements.")


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
@click.option("--print", "only_print", is_flag=True, help="Print the statements that are needed, run none.")
@click.option("--check", is_flag=True, help="The same, and exit code 1 if there are any.")
def roles(only_print: bool, check: bool) -> None:
    """Make the roles of the database, and give each what it needs and no more.

    baobab_migrator owns the schema, baobab_service is for the running program, baobab_reader for reports.
    What is missing is granted, what is too much is revoked; done again, it does nothing. Needs a user who
    may make roles, or the three of them and membership of baobab_migrator.
    """
    with program.database_of(from_environment()) as settings:
        doing = roles_of_database.plan if only_print or check else roles_of_database.apply
        statements = asyncio.run(doing(settings.database_url))
    for statement in statements:
        click.echo(f"{statement};")
    if not statements:
        click.echo("-- The roles are as they are to be.")
    elif check:
        raise click.ClickException(f"{len(statements)} statements are needed: run `baobab db roles`.")


@command.command()
@click.argument("message")
def revision(message: str) -> None:
    """Draft a migration from the difference between the tables and the database (for developers)."""
    with program.database_of(from_environment()) as settings:
        click.echo(migrate.new_revision(message, settings.database_url))


@command.command()
def url() -> None:
    """Print the address of the database. The embedded one listens only while a program uses it."""
    with program.database_of(from_environment()) as settings:
        click.echo(settings.database_url)
