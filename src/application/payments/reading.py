"""What can be asked of payments."""

from ...domain import shared
from ..pages import Page, page_of, uuid_of
from ..work import ADMINS, SIGNED_IN, Read, query
from .gateway import Asked
from .records import (
    DisputeView,
    FindPayment,
    GetPayment,
    HasPayments,
    ListPayments,
    ListRefundsDue,
    ListUnsettled,
    Opening,
    PaymentReference,
    PaymentView,
    PaymentWithReceipts,
    Receipted,
    ReceiptView,
    RefundView,
    Sought,
    view_of,
)


@query(allow=SIGNED_IN)
async def payment(question: GetPayment, read: Read[HasPayments]) -> PaymentWithReceipts:
    """A payment with its receipts, refunds and disputes. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "payment", question.payment_id)
    found = await _found(question, read)
    receipts = tuple(
        shared.recast(ReceiptView, one, amount=shared.Money(one.amount_cents, one.currency))
        for one in found.receipts
    )
    return shared.recast(
        PaymentWithReceipts,
        view_of(found.payment),
        receipts=receipts,
        refunds=tuple(shared.recast(RefundView, one) for one in found.refunds),
        disputes=tuple(shared.recast(DisputeView, one) for one in found.disputes),
    )


@query(allow=SIGNED_IN)
async def listing(question: ListPayments, read: Read[HasPayments]) -> Page[PaymentView]:
    """Payments, newest first: one's own; anybody's for an admin."""
    owner = question.user_id or (None if read.actor.is_admin else read.actor.user_id)
    if owner is not None:
        read.actor.must_own(owner, "member", owner)
    sought = shared.recast(Sought, question, user_id=owner)
    before = uuid_of(question.cursor)
    found = await read.ports.payments.payments(sought, question.limit + 1, before)
    return page_of([view_of(one) for one in found], question.limit, lambda one: one.id)


@query(allow=ADMINS)
async def opening(question: GetPayment, read: Read[HasPayments]) -> Opening:
    """A payment as its provider is to know it."""
    one = (await _found(question, read)).payment
    money = shared.Money(one.amount_cents, one.currency)
    asked = Asked(one.id, one.user_id, money, one.purpose, one.customer, one.saved, one.created_at)
    return Opening(view_of(one), asked)


@query(allow=ADMINS)
async def known_as(question: FindPayment, read: Read[HasPayments]) -> PaymentReference:
    """Whose payment a provider speaks of."""
    found = await read.ports.payments.reference(question.provider, question.reference)
    if found is None:
        raise shared.NotFound(kind="payment", id=question.reference)
    return found


@query(allow=ADMINS)
async def refunds_due(question: ListRefundsDue, read: Read[HasPayments]) -> tuple[PaymentView, ...]:
    """Payments of which money is due back, oldest first."""
    ports, payment_id = read.ports.payments, question.payment_id
    return tuple(
        view_of(one) for one in await ports.refunds_due(question.limit, question.user_id, payment_id)
    )


@query(allow=ADMINS)
async def unsettled(question: ListUnsettled, read: Read[HasPayments]) -> tuple[PaymentView, ...]:
    """Payments that the provider is to be asked about, oldest first."""
    found = await read.ports.payments.unsettled(
        question.provider, question.before, question.after, question.limit
    )
    return tuple(view_of(one) for one in found)


async def _found(question: GetPayment, read: Read[HasPayments]) -> Receipted:
    found = await read.ports.payments.payment(question.user_id, question.payment_id)
    if found is None:
        raise shared.NotFound(kind="payment", id=str(question.payment_id))
    return found
