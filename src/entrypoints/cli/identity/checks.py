"""`baobab members kyc`, `limits`, `level`: how well a member is known, and what follows from it."""

from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

import rich_click as click

from ....application.identity import checks
from ....application.investments import standing
from ....domain.identity.checks import Verdict
from ..terminal import (
    DRY_RUN,
    answer,
    as_json,
    outcome,
    paged,
    print_json,
    show,
    show_all,
    show_page,
)

COLUMNS = ("asked_at", "level", "status", "expires_at", "provider", "evidence", "user_id", "id")
WHY = click.option("--reason", required=True, help="Why: kept with the check.")


@click.group("kyc")
def command() -> None:
    """Check who members are: level 1 light, 2 complete. MEMBER is an e-mail or an id."""


def _day(context: Any, parameter: Any, value: datetime | None) -> date | None:
    return value.date() if value else None


@command.command("list")
@paged
@as_json
def list_pending(limit: int, cursor: str | None, as_json: bool) -> None:
    """List the checks that wait for a decision, oldest first."""
    page = answer(checks.pending, checks.ListPending, limit=limit, cursor=cursor)
    show_page(page, COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("member")
@as_json
def show_checks(member: str, as_json: bool) -> None:
    """Show the level that a member's checks give, and all of them, newest first."""
    found = answer(checks.checks, checks.GetChecks, member)
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
    asked = outcome(checks.ask, checks.AskCheck, member, dry_run=dry_run, level=int(level), evidence=evidence)
    show(asked, as_json=as_json)


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
    found |= {"check_id": check, "valid_until": until}
    decided = outcome(checks.decide, checks.DecideCheck, member, dry_run=dry_run, **found)
    show(decided, as_json=as_json)


@command.command()
@click.argument("member")
@click.argument("check", type=click.UUID)
@WHY
@DRY_RUN
@as_json
def revoke(member: str, check: UUID, reason: str, dry_run: bool, as_json: bool) -> None:
    """Revoke a check that holds: its level is gone at once."""
    revoked = outcome(
        checks.revoke, checks.RevokeCheck, member, dry_run=dry_run, check_id=check, reason=reason
    )
    show(revoked, as_json=as_json)


@click.command()
@click.argument("member")
@as_json
def limits(member: str, as_json: bool) -> None:
    """Show how much a member may put in within twelve months, and when room comes back."""
    show(answer(standing.contribution_limits, standing.GetLimits, member), as_json=as_json)


@click.command()
@click.argument("member")
@as_json
def level(member: str, as_json: bool) -> None:
    """Show the level of a member, and the facts that it follows from."""
    show(answer(standing.level, standing.GetLevel, member), as_json=as_json)


COMMANDS = (command, limits, level)
