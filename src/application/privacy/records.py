"""What is stored and asked of privacy, and how it finds what is stored of somebody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.payments import WebhookEvent
from ...domain.privacy import Erasure, ErasureState, Grounds, Kept
from ..work import Kind, Listed, PrivatePart

MOST_ROWS = 500


class Export(shared.Record):
    """That a member's data were given out, when, to whom, on which grounds."""

    user_id: UUID
    id: UUID
    asked_by: UUID
    grounds: Grounds
    at: datetime


ERASURES = Kind(
    Erasure,
    "erasure",
    ("user_id",),
    {"begun": Listed((), most=100)},
    root=True,
    live=lambda one: one.state == "begun",
    changes=("state", "done_at", "kept"),
)
EXPORTS = Kind(Export, "export", ("user_id", "id"), changes=())
KINDS: tuple[Kind[Any], ...] = (ERASURES, EXPORTS)


class EraseMe(shared.Command, kw_only=True):
    """Erase oneself, for good. `give_up_points`: that points which are left are given up."""

    give_up_points: bool = False


class EraseOther(EraseMe, kw_only=True):
    """Erase somebody, for good, and on which grounds."""

    grounds: Grounds


class Erase(EraseOther, kw_only=True):
    """Begin to erase a member."""

    user_id: UUID


class EraseRows(shared.Command, kw_only=True):
    """Make some rows of a table neutral that are a member's, by their keys as JSON."""

    user_id: UUID
    table: str
    keys: shared.Personal[Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_ROWS)]]


class Finish(shared.Command, kw_only=True):
    """Write down that a member is erased, and what stays: how many rows of each table."""

    user_id: UUID
    rows: dict[str, int]


class NoteExport(shared.Command, kw_only=True):
    """Write down that a member's data are given out."""

    user_id: UUID
    grounds: Grounds = "own_wish"


class RowsOf(shared.Query, kw_only=True):
    """Rows of a table that are a member's, in the order of their keys, after one of them (as JSON)."""

    user_id: UUID
    table: str
    after: str | None = None


class TouchedBy(shared.Query, kw_only=True):
    """What touched a member, newest first."""

    user_id: UUID
    cursor: str | None = None


class Of(shared.Query, kw_only=True):
    """Whose."""

    user_id: UUID


class Unfinished(shared.Query):
    """Whose erasure was begun and is not done."""


class ErasureView(shared.Record):
    """Where an erasure stands; once it is done, what stays of each table, why and until when."""

    user_id: UUID
    state: ErasureState
    grounds: Grounds
    begun_at: datetime
    done_at: datetime | None
    kept: tuple[Kept, ...]


class PrivacyQueries(Protocol):
    """What is stored of somebody, in whichever table."""

    kinds: Sequence[Kind[Any]]
    """Every kind that is stored."""

    async def rows(
        self, kind: Kind[Any], user_id: UUID, after: tuple[Any, ...] | None, limit: int
    ) -> list[Any]:
        """The records of a kind that are a member's, by key."""
        ...

    async def spoken_of(self, user_id: UUID, limit: int) -> list[PrivatePart]:
        """What is private of what others did to a member."""
        ...

    async def messages(self, user_id: UUID, limit: int) -> list[WebhookEvent]:
        """What a provider sent of a member, as its ids of them and their payments tell, that was not known to
        be theirs and whose content is still kept."""
        ...

    async def counts(self, user_id: UUID) -> Mapping[str, int]:
        """How many rows of each table are a member's."""
        ...

    async def erasure(self, user_id: UUID) -> Erasure | None: ...

    async def begun(self) -> list[UUID]:
        """Some whose erasure is not done."""
        ...


class HasPrivacy(Protocol):
    @property
    def privacy(self) -> PrivacyQueries: ...
