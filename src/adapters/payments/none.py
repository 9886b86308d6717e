"""What stands where no payment provider is set up: it never answers."""

from collections.abc import Mapping
from datetime import datetime

from ...application.payments import (
    Asked,
    GatewayUnavailable,
    Heard,
    Intent,
    Notification,
    RefundNews,
    Standing,
    WebhookRefused,
)


class NoProvider:
    """Takes no money, gives none back, and signs nothing."""

    name = "none"

    async def create(self, asked: Asked) -> Intent:
        raise GatewayUnavailable

    async def charge(self, asked: Asked, means: str) -> Notification:
        raise GatewayUnavailable

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        raise GatewayUnavailable

    async def look(self, reference: str) -> Standing:
        raise GatewayUnavailable

    async def cancel(self, reference: str) -> Standing:
        raise GatewayUnavailable

    def read(self, headers: Mapping[str, str], body: bytes) -> Heard:
        raise WebhookRefused

    def parse(self, body: str) -> Heard:
        raise WebhookRefused
