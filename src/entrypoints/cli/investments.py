"""`baobab subscriptions`: renew what is due, find subscriptions, look into them, stop one."""

from random import random
from uuid import UUID

import rich_click as click

from ...application import investments
from ...application.investments import PaidCharge, Renewals, SubscriptionView
from ...application.pages import Page
from ...domain import shared
from ..container import Container
from ..program import OPERATOR
from .progress import progress
from .terminal import as_json, member_id, on_database, print_json, show, show_all

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

    async def ask(container: Container) -> Page[SubscriptionView]:
        who = await member_id(container, member)
        question = investments.ListSubscriptions(user_id=who, limit=100)
        return await container.runner().read(investments.subscription_listing, question, actor=OPERATOR)

    page = on_database(ask)
    if as_json:
        print_json(page)
    else:
        show_all(page.items, COLUMNS, as_json=False)


@command.command("show")
@MEMBER
@ID
@as_json
def show_charges(member: str, subscription: UUID, as_json: bool) -> None:
    """Show every charge of a member's subscription, newest first."""

    async def ask(container: Container) -> Page[PaidCharge]:
        who = await member_id(container, member)
        question = investments.ListCharges(user_id=who, subscription_id=subscription)
        return await container.runner().read(investments.charges, question, actor=OPERATOR)

    page = on_database(ask)
    if as_json:
        print_json(page)
    else:
        show_all(page.items, CHARGE_COLUMNS, as_json=False)


@command.command("stop")
@MEMBER
@ID
@click.option("--reason", required=True, help="Why: kept with the subscription.")
@as_json
def stop(member: str, subscription: UUID, reason: str, as_json: bool) -> None:
    """Stop a member's subscription at once. Nothing is refunded by that."""

    async def do(container: Container) -> SubscriptionView:
        who = await member_id(container, member)
        wish = investments.StopSubscription(user_id=who, subscription_id=subscription, reason=reason)
        return await container.runner()(investments.stop_subscription, wish, actor=OPERATOR)

    stopped = on_database(do)
    if as_json:
        print_json(stopped)
    else:
        show_all((stopped,), COLUMNS, as_json=False)
