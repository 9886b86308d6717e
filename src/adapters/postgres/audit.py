"""The audit trail in PostgreSQL: a statement for each set of filters, so that each takes the index it has."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, and_, bindparam, func, select, tuple_, union_all

from ...application.audit import Line, Sought
from ...application.work import PrivatePart
from .database import Database
from .identity import session
from .rows import Statement
from .schema import Int, Json, Time, Uuid
from .work import PRIVATE_PARTS, RUNS, command_log, private_part

_log, _private = command_log.c, private_part.c
_address = func.coalesce(func.nullif(_private.address, ""), session.c.address, "").label("came_from")
_from = command_log.outerjoin(
    private_part, and_(_private.user_id == _log.user_id, _private.key == _log.key)
).outerjoin(session, and_(session.c.user_id == _log.user_id, session.c.id == _log.credential_id))
_ADDRESS = bindparam("address", type_=Text)
_theirs = command_log.alias("theirs")
_came_from = and_(
    tuple_(_log.user_id, _log.key).in_(
        union_all(
            select(_private.user_id, _private.key).where(_private.address == _ADDRESS),
            select(_theirs.c.user_id, _theirs.c.key)
            .join(
                session, and_(session.c.user_id == _theirs.c.user_id, session.c.id == _theirs.c.credential_id)
            )
            .where(session.c.address == _ADDRESS),
        )
    ),
    _address == _ADDRESS,
)
"""The lines are found first and looked at then: who asks both in one condition looks at every line."""
_CONDITIONS: dict[str, Any] = {
    "actor_id": _log.user_id == bindparam("actor_id", type_=Uuid),
    "touched": _log.touched.contains(bindparam("touched", type_=Json)),
    "name": _log.name == bindparam("name", type_=Text),
    "request_id": _log.request_id == bindparam("request_id", type_=Text),
    "address": _came_from,
    "since": _log.recorded_at >= bindparam("since", type_=Time),
    "until": _log.recorded_at < bindparam("until", type_=Time),
    "before": tuple_(_log.recorded_at, _log.user_id, _log.key)
    < tuple_(
        bindparam("before_at", type_=Time),
        bindparam("before_id", type_=Uuid),
        bindparam("before_key", type_=Text),
    ),
    "trail": _log.touched.is_not(None),
}
_ONE = Statement(
    select(*RUNS.columns, _address, *PRIVATE_PARTS.columns)
    .select_from(_from)
    .where(_log.user_id == bindparam("user_id", type_=Uuid), _log.key == bindparam("key", type_=Text))
)
_WIDTH = len(RUNS.fields)


@lru_cache(maxsize=512)
def _found_by(filters: tuple[str, ...]) -> Statement:
    newest = (_log.recorded_at.desc(), _log.user_id.desc(), _log.key.desc())
    statement = select(*RUNS.columns, _address).select_from(_from).order_by(*newest)
    where = [_CONDITIONS[name] for name in filters]
    return Statement(statement.where(*where).limit(bindparam("limit", type_=Int)))


class CommandLog:
    """The read side of the trail on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self, sought: Sought, limit: int) -> list[Line]:
        values = {name: value for name in _CONDITIONS if (value := getattr(sought, name, None))}
        filters = (*values, *(() if sought.books else ("trail",)))
        values["touched"] = msgspec.json.encode(sought.touched).decode()
        if sought.before is not None:
            values["before_at"], values["before_id"], values["before_key"] = sought.before
        rows = await self._database.all(_found_by(filters), **values, limit=limit)
        return [Line(RUNS.record(row[:_WIDTH]), row[_WIDTH]) for row in rows]

    async def line(self, user_id: UUID, key: str) -> tuple[Line, PrivatePart | None] | None:
        row = await self._database.one(_ONE, user_id=user_id, key=key)
        if row is None:
            return None
        private = row[_WIDTH + 1 :]
        line = Line(RUNS.record(row[:_WIDTH]), row[_WIDTH])
        return line, None if private[0] is None else PRIVATE_PARTS.record(private)
