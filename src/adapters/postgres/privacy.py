"""What is stored of somebody in PostgreSQL, in whichever table names them; and who was erased."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Index, Text, any_, bindparam, func, literal, or_, select, tuple_, union_all

from ...application import privacy as app
from ...application.work import Kind, PrivatePart
from ...domain import privacy
from ...domain.payments import WebhookEvent
from ...domain.privacy import Erasure
from .database import Database
from .investments.subscriptions import subscription
from .payments import payment
from .payments.inbox import WEBHOOK_EVENTS, webhook_event
from .rows import Statement, Stored
from .schema import Int, Json, Time, Uuid, field, one_of, table
from .work import PRIVATE_PARTS, private_part

erasure = table(
    "erasure",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("state", Text),
    field("grounds", Text),
    field("asked_by", Uuid),
    field("begun_at", Time),
    field("done_at", Time, nullable=True),
    field("kept", Json),
    one_of("state", privacy.ErasureState),
    one_of("grounds", privacy.Grounds),
)
export = table(
    "export",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("asked_by", Uuid),
    field("grounds", Text),
    field("at", Time),
    one_of("grounds", privacy.Grounds),
)
_BEGUN = erasure.c.state == "begun"
Index("erasure_begun_idx", erasure.c.user_id, postgresql_where=_BEGUN)

ERASURES = Stored(app.ERASURES, erasure)
STORED = (ERASURES, Stored(app.EXPORTS, export))

_USER, _LIMIT = bindparam("user_id", type_=Uuid), bindparam("limit", type_=Int)
_ERASURE = Statement(select(*ERASURES.columns).where(erasure.c.user_id == _USER))
_UNDER_WAY = Statement(select(erasure.c.user_id).where(_BEGUN).order_by(erasure.c.user_id).limit(100))
_SPOKEN_OF = Statement(
    select(*PRIVATE_PARTS.columns)
    .where(private_part.c.subjects.contains(bindparam("subjects", type_=Json)))
    .order_by(private_part.c.user_id, private_part.c.key)
    .limit(_LIMIT)
)
_CALLED = Statement(
    union_all(
        select(payment.c.reference, payment.c.customer).where(payment.c.user_id == _USER),
        select(literal("", Text), subscription.c.customer).where(subscription.c.user_id == _USER),
    )
)
_MESSAGES = Statement(
    select(*WEBHOOK_EVENTS.columns)
    .where(
        webhook_event.c.body != "",
        webhook_event.c.user_id.is_(None),
        or_(
            webhook_event.c.reference == any_(bindparam("references", type_=ARRAY(Text))),
            webhook_event.c.body.like(any_(bindparam("words", type_=ARRAY(Text)))),
        ),
    )
    .order_by(webhook_event.c.id)
    .limit(_LIMIT)
)
"""Looks through what messages say: those that are kept, which is little where old ones are forgotten."""


@lru_cache(maxsize=256)
def _rows_of(stored: Stored[Any], later: bool) -> Statement:
    """Rows of a member by key, from the beginning or after one."""
    columns = [stored.table.c[name] for name in stored.kind.key_fields]
    statement = select(*stored.columns).where(stored.table.c.user_id == _USER).order_by(*columns)
    if later:
        place = tuple_(*(bindparam(f"after_{one.name}", type_=one.type) for one in columns))
        statement = statement.where(tuple_(*columns) > place)
    return Statement(statement.limit(_LIMIT))


class PrivacyQueries:
    """The read side of privacy on PostgreSQL. `stored` are the tables that there are."""

    def __init__(self, database: Database, stored: Mapping[Kind[Any], Stored[Any]]) -> None:
        self._database, self._stored = database, stored
        self.kinds = tuple(stored)
        owned = (one.table for kind, one in stored.items() if kind.has_owner)
        self._counts = Statement(
            union_all(
                *(
                    select(literal(one.name, Text), func.count())
                    .select_from(one)
                    .where(one.c.user_id == _USER)
                    for one in owned
                )
            )
        )

    async def rows(
        self, kind: Kind[Any], user_id: UUID, after: tuple[Any, ...] | None, limit: int
    ) -> list[Any]:
        stored = self._stored[kind]
        place = dict(zip((f"after_{name}" for name in kind.key_fields), after or (), strict=False))
        statement = _rows_of(stored, after is not None)
        rows = await self._database.all(statement, user_id=user_id, limit=limit, **place)
        return [stored.record(row) for row in rows]

    async def spoken_of(self, user_id: UUID, limit: int) -> list[PrivatePart]:
        subjects = msgspec.json.encode([user_id]).decode()
        rows = await self._database.all(_SPOKEN_OF, subjects=subjects, limit=limit)
        return [PRIVATE_PARTS.record(row) for row in rows]

    async def messages(self, user_id: UUID, limit: int) -> list[WebhookEvent]:
        called = await self._database.all(_CALLED, user_id=user_id)
        references = sorted({row[0] for row in called if row[0]})
        names = {str(user_id), *(row[1] for row in called if row[1])}
        words = [f"%{_plain(name)}%" for name in sorted(names)]
        rows = await self._database.all(_MESSAGES, references=references, words=words, limit=limit)
        return [WEBHOOK_EVENTS.record(row) for row in rows]

    async def counts(self, user_id: UUID) -> Mapping[str, int]:
        return {row[0]: row[1] for row in await self._database.all(self._counts, user_id=user_id)}

    async def erasure(self, user_id: UUID) -> Erasure | None:
        row = await self._database.one(_ERASURE, user_id=user_id)
        return ERASURES.record(row) if row else None

    async def begun(self) -> list[UUID]:
        return [row[0] for row in await self._database.all(_UNDER_WAY)]


def _plain(text: str) -> str:
    """A text in which `like` finds itself alone."""
    return re.sub(r"([\\%_])", r"\\\1", text)
