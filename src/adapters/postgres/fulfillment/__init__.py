"""Shipments in PostgreSQL. Home: `user_id`, with the order that they belong to."""

from .checks import PromiseChecks
from .reading import FulfillmentQueries
from .tables import STORED

__all__ = ["STORED", "FulfillmentQueries", "PromiseChecks"]
