"""Payments over HTTP. How one goes in the sandbox is told where investments are, which it settles."""

from uuid import UUID

from ....application import payments
from ....application.pages import Limit, Page
from ....application.payments import Checkout, PaymentView, PaymentWithReceipts, ProviderName
from ....domain.payments import DisputeState, PaymentState, Purpose
from ..ask import Ask
from ..routes import ADMINS, SIGNED_IN, get, post


@get("/payments", allow=SIGNED_IN)
async def list_payments(
    ask: Ask,
    user_id: UUID | None = None,
    status: PaymentState | None = None,
    purpose: Purpose | None = None,
    provider: ProviderName | None = None,
    disputed: DisputeState | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[PaymentView]:
    """List payments, newest first: one's own, or for administrators anybody's."""
    question = payments.ListPayments(
        user_id=user_id,
        state=status,
        purpose=purpose,
        provider=provider,
        disputed=disputed,
        limit=limit,
        cursor=cursor,
    )
    return await ask.read(payments.listing, question)


@get("/payments/{payment_id:uuid}", allow=SIGNED_IN)
async def show_payment(payment_id: UUID, ask: Ask, user_id: UUID | None = None) -> PaymentWithReceipts:
    """Read a payment with its receipts: one's own, or a member's for administrators."""
    question = payments.GetPayment(user_id=user_id or ask.actor.user_id, payment_id=payment_id)
    return await ask.read(payments.payment, question)


@get("/payments/{payment_id:uuid}/checkout", allow=SIGNED_IN, statuses=(404, 409))
async def checkout(payment_id: UUID, ask: Ask) -> Checkout:
    """Ask for what the provider's form needs to let one pay: it is never stored."""
    wanted = payments.GetPayment(user_id=ask.actor.user_id, payment_id=payment_id)
    return await payments.checkout(wanted, ask.runner, ask.gateway, ask.actor)


@post("/payments/{payment_id:uuid}/refunds", allow=ADMINS, moves=True, status_code=200)
async def refund(payment_id: UUID, user_id: UUID, data: payments.GiveBack, ask: Ask) -> PaymentView:
    """Give a part of a member's payment back, never more than is left of it."""
    command = payments.RefundPayment(
        user_id=user_id, payment_id=payment_id, amount_cents=data.amount_cents, reason=data.reason
    )
    owed = await ask(payments.refund, command)
    return await payments.refund_now(owed, ask.runner, ask.gateway, ask.actor)


HANDLERS = [list_payments, show_payment, checkout, refund]
