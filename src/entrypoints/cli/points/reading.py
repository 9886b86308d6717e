"""`baobab points balance`, `statement`: what members have, and how it came about."""

import rich_click as click

from ....application import points
from ....domain.points import POINTS
from ..terminal import answer, as_json, paged, show, show_page

LINE_COLUMNS = ("sequence", "effective_at", "kind", "amount", "balance_after", "source_type", "reason")


@click.command()
@click.argument("member")
@click.option("--unit", default=POINTS, show_default=True)
@as_json
def balance(member: str, unit: str, as_json: bool) -> None:
    """Show the balance of a member in its parts."""
    show(answer(points.balance, points.GetBalance, member, unit=unit), as_json=as_json)


@click.command()
@click.argument("member")
@click.option("--unit", default=POINTS, show_default=True)
@paged
@as_json
def statement(member: str, unit: str, limit: int, cursor: str | None, as_json: bool) -> None:
    """List the lines of a member's account, newest first."""
    page = answer(points.statement, points.GetStatement, member, unit=unit, limit=limit, cursor=cursor)
    show_page(page, LINE_COLUMNS, as_json=as_json)


COMMANDS = (balance, statement)
