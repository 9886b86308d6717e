"""What is stored of somebody, in memory."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ...application.investments import SUBSCRIPTIONS
from ...application.kinds import KINDS
from ...application.payments import PAYMENTS, WEBHOOK_EVENTS
from ...application.privacy import ERASURES
from ...application.work import PRIVATE_PARTS, Kind, PrivatePart
from ...domain.payments import WebhookEvent
from ...domain.privacy import Erasure
from .storage import MemoryStorage


class PrivacyQueries:
    kinds = KINDS

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def rows(
        self, kind: Kind[Any], user_id: UUID, after: tuple[Any, ...] | None, limit: int
    ) -> list[Any]:
        found = self._storage.all(kind, lambda one: one.user_id == user_id)
        return [one for one in found if after is None or kind.values_of(one) > after][:limit]

    async def spoken_of(self, user_id: UUID, limit: int) -> list[PrivatePart]:
        return self._storage.all(PRIVATE_PARTS, lambda one: user_id in (one.subjects or ()))[:limit]

    async def messages(self, user_id: UUID, limit: int) -> list[WebhookEvent]:
        paid = self._storage.all(PAYMENTS, lambda one: one.user_id == user_id)
        subscribed = self._storage.all(SUBSCRIPTIONS, lambda one: one.user_id == user_id)
        references = {one.reference for one in paid} - {""}
        names = {str(user_id), *(one.customer for one in paid), *(one.customer for one in subscribed)} - {""}

        def is_theirs(one: WebhookEvent) -> bool:
            return one.reference in references or any(name in one.body for name in names)

        return self._storage.all(
            WEBHOOK_EVENTS, lambda one: bool(one.body) and one.user_id is None and is_theirs(one)
        )[:limit]

    async def counts(self, user_id: UUID) -> Mapping[str, int]:
        owned = (kind for kind in KINDS if kind.has_owner)
        return Counter(
            kind.name for kind in owned for _ in self._storage.all(kind, lambda one: one.user_id == user_id)
        )

    async def erasure(self, user_id: UUID) -> Erasure | None:
        return self._storage.find(ERASURES.key(user_id))

    async def begun(self) -> list[UUID]:
        return [one.user_id for one in self._storage.all(ERASURES, ERASURES.is_live)]
