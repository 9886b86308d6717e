"""Payments over HTTP. How one goes in the sandbox is told where investments are, which it settles."""

from uuid import UUID

from ...application import payments
from ...application.payments import PaymentWithReceipts
from .ask import Ask
from .routes import SIGNED_IN, get


@get("/payments/{payment_id:uuid}", allow=SIGNED_IN)
async def show_payment(payment_id: UUID, ask: Ask, user_id: UUID | None = None) -> PaymentWithReceipts:
    """Read a payment with its receipts: one's own, or a member's for administrators."""
    question = payments.GetPayment(user_id=user_id or ask.actor.user_id, payment_id=payment_id)
    return await ask.read(payments.payment, question)


HANDLERS = [show_payment]
