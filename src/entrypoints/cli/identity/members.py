"""`baobab members list`, `role`: who is there, and what they may do."""

from typing import get_args
from uuid import UUID

import rich_click as click

from ....application import identity
from ....domain.identity import MemberRole
from ..terminal import (
    DRY_RUN,
    answer,
    as_json,
    outcome,
    paged,
    show,
    show_page,
)

COLUMNS = ("email", "name", "role", "level", "status", "verified_at", "created_at", "user_id")


@click.command("list")
@paged
@as_json
def list_members(limit: int, cursor: str | None, as_json: bool) -> None:
    """List members, newest first."""
    page = answer(identity.members, identity.ListMembers, limit=limit, cursor=cursor)
    show_page(page, COLUMNS, as_json=as_json)


@click.command()
@click.argument("member")
@click.argument("role", type=click.Choice(get_args(MemberRole)))
@click.option("--producer", type=click.UUID, help="The producer that a partner acts for.")
@DRY_RUN
@as_json
def role(member: str, role: MemberRole, producer: UUID | None, dry_run: bool, as_json: bool) -> None:
    """Give a member another role: this is how the first administrator is made."""
    changed = outcome(
        identity.set_role, identity.SetRole, member, dry_run=dry_run, role=role, producer_id=producer
    )
    show(changed, as_json=as_json)


COMMANDS = (list_members, role)
