"""Payments in euros through a provider: asked for, heard of, given back (M15, M18).

A provider is never called inside a transaction: what is due is stored first, then the provider is
called with a key that it answers once, then what it said is stored. Whatever is interrupted between
is completed by doing it again.
"""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from ...domain import payments, shared
from ...domain.payments import Payment, PaymentState, Purpose, Receipt, ReceiptKind
from ..pages import Limit
from ..runner import Runner
from ..work import ADMINS, SIGNED_IN, Key, Kind, Read, Wanted, Work, query, use_case
from .gateway import (
    Asked,
    Behaviour,
    DisputeNews,
    Gateway,
    GatewayUnavailable,
    Heard,
    Intent,
    LookAgain,
    News,
    NewsOutcome,
    Notification,
    RefundNews,
    RefundState,
    Sandbox,
    Standing,
    WebhookRefused,
    sandbox_of,
)

__all__ = [
    "KINDS",
    "PAYMENTS",
    "PAYMENT_REFERENCES",
    "RECEIPTS",
    "Asked",
    "Behaviour",
    "BookRefund",
    "DisputeNews",
    "FindPayment",
    "Gateway",
    "GatewayUnavailable",
    "GetPayment",
    "HasPayments",
    "Heard",
    "Intent",
    "ListRefundsDue",
    "LookAgain",
    "News",
    "NewsOutcome",
    "Notification",
    "OpenPayment",
    "Opening",
    "PaymentNotOpen",
    "PaymentReference",
    "PaymentReferenceTaken",
    "PaymentView",
    "PaymentWithReceipts",
    "PaymentsQueries",
    "Play",
    "PlayPayment",
    "ReceiptView",
    "Receipted",
    "RefundNews",
    "RefundState",
    "Sandbox",
    "Settle",
    "Standing",
    "WebhookRefused",
    "charge",
    "known_as",
    "open_payment",
    "opened",
    "opening",
    "payment",
    "play",
    "refunded",
    "refunds_due",
    "return_money",
    "sandbox_of",
    "trusted",
    "view_of",
]


class PaymentReference(shared.Record):
    """Whose a payment is by the `value` that its provider knows it by."""

    value: str
    provider: str
    user_id: UUID
    payment_id: UUID


PAYMENTS = Kind(
    Payment,
    "payment",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    root=True,
    changes=(
        "reference",
        "pay_url",
        "customer",
        "state",
        "refund_due_cents",
        "refunded_cents",
        "reason",
        "settled_at",
    ),
)
RECEIPTS = Kind(Receipt, "receipt", ("user_id", "id"), {"payment": ("user_id", "payment_id")}, changes=())
PAYMENT_REFERENCES = Kind(PaymentReference, "payment_reference", ("value", "provider"), root=True, changes=())
KINDS: tuple[Kind[Any], ...] = (PAYMENTS, RECEIPTS, PAYMENT_REFERENCES)


class PaymentReferenceTaken(shared.StateForbids):
    message = "{provider} knows another payment as {reference}."
    provider: str
    reference: str


class PaymentNotOpen(shared.StateForbids):
    message = "The payment is not known to its provider yet: ask for it again with the same key."


# --- commands, views, queries -------------------------------------------------------------------


class OpenPayment(shared.Command, kw_only=True):
    """The provider knows a payment by this reference."""

    user_id: UUID
    payment_id: UUID
    reference: shared.Code
    pay_url: shared.Note
    customer: shared.Note = ""


class Settle(shared.Command, kw_only=True):
    """What the provider says of a payment, to what was paid for; `means` are kept for `customer`."""

    user_id: UUID
    payment_id: UUID
    outcome: NewsOutcome
    reason: shared.Note = ""
    customer: shared.Note = ""
    means: shared.Note = ""


class BookRefund(shared.Command, kw_only=True):
    """The provider has given `total_cents` of a payment back, in all."""

    user_id: UUID
    payment_id: UUID
    total_cents: shared.Amount


class Play(shared.Command, kw_only=True):
    """How the payment is to go: the `late` one succeeds after the provider had given it up."""

    behaviour: Behaviour


class PlayPayment(Play, kw_only=True):
    """Pay in the sandbox."""

    payment_id: UUID


class PaymentView(shared.Record):
    """A payment. `refund_due` is still to go back, `refunded` went back already."""

    id: UUID
    user_id: UUID
    purpose: Purpose
    purpose_id: UUID
    state: PaymentState
    amount: shared.Money
    refund_due: shared.Money
    refunded: shared.Money
    provider: str
    reference: str
    pay_url: str
    reason: str
    saved: bool
    expires_at: datetime
    settled_at: datetime | None
    created_at: datetime


class ReceiptView(shared.Record):
    """This much came, or went back, at this time."""

    id: UUID
    kind: ReceiptKind
    amount: shared.Money
    issued_at: datetime


class PaymentWithReceipts(PaymentView):
    """A payment with its receipts, oldest first."""

    receipts: tuple[ReceiptView, ...] = ()


class GetPayment(shared.Query, kw_only=True):
    user_id: UUID
    payment_id: UUID


class FindPayment(shared.Query, kw_only=True):
    """Whose payment a provider knows by this reference."""

    provider: shared.Code
    reference: shared.Code


class ListRefundsDue(shared.Query, kw_only=True):
    """Payments of which money is due back: of a member, or one of them, or anybody's."""

    limit: Limit = 100
    user_id: UUID | None = None
    payment_id: UUID | None = None


class Opening(shared.Record):
    """A payment, and what its provider is to know of it."""

    payment: PaymentView
    asked: Asked


class Receipted(shared.Record):
    """A payment with its receipts, oldest first."""

    payment: Payment
    receipts: tuple[Receipt, ...]


class PaymentsQueries(Protocol):
    """The read side of payments."""

    async def payment(self, user_id: UUID, payment_id: UUID) -> Receipted | None: ...

    async def reference(self, provider: str, value: str) -> PaymentReference | None: ...

    async def refunds_due(self, limit: int, user_id: UUID | None, payment_id: UUID | None) -> list[Payment]:
        """Payments of which money is due back, oldest first."""
        ...


class HasPayments(Protocol):
    @property
    def payments(self) -> PaymentsQueries: ...


# --- use cases ----------------------------------------------------------------------------------


def _payment_key(command: OpenPayment | BookRefund, work: Work) -> Key[Payment]:
    return PAYMENTS.key(command.user_id, command.payment_id)


def _open_locks(command: OpenPayment, work: Work) -> tuple[Wanted, ...]:
    payment = work.get(_payment_key(command, work))
    return (_payment_key(command, work), PAYMENT_REFERENCES.key(command.reference, payment.provider))


@use_case(allow=ADMINS, loads=(lambda command, work: (_payment_key(command, work),),), locks=_open_locks)
async def opened(command: OpenPayment, work: Work) -> PaymentView:
    """Note by what a provider knows a payment. Raises PaymentReferenceTaken, PaymentReferenceDiffers."""
    payment = work.get(_payment_key(command, work))
    mine = PaymentReference(command.reference, payment.provider, payment.user_id, payment.id)
    known = work.find(PAYMENT_REFERENCES.key(mine.value, mine.provider)) or mine
    if known != mine:
        raise PaymentReferenceTaken(provider=mine.provider, reference=mine.value)
    change = payments.opened(payment, command.reference, command.pay_url, command.customer)
    work.save(known)
    return _keep(work, change)


@use_case(allow=ADMINS, locks=lambda command, work: (_payment_key(command, work),))
async def refunded(command: BookRefund, work: Work) -> PaymentView:
    """Note what a provider gave back; a total that is known already changes nothing. Raises RefundNotDue."""
    payment = work.get(_payment_key(command, work))
    return _keep(work, payments.refunded(payment, command.total_cents, work.new_id(), work.now))


def _own_payment(command: PlayPayment, work: Work) -> tuple[Key[Payment]]:
    return (PAYMENTS.key(work.actor.user_id, command.payment_id),)


@use_case(allow=SIGNED_IN, loads=(_own_payment,))
async def play(command: PlayPayment, work: Work) -> PaymentView:
    """Choose how one's own payment goes in the sandbox. Raises PaymentNotOpen."""
    payment = work.get(*_own_payment(command, work))
    if not payment.reference:
        raise PaymentNotOpen
    return view_of(payment)


def _keep(work: Work, change: payments.Change) -> PaymentView:
    work.save(change.payment, *filter(None, (change.receipt,)))
    work.record(*change.events)
    return view_of(change.payment)


@query(allow=SIGNED_IN)
async def payment(question: GetPayment, read: Read[HasPayments]) -> PaymentWithReceipts:
    """A payment with its receipts. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "payment", question.payment_id)
    found = await read.ports.payments.payment(question.user_id, question.payment_id)
    if found is None:
        raise shared.NotFound(kind="payment", id=str(question.payment_id))
    receipts = tuple(
        shared.recast(ReceiptView, one, amount=shared.Money(one.amount_cents, one.currency))
        for one in found.receipts
    )
    return shared.recast(PaymentWithReceipts, view_of(found.payment), receipts=receipts)


@query(allow=ADMINS)
async def opening(question: GetPayment, read: Read[HasPayments]) -> Opening:
    """A payment as its provider is to know it."""
    found = await read.ports.payments.payment(question.user_id, question.payment_id)
    if found is None:
        raise shared.NotFound(kind="payment", id=str(question.payment_id))
    one = found.payment
    money = shared.Money(one.amount_cents, one.currency)
    return Opening(view_of(one), Asked(one.id, one.user_id, money, one.purpose, one.customer, one.saved))


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


def view_of(payment: Payment) -> PaymentView:
    """A payment as it is shown."""

    def money(cents: int) -> shared.Money:
        return shared.Money(cents, payment.currency)

    return shared.recast(
        PaymentView,
        payment,
        amount=money(payment.amount_cents),
        refund_due=money(payment.refund_due_cents),
        refunded=money(payment.refunded_cents),
    )


# --- with the provider, outside any transaction ---------------------------------------------------


def trusted(actor: shared.Actor, user_id: UUID) -> shared.Actor:
    """Who asked, as this module itself, which may write down what a provider says of a member's payment."""
    return shared.evolve(actor, user_id=user_id, role="service")


async def open_payment(wanted: GetPayment, run: Runner, gateway: Gateway, actor: shared.Actor) -> PaymentView:
    """Ask the provider for a payment, once; later its answer is known. Raises GatewayUnavailable."""
    service = trusted(actor, wanted.user_id)
    found = await run.read(opening, wanted, actor=service)
    known = found.payment
    if known.reference:
        return known
    intent = await gateway.create(found.asked)
    command = OpenPayment(
        user_id=known.user_id,
        payment_id=known.id,
        reference=intent.reference,
        pay_url=intent.pay_url,
        customer=intent.customer,
    )
    return await run(opened, command, actor=service)


async def charge(
    wanted: GetPayment, means: str, run: Runner, gateway: Gateway, actor: shared.Actor
) -> Notification:
    """Charge kept means of payment, once; what came of it is to be settled. Raises GatewayUnavailable."""
    service = trusted(actor, wanted.user_id)
    found = await run.read(opening, wanted, actor=service)
    news = await gateway.charge(found.asked, means)
    command = OpenPayment(
        user_id=wanted.user_id, payment_id=wanted.payment_id, reference=news.reference, pay_url=""
    )
    await run(opened, command, actor=service)
    return news


async def return_money(
    wanted: ListRefundsDue, run: Runner, gateway: Gateway, actor: shared.Actor
) -> tuple[PaymentView, ...]:
    """Give back all that is due, each sum once, however often and from wherever this is called.

    Raises GatewayUnavailable; what is due then stays due.
    """
    service = shared.evolve(actor, role="service")
    due = await run.read(refunds_due, wanted, actor=service)
    return tuple([await _give_back(one, run, gateway, service) for one in due])


async def _give_back(due: PaymentView, run: Runner, gateway: Gateway, actor: shared.Actor) -> PaymentView:
    key = f"{due.id}-{due.refunded.amount}"  # what went back before tells one refund from the next
    news = await gateway.refund(due.reference, due.refund_due.amount, key)
    command = BookRefund(
        user_id=due.user_id, payment_id=due.id, total_cents=due.refunded.amount + news.amount_cents
    )
    return await run(refunded, command, actor=trusted(actor, due.user_id))
