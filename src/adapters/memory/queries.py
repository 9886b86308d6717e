"""The read side of every context in memory."""

from .identity import IdentityQueries
from .partners import PartnersQueries
from .points import PointsQueries
from .projects import ProjectsQueries
from .storage import MemoryStorage


class MemoryQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self.identity = IdentityQueries(storage)
        self.points = PointsQueries(storage)
        self.partners = PartnersQueries(storage)
        self.projects = ProjectsQueries(storage)
