"""The points ledger in PostgreSQL. Home: `user_id`."""

from . import audit, gifts, openings, seals, tables
from .audit import AuditQueries
from .due import PointsDue
from .gifts import GiftNotes
from .reading import PointsQueries
from .reports import PointsReports
from .seals import SealQueries
from .tables import lot

__all__ = [
    "STORED",
    "AuditQueries",
    "GiftNotes",
    "PointsDue",
    "PointsQueries",
    "PointsReports",
    "SealQueries",
    "lot",
]

STORED = (*tables.STORED, *seals.STORED, *audit.STORED, *openings.STORED, *gifts.STORED)
