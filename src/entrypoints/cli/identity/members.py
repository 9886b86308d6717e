"""`baobab members list`, `role`: who is there, and what they may do."""

from typing import get_args
from uuid import UUID

import rich_click as click

from ....application import identity
from ....application.identity import MemberView
from ....application.pages import Page
from ....domain.identity import MemberRole
from ...container import Container
from ...program import OPERATOR
from ..terminal import as_json, member_id, on_database, print_json, show, show_all

COLUMNS = ("email", "name", "role", "level", "status", "verified_at", "created_at", "user_id")


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=25, show_default=True)
@click.option("--cursor", help="The `next_cursor` of the page before.")
@as_json
def list_members(limit: int, cursor: str | None, as_json: bool) -> None:
    """List members, newest first."""

    async def ask(container: Container) -> Page[MemberView]:
        question = identity.ListMembers(limit=limit, cursor=cursor)
        return await container.runner().read(identity.members, question, actor=OPERATOR)

    page = on_database(ask)
    if as_json:
        print_json(page)
        return
    show_all(page.items, COLUMNS, as_json=False)
    if page.next_cursor:
        click.echo(f"More: --cursor {page.next_cursor}")


@click.command()
@click.argument("member")
@click.argument("role", type=click.Choice(get_args(MemberRole)))
@click.option("--producer", type=click.UUID, help="The producer that a partner acts for.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@as_json
def role(member: str, role: MemberRole, producer: UUID | None, dry_run: bool, as_json: bool) -> None:
    """Give a member another role: this is how the first administrator is made."""

    async def do(container: Container) -> MemberView:
        user_id = await member_id(container, member)
        wish = identity.SetRole(user_id=user_id, role=role, producer_id=producer)
        return await container.runner()(identity.set_role, wish, actor=OPERATOR, dry_run=dry_run)

    show(on_database(do), as_json=as_json)


COMMANDS = (list_members, role)
