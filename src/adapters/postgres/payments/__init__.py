"""Payments in PostgreSQL. Home: `user_id`."""

from . import inbox, tables
from .inbox import EventsQueries
from .reading import PaymentsQueries
from .tables import PAYMENTS, RECEIPTS, payment, receipt

__all__ = ["PAYMENTS", "RECEIPTS", "STORED", "EventsQueries", "PaymentsQueries", "payment", "receipt"]

STORED = (*tables.STORED, *inbox.STORED)
