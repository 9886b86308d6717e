"""The command log and the events in PostgreSQL. Home: `user_id`."""

from sqlalchemy import Index, Text

from ...application import work as app
from .rows import Stored
from .schema import Bytes, Json, Time, Uuid, field, table

command_log = table(
    "command_log",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("key", Text, primary_key=True),
    field("name", Text),
    field("digest", Bytes),
    field("actor_id", Uuid),
    field("role", Text),
    field("address", Text),
    field("request_id", Text),
    field("result", Bytes),
    field("recorded_at", Time),
)
event = table(
    "event",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("type", Text),
    field("body", Json),
    field("run_key", Text),
    field("recorded_at", Time),
)
Index("event_recorded_at_idx", event.c.recorded_at, postgresql_using="brin")

STORED = (Stored(app.RUNS, command_log), Stored(app.HAPPENINGS, event))
