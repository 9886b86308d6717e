"""What was written with gifts, in memory."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from ....application.points.records import GIFT_NOTES
from ..storage import MemoryStorage


class GiftNotes:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def messages(self, gifts: Sequence[tuple[UUID, UUID]]) -> Mapping[UUID, str]:
        found = (self._storage.find(GIFT_NOTES.key(*one)) for one in gifts)
        return {note.gift_id: note.message for note in found if note is not None}
