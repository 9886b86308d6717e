"""What payment providers send us, and what became of it."""

import logging

from ....application import investments, payments
from ....application.pages import Limit, Page
from ....application.payments import EventView, EventWithBody, ProviderName
from ....application.payments import inbox as letters
from ....domain import shared
from ....domain.payments import EventState
from ..ask import AnyRequest, Ask
from ..routes import ADMINS, ANYONE, get, post

log = logging.getLogger("baobab.payments")


class Noted(shared.Record):
    """The message is stored: it need not be sent again."""

    id: str


@post("/webhooks/{provider:str}", allow=ANYONE, signed=True, statuses=(404,), status_code=200)
async def receive_webhook(provider: str, request: AnyRequest, ask: Ask) -> Noted:
    """Receive a message of a payment provider, exactly as it signed it."""
    if provider != ask.gateway.name:
        raise shared.NotFound(kind="provider", id=provider)
    try:
        came = await investments.receive(
            request.headers, await request.body(), ask.runner, ask.gateway, ask.actor
        )
    except payments.WebhookRefused:
        log.warning("a message for %s was refused: forged, or signed too long ago", provider)
        raise
    await investments.attend_now(came, ask.runner, ask.gateway, ask.actor)
    return Noted(came.id)


@get("/webhook-events", allow=ADMINS, statuses=())
async def list_webhook_events(
    ask: Ask,
    provider: ProviderName | None = None,
    status: EventState | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[EventView]:
    """List what payment providers sent, newest first: `set_aside` waits for a person."""
    question = payments.ListEvents(provider=provider, state=status, limit=limit, cursor=cursor)
    return await ask.read(letters.events, question)


@get("/webhook-events/{provider:str}/{event_id:str}", allow=ADMINS)
async def show_webhook_event(provider: str, event_id: str, ask: Ask) -> EventWithBody:
    """Read a message of a payment provider, exactly as it came."""
    return await ask.read(letters.event, payments.GetEvent(provider=provider, event_id=event_id))


@post("/webhook-events/{provider:str}/{event_id:str}/replay", allow=ADMINS, status_code=200)
async def replay_webhook_event(provider: str, event_id: str, ask: Ask) -> EventView:
    """Work on a message again: what was done because of it is not done twice."""
    again = await ask(letters.replay, payments.ReplayEvent(provider=provider, event_id=event_id))
    if provider != ask.gateway.name:
        return again
    return await investments.attend_now(again, ask.runner, ask.gateway, ask.actor)


HANDLERS = [receive_webhook, list_webhook_events, show_webhook_event, replay_webhook_event]
