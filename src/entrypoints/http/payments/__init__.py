"""Payments over HTTP, and what their providers send."""

from . import payments, webhooks

__all__ = ["HANDLERS"]

HANDLERS = [*payments.HANDLERS, *webhooks.HANDLERS]
