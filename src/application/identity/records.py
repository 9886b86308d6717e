"""What identity keeps, shows and asks of its ports."""

from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import identity, shared
from ...domain.identity import Level, LevelChange, Login, Member, MemberRole, Session
from ..work import Kind

LOGINS = Kind(Login, "login", ("email",), root=True)


MEMBERS = Kind(Member, "member", ("user_id",), root=True)


LEVEL_CHANGES = Kind(LevelChange, "level_change", ("user_id", "id"), changes=())


SESSIONS = Kind(Session, "session", ("user_id", "id"), root=True, changes=("revoked_at",))


KINDS: tuple[Kind[Any], ...] = (LOGINS, MEMBERS, LEVEL_CHANGES, SESSIONS)


Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, examples=["member-1@example.org"])]


Password = Annotated[str, msgspec.Meta(min_length=1, max_length=identity.MOST_PASSWORD)]


Device = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*\Z")]


class TooManyPasswords(shared.Unavailable):
    message = "Too many people sign up or in at this moment; nothing was changed. Try again."


class Secrets(Protocol):
    """What makes and checks secrets; slow on purpose, so never called inside a transaction.

    Hashing and matching raise TooManyPasswords where too many wait already.
    """

    async def hash(self, password: str) -> str: ...

    async def matches(self, password_hash: str, password: str) -> bool: ...

    def random(self, size: int) -> bytes: ...


class MemberView(shared.Record):
    """A member as they and administrators see them."""

    user_id: UUID
    email: str
    name: str
    role: MemberRole
    level: Level
    status: identity.MemberStatus
    producer_id: UUID | None
    created_at: datetime


class SessionView(shared.Record):
    """A session: where and when it was opened. `current` is the one that asks."""

    id: UUID
    device: str
    address: str
    expires_at: datetime
    created_at: datetime
    revoked_at: datetime | None
    current: bool = False


class SignedIn(shared.Record):
    """A fresh session. The token is shown this once: send it as `Authorization: Bearer <token>`."""

    token: str
    session: SessionView
    member: MemberView


class IdentityQueries(Protocol):
    """The read side of identity."""

    async def login(self, email: str) -> tuple[Login, Member] | None: ...

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None: ...

    async def member(self, user_id: UUID) -> Member | None: ...

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        """Members, newest first."""
        ...

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        """A member's sessions, newest first, the closed ones included."""
        ...


class HasIdentity(Protocol):
    @property
    def identity(self) -> IdentityQueries: ...


def member_view(member: Member) -> MemberView:
    return MemberView(*(getattr(member, name) for name in MemberView.__struct_fields__))


def session_view(session: Session, current: UUID | None) -> SessionView:
    return SessionView(
        session.id,
        session.device,
        session.address,
        session.expires_at,
        session.created_at,
        session.revoked_at,
        session.id == current,
    )
