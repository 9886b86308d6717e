"""The read side of payments in memory."""

from datetime import datetime
from uuid import UUID

from ...application.payments import (
    DISPUTES,
    PAYMENT_REFERENCES,
    PAYMENTS,
    RECEIPTS,
    REFUNDS,
    WEBHOOK_EVENTS,
    PaymentReference,
    Receipted,
    Sought,
    is_unsettled,
)
from ...domain.payments import EventState, Payment, WebhookEvent
from .storage import MemoryStorage, newest


class PaymentsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def payment(self, user_id: UUID, payment_id: UUID) -> Receipted | None:
        payment = self._storage.find(PAYMENTS.key(user_id, payment_id))
        if payment is None:
            return None
        receipts = self._storage.group(RECEIPTS, "payment", user_id, payment_id)
        refunds = self._storage.group(REFUNDS, "payment", user_id, payment_id)
        disputes = self._storage.all(
            DISPUTES, lambda one: (one.user_id, one.payment_id) == (user_id, payment_id)
        )
        disputes = sorted(disputes, key=lambda one: one.opened_at)
        return Receipted(payment, tuple(receipts), tuple(refunds), tuple(disputes))

    async def payments(self, sought: Sought, limit: int, before: UUID | None) -> list[Payment]:
        filters = [name for name in Sought.__struct_fields__ if getattr(sought, name) is not None]
        found = self._storage.all(
            PAYMENTS, lambda one: all(getattr(one, name) == getattr(sought, name) for name in filters)
        )
        return newest(found, limit, before, lambda one: one.id)

    async def reference(self, provider: str, value: str) -> PaymentReference | None:
        return self._storage.find(PAYMENT_REFERENCES.key(value, provider))

    async def refunds_due(self, limit: int, user_id: UUID | None, payment_id: UUID | None) -> list[Payment]:
        found = self._storage.all(PAYMENTS, lambda one: one.state == "refund_due")
        wanted = [one for one in found if user_id in (None, one.user_id) and payment_id in (None, one.id)]
        return sorted(wanted, key=lambda one: one.id)[:limit]

    async def unsettled(
        self, provider: str, before: datetime, after: UUID | None, limit: int
    ) -> list[Payment]:
        found = self._storage.all(PAYMENTS, lambda one: is_unsettled(one) and one.provider == provider)
        wanted = [one for one in found if one.created_at < before and (after is None or one.id > after)]
        return sorted(wanted, key=lambda one: one.id)[:limit]


class EventsQueries:
    """The read side of the inbox."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def event(self, provider: str, id: str) -> WebhookEvent | None:
        return self._storage.find(WEBHOOK_EVENTS.key(id, provider))

    async def events(
        self,
        provider: str | None,
        state: EventState | None,
        limit: int,
        before: tuple[datetime, str] | None,
    ) -> list[WebhookEvent]:
        def place(one: WebhookEvent) -> tuple[datetime, str]:
            return (one.received_at, one.id)

        found = self._storage.all(
            WEBHOOK_EVENTS, lambda one: provider in (None, one.provider) and state in (None, one.state)
        )
        wanted = [one for one in found if before is None or place(one) < before]
        return sorted(wanted, key=place, reverse=True)[:limit]

    async def due(self, provider: str, now: datetime, limit: int) -> list[WebhookEvent]:
        mine = self._storage.all(WEBHOOK_EVENTS, lambda one: one.provider == provider)
        waiting = [
            (one.next_at, one.id, one) for one in mine if one.next_at is not None and one.next_at <= now
        ]
        return [one for _, _, one in sorted(waiting, key=lambda place: place[:2])][:limit]

    async def old(self, before: datetime, limit: int) -> list[WebhookEvent]:
        found = self._storage.all(
            WEBHOOK_EVENTS,
            lambda one: (
                one.state in ("handled", "ignored") and one.forgotten_at is None and one.received_at < before
            ),
        )
        return sorted(found, key=lambda one: (one.received_at, one.id))[:limit]
