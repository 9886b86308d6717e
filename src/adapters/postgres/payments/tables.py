"""Payments in PostgreSQL. Home: `user_id`; what a provider knows one by has a row that names its owner."""

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Text, text

from ....application import payments as app
from ....domain import payments
from ..rows import Stored, plain
from ..schema import Int, Time, Uuid, field, holds, one_of, table

payment = table(
    "payment",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("purpose", Text),
    field("purpose_id", Uuid),
    field("amount_cents", Int),
    field("provider", Text),
    field("expires_at", Time),
    field("created_at", Time),
    field("currency", Text),
    field("reference", Text),
    field("pay_url", Text),
    field("state", Text),
    field("refund_due_cents", Int),
    field("refunded_cents", Int),
    field("reason", Text),
    field("settled_at", Time, nullable=True),
    field("saved", Boolean),
    field("customer", Text),
    field("disputed", Text),
    field("charged_back_cents", Int),
    one_of("purpose", payments.Purpose),
    one_of("state", payments.PaymentState),
    one_of("disputed", payments.Disputed),
    holds("amount_cents", "amount_cents > 0"),
    holds("refund_due_cents", "refund_due_cents >= 0 and (refund_due_cents > 0) = (state = 'refund_due')"),
    holds("refunded_cents", "refunded_cents >= 0"),
    holds("charged_back_cents", "charged_back_cents >= 0"),
    holds("kept", "refunded_cents + refund_due_cents + charged_back_cents <= amount_cents"),
)
is_due = plain(payment.c.state == "refund_due")
is_unsettled = text(f"({plain(app.is_unsettled(payment.c))})")  # alternatives, beside other conditions
Index("payment_refund_due_idx", payment.c.user_id, payment.c.id, postgresql_where=is_due)
Index("payment_unsettled_idx", payment.c.id, postgresql_where=is_unsettled)
receipt = table(
    "receipt",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("payment_id", Uuid),
    field("kind", Text),
    field("amount_cents", Int),
    field("issued_at", Time),
    field("currency", Text),
    field("reason", Text),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("kind", payments.ReceiptKind),
    holds("amount_cents", "amount_cents > 0"),
)
Index("receipt_payment_idx", receipt.c.user_id, receipt.c.payment_id)
refund = table(
    "refund",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("payment_id", Uuid),
    field("amount_cents", Int),
    field("reason", Text),
    field("asked_at", Time),
    field("state", Text),
    field("reference", Text),
    field("settled_at", Time, nullable=True),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("state", payments.RefundState),
    holds("amount_cents", "amount_cents > 0"),
)
Index("refund_payment_idx", refund.c.user_id, refund.c.payment_id)
dispute = table(
    "dispute",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("payment_id", Uuid, primary_key=True),
    field("reference", Text, primary_key=True),
    field("amount_cents", Int),
    field("state", Text),
    field("reason", Text),
    field("opened_at", Time),
    field("closed_at", Time, nullable=True),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("state", payments.DisputeState),
    holds("amount_cents", "amount_cents > 0"),
)
payment_reference = table(
    "payment_reference",
    "value",
    field("value", Text, primary_key=True),
    field("provider", Text, primary_key=True),
    field("user_id", Uuid),
    field("payment_id", Uuid),
)

PAYMENTS = Stored(app.PAYMENTS, payment)
RECEIPTS = Stored(app.RECEIPTS, receipt)
REFUNDS = Stored(app.REFUNDS, refund)
DISPUTES = Stored(app.DISPUTES, dispute)
PAYMENT_REFERENCES = Stored(app.PAYMENT_REFERENCES, payment_reference)
STORED = (PAYMENTS, RECEIPTS, REFUNDS, DISPUTES, PAYMENT_REFERENCES)
