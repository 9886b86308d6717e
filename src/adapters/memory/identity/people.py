"""The read side of what is kept of people, in memory."""

from uuid import UUID

from ....application.identity import LEVEL_CHANGES, MEMBERS
from ....application.identity.people import CHECKS, CONSENTS, PROFILES, ProfileOf
from ....domain.identity import LevelChange
from ....domain.identity.checks import Check
from ....domain.identity.consent import Consent
from ..storage import MemoryStorage, newest


class PeopleQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def profile(self, user_id: UUID) -> ProfileOf | None:
        member = self._storage.find(MEMBERS.key(user_id))
        return ProfileOf(member, self._storage.find(PROFILES.key(user_id))) if member else None

    async def level_changes(self, user_id: UUID, limit: int, before: UUID | None) -> list[LevelChange]:
        found = self._storage.all(LEVEL_CHANGES, lambda one: one.user_id == user_id)
        return newest(found, limit, before, lambda one: one.id)

    async def checks(self, user_id: UUID) -> list[Check]:
        return self._storage.group(CHECKS, "owner", user_id)

    async def pending_checks(self, limit: int, after: UUID | None) -> list[Check]:
        found = self._storage.all(CHECKS, lambda one: one.status == "pending")
        waiting = [one for one in found if after is None or one.id > after]
        return sorted(waiting, key=lambda one: one.id)[:limit]

    async def consents(self, user_id: UUID, limit: int, before: UUID | None) -> list[Consent]:
        found = self._storage.all(CONSENTS, lambda one: one.user_id == user_id)
        return newest(found, limit, before, lambda one: one.id)

    async def last_consents(self, user_id: UUID) -> list[Consent]:
        last = {one.purpose: one for one in self._storage.all(CONSENTS, lambda one: one.user_id == user_id)}
        return [last[purpose] for purpose in sorted(last)]
