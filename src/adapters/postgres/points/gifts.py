"""What was written with gifts, in PostgreSQL. Home: `user_id`, who gave."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Text, select

from ....application.points import records as app
from ..database import Database
from ..rows import Statement, Stored, unnested
from ..schema import Uuid, field, table

gift_note = table(
    "gift_note",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("gift_id", Uuid, primary_key=True),
    field("message", Text),
)
STORED = (Stored(app.GIFT_NOTES, gift_note),)

_asked = unnested("asked", user_id=Uuid, gift_id=Uuid)
_MESSAGES = Statement(
    select(gift_note.c.gift_id, gift_note.c.message).join(
        _asked, (gift_note.c.user_id == _asked.c.user_id) & (gift_note.c.gift_id == _asked.c.gift_id)
    )
)


class GiftNotes:
    """What was written with gifts on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def messages(self, gifts: Sequence[tuple[UUID, UUID]]) -> Mapping[UUID, str]:
        givers, ids = zip(*gifts, strict=True)
        rows = await self._database.look_up(_MESSAGES, asked_user_id=givers, asked_gift_id=ids)
        return {row[0]: row[1] for row in rows}
