"""Payments and their refunds as the functions of the domain see them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from baobab.domain import payments, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
MEMBER, PAYMENT, INVESTMENT, RECEIPT, REFUND = (UUID(int=number) for number in range(1, 6))
TOLD = (MEMBER, PAYMENT, "investment", INVESTMENT)
UNPAID: list[payments.PaymentState] = ["pending", "failed", "cancelled"]


def payment(**changes: Any) -> payments.Payment:
    given = payments.Payment(
        user_id=MEMBER,
        id=PAYMENT,
        purpose="investment",
        purpose_id=INVESTMENT,
        amount_cents=5_000,
        provider="sandbox",
        expires_at=AT + timedelta(minutes=30),
        created_at=AT,
    )
    return shared.evolve(given, **changes)


def receipt(kind: payments.ReceiptKind, amount: int, reason: str = "") -> payments.Receipt:
    return payments.Receipt(MEMBER, RECEIPT, PAYMENT, kind, amount, LATER, "EUR", reason)


def owing(cents: int = 5_000, **changes: Any) -> payments.Payment:
    return payment(**{"state": "refund_due", "refund_due_cents": cents, "reason": "withdrawal"} | changes)


def quarrel(
    one: payments.Payment, known: payments.Dispute | None, state: payments.DisputeState, cents: int = 5_000
) -> payments.DisputeChange:
    news = payments.DisputeTold("dp_1", cents, state, "fraudulent")
    return payments.settle_dispute(one, known, news, RECEIPT, LATER)
