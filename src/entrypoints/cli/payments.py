"""`baobab payments`: money through a provider; what it sent, and what it must be asked."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Any, TypeVar, get_args
from uuid import UUID

import rich_click as click

from ...application import investments, payments
from ...application.investments import Attended, Reconciled, verifying
from ...application.investments.verifying import Totals, Verification
from ...application.payments import EventView, Gateway, PaymentView
from ...application.payments import inbox as letters
from ...application.runner import Runner
from ...domain import shared
from ...domain.payments import DisputeState, EventState, PaymentState
from ..container import Container
from ..program import OPERATOR
from .progress import progress
from .terminal import answer, as_json, member_id, on_database, paged, print_json, show, show_all, show_page

V = TypeVar("V")

COLUMNS = ("id", "created_at", "purpose", "state", "amount", "refunded", "refund_due", "disputed", "user_id")
RECEIPTS = ("issued_at", "kind", "amount", "reason")
REFUNDS = ("asked_at", "state", "amount_cents", "reason", "reference")
DISPUTES = ("opened_at", "state", "amount_cents", "reason", "reference")
EVENTS = ("id", "received_at", "type", "state", "attempts", "next_at", "last_error")
FINDINGS = ("what", "reference", "payment_id", "user_id")
WRONG = ("check", "table", "row", "says")
DIFFERS = 1
"""The exit code of a reconciliation that leaves something for a person to see, and of a verification that
found something."""


class Verified(Verification, kw_only=True):
    """What was verified, what was found, and how long it took."""

    seconds: float


class Forgotten(shared.Record):
    """Of how many messages the content was forgotten."""

    events: int


@click.group("payments")
def command() -> None:
    """Payments, the messages of their provider, and what it must be asked."""


@command.group()
def events() -> None:
    """What the payment provider sent, and what became of it."""


def _with_provider(work: Callable[[Runner, Gateway, Container], Awaitable[V]]) -> V:
    """Run something with the provider of payments; its connections are closed after."""

    async def do(container: Container) -> V:
        gateway = container.gateway()
        try:
            return await work(container.runner(), gateway, container)
        finally:
            await payments.disconnect(gateway)

    return on_database(do)


@command.command("list")
@click.option("--member", help="An e-mail or an id.")
@click.option("--status", "state", type=click.Choice(get_args(PaymentState)))
@click.option("--provider", help="Such as stripe.")
@click.option("--disputed", type=click.Choice(get_args(DisputeState)))
@paged
@as_json
def list_payments(member: str | None, as_json: bool, **filters: Any) -> None:
    """List payments, newest first."""
    show_page(answer(payments.listing, payments.ListPayments, member, **filters), COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("member")
@click.argument("payment_id", type=click.UUID)
@as_json
def show_payment(member: str, payment_id: UUID, as_json: bool) -> None:
    """Show one payment of a member, with its receipts, refunds and disputes."""
    found = answer(payments.payment, payments.GetPayment, member, payment_id=payment_id)
    if as_json:
        print_json(found)
        return
    show(shared.recast(PaymentView, found), as_json=False)
    for title, parts, columns in (
        ("Receipts", found.receipts, RECEIPTS),
        ("Refunds", found.refunds, REFUNDS),
        ("Disputes", found.disputes, DISPUTES),
    ):
        click.secho(f"\n{title}", bold=True)
        show_all(parts, columns, as_json=False)


@command.command()
@click.argument("member")
@click.argument("payment_id", type=click.UUID)
@click.argument("cents", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why; it stands on the receipt.")
@click.option("--key", help="An idempotency key: run again with it, the same refund.")
@as_json
def refund(member: str, payment_id: UUID, cents: int, reason: str, key: str | None, as_json: bool) -> None:
    """Give a part of a member's payment back; what it paid for stays."""

    async def do(run: Runner, gateway: Gateway, container: Container) -> PaymentView:
        user_id = await member_id(container, member)
        wish = payments.RefundPayment(
            user_id=user_id, payment_id=payment_id, amount_cents=cents, reason=reason
        )
        owed = await run(payments.refund, wish, actor=OPERATOR, key=key)
        return await payments.refund_now(owed, run, gateway, OPERATOR)

    show(_with_provider(do), as_json=as_json)


@command.command()
@click.argument("member")
@click.argument("payment_id", type=click.UUID)
@click.argument("cents", type=click.IntRange(min=1))
@click.option("--reference", required=True, help="What it is known by, such as that of a bank transfer.")
@click.option("--reason", required=True, help="Why; it stands on the receipt.")
@as_json
def returned(member: str, payment_id: UUID, cents: int, reference: str, reason: str, as_json: bool) -> None:
    """Note that money was given back by other means, as where a card is gone: it is not due any more.

    Noted again with the same reference, it is the same.
    """
    if not reference.strip():
        raise click.BadParameter("it is empty", param_hint="--reference")

    async def do(container: Container) -> PaymentView:
        user_id = await member_id(container, member)
        note = payments.BookRefund(
            user_id=user_id, payment_id=payment_id, reference=reference, amount_cents=cents, reason=reason
        )
        return await container.runner()(payments.refunded, note, actor=OPERATOR)

    show(on_database(do), as_json=as_json)


@command.command()
@click.option("--dry-run", is_flag=True, help="Say what would be settled, and change nothing.")
@click.option(
    "--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How far to look back."
)
@click.option("--after", type=click.UUID, help="Go on after this payment, where an earlier run stopped.")
@as_json
@click.pass_context
def reconcile(context: click.Context, dry_run: bool, days: int, after: UUID | None, as_json: bool) -> None:
    """Ask the provider about everything that is open, and settle what it says.

    Safe to stop and to run again. Exit code 1: something is left that a person must see.
    """

    async def do(run: Runner, gateway: Gateway, container: Container) -> Reconciled:
        with progress("Asking the provider") as watch:
            return await investments.reconcile(
                run,
                gateway,
                OPERATOR,
                after=after,
                looked_back=timedelta(days=days),
                dry_run=dry_run,
                watch=watch,
            )

    found = _with_provider(do)
    if as_json:
        print_json(found)
    else:
        _show_reconciled(found)
    if dry_run:
        click.echo("Nothing was changed.", err=True)
    if found.differences:
        context.exit(DIFFERS)


def _show_reconciled(found: Reconciled) -> None:
    click.echo(f"{found.looked} payments looked at, {found.waiting} wait as they should.")
    for title, parts in (("Settled", found.settled), ("For a person to see", found.differences)):
        if parts:
            click.secho(f"\n{title}", bold=True)
            show_all(parts, FINDINGS, as_json=False)


@command.command()
@as_json
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Check of every payment that what came is where the books say it is, and of every project what is in it.

    Exits with 1 where anything is found; the first bad row and its check are named.
    """

    async def ask(container: Container) -> Verification:
        with progress("Looking at payments") as watch:
            return await verifying.verify(container.runner(), OPERATOR, watch)

    since = monotonic()
    found = on_database(ask)
    verified = shared.recast(Verified, found, seconds=round(monotonic() - since, 1))
    if as_json:
        print_json(verified)
    else:
        _show_verified(verified)
    if verified.findings:
        context.exit(DIFFERS)


def _show_verified(verified: Verified) -> None:
    show(shared.recast(Totals, verified), as_json=False)
    if not verified.findings:
        click.echo(f"All payments are in order ({', '.join(verified.checks)}; {verified.seconds} s).")
        return
    first = verified.findings[0]
    click.echo(f"The first bad row: {first.table} {first.row} {first.says} Check: {first.check}.")
    show_all(verified.findings, WRONG, as_json=False)


@command.command()
@as_json
def process(as_json: bool) -> None:
    """Work on the provider's messages that are due. Safe to stop, and on several machines at once."""

    async def do(run: Runner, gateway: Gateway, container: Container) -> Attended:
        with progress("Working on messages") as watch:
            return await investments.attend_due(run, gateway, OPERATOR, watch)

    show(_with_provider(do), as_json=as_json)


@events.command("list")
@click.option("--status", "state", type=click.Choice(get_args(EventState)))
@click.option("--provider", help="Such as stripe.")
@paged
@as_json
def list_events(as_json: bool, **filters: Any) -> None:
    """List messages, newest first; `set_aside` waits for a person."""
    show_page(answer(letters.events, payments.ListEvents, **filters), EVENTS, as_json=as_json)


@events.command("show")
@click.argument("provider")
@click.argument("event_id")
@as_json
def show_event(provider: str, event_id: str, as_json: bool) -> None:
    """Show one message, exactly as it came."""
    show(answer(letters.event, payments.GetEvent, provider=provider, event_id=event_id), as_json=as_json)


@events.command()
@click.argument("provider")
@click.argument("event_id")
@as_json
def replay(provider: str, event_id: str, as_json: bool) -> None:
    """Work on a message again; nothing is done twice because of it."""

    async def do(run: Runner, gateway: Gateway, container: Container) -> EventView:
        wish = payments.ReplayEvent(provider=provider, event_id=event_id)
        again = await run(letters.replay, wish, actor=OPERATOR)
        return await investments.attend(again, run, gateway, OPERATOR) if provider == gateway.name else again

    show(_with_provider(do), as_json=as_json)


@events.command()
@click.argument("provider")
@click.argument("event_id")
@click.option("--reason", required=True, help="What was done about it.")
@as_json
def dismiss(provider: str, event_id: str, reason: str, as_json: bool) -> None:
    """Say that a message that was set aside needs nothing more."""

    async def do(container: Container) -> EventView:
        wish = payments.CloseEvent(provider=provider, event_id=event_id, outcome="ignored", why=reason)
        return await container.runner()(letters.close, wish, actor=OPERATOR)

    show(on_database(do), as_json=as_json)


@events.command()
@click.option("--older-than", type=click.IntRange(1), default=90, show_default=True, help="Days.")
@as_json
def forget(older_than: int, as_json: bool) -> None:
    """Forget what old messages said; that they came, and what became of them, stays."""

    async def do(container: Container) -> Forgotten:
        with progress("Forgetting") as watch:
            before = container.clock()() - timedelta(days=older_than)
            return Forgotten(await payments.forget_old(container.runner(), before, OPERATOR, watch))

    show(on_database(do), as_json=as_json)
