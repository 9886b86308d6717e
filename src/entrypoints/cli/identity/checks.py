"""`baobab members kyc`, `limits`, `level`: how well a member is known, and what follows from it."""

from datetime import date, datetime
from typing import Any, cast, get_args
from uuid import UUID

import rich_click as click

from ....application.identity import checks
from ....application.identity.checks import ChecksView, CheckView
from ....application.investments import standing
from ....application.investments.standing import LevelView, LimitsView
from ....application.pages import Page
from ....domain.identity.checks import CheckedLevel, Verdict
from ...container import Container
from ...program import OPERATOR
from ..terminal import as_json, member_id, on_database, print_json, show, show_all

COLUMNS = ("asked_at", "level", "status", "expires_at", "provider", "evidence", "user_id", "id")
WHY = click.option("--reason", required=True, help="Why: kept with the check.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


@click.group("kyc")
def command() -> None:
    """Check who members are: level 1 light, 2 complete. MEMBER is an e-mail or an id."""


def _day(context: Any, parameter: Any, value: datetime | None) -> date | None:
    return value.date() if value else None


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=25, show_default=True)
@click.option("--cursor", help="The `next_cursor` of the page before.")
@as_json
def list_pending(limit: int, cursor: str | None, as_json: bool) -> None:
    """List the checks that wait for a decision, oldest first."""

    async def ask(container: Container) -> Page[CheckView]:
        question = checks.ListPending(limit=limit, cursor=cursor)
        return await container.runner().read(checks.pending, question, actor=OPERATOR)

    page = on_database(ask)
    if as_json:
        print_json(page)
        return
    show_all(page.items, COLUMNS, as_json=False)
    if page.next_cursor:
        click.echo(f"More: --cursor {page.next_cursor}")


@command.command("show")
@click.argument("member")
@as_json
def show_checks(member: str, as_json: bool) -> None:
    """Show the level that a member's checks give, and all of them, newest first."""

    async def ask(container: Container) -> ChecksView:
        question = checks.GetChecks(user_id=await member_id(container, member))
        return await container.runner().read(checks.checks, question, actor=OPERATOR)

    found = on_database(ask)
    if as_json:
        print_json(found)
        return
    click.echo(f"Level {found.level}")
    show_all(found.checks, COLUMNS, as_json=False)


@command.command("ask")
@click.argument("member")
@click.argument("level", type=click.Choice(("1", "2")))
@click.option("--evidence", default="", help="How whoever checks knows the documents.")
@DRY_RUN
@as_json
def ask_check(member: str, level: str, evidence: str, dry_run: bool, as_json: bool) -> None:
    """Ask for a check of a member, who stands before you for example."""

    async def do(container: Container) -> CheckView:
        user_id = await member_id(container, member)
        asked = cast(CheckedLevel, int(level))
        wish = checks.AskCheck(user_id=user_id, level=asked, evidence=evidence)
        return await container.runner()(checks.ask, wish, actor=OPERATOR, dry_run=dry_run)

    show(on_database(do), as_json=as_json)


@command.command()
@click.argument("member")
@click.argument("check", type=click.UUID)
@click.argument("verdict", type=click.Choice(get_args(Verdict)))
@WHY
@click.option("--provider", help="Who checked, where it was not by hand.")
@click.option("--evidence", default="", help="How they know the documents.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), callback=_day, help="The last day on which it holds."
)
@DRY_RUN
@as_json
def decide(member: str, check: UUID, dry_run: bool, as_json: bool, until: date | None, **found: Any) -> None:
    """Decide a check that waits."""

    async def do(container: Container) -> CheckView:
        user_id = await member_id(container, member)
        wish = checks.DecideCheck(user_id=user_id, check_id=check, valid_until=until, **found)
        return await container.runner()(checks.decide, wish, actor=OPERATOR, dry_run=dry_run)

    show(on_database(do), as_json=as_json)


@command.command()
@click.argument("member")
@click.argument("check", type=click.UUID)
@WHY
@DRY_RUN
@as_json
def revoke(member: str, check: UUID, reason: str, dry_run: bool, as_json: bool) -> None:
    """Revoke a check that holds: its level is gone at once."""

    async def do(container: Container) -> CheckView:
        user_id = await member_id(container, member)
        wish = checks.RevokeCheck(user_id=user_id, check_id=check, reason=reason)
        return await container.runner()(checks.revoke, wish, actor=OPERATOR, dry_run=dry_run)

    show(on_database(do), as_json=as_json)


@click.command()
@click.argument("member")
@as_json
def limits(member: str, as_json: bool) -> None:
    """Show how much a member may put in within twelve months, and when room comes back."""

    async def ask(container: Container) -> LimitsView:
        question = standing.GetLimits(user_id=await member_id(container, member))
        return await container.runner().read(standing.contribution_limits, question, actor=OPERATOR)

    show(on_database(ask), as_json=as_json)


@click.command()
@click.argument("member")
@as_json
def level(member: str, as_json: bool) -> None:
    """Show the level of a member, and the facts that it follows from."""

    async def ask(container: Container) -> LevelView:
        question = standing.GetLevel(user_id=await member_id(container, member))
        return await container.runner().read(standing.level, question, actor=OPERATOR)

    show(on_database(ask), as_json=as_json)


COMMANDS = (command, limits, level)
