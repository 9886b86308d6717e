"""Stock in PostgreSQL. Home: `product_id`. Nothing refers to it by foreign key: it is hot."""

from .checks import StockChecks
from .reading import InventoryQueries
from .tables import STORED

__all__ = ["STORED", "InventoryQueries", "StockChecks"]
