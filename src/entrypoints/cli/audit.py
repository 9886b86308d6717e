"""`baobab audit`: who did what to which record, from where."""

from datetime import datetime
from typing import Any
from uuid import UUID

import rich_click as click

from ...application import audit
from ...application.pages import Page
from ...domain import shared
from .terminal import answer, as_json, moment, paged, print_json, show_page


class Row(shared.Record):
    """A line as a table shows it."""

    at: datetime
    what: str
    role: str
    actor: UUID
    came_from: str
    records: tuple[str, ...]


def _time(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    return None if text is None else moment(text)


@click.command("audit")
@click.option("--actor", "actor_id", type=click.UUID, help="Who did it.")
@click.option("--member", "member_id", type=click.UUID, help="Whom it touched.")
@click.option("--name", help="What was done, such as identity.set_role.")
@click.option("--record", help="What it touched: a table and a key, such as member/01890000-....")
@click.option("--request", "request_id", help="The id of the request.")
@click.option("--address", help="The network address that it came from.")
@click.option("--since", callback=_time, help="From this instant on, such as 2026-03-02T10:30Z.")
@click.option("--until", callback=_time, help="Before this instant.")
@click.option("--books", is_flag=True, help="Also what only moved points or stock; within 31 days.")
@paged
@as_json
def command(as_json: bool, **filters: Any) -> None:
    """Search the audit trail: who did what to which record, old and new, from where; newest first."""
    page = answer(audit.find, audit.Find, **filters)
    if as_json:
        print_json(page)
        return
    rows = tuple(
        Row(one.recorded_at, one.name, one.role, one.actor_id, one.origin or one.address, one.touched)
        for one in page.items
    )
    show_page(Page(rows, page.next_cursor), Row.__struct_fields__, as_json=False)
