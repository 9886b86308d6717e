"""A payment provider that only pretends: no money moves, and each payment goes as it is told."""

from uuid import UUID

from ...application.payments import Behaviour, Intent, NewsOutcome, Notification, RefundNews
from ...domain import shared
from ...domain.payments import Purpose

PREFIX = "sandbox_"
DECLINED = "card_declined"
NEWS: dict[Behaviour, tuple[NewsOutcome, ...]] = {
    "succeeds": ("succeeded",),
    "fails": ("failed",),
    "late": ("expired", "succeeded"),
    "repeats": ("succeeded", "succeeded", "succeeded"),
}
"""What it tells, in this order."""


class SandboxGateway:
    """Deterministic and idempotent. A reference says all there is to know of a payment, so that those of
    before a restart can still be paid; what was refunded is remembered by key, until a restart."""

    name = "sandbox"

    def __init__(self) -> None:
        self._refunds: dict[str, dict[str, int]] = {}

    async def create(self, payment_id: UUID, amount: shared.Money, purpose: Purpose) -> Intent:
        return Intent(f"{PREFIX}{payment_id.hex}", f"/v1/payments/{payment_id}/sandbox")

    async def refund(self, reference: str, amount_cents: int, key: str) -> RefundNews:
        """Raises NotFound for a payment that is not of the sandbox."""
        refunds = self._refunds.setdefault(_known(reference), {})
        refunds.setdefault(key, amount_cents)
        return RefundNews(sum(refunds.values()))

    def pay(self, reference: str, behaviour: Behaviour) -> tuple[Notification, ...]:
        """Raises NotFound for a payment that is not of the sandbox."""
        known = _known(reference)
        reasons = {"failed": DECLINED, "expired": "not_paid_in_time"}
        return tuple(Notification(known, outcome, reasons.get(outcome, "")) for outcome in NEWS[behaviour])


def _known(reference: str) -> str:
    if not reference.startswith(PREFIX):
        raise shared.NotFound(kind="payment", id=reference)
    return reference
