"""Members in PostgreSQL. Home: `user_id`; an e-mail has a row of its own that names its owner."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Text, bindparam, select

from ...application import identity as app
from ...domain import identity
from ...domain.identity import Login, Member, Session
from .database import Database
from .rows import LAST_ID, Statement, Stored, unnested
from .schema import Bytes, Int, Time, Uuid, field, holds, one_of, table
from .together import Together

login = table(
    "login",
    "email",
    field("email", Text, primary_key=True),
    field("user_id", Uuid),
    field("password_hash", Text),
    field("created_at", Time),
)
member = table(
    "member",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("email", Text),
    field("name", Text),
    field("role", Text),
    field("level", Text),
    field("status", Text),
    field("producer_id", Uuid, nullable=True),
    field("created_at", Time),
    one_of("role", identity.MemberRole),
    one_of("level", identity.Level),
    one_of("status", identity.MemberStatus),
)
level_change = table(
    "level_change",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("level", Text),
    field("reason", Text),
    field("at", Time),
    field("investments", Int),
    field("subscriptions", Int),
    one_of("level", identity.Level),
    holds("facts", "investments >= 0 and subscriptions >= 0"),
)
session = table(
    "session",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("token_hash", Bytes),
    field("device", Text),
    field("address", Text),
    field("expires_at", Time),
    field("created_at", Time),
    field("revoked_at", Time, nullable=True),
)

LOGINS = Stored(app.LOGINS, login)
MEMBERS = Stored(app.MEMBERS, member)
SESSIONS = Stored(app.SESSIONS, session)
LEVEL_CHANGES = Stored(app.LEVEL_CHANGES, level_change)
STORED = (LOGINS, MEMBERS, LEVEL_CHANGES, SESSIONS)

_USER = bindparam("user_id", type_=Uuid)
_BEFORE = bindparam("before", type_=Uuid)
_LIMIT = bindparam("limit", type_=Int)
_LOGIN = Statement(
    select(*LOGINS.columns, *MEMBERS.columns)
    .select_from(login.join(member, member.c.user_id == login.c.user_id))
    .where(login.c.email == bindparam("email", type_=Text))
)
_asked = unnested("asked", user_id=Uuid, session_id=Uuid)
_SESSIONS_ASKED = Statement(
    select(*SESSIONS.columns, *MEMBERS.columns)
    .select_from(session.join(member, member.c.user_id == session.c.user_id))
    .join(_asked, (session.c.user_id == _asked.c.user_id) & (session.c.id == _asked.c.session_id))
)
_MEMBER = Statement(select(*MEMBERS.columns).where(member.c.user_id == _USER))
_MEMBERS = Statement(
    select(*MEMBERS.columns).where(member.c.user_id < _BEFORE).order_by(member.c.user_id.desc()).limit(_LIMIT)
)
_SESSIONS = Statement(
    select(*SESSIONS.columns)
    .where(session.c.user_id == _USER, session.c.id < _BEFORE)
    .order_by(session.c.id.desc())
    .limit(_LIMIT)
)
_LOGIN_WIDTH, _SESSION_WIDTH = len(LOGINS.fields), len(SESSIONS.fields)


class IdentityQueries:
    """The read side of identity on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked = Together(self._sessions)

    async def login(self, email: str) -> tuple[Login, Member] | None:
        row = await self._database.one(_LOGIN, email=email)
        return (LOGINS.record(row[:_LOGIN_WIDTH]), MEMBERS.record(row[_LOGIN_WIDTH:])) if row else None

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None:
        return await self._asked.find((user_id, session_id))

    async def _sessions(
        self, keys: Sequence[tuple[UUID, UUID]]
    ) -> Mapping[tuple[UUID, UUID], tuple[Session, Member]]:
        owners, ids = zip(*keys, strict=True)
        rows = await self._database.look_up(_SESSIONS_ASKED, asked_user_id=owners, asked_session_id=ids)
        found = (
            (SESSIONS.record(row[:_SESSION_WIDTH]), MEMBERS.record(row[_SESSION_WIDTH:])) for row in rows
        )
        return {(session.user_id, session.id): (session, owner) for session, owner in found}

    async def member(self, user_id: UUID) -> Member | None:
        row = await self._database.one(_MEMBER, user_id=user_id)
        return MEMBERS.record(row) if row else None

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        if email is not None:
            found = await self.login(email)
            return [found[1]] if found else []
        rows = await self._database.all(_MEMBERS, limit=limit, before=before or LAST_ID)
        return [MEMBERS.record(row) for row in rows]

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        rows = await self._database.all(_SESSIONS, user_id=user_id, limit=limit, before=before or LAST_ID)
        return [SESSIONS.record(row) for row in rows]
