"""The read side of inventory in memory."""

from .checks import StockChecks
from .reading import InventoryQueries

__all__ = ["InventoryQueries", "StockChecks"]
