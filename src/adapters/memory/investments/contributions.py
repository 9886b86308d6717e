"""What members paid for, in memory."""

from uuid import UUID

from ....application.investments import CHARGES, INVESTMENTS, SUBSCRIPTIONS, WITHDRAWALS
from ....application.investments.contributions import Contribution
from ....application.payments import PAYMENTS, RECEIPTS
from ....domain.payments import PAID, Payment
from ..storage import MemoryStorage, newest


class ContributionsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def contributions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Contribution]:
        mine = self._storage.all(PAYMENTS, lambda one: one.user_id == user_id and one.state in PAID)
        return [self._contribution(one) for one in newest(mine, limit, before, lambda one: one.id)]

    def _contribution(self, paid: Payment) -> Contribution:
        find, ids = self._storage.find, (paid.user_id, paid.purpose_id)
        return Contribution(
            paid,
            tuple(self._storage.group(RECEIPTS, "payment", paid.user_id, paid.id)),
            find(INVESTMENTS.key(*ids)),
            find(SUBSCRIPTIONS.key(*ids)),
            find(CHARGES.key(paid.user_id, paid.id)),
            find(WITHDRAWALS.key(paid.user_id, paid.id)),
        )
