"""`baobab reference`: the reference pages that are made from the code (docs/reference/)."""

import rich_click as click

from ..container import MemoryContainer
from ..settings import Settings


@click.group("reference")
def command() -> None:
    """Print the reference pages that are made from the code."""


@command.command()
def openapi() -> None:
    """The OpenAPI document (docs/reference/openapi.json)."""
    from ..http.app import build
    from ..http.openapi import as_json

    click.echo(as_json(build(MemoryContainer(settings=Settings()))), nl=False)


@command.command()
def problems() -> None:
    """Every problem and its meaning (docs/reference/problems.md)."""
    from ..http import app, problems

    assert app.CONTEXTS, "importing the application registers every error"
    click.echo(problems.as_markdown(), nl=False)
