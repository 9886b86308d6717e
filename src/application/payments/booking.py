"""What is written down of a payment: what its provider said, and what is to go back."""

from ...domain import payments, shared
from ...domain.payments import Dispute, Payment
from ..work import ADMINS, SIGNED_IN, Key, Wanted, Work, use_case
from .records import (
    DISPUTES,
    PAYMENT_REFERENCES,
    PAYMENTS,
    REFUNDS,
    BeginRefund,
    BegunRefund,
    BookDispute,
    BookRefund,
    NoteDecline,
    OpenPayment,
    PaymentNotOpen,
    PaymentReference,
    PaymentReferenceTaken,
    PaymentView,
    PlayPayment,
    RefundPayment,
    view_of,
)

Booking = OpenPayment | NoteDecline | RefundPayment | BeginRefund | BookRefund | BookDispute


def payment_key(command: Booking, work: Work) -> Key[Payment]:
    """The payment that a command speaks of."""
    return PAYMENTS.key(command.user_id, command.payment_id)


def _the_payment(command: Booking, work: Work) -> tuple[Wanted, ...]:
    return (payment_key(command, work),)


def _with_refunds(command: BeginRefund | BookRefund, work: Work) -> tuple[Wanted, ...]:
    return (payment_key(command, work), REFUNDS.group("payment", command.user_id, command.payment_id))


def dispute_key(command: BookDispute) -> Key[Dispute]:
    """The dispute that a command speaks of, guarded by the lock of its payment."""
    return DISPUTES.key(command.user_id, command.payment_id, command.reference)


def _with_dispute(command: BookDispute, work: Work) -> tuple[Wanted, ...]:
    return (payment_key(command, work), dispute_key(command))


def _open_locks(command: OpenPayment, work: Work) -> tuple[Wanted, ...]:
    payment = work.get(payment_key(command, work))
    return (payment_key(command, work), PAYMENT_REFERENCES.key(command.reference, payment.provider))


@use_case(allow=ADMINS, loads=(_the_payment,), locks=_open_locks)
async def opened(command: OpenPayment, work: Work) -> PaymentView:
    """Note by what a provider knows a payment. Raises PaymentReferenceTaken, PaymentReferenceDiffers."""
    payment = work.get(payment_key(command, work))
    mine = PaymentReference(command.reference, payment.provider, payment.user_id, payment.id)
    known = work.find(PAYMENT_REFERENCES.key(mine.value, mine.provider)) or mine
    if known != mine:
        raise PaymentReferenceTaken(provider=mine.provider, reference=mine.value)
    change = payments.opened(payment, command.reference, command.pay_url, command.customer)
    work.save(known)
    return keep(work, change)


@use_case(allow=ADMINS, locks=_the_payment)
async def declined(command: NoteDecline, work: Work) -> PaymentView:
    """Note that a payment failed this time: it waits for the member to try again."""
    return keep(work, payments.declined(work.get(payment_key(command, work)), command.reason))


@use_case(allow=ADMINS, locks=_the_payment)
async def refund(command: RefundPayment, work: Work) -> PaymentView:
    """Owe a part of a payment to its member. What it paid for stays as it is.

    Raises PaymentNotPaid, PaymentDisputed, RefundUnderWay, RefundExceedsPayment.
    """
    payment = work.get(payment_key(command, work))
    if payment.refund_due_cents:
        raise payments.RefundUnderWay(due=payment.refund_due_cents)
    return keep(work, payments.refund_due(payment, command.amount_cents, command.reason))


@use_case(allow=ADMINS, locks=_with_refunds)
async def begin_refund(command: BeginRefund, work: Work) -> BegunRefund:
    """The refund that the provider is to be asked for: the same one until it is settled.

    Raises NoRefundDue, PaymentDisputed, RefundGivenUp.
    """
    payment = work.get(payment_key(command, work))
    refunds = work.list(REFUNDS.group("payment", payment.user_id, payment.id))
    asked = payments.begin_refund(payment, refunds, work.new_id(), work.now)
    work.save(asked)
    overtaken = asked.amount_cents > payment.refund_due_cents
    return shared.recast(BegunRefund, asked, overtaken=overtaken)


@use_case(allow=ADMINS, locks=_with_refunds)
async def refunded(command: BookRefund, work: Work) -> PaymentView:
    """Note that money went back, or came back to us; what is known already changes nothing.

    Raises PaymentNotPaid, RefundDiffers, RefundExceedsPayment.
    """
    payment = work.get(payment_key(command, work))
    refunds = work.list(REFUNDS.group("payment", payment.user_id, payment.id))
    told = shared.recast(payments.RefundTold, command)
    change = payments.settle_refund(payment, refunds, told, (work.new_id(), work.new_id()), work.now)
    work.save(*filter(None, (change.refund,)))
    return keep(work, change)


@use_case(allow=ADMINS, locks=_with_dispute)
async def disputed(command: BookDispute, work: Work) -> PaymentView:
    """Note what became of a dispute; what was paid for stays as it is. Raises what `book_dispute` raises."""
    return view_of(book_dispute(command, work).payment)


def book_dispute(command: BookDispute, work: Work) -> payments.DisputeChange:
    """The payment as it is after what was said of a dispute, for whoever undoes what was paid for.

    Raises PaymentNotPaid, DisputeContradicted, RefundExceedsPayment.
    """
    payment, known = work.get(payment_key(command, work)), work.find(dispute_key(command))
    told = shared.recast(payments.DisputeTold, command)
    change = payments.settle_dispute(payment, known, told, work.new_id(), work.now)
    work.save(*filter(None, (change.dispute,)))
    keep(work, change)
    return change


def _own_payment(command: PlayPayment, work: Work) -> tuple[Key[Payment]]:
    return (PAYMENTS.key(work.actor.user_id, command.payment_id),)


@use_case(allow=SIGNED_IN, loads=(_own_payment,))
async def play(command: PlayPayment, work: Work) -> PaymentView:
    """Choose how one's own payment goes in the sandbox. Raises PaymentNotOpen."""
    payment = work.get(*_own_payment(command, work))
    if not payment.reference:
        raise PaymentNotOpen
    return view_of(payment)


def keep(work: Work, change: payments.Change) -> PaymentView:
    """Save a payment with its receipt, and say what happened."""
    work.save(change.payment, *filter(None, (change.receipt,)))
    work.record(*change.events)
    return view_of(change.payment)
