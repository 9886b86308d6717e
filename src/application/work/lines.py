"""What each run leaves: its line of the command log, what is private of it, and its events."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ...domain import shared
from .kinds import Kind


class Change(shared.Record):
    """How one record was changed: the fields that changed, as they were and as they are.

    A new record has no `old`, a removed one no `new`, and one that never changes neither: it says so itself.
    What is personal or secret shows only that it is there.
    """

    table: str
    key: dict[str, Any]
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None


class Run(shared.Record):
    """One line of the command log: the idempotency record and the audit trail at once.

    Nothing in it is personal, as it is there for good. `user_id` owns the key; `digest` and `result` (the
    stored answer as JSON) are empty where they are secret, or kept in a private part. `origin` is where a
    service or a program asked from; where a person did, their credential knows. `touched` names what and
    whom the command touched: `table/key`, `person/user_id`.
    """

    user_id: UUID
    key: str
    name: str
    digest: bytes
    actor_id: UUID
    role: str
    origin: str
    request_id: str
    result: bytes
    recorded_at: datetime
    credential_id: UUID | None = None
    changes: tuple[Change, ...] | None = None
    touched: tuple[str, ...] | None = None


class PrivatePart(shared.Record):
    """What is personal of a line of the command log, until the person is erased.

    `digest`, `result` and `changes` as the line would have them, `address` where it is not that of the
    credential; `subjects` are the others whom it speaks of.
    """

    user_id: UUID
    key: str
    digest: bytes
    result: shared.Personal[bytes]
    address: shared.Personal[str]
    recorded_at: datetime
    changes: shared.Personal[tuple[Change, ...] | None] = None
    subjects: tuple[UUID, ...] | None = None


class Happening(shared.Record):
    """An event as it is stored, in the transaction that caused it."""

    user_id: UUID
    id: UUID
    type: str
    body: str
    run_key: str
    recorded_at: datetime


RUNS = Kind(Run, "command_log", ("user_id", "key"), changes=(), unaudited="it is the audit trail")
PRIVATE_PARTS = Kind(
    PrivatePart,
    "private_part",
    ("user_id", "key"),
    changes=(),
    removable=True,
    unaudited="it is the audit trail",
)
HAPPENINGS = Kind(Happening, "event", ("user_id", "id"), changes=(), unaudited="it says what happened")
KINDS: tuple[Kind[Any], ...] = (RUNS, PRIVATE_PARTS, HAPPENINGS)
