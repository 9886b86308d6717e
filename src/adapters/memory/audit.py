"""The audit trail in memory."""

from datetime import datetime
from uuid import UUID

from ...application.audit import Line, Sought
from ...application.identity import SESSIONS
from ...application.work import PRIVATE_PARTS, RUNS, PrivatePart, Run
from .storage import MemoryStorage


class CommandLog:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def lines(self, sought: Sought, limit: int) -> list[Line]:
        found = self._storage.all(RUNS, lambda run: _is_sought(run, sought))
        lines = [self._line(run) for run in sorted(found, key=_place, reverse=True)]
        return [one for one in lines if sought.address in (None, one.address)][:limit]

    async def line(self, user_id: UUID, key: str) -> tuple[Line, PrivatePart | None] | None:
        run = self._storage.find(RUNS.key(user_id, key))
        if run is None:
            return None
        return self._line(run), self._storage.find(PRIVATE_PARTS.key(user_id, key))

    def _line(self, run: Run) -> Line:
        """From where: as the private part says, else as the session of the line has it."""
        private = self._storage.find(PRIVATE_PARTS.key(run.user_id, run.key))
        session = self._storage.find(SESSIONS.key(run.user_id, run.credential_id))
        return Line(run, (private.address if private else "") or (session.address if session else ""))


def _place(run: Run) -> tuple[datetime, UUID, str]:
    return run.recorded_at, run.user_id, run.key


def _is_sought(run: Run, sought: Sought) -> bool:
    return (
        sought.actor_id in (None, run.user_id)
        and sought.name in (None, run.name)
        and sought.request_id in (None, run.request_id)
        and (sought.books or run.touched is not None)
        and set(sought.touched) <= set(run.touched or ())
        and (sought.since is None or sought.since <= run.recorded_at)
        and (sought.until is None or run.recorded_at < sought.until)
        and (sought.before is None or _place(run) < sought.before)
    )
