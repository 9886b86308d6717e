"""`baobab points balance`, `statement`: what members have, and how it came about."""

import rich_click as click

from ....application import points
from ....application.pages import Page
from ....application.points import Balance, StatementLine
from ....domain.points import POINTS
from ...container import Container
from ...program import OPERATOR
from ..terminal import as_json, member_id, on_database, print_json, show, show_all

LINE_COLUMNS = ("sequence", "effective_at", "kind", "amount", "balance_after", "source_type", "reason")


@click.command()
@click.argument("member")
@click.option("--unit", default=POINTS, show_default=True)
@as_json
def balance(member: str, unit: str, as_json: bool) -> None:
    """Show the balance of a member in its parts."""

    async def ask(container: Container) -> Balance:
        question = points.GetBalance(user_id=await member_id(container, member), unit=unit)
        return await container.runner().read(points.balance, question, actor=OPERATOR)

    show(on_database(ask), as_json=as_json)


@click.command()
@click.argument("member")
@click.option("--unit", default=POINTS, show_default=True)
@click.option("--limit", type=click.IntRange(1, 100), default=25, show_default=True)
@click.option("--cursor", help="The `next_cursor` of the page before.")
@as_json
def statement(member: str, unit: str, limit: int, cursor: str | None, as_json: bool) -> None:
    """List the lines of a member's account, newest first."""

    async def ask(container: Container) -> Page[StatementLine]:
        question = points.GetStatement(
            user_id=await member_id(container, member), unit=unit, limit=limit, cursor=cursor
        )
        return await container.runner().read(points.statement, question, actor=OPERATOR)

    page = on_database(ask)
    if as_json:
        print_json(page)
        return
    show_all(page.items, LINE_COLUMNS, as_json=False)
    if page.next_cursor:
        click.echo(f"More: --cursor {page.next_cursor}")


COMMANDS = (balance, statement)
