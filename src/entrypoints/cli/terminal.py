"""What commands share: options, asking and doing something on the database, showing a record or a listing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import rich_click as click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ...application import identity
from ...application.pages import Page
from ...application.work import QueryCase, UseCase
from ...domain import shared
from .. import program
from ..container import Container
from ..settings import Settings, from_environment

C = TypeVar("C", bound=shared.Record)
V = TypeVar("V")
Command = Callable[..., None]


def moment(text: str) -> datetime:
    """A time that says its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time such as 2026-03-02T10:30Z.") from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{text!r} names no zone: end it with Z, or with an offset such as +02:00.")
    return found


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


def paged(command: Command) -> Command:
    """The options `limit` and `cursor` of a listing that `show_page` shows."""
    cursor = click.option("--cursor", help="The `next_cursor` of the page before.")
    limit = click.option("--limit", type=click.IntRange(1, 100), default=25, show_default=True)
    return limit(cursor(command))


def on_database(work: Callable[[Container], Awaitable[V]]) -> V:
    """Run something on a database that is ready."""

    async def run(settings: Settings) -> V:
        async with program.opened(Container(settings=settings)) as container:
            return await work(container)

    with program.ready(from_environment()) as settings:
        return asyncio.run(run(settings))


async def member_id(container: Container, who: str) -> UUID:
    """The member of a verified e-mail or an id. Raises NotFound."""
    try:
        return UUID(who)
    except ValueError:
        found = await container.runner().read(
            identity.members, identity.ListMembers(email=who), actor=program.OPERATOR
        )
    if not found.items or found.items[0].verified_at is None:
        raise shared.NotFound(kind="member", id=who)
    return found.items[0].user_id


def answer(which: QueryCase[C, V], query: type[C], member: str | None = None, **facts: Any) -> V:
    """The answer of a query, about a member where one is named."""

    async def ask(container: Container) -> V:
        of = {} if member is None else {"user_id": await member_id(container, member)}
        return await container.runner().read(which, query(**of, **facts), actor=program.OPERATOR)

    return on_database(ask)


def outcome(
    use_case: UseCase[C, V], command: type[C], member: str, *, dry_run: bool = False, **facts: Any
) -> V:
    """What comes of a command about a member."""

    async def do(container: Container) -> V:
        wish = command(user_id=await member_id(container, member), **facts)
        return await container.runner()(use_case, wish, actor=program.OPERATOR, dry_run=dry_run)

    return on_database(do)


def show(view: shared.Record, *, as_json: bool) -> None:
    """One record: JSON, or a field a line."""
    if as_json:
        print_json(view)
        return
    table = Table.grid(padding=(0, 2))
    for name in view.__struct_fields__:
        table.add_row(f"[bold]{name.replace('_', ' ')}", text_of(getattr(view, name)))
    Console().print(table)


def show_whole(view: shared.Record, *, as_json: bool) -> None:
    """One record as `show` does it, and after it those that it holds."""
    if as_json:
        print_json(view)
        return
    table = Table.grid(padding=(0, 2))
    inside = []
    for name in view.__struct_fields__:
        value = getattr(view, name)
        if isinstance(value, shared.Record) and not isinstance(value, shared.Money):
            inside.append((name, value))
        else:
            table.add_row(f"[bold]{name.replace('_', ' ')}", text_of(value))
    Console().print(table)
    for name, value in inside:
        click.echo(f"\n{name.replace('_', ' ').capitalize()}:")
        show(value, as_json=False)


def show_all(views: Iterable[shared.Record], columns: tuple[str, ...], *, as_json: bool) -> None:
    """A listing: JSON, or a table of some columns."""
    if as_json:
        print_json(tuple(views))
        return
    headers = (Column(name.replace("_", " "), overflow="fold") for name in columns)
    table = Table(*headers, box=None, header_style="bold")
    for view in views:
        table.add_row(*(text_of(getattr(view, name)) for name in columns))
    Console().print(table)


def show_page(page: Page[Any], columns: tuple[str, ...], *, as_json: bool) -> None:
    """A page of a listing: JSON, or a table of some columns, and how to ask for the next."""
    if as_json:
        print_json(page)
        return
    show_all(page.items, columns, as_json=False)
    if page.next_cursor:
        click.echo(f"More: --cursor {page.next_cursor}")


def print_json(value: Any) -> None:
    """A value as JSON on standard output, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def text_of(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, shared.Money):
        return f"{value.amount / 100:.2f} {value.currency}"
    if isinstance(value, tuple):
        return "\n".join(text_of(one) for one in value)
    if isinstance(value, shared.Record):
        return "  ".join(text_of(getattr(value, name)) for name in value.__struct_fields__)
    return "" if value is None else escape(harmless(str(value)))


def harmless(text: str) -> str:
    """A text in which signs that a terminal obeys, or that turn what stands beside them around, are named."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )
