"""The read side of the points ledger in memory."""

from .audit import AuditQueries
from .due import PointsDue
from .gifts import GiftNotes
from .reading import PointsQueries
from .reports import PointsReports
from .seals import SealQueries

__all__ = ["AuditQueries", "GiftNotes", "PointsDue", "PointsQueries", "PointsReports", "SealQueries"]
