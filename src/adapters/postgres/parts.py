"""The parts of a record, found with it by one statement."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by


def gathered(of: Any, place: Any, *where: Any) -> Any:
    """The rows of a part that fit, as one JSON array ordered by `place`: read by `msgspec` as records."""
    rows = func.jsonb_agg(aggregate_order_by(func.to_jsonb(of.table_valued()), place))
    return select(func.coalesce(rows, func.jsonb_build_array())).where(*where).scalar_subquery()
