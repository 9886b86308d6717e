"""The inbox of providers' messages in PostgreSQL. Home: `id`, the provider's own."""

from datetime import datetime

from sqlalchemy import Index, Text, bindparam, or_, select, tuple_

from ....application import payments as app
from ....domain import payments
from ....domain.payments import EventState, WebhookEvent
from ..database import Database
from ..rows import Statement, Stored, plain
from ..schema import Int, Time, Uuid, field, holds, one_of, table

webhook_event = table(
    "webhook_event",
    "id",
    field("id", Text, primary_key=True),
    field("provider", Text, primary_key=True),
    field("type", Text),
    field("reference", Text),
    field("body", Text),
    field("received_at", Time),
    field("state", Text),
    field("attempts", Int),
    field("next_at", Time, nullable=True),
    field("last_error", Text),
    field("handled_at", Time, nullable=True),
    field("user_id", Uuid, nullable=True),
    field("payment_id", Uuid, nullable=True),
    field("forgotten_at", Time, nullable=True),
    one_of("state", payments.EventState),
    holds("next_at", "(next_at is not null) = (state in ('received', 'failed'))"),
    holds("attempts", "attempts >= 0"),
    holds("forgotten_at", "forgotten_at is null or body = ''"),
)
_waits = plain(webhook_event.c.next_at.is_not(None))
_kept = plain(webhook_event.c.state.in_(("handled", "ignored")) & webhook_event.c.forgotten_at.is_(None))
_place = (webhook_event.c.received_at, webhook_event.c.id)
Index("webhook_event_due_idx", webhook_event.c.next_at, postgresql_where=_waits)
Index("webhook_event_old_idx", webhook_event.c.received_at, postgresql_where=_kept)
Index("webhook_event_received_idx", *_place)
Index(
    "webhook_event_user_idx",
    webhook_event.c.user_id,
    postgresql_where=plain(webhook_event.c.user_id.is_not(None)),
)

WEBHOOK_EVENTS = Stored(app.WEBHOOK_EVENTS, webhook_event)
STORED = (WEBHOOK_EVENTS,)

_PROVIDER, _STATE = bindparam("provider", type_=Text), bindparam("state", type_=Text)
_AT, _ID, _LIMIT = bindparam("at", type_=Time), bindparam("id", type_=Text), bindparam("limit", type_=Int)
_EVENT = Statement(
    select(*WEBHOOK_EVENTS.columns).where(webhook_event.c.id == _ID, webhook_event.c.provider == _PROVIDER)
)
_EVENTS = Statement(
    select(*WEBHOOK_EVENTS.columns)
    .where(
        or_(_AT.is_(None), tuple_(*_place) < tuple_(_AT, _ID)),
        or_(_PROVIDER.is_(None), webhook_event.c.provider == _PROVIDER),
        or_(_STATE.is_(None), webhook_event.c.state == _STATE),
    )
    .order_by(*(column.desc() for column in _place))
    .limit(_LIMIT)
)
_DUE = Statement(
    select(*WEBHOOK_EVENTS.columns)
    .where(_waits, webhook_event.c.next_at <= _AT, webhook_event.c.provider == _PROVIDER)
    .order_by(webhook_event.c.next_at, webhook_event.c.id)
    .limit(_LIMIT)
)
_OLD = Statement(
    select(*WEBHOOK_EVENTS.columns)
    .where(_kept, webhook_event.c.received_at < _AT)
    .order_by(*_place)
    .limit(_LIMIT)
)


class EventsQueries:
    """The read side of the inbox on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def event(self, provider: str, id: str) -> WebhookEvent | None:
        row = await self._database.one(_EVENT, provider=provider, id=id)
        return WEBHOOK_EVENTS.record(row) if row else None

    async def events(
        self,
        provider: str | None,
        state: EventState | None,
        limit: int,
        before: tuple[datetime, str] | None,
    ) -> list[WebhookEvent]:
        at, id = before or (None, "")
        rows = await self._database.all(_EVENTS, provider=provider, state=state, limit=limit, at=at, id=id)
        return [WEBHOOK_EVENTS.record(row) for row in rows]

    async def due(self, provider: str, now: datetime, limit: int) -> list[WebhookEvent]:
        rows = await self._database.all(_DUE, provider=provider, at=now, limit=limit)
        return [WEBHOOK_EVENTS.record(row) for row in rows]

    async def old(self, before: datetime, limit: int) -> list[WebhookEvent]:
        return [WEBHOOK_EVENTS.record(row) for row in await self._database.all(_OLD, at=before, limit=limit)]
