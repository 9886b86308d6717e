"""Where a member stands, in memory."""

from datetime import datetime
from uuid import UUID

from ....application.investments import INVESTMENTS, SUBSCRIPTIONS
from ....application.investments.standing import Facts
from ....application.payments import PAYMENTS
from ....domain.investments.subscriptions import is_live
from ....domain.payments import Payment
from ..storage import MemoryStorage


class StandingQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def paid(self, user_id: UUID, since: datetime) -> list[Payment]:
        mine = self._storage.group(PAYMENTS, "owner", user_id)
        return [one for one in mine if one.settled_at is None or one.settled_at >= since]

    async def facts(self, user_id: UUID) -> Facts:
        shares = self._storage.group(INVESTMENTS, "owner", user_id)
        held = self._storage.group(SUBSCRIPTIONS, "owner", user_id)
        return Facts(sum(one.state == "active" for one in shares), sum(map(is_live, held)))
