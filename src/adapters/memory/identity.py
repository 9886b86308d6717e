"""The read side of identity in memory."""

from uuid import UUID

from ...application.identity import LOGINS, MEMBERS, SESSIONS
from ...domain.identity import Login, Member, Session
from .storage import MemoryStorage, newest


class IdentityQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def login(self, email: str) -> tuple[Login, Member] | None:
        login = self._storage.find(LOGINS.key(email))
        member = await self.member(login.user_id) if login else None
        return (login, member) if login and member else None

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None:
        session = self._storage.find(SESSIONS.key(user_id, session_id))
        member = await self.member(user_id)
        return (session, member) if session and member else None

    async def member(self, user_id: UUID) -> Member | None:
        return self._storage.find(MEMBERS.key(user_id))

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        found = self._storage.all(MEMBERS, lambda member: email in (None, member.email))
        return newest(found, limit, before, lambda member: member.user_id)

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        found = self._storage.all(SESSIONS, lambda session: session.user_id == user_id)
        return newest(found, limit, before, lambda session: session.id)
