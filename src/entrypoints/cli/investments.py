"""`baobab subscriptions`: renew what is due, find subscriptions, look into them, stop one."""

from random import random
from uuid import UUID

import rich_click as click

from ...application import investments
from ...application.investments import Renewals
from ...domain import shared
from ..container import Container
from ..program import OPERATOR
from .progress import progress
from .terminal import answer, as_json, on_database, outcome, print_json, show, show_all, show_page

COLUMNS = ("id", "plan", "state", "period", "period_end", "due_at", "failures", "reason")
CHARGE_COLUMNS = ("number", "attempt", "plan", "amount", "state", "unplaced", "starts_at", "ends_at")
MEMBER = click.argument("member")
ID = click.argument("subscription", type=click.UUID)


@click.group("subscriptions")
def command() -> None:
    """Renew subscriptions, and look into them."""


class ManyDue(shared.Record):
    """For how many subscriptions there is something to do."""

    due: int


@command.command("renew")
@click.option("--dry-run", is_flag=True, help="Say how many are due, and change nothing.")
@as_json
def renew(dry_run: bool, as_json: bool) -> None:
    """Charge the subscriptions whose year is over, and try again what failed.

    To be run every hour, or at least every day. Safe to stop, to run twice and on two machines at once:
    nobody is charged twice.
    """

    async def do(container: Container) -> Renewals | ManyDue:
        run = container.runner()
        if dry_run:
            return ManyDue(await run.read(investments.count_due, investments.CountDue(), actor=OPERATOR))
        with progress("Renewing") as watch:
            return await investments.renew_due(
                run, container.gateway(), actor=OPERATOR, share=random(), watch=watch
            )

    show(on_database(do), as_json=as_json)
    if dry_run:
        click.echo("Nothing was changed.", err=True)


@command.command("list")
@MEMBER
@as_json
def list_subscriptions(member: str, as_json: bool) -> None:
    """List the subscriptions of a member (an e-mail or an id), newest first."""
    page = answer(investments.subscription_listing, investments.ListSubscriptions, member, limit=100)
    show_page(page, COLUMNS, as_json=as_json)


@command.command("show")
@MEMBER
@ID
@as_json
def show_charges(member: str, subscription: UUID, as_json: bool) -> None:
    """Show every charge of a member's subscription, newest first."""
    page = answer(investments.charges, investments.ListCharges, member, subscription_id=subscription)
    show_page(page, CHARGE_COLUMNS, as_json=as_json)


@command.command("stop")
@MEMBER
@ID
@click.option("--reason", required=True, help="Why: kept with the subscription.")
@as_json
def stop(member: str, subscription: UUID, reason: str, as_json: bool) -> None:
    """Stop a member's subscription at once. Nothing is refunded by that."""
    stopped = outcome(
        investments.stop_subscription,
        investments.StopSubscription,
        member,
        subscription_id=subscription,
        reason=reason,
    )
    if as_json:
        print_json(stopped)
    else:
        show_all((stopped,), COLUMNS, as_json=False)
