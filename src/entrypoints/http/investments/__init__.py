"""Investments over HTTP: shares, subscriptions, thinking again, and all that was paid for."""

from . import contributions, investments, subscriptions, withdrawals

__all__ = ["HANDLERS"]

HANDLERS = [
    *investments.HANDLERS,
    *subscriptions.HANDLERS,
    *withdrawals.HANDLERS,
    *contributions.HANDLERS,
]
