"""The read side of every context in memory."""

from .identity import IdentityQueries
from .points import PointsQueries
from .storage import MemoryStorage


class MemoryQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self.identity = IdentityQueries(storage)
        self.points = PointsQueries(storage)
