"""The command log, what is private of it, and the events in PostgreSQL. Home: `user_id`.

What points cost is not told of them here, so that most lines touch nothing and no index but that of their
key: the others are found by when, by whom and by what or whom they touched.
"""

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
    field("origin", Text),
    field("request_id", Text),
    field("result", Bytes),
    field("recorded_at", Time),
    field("credential_id", Uuid, nullable=True),
    field("changes", Json, nullable=True),
    field("touched", Json, nullable=True),
)
private_part = table(
    "private_part",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("key", Text, primary_key=True),
    field("digest", Bytes),
    field("result", Bytes),
    field("address", Text),
    field("recorded_at", Time),
    field("changes", Json, nullable=True),
    field("subjects", Json, nullable=True),
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
Index("command_log_recorded_at_idx", command_log.c.recorded_at, postgresql_using="brin")
_TOUCHING = command_log.c.touched.is_not(None)
Index(
    "command_log_time_idx",
    command_log.c.recorded_at,
    command_log.c.user_id,
    command_log.c.key,
    postgresql_where=_TOUCHING,
)
Index(
    "command_log_actor_idx",
    command_log.c.user_id,
    command_log.c.recorded_at,
    command_log.c.key,
    postgresql_where=_TOUCHING,
)
Index("command_log_request_idx", command_log.c.request_id, postgresql_where=_TOUCHING)
Index(
    "command_log_touched_idx",
    command_log.c.touched,
    postgresql_using="gin",
    postgresql_ops={"touched": "jsonb_path_ops"},
    postgresql_where=_TOUCHING,
)
Index(
    "private_part_subjects_idx",
    private_part.c.subjects,
    postgresql_using="gin",
    postgresql_ops={"subjects": "jsonb_path_ops"},
    postgresql_where=private_part.c.subjects.is_not(None),
)
Index(
    "private_part_address_idx",
    private_part.c.address,
    private_part.c.recorded_at,
    postgresql_where=private_part.c.address != "",
)
Index("event_recorded_at_idx", event.c.recorded_at, postgresql_using="brin")

RUNS, PRIVATE_PARTS = Stored(app.RUNS, command_log), Stored(app.PRIVATE_PARTS, private_part)
STORED = (RUNS, PRIVATE_PARTS, Stored(app.HAPPENINGS, event))
