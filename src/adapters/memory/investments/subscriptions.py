"""The read side of subscriptions in memory."""

from datetime import datetime
from uuid import UUID

from ....application.investments import CHARGES, PORTIONS, SUBSCRIPTIONS, Charged, Due, Subscribed
from ....application.payments import PAYMENTS
from ....domain.investments.subscriptions import Charge, Subscription
from ..storage import MemoryStorage, newest


class SubscriptionsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def subscription(self, user_id: UUID, id: UUID, payment_id: UUID | None) -> Subscribed | None:
        found = self._storage.find(SUBSCRIPTIONS.key(user_id, id))
        if found is None:
            return None
        charge = self._storage.find(CHARGES.key(user_id, payment_id or found.payment_id))
        of_it = charge is not None and charge.subscription_id == id
        return Subscribed(found, self._charged(charge)) if charge and of_it else None

    async def subscriptions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Subscribed]:
        mine = self._storage.group(SUBSCRIPTIONS, "owner", user_id)
        return [self._with_last(one) for one in newest(mine, limit, before, lambda one: one.id)]

    async def charges(self, user_id: UUID, id: UUID) -> list[Charged]:
        found = self._storage.all(CHARGES, lambda one: (one.user_id, one.subscription_id) == (user_id, id))
        return [self._charged(one) for one in sorted(found, key=lambda one: -one.attempt)]

    async def due(self, at: datetime, limit: int, after: Due | None) -> list[Due]:
        found = [place for place in self._due(at) if after is None or place > _place(after)]
        return [Due(*place) for place in sorted(found)[:limit]]

    async def count_due(self, at: datetime) -> int:
        return len(self._due(at))

    def _due(self, at: datetime) -> list[tuple[datetime, UUID, UUID]]:
        known = self._storage.all(SUBSCRIPTIONS)
        return [
            (one.due_at, one.user_id, one.id) for one in known if one.due_at is not None and one.due_at <= at
        ]

    def _with_last(self, one: Subscription) -> Subscribed:
        charge = self._storage.find(CHARGES.key(one.user_id, one.payment_id))
        assert charge is not None, f"the last charge of the subscription {one.id} is there"
        return Subscribed(one, self._charged(charge))

    def _charged(self, charge: Charge) -> Charged:
        payment = self._storage.find(PAYMENTS.key(charge.user_id, charge.payment_id))
        assert payment is not None, f"the payment of the charge {charge.payment_id} is there"
        portions = self._storage.group(PORTIONS, "charge", charge.user_id, charge.payment_id)
        return Charged(charge, payment, tuple(one for one in portions if one.state == "taken"))


def _place(due: Due) -> tuple[datetime, UUID, UUID]:
    return due.due_at, due.user_id, due.subscription_id
