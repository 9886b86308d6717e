"""`baobab points earn`, `spend`, `give`, ...: what an operator moves by hand."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar, get_args
from uuid import NAMESPACE_URL, UUID, uuid5

import rich_click as click

from ....application import points
from ....application.work import UseCase
from ....domain import shared
from ....domain.points import POINTS, SourceType
from ...container import Container
from ...program import OPERATOR
from ..terminal import as_json, member_id, moment, on_database, show_whole

C = TypeVar("C", bound=shared.Record)
V = TypeVar("V", bound=shared.Record)
Command = Callable[..., None]

UNIT = click.option("--unit", default=POINTS, show_default=True)
SOURCE = click.option(
    "--source-id", type=click.UUID, help="What it is for; a new id, or one made of the key."
)
WHEN = click.option(
    "--effective-at",
    type=moment,
    help="When it happened, where that is not now: a time with its zone, as 2026-03-02T10:30Z.",
)
REASON = click.option("--reason", required=True, help="Why; kept for ever.")
AUTHOR = click.option("--author", help="Who decided it: an e-mail or an id.")


def submits(command: Command) -> Command:
    """The options of every command that changes something."""
    key = click.option("--key", help="An idempotency key: the same key and wish are done once.")
    dry_run = click.option("--dry-run", is_flag=True, help="Say what would be, and change nothing.")
    return key(dry_run(as_json(command)))


def submit(
    use_case: UseCase[C, V],
    make: Callable[[Container], Awaitable[C]],
    *,
    as_json: bool,
    dry_run: bool,
    key: str | None = None,
    author: str | None = None,
) -> None:
    """Run a use case with the command that is made once the database is open, and show its answer."""

    async def do(container: Container) -> V:
        actor = OPERATOR
        if author is not None:
            actor = shared.evolve(OPERATOR, user_id=await member_id(container, author))
        wish = await make(container)
        return await container.runner()(use_case, wish, actor=actor, key=key, dry_run=dry_run)

    show_whole(on_database(do), as_json=as_json)
    if dry_run:
        click.echo("Nothing was changed.", err=True)


def _source(container: Container, given: UUID | None, key: str | None) -> UUID:
    """What a movement is for. A retry with the same key must wish the same."""
    if given is not None:
        return given
    return container.runner().new_id() if key is None else uuid5(NAMESPACE_URL, key)


@click.command()
@click.argument("member")
@click.option("--funded", type=int, default=0, help="Points that were paid for.")
@click.option("--bonus", type=int, default=0, help="Points on top.")
@click.option("--multiplier", type=int, default=100, help="In hundredths, 100 to 999.", show_default=True)
@click.option(
    "--source", "source_type", type=click.Choice(get_args(SourceType)), default="manual", show_default=True
)
@SOURCE
@UNIT
@WHEN
@submits
def earn(
    member: str, source_id: UUID | None, key: str | None, as_json: bool, dry_run: bool, **facts: Any
) -> None:
    """Give points to MEMBER."""

    async def make(container: Container) -> points.Earn:
        user_id = await member_id(container, member)
        return points.Earn(user_id=user_id, source_id=_source(container, source_id, key), **facts)

    submit(points.earn, make, key=key, as_json=as_json, dry_run=dry_run)


@click.command()
@click.argument("member")
@click.argument("amount", type=int)
@click.option(
    "--source", "source_type", type=click.Choice(get_args(SourceType)), default="purchase", show_default=True
)
@SOURCE
@UNIT
@WHEN
@submits
def spend(
    member: str, source_id: UUID | None, key: str | None, as_json: bool, dry_run: bool, **facts: Any
) -> None:
    """Take AMOUNT points of MEMBER for something bought."""

    async def make(container: Container) -> points.Spend:
        user_id = await member_id(container, member)
        return points.Spend(user_id=user_id, source_id=_source(container, source_id, key), **facts)

    submit(points.spend, make, key=key, as_json=as_json, dry_run=dry_run)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("member")
@click.argument("amount", type=int)
@UNIT
@WHEN
@REASON
@AUTHOR
@submits
def adjust(
    member: str,
    amount: int,
    unit: str,
    effective_at: datetime | None,
    reason: str,
    **options: Any,
) -> None:
    """Correct the balance of MEMBER by AMOUNT, which may be negative."""

    async def make(container: Container) -> points.Adjust:
        user_id = await member_id(container, member)
        return points.Adjust(
            user_id=user_id, unit=unit, amount=amount, reason=reason, effective_at=effective_at
        )

    submit(points.adjust, make, **options)


@click.command()
@click.argument("member")
@click.argument("recipient")
@click.argument("amount", type=int)
@click.option("--message", default="", help="What the recipient reads.")
@UNIT
@submits
def give(member: str, recipient: str, amount: int, message: str, unit: str, **options: Any) -> None:
    """Give AMOUNT points of MEMBER to RECIPIENT. They keep the day on which they end."""

    async def make(container: Container) -> points.Give:
        user_id = await member_id(container, member)
        return points.Give(user_id=user_id, recipient=recipient, amount=amount, message=message, unit=unit)

    submit(points.give, make, **options)


@click.command()
@click.argument("member")
@click.argument("amount", type=int)
@click.argument("to_unit")
@UNIT
@submits
def convert(member: str, amount: int, to_unit: str, unit: str, **options: Any) -> None:
    """Turn AMOUNT points of MEMBER into another unit, at the rate in force."""

    async def make(container: Container) -> points.Convert:
        user_id = await member_id(container, member)
        return points.Convert(user_id=user_id, unit=unit, to_unit=to_unit, amount=amount)

    submit(points.convert, make, **options)


@click.command("claw-back")
@click.argument("member")
@click.argument("grant", type=click.UUID)
@REASON
@AUTHOR
@submits
def claw_back(member: str, grant: UUID, reason: str, **options: Any) -> None:
    """Take a GRANT back, though some of it may be spent: what is missing becomes a debt."""

    async def make(container: Container) -> points.ClawBack:
        user_id = await member_id(container, member)
        return points.ClawBack(user_id=user_id, grant_id=grant, reason=reason)

    submit(points.claw_back, make, **options)


@click.command("close-account")
@click.argument("member")
@UNIT
@REASON
@submits
def close_account(member: str, unit: str, reason: str, **options: Any) -> None:
    """Close the empty account of MEMBER: no movement any more."""

    async def make(container: Container) -> points.CloseAccount:
        return points.CloseAccount(user_id=await member_id(container, member), unit=unit, reason=reason)

    submit(points.close_account, make, **options)


@click.command("reopen-account")
@click.argument("member")
@UNIT
@REASON
@submits
def reopen_account(member: str, unit: str, reason: str, **options: Any) -> None:
    """Open the closed account of MEMBER again."""

    async def make(container: Container) -> points.ReopenAccount:
        return points.ReopenAccount(user_id=await member_id(container, member), unit=unit, reason=reason)

    submit(points.reopen_account, make, **options)


COMMANDS = (earn, spend, adjust, give, convert, claw_back, close_account, reopen_account)
