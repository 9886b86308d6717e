"""Pages of a listing: a limit and an opaque cursor that stays right while rows are added.

And one item of it, by a reference that is its id or its slug.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import msgspec

from ..domain import shared

V = TypeVar("V")
T = TypeVar("T")

Limit = Annotated[int, msgspec.Meta(ge=1, le=100, description="How many items a page holds.")]
Reference = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=100, pattern=r"^[^\x00-\x20\x7f]+\Z", description="An id or a slug."
    ),
]


class InvalidCursor(shared.Malformed):
    message = "This cursor was not made by this listing: take `next_cursor` of the page before."


class Page(shared.Record, Generic[V]):
    """One page of a listing. `next_cursor` is opaque; null on the last page."""

    items: tuple[V, ...]
    next_cursor: str | None = None


def page_of(found: Sequence[V], limit: int, place_of: Callable[[V], object]) -> Page[V]:
    """The page of what a query found when it looked for one item more than `limit`.

    `place_of` gives the value that the listing is ordered by; the cursor holds that of the last item.
    """
    shown = tuple(found[:limit])
    more = len(found) > limit
    return Page(shown, urlsafe_b64encode(str(place_of(shown[-1])).encode()).decode() if more else None)


def _place(cursor: str | None, read: Callable[[str], T]) -> T | None:
    if cursor is None:
        return None
    try:
        return read(urlsafe_b64decode(cursor.encode()).decode())
    except ValueError:
        raise InvalidCursor from None


def int_of(cursor: str | None) -> int | None:
    """The number that a cursor holds. Raises InvalidCursor."""
    place = _place(cursor, int)
    if place is not None and not 0 <= place < 2**63:
        raise InvalidCursor
    return place


def uuid_of(cursor: str | None) -> UUID | None:
    """The id that a cursor holds. Ids are UUIDv7: their order is the order of creation."""
    return _place(cursor, UUID)


def moment_of(cursor: str | None) -> tuple[datetime, str] | None:
    """The time and the name that a cursor holds, for listings by time of what has no id of ours."""

    def read(text: str) -> tuple[datetime, str]:
        at, _, name = text.partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not name.isprintable():
            raise ValueError(text)
        return moment, name

    return _place(cursor, read)


def id_of(reference: str) -> UUID | None:
    """The id that a reference is; None for a slug."""
    try:
        return UUID(reference) if len(reference) == 36 else None
    except ValueError:
        return None


def text_of(cursor: str | None) -> str | None:
    """The text that a cursor holds."""
    return _place(cursor, str)
