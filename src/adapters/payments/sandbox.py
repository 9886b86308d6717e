"""A payment provider that only pretends: no money moves, and each payment goes as it is told."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from ...application.payments import (
    Asked,
    Behaviour,
    Heard,
    Intent,
    NewsOutcome,
    Notification,
    RefundNews,
    Standing,
    WebhookRefused,
)
from ...domain import shared

PREFIX = "sandbox_"
DECLINED = "card_declined"
MEANS: dict[str, NewsOutcome] = {
    "sandbox_card": "succeeded",
    "sandbox_declined": "failed",
    "sandbox_slow": "pending",
}
"""What comes of charging kept means of payment. A member who pays keeps the first."""
NEWS: dict[Behaviour, tuple[NewsOutcome, ...]] = {
    "succeeds": ("succeeded",),
    "fails": ("failed",),
    "late": ("expired", "succeeded"),
    "repeats": ("succeeded", "succeeded", "succeeded"),
}
"""What it tells, in this order."""
REASONS = {"failed": DECLINED, "expired": "not_paid_in_time"}


class SandboxGateway:
    """Deterministic and idempotent. A reference says all there is to know of a payment, so that those of
    before a restart can still be paid; what was told, charged and refunded is remembered until a restart."""

    name = "sandbox"

    def __init__(self) -> None:
        self._refunds: dict[str, dict[str, RefundNews]] = {}
        self._told: dict[str, Notification] = {}
        self._saved: dict[str, str] = {}

    async def create(self, asked: Asked) -> Intent:
        reference = f"{PREFIX}{asked.payment_id.hex}"
        customer = (asked.customer or f"{PREFIX}{asked.user_id.hex}") if asked.saved else ""
        if asked.saved:
            self._saved[reference] = customer
        return Intent(reference, f"/v1/payments/{asked.payment_id}/sandbox", customer)

    async def charge(self, asked: Asked, means: str) -> Notification:
        """What comes of it is said by the means. Raises NotFound where they are not of the sandbox."""
        if means not in MEANS:
            raise shared.NotFound(kind="means of payment", id=means)
        intent = await self.create(asked)
        told = self._news(intent.reference, MEANS[means])
        return self._told.setdefault(
            intent.reference, shared.evolve(told, customer=asked.customer, means=means)
        )

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        """Raises NotFound for a payment that is not of the sandbox."""
        refunds = self._refunds.setdefault(_known(reference), {})
        news = RefundNews(reference, f"refund_{key}", amount_cents, key=key)
        return refunds.setdefault(key, news)

    async def look(self, reference: str) -> Standing:
        told = self._told.get(_known(reference), Notification(reference, "pending"))
        payment_id = UUID(hex=reference.removeprefix(PREFIX))
        return Standing(told, tuple(self._refunds.get(reference, {}).values()), payment_id=payment_id)

    async def cancel(self, reference: str) -> Standing:
        standing = await self.look(reference)
        if standing.news.outcome == "pending":
            self._told[reference] = self._news(reference, "expired")
        return await self.look(reference)

    def read(self, headers: Mapping[str, str], body: bytes) -> Heard:
        """It sends no messages."""
        raise WebhookRefused

    def parse(self, body: str) -> Heard:
        raise WebhookRefused

    def pay(self, reference: str, behaviour: Behaviour) -> tuple[Notification, ...]:
        """Raises NotFound for a payment that is not of the sandbox."""
        told = tuple(self._news(_known(reference), outcome) for outcome in NEWS[behaviour])
        self._told[reference] = told[-1]
        return told

    def _news(self, reference: str, outcome: NewsOutcome) -> Notification:
        customer = self._saved.get(reference, "")
        means = next(iter(MEANS)) if customer and outcome == "succeeded" else ""
        return Notification(reference, outcome, REASONS.get(outcome, ""), customer=customer, means=means)


def _known(reference: str) -> str:
    if not reference.startswith(PREFIX):
        raise shared.NotFound(kind="payment", id=reference)
    return reference
