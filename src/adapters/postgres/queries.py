"""The read side of every context on PostgreSQL."""

from .database import Database
from .identity import IdentityQueries
from .points import PointsQueries


class PostgresQueries:
    def __init__(self, database: Database) -> None:
        self.identity = IdentityQueries(database)
        self.points = PointsQueries(database)
