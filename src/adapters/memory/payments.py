"""The read side of payments in memory."""

from uuid import UUID

from ...application.payments import PAYMENT_REFERENCES, PAYMENTS, RECEIPTS, PaymentReference, Receipted
from ...domain.payments import Payment
from .storage import MemoryStorage


class PaymentsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def payment(self, user_id: UUID, payment_id: UUID) -> Receipted | None:
        payment = self._storage.find(PAYMENTS.key(user_id, payment_id))
        receipts = self._storage.group(RECEIPTS, "payment", user_id, payment_id)
        return Receipted(payment, tuple(receipts)) if payment else None

    async def reference(self, provider: str, value: str) -> PaymentReference | None:
        return self._storage.find(PAYMENT_REFERENCES.key(value, provider))

    async def refunds_due(self, limit: int, user_id: UUID | None, payment_id: UUID | None) -> list[Payment]:
        found = self._storage.all(PAYMENTS, lambda one: one.state == "refund_due")
        wanted = [one for one in found if user_id in (None, one.user_id) and payment_id in (None, one.id)]
        return sorted(wanted, key=lambda one: one.id)[:limit]
