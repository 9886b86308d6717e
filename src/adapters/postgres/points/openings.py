"""What was brought from other systems, in PostgreSQL. Home: `source_id`, made of unit and reference."""

from sqlalchemy import Boolean, Text

from ....application.points import importing as app
from ..rows import Stored
from ..schema import Int, Time, Uuid, field, holds, table

opening = table(
    "opening",
    "source_id",
    field("source_id", Uuid, primary_key=True),
    field("unit", Text),
    field("reference", Text),
    field("user_id", Uuid),
    field("amount", Int),
    field("funded", Boolean),
    field("expires_at", Time),
    field("recorded_at", Time),
    holds("amount", "amount > 0"),
)

STORED = (Stored(app.OPENINGS, opening),)
