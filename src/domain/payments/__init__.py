"""Payments in euros: what a provider tells us, in whatever order and however often.

News that is known already, or overtaken, changes nothing and says nothing: the same payment comes
back without events. Money that arrived is never denied: success after a failure is a success.
Source: M15, M18.

    RuleForbids
    └── RefundExceedsPayment   more would go back than is left of what came
    StateForbids
    ├── PaymentReferenceDiffers   the provider knows it by another reference
    ├── PaymentAlreadyPaid        what was paid is refunded, not cancelled
    ├── AmountDiffers             what arrived is not what was asked for: for a person to see
    ├── PaymentNotPaid            there is nothing to give back
    ├── PaymentDisputed           the bank holds the money
    ├── RefundUnderWay            one refund at a time
    ├── NoRefundDue               nothing is to go back
    ├── RefundGivenUp             it failed too often
    ├── RefundDiffers             another amount went back than was asked for
    ├── DisputeContradicted       won is not lost
    ├── EventNotDue               somebody works on this message, or it rests
    └── EventForgotten            its content is no longer kept
"""

from .inbox import (
    PAUSES,
    WAITING,
    EventForgotten,
    EventNotDue,
    EventState,
    WebhookEvent,
    claim,
    close,
    fail,
    forget,
    replay,
)
from .records import (
    PAID,
    Cancelled,
    Change,
    ChargedBack,
    Declined,
    Dispute,
    Disputed,
    DisputeOpened,
    DisputeState,
    DisputeWon,
    Failed,
    Opened,
    Payment,
    PaymentEvent,
    PaymentState,
    Purpose,
    Receipt,
    ReceiptKind,
    Refund,
    Refunded,
    RefundFailed,
    RefundFellDue,
    RefundState,
    Requested,
    Succeeded,
)
from .refunding import (
    DisputeChange,
    DisputeContradicted,
    DisputeTold,
    NoRefundDue,
    PaymentDisputed,
    PaymentNotPaid,
    RefundChange,
    RefundDiffers,
    RefundExceedsPayment,
    RefundGivenUp,
    RefundTold,
    RefundUnderWay,
    begin_refund,
    owe,
    refund_due,
    settle_dispute,
    settle_refund,
)
from .settling import (
    AmountDiffers,
    PaymentAlreadyPaid,
    PaymentReferenceDiffers,
    cancelled,
    check_received,
    declined,
    failed,
    opened,
    request,
    succeeded,
)

__all__ = [
    "PAID",
    "PAUSES",
    "WAITING",
    "AmountDiffers",
    "Cancelled",
    "Change",
    "ChargedBack",
    "Declined",
    "Dispute",
    "DisputeChange",
    "DisputeContradicted",
    "DisputeOpened",
    "DisputeState",
    "DisputeTold",
    "DisputeWon",
    "Disputed",
    "EventForgotten",
    "EventNotDue",
    "EventState",
    "Failed",
    "NoRefundDue",
    "Opened",
    "Payment",
    "PaymentAlreadyPaid",
    "PaymentDisputed",
    "PaymentEvent",
    "PaymentNotPaid",
    "PaymentReferenceDiffers",
    "PaymentState",
    "Purpose",
    "Receipt",
    "ReceiptKind",
    "Refund",
    "RefundChange",
    "RefundDiffers",
    "RefundExceedsPayment",
    "RefundFailed",
    "RefundFellDue",
    "RefundGivenUp",
    "RefundState",
    "RefundTold",
    "RefundUnderWay",
    "Refunded",
    "Requested",
    "Succeeded",
    "WebhookEvent",
    "begin_refund",
    "cancelled",
    "check_received",
    "claim",
    "close",
    "declined",
    "fail",
    "failed",
    "forget",
    "opened",
    "owe",
    "refund_due",
    "replay",
    "request",
    "settle_dispute",
    "settle_refund",
    "succeeded",
]
