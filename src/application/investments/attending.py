"""Working on the messages of a payment provider, each once, whatever order they come in.

A message is stored before anything else; what is done because of it changes nothing where it is known
already. One that speaks of a payment whose reference was never heard of, because an answer of the provider
was lost, finds it by the ids that we gave it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal
from uuid import UUID

from ...domain import payments as rules
from ...domain import shared
from .. import payments
from ..payments import (
    BookDispute,
    DisputeNews,
    EventView,
    Gateway,
    Heard,
    LookAgain,
    Notification,
    PaymentView,
    RefundNews,
    Standing,
)
from ..payments import inbox as letters
from ..runner import Runner
from .paying import PURCHASES, hear, money_back, note, payment_of

log = logging.getLogger("baobab.payments")

Told = Notification | RefundNews | DisputeNews
PASSING = (shared.Unavailable, shared.NotFound, rules.PaymentNotPaid)
"""What may be different a little later: what a message needs may be committed a moment after it came."""
PAGE = 100
PROMPTLY = 5.0
"""Seconds. Who sends a message waits no longer for what comes of it."""


class NotOurs(shared.NotFound):
    """A payment that the provider knows, and that this service never asked for."""


class Became(shared.Record):
    """What became of a message, why, and whose payment it speaks of."""

    outcome: Literal["handled", "ignored", "failed", "set_aside"]
    why: str = ""
    user_id: UUID | None = None
    payment_id: UUID | None = None


class Attended(shared.Record):
    """How many messages were worked on, by what became of them."""

    handled: int = 0
    ignored: int = 0
    failed: int = 0
    set_aside: int = 0


async def receive(
    headers: Mapping[str, str], body: bytes, run: Runner, gateway: Gateway, actor: shared.Actor
) -> EventView:
    """Store a message exactly as it came; one that came before is left alone. Raises WebhookRefused."""
    heard = gateway.read(headers, body)
    command = payments.ReceiveEvent(
        provider=gateway.name,
        event_id=heard.event_id,
        type=heard.type,
        reference=heard.reference,
        body=body.decode(),
    )
    return await run(letters.receive, command, actor=payments.trusted(actor, actor.user_id))


async def attend_now(came: EventView, run: Runner, gateway: Gateway, actor: shared.Actor) -> EventView:
    """Work on a message that just came, if that is quick; else, and where it fails, it waits."""
    if came.next_at is None:
        return came
    with suppress(TimeoutError, shared.Unavailable):
        async with asyncio.timeout(PROMPTLY):
            return await attend(came, run, gateway, actor)
    return came


async def attend_due(
    run: Runner, gateway: Gateway, actor: shared.Actor, watch: Callable[[int, int], None] = lambda *_: None
) -> Attended:
    """Work on every message that is due. Safe to stop, and on several machines at once."""
    done = Attended()
    while True:
        wanted = payments.ListEventsDue(provider=gateway.name, limit=PAGE)
        found = await run.read(letters.due, wanted, actor=payments.trusted(actor, actor.user_id))
        for one in found:
            seen = await attend(one, run, gateway, actor)
            done = shared.evolve(done, **_counted(done, seen))
            watch(sum(getattr(done, name) for name in done.__struct_fields__), len(found))
        if len(found) < PAGE:
            return done


def _counted(done: Attended, seen: EventView) -> dict[str, int]:
    state = "failed" if seen.state == "received" else seen.state
    return {state: getattr(done, state) + 1}


async def attend(event: EventView, run: Runner, gateway: Gateway, actor: shared.Actor) -> EventView:
    """Work on one message, unless somebody else does or did; the message with what became of it."""
    service, provider, event_id = payments.trusted(actor, actor.user_id), event.provider, event.id
    wanted = payments.GetEvent(provider=provider, event_id=event_id)
    try:
        await run(letters.claim, payments.ClaimEvent(provider=provider, event_id=event_id), actor=service)
    except rules.EventNotDue:
        seen = await run.read(letters.event, wanted, actor=service)
        return payments.event_view(seen)
    stored = await run.read(letters.event, wanted, actor=service)
    became = await _work_on(stored, run, gateway, service)
    if became.outcome == "failed":
        failing = payments.FailEvent(provider=provider, event_id=event_id, why=became.why)
        return await run(letters.fail, failing, actor=service)
    closing = shared.recast(payments.CloseEvent, became, provider=provider, event_id=event_id)
    return await run(letters.close, closing, actor=service)


async def _work_on(
    stored: payments.EventWithBody, run: Runner, gateway: Gateway, actor: shared.Actor
) -> Became:
    """What becomes of a message; whatever goes wrong is written down with it."""
    try:
        whose = await _understand(gateway.parse(stored.body), run, gateway, actor)
    except NotOurs as error:
        return Became("ignored", _why(error))
    except PASSING as error:
        return Became("failed", _why(error))
    except shared.DomainError as error:
        return Became("set_aside", _why(error))
    except Exception as error:
        log.exception("the message %s of %s could not be worked on", stored.id, stored.provider)
        return Became("failed", type(error).__name__)
    return Became("handled", "", whose.user_id, whose.id) if whose else Became("ignored")


async def _understand(heard: Heard, run: Runner, gateway: Gateway, actor: shared.Actor) -> PaymentView | None:
    """Do what a message asks for; the payment that it speaks of, or None where it concerns us not."""
    if heard.news is None:
        return None
    known = await known_payment(heard, run, gateway, actor)
    if isinstance(heard.news, LookAgain):
        await settle_standing(await gateway.look(heard.reference), known, run, gateway, actor)
        return known
    try:
        await _book(heard.news, known, run, gateway, actor)
    except rules.RefundExceedsPayment:  # a refund may have failed meanwhile: all that is known says so
        await settle_standing(await gateway.look(heard.reference), known, run, gateway, actor)
        await _book(heard.news, known, run, gateway, actor)
    return known


async def _book(news: Told, known: PaymentView, run: Runner, gateway: Gateway, actor: shared.Actor) -> None:
    """Write down what a message says."""
    if isinstance(news, Notification):
        await hear(news, run, gateway, actor)
    elif isinstance(news, RefundNews):
        await book_refund(news, known, run, actor)
    else:
        await book_dispute(news, known, run, actor)


async def known_payment(
    told: Heard, run: Runner, gateway: Gateway, actor: shared.Actor
) -> payments.PaymentWithReceipts:
    """The payment that is spoken of; its reference is noted where it was not known.

    Raises NotOurs, NotFound.
    """
    try:
        return await payment_of(told.reference, run, gateway, actor)
    except shared.NotFound:
        ids: Heard | Standing = told if told.payment_id else await gateway.look(told.reference)
    if ids.payment_id is None or ids.user_id is None:
        raise NotOurs(kind="payment", id=told.reference)
    wanted = payments.GetPayment(user_id=ids.user_id, payment_id=ids.payment_id)
    service = payments.trusted(actor, ids.user_id)
    if (await run.read(payments.payment, wanted, actor=service)).provider != gateway.name:
        raise NotOurs(kind="payment", id=told.reference)
    noted = payments.OpenPayment(
        user_id=ids.user_id, payment_id=ids.payment_id, reference=told.reference, pay_url=""
    )
    await run(payments.opened, noted, actor=service)
    return await run.read(payments.payment, wanted, actor=service)


async def settle_standing(
    standing: Standing, known: PaymentView, run: Runner, gateway: Gateway, actor: shared.Actor
) -> Any:
    """Settle all that a provider knows of a payment, before money that is due after all that goes back; the
    answer is what was paid for. A refund that failed may be one that was given again."""
    await note(standing.news, run, gateway, actor)
    for one in sorted(standing.refunds, key=lambda one: one.state == "succeeded"):
        await book_refund(one, known, run, actor)
    for quarrel in standing.disputes:
        await book_dispute(quarrel, known, run, actor)
    bought = await PURCHASES[known.purpose].show(known, run, payments.trusted(actor, known.user_id))
    return await money_back(bought, run, gateway, actor)


async def book_refund(news: RefundNews, known: PaymentView, run: Runner, actor: shared.Actor) -> PaymentView:
    """Note what became of a refund, whoever asked for it."""
    booking = payments.booking_of(news, known.user_id, known.id)
    return await run(payments.refunded, booking, actor=payments.trusted(actor, known.user_id))


async def book_dispute(news: DisputeNews, known: PaymentView, run: Runner, actor: shared.Actor) -> Any:
    """Note what became of a dispute; what was paid for is undone where all its money is lost."""
    command = shared.recast(BookDispute, news, user_id=known.user_id, payment_id=known.id)
    return await run(PURCHASES[known.purpose].disputed, command, actor=payments.trusted(actor, known.user_id))


def _why(error: shared.DomainError) -> str:
    return f"{error.code}: {error}"[:1_000]
