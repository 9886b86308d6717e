"""The read side of identity on PostgreSQL: who comes in is found by statements that requests share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record as Row
from sqlalchemy import Text, bindparam, exists, or_, select

from ....application.identity import Account
from ....domain.identity import ApiKey, Login, Member, Session
from ..database import Database
from ..rows import LAST_ID, Statement, unnested
from ..schema import Int, Time, Uuid
from ..together import Together
from .tables import (
    API_KEYS,
    LOGINS,
    MEMBERS,
    PASSWORDS,
    SECOND_FACTORS,
    SESSIONS,
    api_key,
    login,
    member,
    password,
    second_factor,
    session,
)

_USER = bindparam("user_id", type_=Uuid)
_BEFORE = bindparam("before", type_=Uuid)
_LIMIT = bindparam("limit", type_=Int)
_EMAIL = bindparam("email", type_=Text)
_WIDTHS = [len(one.fields) for one in (MEMBERS, PASSWORDS, SECOND_FACTORS)]
_ACCOUNTS = member.outerjoin(password, password.c.user_id == member.c.user_id).outerjoin(
    second_factor, second_factor.c.user_id == member.c.user_id
)
_COLUMNS = (*MEMBERS.columns, *PASSWORDS.columns, *SECOND_FACTORS.columns)
_ACCOUNT = Statement(
    select(*_COLUMNS)
    .select_from(login.join(_ACCOUNTS, member.c.user_id == login.c.user_id))
    .where(login.c.kind == "email", login.c.value == _EMAIL)
)
_ACCOUNT_OF = Statement(select(*_COLUMNS).select_from(_ACCOUNTS).where(member.c.user_id == _USER))
_asked = unnested("asked", user_id=Uuid, id=Uuid)
_SESSIONS_ASKED = Statement(
    select(*SESSIONS.columns, *MEMBERS.columns)
    .select_from(session.join(member, member.c.user_id == session.c.user_id))
    .join(_asked, (session.c.user_id == _asked.c.user_id) & (session.c.id == _asked.c.id))
)
_KEYS_ASKED = Statement(
    select(*API_KEYS.columns, *MEMBERS.columns)
    .select_from(api_key.join(member, member.c.user_id == api_key.c.user_id))
    .join(_asked, (api_key.c.user_id == _asked.c.user_id) & (api_key.c.id == _asked.c.id))
)
_MEMBER = Statement(select(*MEMBERS.columns).where(member.c.user_id == _USER))
_MEMBERS = Statement(
    select(*MEMBERS.columns).where(member.c.user_id < _BEFORE).order_by(member.c.user_id.desc()).limit(_LIMIT)
)
_owner = select(login.c.user_id).where(login.c.kind == "email", login.c.value == _EMAIL)
_OF_EMAIL = Statement(
    select(*MEMBERS.columns)
    .where(or_(member.c.email == _EMAIL, member.c.user_id.in_(_owner)), member.c.user_id < _BEFORE)
    .order_by(member.c.user_id.in_(_owner).desc(), member.c.user_id.desc())
    .limit(_LIMIT)
)
_LOGINS = Statement(
    select(*LOGINS.columns).where(login.c.user_id == _USER).order_by(login.c.created_at, login.c.value)
)
_SESSION_WIDTH, _KEY_WIDTH = len(SESSIONS.fields), len(API_KEYS.fields)


class IdentityQueries:
    """The read side of identity on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = Together(self._sessions_asked)
        self._keys = Together(self._keys_asked)

    async def account(self, email: str) -> Account | None:
        return _account(await self._database.one(_ACCOUNT, email=email))

    async def account_of(self, user_id: UUID) -> Account | None:
        return _account(await self._database.one(_ACCOUNT_OF, user_id=user_id))

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None:
        return await self._sessions.find((user_id, session_id))

    async def key(self, user_id: UUID, key_id: UUID) -> tuple[ApiKey, Member] | None:
        return await self._keys.find((user_id, key_id))

    async def _sessions_asked(
        self, keys: Sequence[tuple[UUID, UUID]]
    ) -> Mapping[tuple[UUID, UUID], tuple[Session, Member]]:
        rows = await self._found(_SESSIONS_ASKED, keys)
        found = (
            (SESSIONS.record(row[:_SESSION_WIDTH]), MEMBERS.record(row[_SESSION_WIDTH:])) for row in rows
        )
        return {(one.user_id, one.id): (one, owner) for one, owner in found}

    async def _keys_asked(
        self, keys: Sequence[tuple[UUID, UUID]]
    ) -> Mapping[tuple[UUID, UUID], tuple[ApiKey, Member]]:
        rows = await self._found(_KEYS_ASKED, keys)
        found = ((API_KEYS.record(row[:_KEY_WIDTH]), MEMBERS.record(row[_KEY_WIDTH:])) for row in rows)
        return {(one.user_id, one.id): (one, owner) for one, owner in found}

    async def _found(self, statement: Statement, keys: Sequence[tuple[UUID, UUID]]) -> list[Row]:
        owners, ids = zip(*keys, strict=True)
        return await self._database.look_up(statement, asked_user_id=owners, asked_id=ids)

    async def member(self, user_id: UUID) -> Member | None:
        row = await self._database.one(_MEMBER, user_id=user_id)
        return MEMBERS.record(row) if row else None

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        place = {"limit": limit, "before": before or LAST_ID}
        if email is None:
            rows = await self._database.all(_MEMBERS, **place)
        else:
            rows = await self._database.all(_OF_EMAIL, email=email, **place)
        return [MEMBERS.record(row) for row in rows]

    async def logins(self, user_id: UUID) -> list[Login]:
        rows = await self._database.all(_LOGINS, user_id=user_id)
        return [LOGINS.record(row) for row in rows]


def _account(row: Row | None) -> Account | None:
    if row is None:
        return None
    first, second = _WIDTHS[0], _WIDTHS[0] + _WIDTHS[1]
    hashed, factor = row[first:second], row[second:]
    return Account(
        MEMBERS.record(row[:first]),
        PASSWORDS.record(hashed) if hashed[0] else None,
        SECOND_FACTORS.record(factor) if factor[0] else None,
    )


_SESSIONS = Statement(
    select(*SESSIONS.columns)
    .where(session.c.user_id == _USER, session.c.id < _BEFORE)
    .order_by(session.c.id.desc())
    .limit(_LIMIT)
)
_KEYS = Statement(
    select(*API_KEYS.columns)
    .where(api_key.c.user_id == _USER, api_key.c.id < _BEFORE)
    .order_by(api_key.c.id.desc())
    .limit(_LIMIT)
)
_AT = bindparam("at", type_=Time)
_open = session.c.revoked_at.is_(None) & (session.c.expires_at > _AT)
_UNCLAIMED = Statement(
    select(member.c.user_id)
    .where(
        member.c.status == "active",
        member.c.verified_at.is_(None),
        member.c.created_at < bindparam("signed_up_before", type_=Time),
        member.c.user_id > bindparam("after", type_=Uuid),
        ~exists().where(session.c.user_id == member.c.user_id, _open),
    )
    .order_by(member.c.user_id)
    .limit(_LIMIT)
)
"""Looks through all members: for a sweep now and then."""


class CredentialQueries:
    """What members see of their own credentials, and who has none, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        rows = await self._database.all(_SESSIONS, user_id=user_id, limit=limit, before=before or LAST_ID)
        return [SESSIONS.record(row) for row in rows]

    async def keys(self, user_id: UUID, limit: int, before: UUID | None) -> list[ApiKey]:
        rows = await self._database.all(_KEYS, user_id=user_id, limit=limit, before=before or LAST_ID)
        return [API_KEYS.record(row) for row in rows]

    async def unclaimed(
        self, signed_up_before: datetime, at: datetime, after: UUID, limit: int
    ) -> list[UUID]:
        facts = {"signed_up_before": signed_up_before, "at": at, "after": after, "limit": limit}
        return [row[0] for row in await self._database.all(_UNCLAIMED, **facts)]
