"""The inbox of a provider's messages: stored raw before anything else, worked on once, in any order.

Two workers never work on one message at once: whoever claims it has it until its pause is over.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from ...domain import payments, shared
from ...domain.payments import EventState, WebhookEvent
from ..identity import MEMBERS
from ..pages import Limit, Page, moment_of, page_of
from ..runner import Runner
from ..work import ADMINS, Key, Kind, Read, Wanted, Work, query, use_case
from .records import ProviderName

WEBHOOK_EVENTS = Kind(
    WebhookEvent,
    "webhook_event",
    ("id", "provider"),
    root=True,
    changes=(
        "body",
        "state",
        "attempts",
        "next_at",
        "last_error",
        "handled_at",
        "user_id",
        "payment_id",
        "forgotten_at",
    ),
)
KINDS: tuple[Kind[Any], ...] = (WEBHOOK_EVENTS,)


class OfEvent(shared.Command, kw_only=True):
    """A message of a provider, by the provider's id."""

    provider: ProviderName
    event_id: shared.Code


class ReceiveEvent(OfEvent, kw_only=True):
    """A provider sent a message, and its signature is right."""

    type: shared.Note
    reference: shared.Note
    body: shared.Personal[str]


class ClaimEvent(OfEvent, kw_only=True):
    """Begin to work on a message."""


class CloseEvent(OfEvent, kw_only=True):
    """A message is dealt with, concerns us not, or waits for a person; and whom it speaks of."""

    outcome: Literal["handled", "ignored", "set_aside"]
    why: shared.Note = ""
    user_id: UUID | None = None
    payment_id: UUID | None = None


class FailEvent(OfEvent, kw_only=True):
    """A message could not be dealt with this time."""

    why: shared.Note


class ReplayEvent(OfEvent, kw_only=True):
    """Work on a message again."""


class ForgetEvent(OfEvent, kw_only=True):
    """Keep no longer what a message said."""


class EventView(shared.Record):
    """A message of a provider, and what became of it. `next_at` is when it is worked on (again)."""

    id: str
    provider: str
    type: str
    reference: str
    state: EventState
    attempts: int
    received_at: datetime
    next_at: datetime | None
    handled_at: datetime | None
    last_error: str
    user_id: UUID | None
    payment_id: UUID | None
    forgotten_at: datetime | None


class EventWithBody(EventView):
    """A message with what it said, exactly as it came."""

    body: shared.Personal[str] = ""


class GetEvent(shared.Query, kw_only=True):
    provider: ProviderName
    event_id: shared.Code


class ListEvents(shared.Query, kw_only=True):
    """Messages, newest first."""

    provider: ProviderName | None = None
    state: EventState | None = None
    limit: Limit = 25
    cursor: str | None = None


class ListEventsDue(shared.Query, kw_only=True):
    """Messages of a provider that are to be worked on now, oldest first."""

    provider: ProviderName
    limit: Limit = 100


class ListOldEvents(shared.Query, kw_only=True):
    """Messages that are dealt with, that came before a time, and whose content is still kept."""

    before: datetime
    limit: Limit = 100


class EventsQueries(Protocol):
    """The read side of the inbox."""

    async def event(self, provider: str, id: str) -> WebhookEvent | None: ...

    async def events(
        self,
        provider: str | None,
        state: EventState | None,
        limit: int,
        before: tuple[datetime, str] | None,
    ) -> list[WebhookEvent]:
        """Messages that fit, newest first, from before a time and an id."""
        ...

    async def due(self, provider: str, now: datetime, limit: int) -> list[WebhookEvent]:
        """Messages that are to be worked on, those that waited longest first."""
        ...

    async def old(self, before: datetime, limit: int) -> list[WebhookEvent]:
        """Messages that are dealt with and whose content is still kept, oldest first."""
        ...


class HasEvents(Protocol):
    @property
    def webhook_events(self) -> EventsQueries: ...


def event_view(event: WebhookEvent | EventWithBody) -> EventView:
    """A message as it is shown, without what it said."""
    return shared.recast(EventView, event)


def _key(command: OfEvent, work: Work) -> Key[WebhookEvent]:
    return WEBHOOK_EVENTS.key(command.event_id, command.provider)


def _locks(command: OfEvent, work: Work) -> tuple[Wanted, ...]:
    return (_key(command, work),)


def _and_member(command: CloseEvent, work: Work) -> tuple[Wanted, ...]:
    member = () if command.user_id is None else (MEMBERS.key(command.user_id),)
    return (_key(command, work), *member)


@use_case(allow=ADMINS, locks=_locks, forgets=True)
async def receive(command: ReceiveEvent, work: Work) -> EventView:
    """Store a message; one that is known already is left alone. What it says stands in it alone."""
    known = work.find(_key(command, work))
    if known is not None:
        return event_view(known)
    came = (command.event_id, command.provider, command.type, command.reference, command.body, work.now)
    return _kept(work, WebhookEvent(*came, next_at=work.now))


@use_case(allow=ADMINS, locks=_locks)
async def claim(command: ClaimEvent, work: Work) -> EventView:
    """Begin to work on a message: nobody else does, until its pause is over. Raises EventNotDue."""
    return _kept(work, payments.claim(work.get(_key(command, work)), work.now))


@use_case(allow=ADMINS, locks=_and_member, forgets=True)
async def close(command: CloseEvent, work: Work) -> EventView:
    """Note what became of a message; of who was erased meanwhile nothing is kept."""
    event = payments.close(work.get(_key(command, work)), command.outcome, work.now, command.why)
    user_id, payment_id = command.user_id or event.user_id, command.payment_id or event.payment_id
    member = None if command.user_id is None else work.find(MEMBERS.key(command.user_id))
    if member is not None and member.status == "erased":
        event = payments.forget(event, work.now)
    return _kept(work, shared.evolve(event, user_id=user_id, payment_id=payment_id))


@use_case(allow=ADMINS, locks=_locks)
async def fail(command: FailEvent, work: Work) -> EventView:
    """Note that a message could not be dealt with: it rests, or is set aside after the last pause."""
    return _kept(work, payments.fail(work.get(_key(command, work)), command.why, work.now))


@use_case(allow=ADMINS, locks=_locks)
async def replay(command: ReplayEvent, work: Work) -> EventView:
    """Let a message be worked on again; nothing is done twice because of it. Raises EventForgotten."""
    return _kept(work, payments.replay(work.get(_key(command, work)), work.now))


@use_case(allow=ADMINS, locks=_locks, forgets=True)
async def forget(command: ForgetEvent, work: Work) -> EventView:
    """Keep that a message came and what became of it, and forget what it said."""
    return _kept(work, payments.forget(work.get(_key(command, work)), work.now))


def _kept(work: Work, event: WebhookEvent) -> EventView:
    work.save(event)
    return event_view(event)


@query(allow=ADMINS)
async def event(question: GetEvent, read: Read[HasEvents]) -> EventWithBody:
    """A message with what it said."""
    found = await read.ports.webhook_events.event(question.provider, question.event_id)
    if found is None:
        raise shared.NotFound(kind="webhook_event", id=question.event_id)
    return shared.recast(EventWithBody, found)


@query(allow=ADMINS)
async def events(question: ListEvents, read: Read[HasEvents]) -> Page[EventView]:
    """Messages, newest first."""
    before = moment_of(question.cursor)
    found = await read.ports.webhook_events.events(
        question.provider, question.state, question.limit + 1, before
    )
    views = [event_view(one) for one in found]
    return page_of(views, question.limit, lambda one: f"{one.received_at.isoformat()} {one.id}")


@query(allow=ADMINS)
async def due(question: ListEventsDue, read: Read[HasEvents]) -> tuple[EventView, ...]:
    """Messages that are to be worked on now."""
    found = await read.ports.webhook_events.due(question.provider, read.now, question.limit)
    return tuple(map(event_view, found))


@query(allow=ADMINS)
async def old(question: ListOldEvents, read: Read[HasEvents]) -> tuple[EventView, ...]:
    """Messages whose content may be forgotten."""
    return tuple(map(event_view, await read.ports.webhook_events.old(question.before, question.limit)))


async def forget_old(
    run: Runner, before: datetime, actor: shared.Actor, watch: Callable[[int, int], None] = lambda *_: None
) -> int:
    """Forget what messages said that came before a time and are dealt with; how many those were."""
    forgotten = 0
    while found := await run.read(old, ListOldEvents(before=before), actor=actor):
        for one in found:
            await run(forget, ForgetEvent(provider=one.provider, event_id=one.id), actor=actor)
            forgotten += 1
            watch(forgotten, forgotten + len(found))
    return forgotten
