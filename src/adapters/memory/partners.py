"""The read side of partners in memory."""

from uuid import UUID

from ...application.partners import PRODUCER_SLUGS, PRODUCERS
from ...domain.partners import Producer, ProducerStatus, ProducerType
from .storage import MemoryStorage, newest


class PartnersQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def producer(self, producer_id: UUID) -> Producer | None:
        return self._storage.find(PRODUCERS.key(producer_id))

    async def producer_of_slug(self, slug: str) -> Producer | None:
        owner = self._storage.find(PRODUCER_SLUGS.key(slug))
        return await self.producer(owner.producer_id) if owner else None

    async def producers(
        self, limit: int, before: UUID | None, statuses: tuple[ProducerStatus, ...], type: ProducerType | None
    ) -> list[Producer]:
        found = self._storage.all(PRODUCERS, lambda one: one.status in statuses and type in (None, one.type))
        return newest(found, limit, before, lambda one: one.id)
