"""The read side of fulfilment in memory."""

from .checks import PromiseChecks
from .reading import FulfillmentQueries

__all__ = ["FulfillmentQueries", "PromiseChecks"]
