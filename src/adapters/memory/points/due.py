"""Whose points are due to end or to be warned of, in memory."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from ....application.points import HOLDS, LOTS
from ....application.points.sweeping import Tally, Task
from ....domain import points
from ..storage import MemoryStorage

_Due = dict[UUID, list[int]]
"""By owner, what is due of each lot."""


class PointsDue:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def find(
        self, task: Task, unit: str, at: datetime, after: UUID, limit: int, skip: int
    ) -> list[UUID]:
        owners = {*self._lots(task, unit, at), *self._lapsed(task, unit, at)}
        return sorted(one for one in owners if one > after)[skip : skip + limit]

    async def count(self, task: Task, unit: str, at: datetime) -> Tally:
        due, holds = self._lots(task, unit, at), self._lapsed(task, unit, at)
        amounts = [amount for some in due.values() for amount in some]
        return Tally(len({*due, *holds}), len(amounts), sum(amounts), len(holds))

    def _lots(self, task: Task, unit: str, at: datetime) -> _Due:
        live = self._storage.all(HOLDS, lambda hold: hold.unit == unit)
        held = points.held_by_lot(live, at)
        due: _Due = defaultdict(list)
        for lot in self._storage.all(LOTS, lambda one: one.unit == unit):
            ended = lot.remaining - held.get(lot.id, 0) if lot.expires_at <= at else 0
            warned = 0 if points.threshold(lot, at) is None else lot.remaining
            if amount := ended if task == "expiry" else warned:
                due[lot.user_id].append(amount)
        return due

    def _lapsed(self, task: Task, unit: str, at: datetime) -> list[UUID]:
        """The owners of holds past their limit."""
        if task == "warning":
            return []
        holds = self._storage.all(HOLDS, lambda one: one.unit == unit and one.state == "held")
        return [hold.user_id for hold in holds if hold.expires_at <= at]
