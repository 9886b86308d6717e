"""The read side of identity in memory."""

from datetime import datetime
from uuid import UUID

from ....application.identity import API_KEYS, LOGINS, MEMBERS, PASSWORDS, SECOND_FACTORS, SESSIONS, Account
from ....domain.identity import ApiKey, Login, Member, Session, is_unclaimed
from ..storage import MemoryStorage, newest


class IdentityQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def account(self, email: str) -> Account | None:
        login = self._storage.find(LOGINS.key("email", email))
        return await self.account_of(login.user_id) if login else None

    async def account_of(self, user_id: UUID) -> Account | None:
        member = await self.member(user_id)
        if member is None:
            return None
        password = self._storage.find(PASSWORDS.key(user_id))
        return Account(member, password, self._storage.find(SECOND_FACTORS.key(user_id)))

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None:
        session = self._storage.find(SESSIONS.key(user_id, session_id))
        member = await self.member(user_id)
        return (session, member) if session and member else None

    async def key(self, user_id: UUID, key_id: UUID) -> tuple[ApiKey, Member] | None:
        key = self._storage.find(API_KEYS.key(user_id, key_id))
        member = await self.member(user_id)
        return (key, member) if key and member else None

    async def member(self, user_id: UUID) -> Member | None:
        return self._storage.find(MEMBERS.key(user_id))

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        if email is None:
            return newest(self._storage.all(MEMBERS), limit, before, lambda member: member.user_id)
        login = self._storage.find(LOGINS.key("email", email))
        owner = login.user_id if login else None
        found = self._storage.all(MEMBERS, lambda one: one.email == email or one.user_id == owner)
        listed = newest(found, len(found), before, lambda member: member.user_id)
        return sorted(listed, key=lambda one: one.user_id != owner)[:limit]

    async def logins(self, user_id: UUID) -> list[Login]:
        found = self._storage.all(LOGINS, lambda login: login.user_id == user_id)
        return sorted(found, key=lambda login: (login.created_at, login.value))


class CredentialQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        found = self._storage.all(SESSIONS, lambda session: session.user_id == user_id)
        return newest(found, limit, before, lambda session: session.id)

    async def keys(self, user_id: UUID, limit: int, before: UUID | None) -> list[ApiKey]:
        found = self._storage.all(API_KEYS, lambda key: key.user_id == user_id)
        return newest(found, limit, before, lambda key: key.id)

    async def unclaimed(
        self, signed_up_before: datetime, at: datetime, after: UUID, limit: int
    ) -> list[UUID]:
        def is_theirs(one: Member) -> bool:
            mine = self._storage.all(SESSIONS, lambda session: session.user_id == one.user_id)
            return is_unclaimed(one, mine, signed_up_before, at) and one.user_id > after

        return sorted(one.user_id for one in self._storage.all(MEMBERS, is_theirs))[:limit]
