"""The read side of investments in memory."""

from uuid import UUID

from ....application.investments import INVESTMENTS, Paid
from ....application.payments import PAYMENTS
from ....domain.investments import Investment
from ..storage import MemoryStorage, newest


class InvestmentsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def investment(self, user_id: UUID, investment_id: UUID) -> Paid | None:
        found = self._storage.find(INVESTMENTS.key(user_id, investment_id))
        return self._paid(found) if found else None

    async def investments(self, user_id: UUID, limit: int, before: UUID | None) -> list[Paid]:
        mine = self._storage.group(INVESTMENTS, "owner", user_id)
        return [self._paid(one) for one in newest(mine, limit, before, lambda one: one.id)]

    def _paid(self, one: Investment) -> Paid:
        payment = self._storage.find(PAYMENTS.key(one.user_id, one.payment_id))
        assert payment is not None, f"the payment of the investment {one.id} is there"
        return Paid(one, payment)
