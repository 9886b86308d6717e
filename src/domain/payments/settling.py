"""From a wish to money that arrived, or did not."""

from datetime import datetime
from uuid import UUID

from .. import shared
from .records import (
    PAID,
    Cancelled,
    Change,
    Declined,
    Failed,
    Opened,
    Payment,
    Requested,
    Succeeded,
    say,
    slip,
)


class PaymentReferenceDiffers(shared.StateForbids):
    message = "The payment is known to its provider as {known}, not as {given}."
    known: str
    given: str


class PaymentAlreadyPaid(shared.StateForbids):
    message = "The payment is {state}: what was paid cannot be cancelled."
    state: str


class AmountDiffers(shared.StateForbids):
    message = "{given} {given_currency} cents arrived, where {asked} {currency} cents were asked for."
    given: int
    given_currency: str
    asked: int
    currency: str


def request(wished: Payment) -> Change:
    """A new payment that the member is asked for. Raises InvalidAmount."""
    shared.check_amount(wished.amount_cents)
    return Change(wished, (say(Requested, wished, wished.amount_cents, wished.reason),))


def opened(payment: Payment, reference: str, pay_url: str, customer: str = "") -> Change:
    """The provider knows the payment, by this reference. Raises PaymentReferenceDiffers."""
    if payment.reference == reference:
        return Change(shared.evolve(payment, pay_url=payment.pay_url or pay_url))
    if payment.reference:
        raise PaymentReferenceDiffers(known=payment.reference, given=reference)
    customer = customer or payment.customer
    known = shared.evolve(payment, reference=reference, pay_url=pay_url, customer=customer)
    return Change(known, (say(Opened, known, known.amount_cents, known.reason),))


def check_received(asked: shared.Money, cents: int, currency: str) -> None:
    """Raise AmountDiffers unless what arrived is what was asked for."""
    if (cents, currency) != (asked.amount, asked.currency):
        own = asked.currency
        raise AmountDiffers(given=cents, given_currency=currency, asked=asked.amount, currency=own)


def succeeded(payment: Payment, receipt_id: UUID, at: datetime) -> Change:
    """The money has arrived, even where the payment was given up before."""
    if payment.state in PAID:
        return Change(payment)
    paid = shared.evolve(payment, state="succeeded", reason="", settled_at=at)
    receipt = slip(paid, receipt_id, "payment", paid.amount_cents, at, "")
    return Change(paid, (say(Succeeded, paid, paid.amount_cents, ""),), receipt)


def declined(payment: Payment, reason: str) -> Change:
    """This time it failed; the member may try again while the payment is pending."""
    if payment.state != "pending" or payment.reason == reason:
        return Change(payment)
    waiting = shared.evolve(payment, reason=reason)
    return Change(waiting, (say(Declined, waiting, waiting.amount_cents, reason),))


def failed(payment: Payment, reason: str, at: datetime) -> Change:
    """The provider could not collect the money. Late news never undoes what came after."""
    if payment.state != "pending":
        return Change(payment)
    gone = shared.evolve(payment, state="failed", reason=reason, settled_at=at)
    return Change(gone, (say(Failed, gone, gone.amount_cents, reason),))


def cancelled(payment: Payment, reason: str, at: datetime) -> Change:
    """Nobody waits for the money any more. Raises PaymentAlreadyPaid."""
    if payment.state in PAID:
        raise PaymentAlreadyPaid(state=payment.state)
    if payment.state == "cancelled":
        return Change(payment)
    gone = shared.evolve(payment, state="cancelled", reason=reason, settled_at=at)
    return Change(gone, (say(Cancelled, gone, gone.amount_cents, reason),))
