"""What stands where no payment provider is set up: it never answers."""

from uuid import UUID

from ...application.payments import GatewayUnavailable, Intent, RefundNews
from ...domain.payments import Purpose
from ...domain.shared import Money


class NoProvider:
    """Takes no money, and gives none back."""

    name = "none"

    async def create(self, payment_id: UUID, amount: Money, purpose: Purpose) -> Intent:
        raise GatewayUnavailable

    async def refund(self, reference: str, amount_cents: int, key: str) -> RefundNews:
        raise GatewayUnavailable
