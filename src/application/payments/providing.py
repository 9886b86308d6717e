"""With the provider, outside any transaction: ask for payments, charge them, give money back.

A provider is never called inside a transaction: what is due is stored first, then the provider is
called with a key that it answers once, then what it said is stored. Whatever is interrupted between
is completed by doing it again.
"""

from contextlib import suppress
from uuid import UUID

from ...domain import payments, shared
from ..runner import Runner
from .booking import begin_refund, opened, refunded
from .gateway import (
    Embedded,
    Gateway,
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    Notification,
    RefundNews,
)
from .reading import opening, payment, refunds_due
from .records import (
    BeginRefund,
    BegunRefund,
    BookRefund,
    Checkout,
    GetPayment,
    ListRefundsDue,
    OpenPayment,
    PaymentOver,
    PaymentView,
)

STAYS_DUE = (
    GatewayUnavailable,
    GatewayMisconfigured,
    GatewayRefused,
    shared.NotFound,
    payments.PaymentDisputed,
    payments.RefundGivenUp,
)
"""Why money that is due does not go back now. It stays due: a reconciliation tries again, and tells a person
where that does not help."""


def trusted(actor: shared.Actor, user_id: UUID) -> shared.Actor:
    """Who asked, as this module itself, which may write down what a provider says of a member's payment."""
    return shared.evolve(actor, user_id=user_id, role="service", scopes=None)


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
    service = trusted(actor, actor.user_id)
    due = await run.read(refunds_due, wanted, actor=service)
    return tuple([await give_back(one, run, gateway, service) for one in due if one.provider == gateway.name])


async def give_back(due: PaymentView, run: Runner, gateway: Gateway, actor: shared.Actor) -> PaymentView:
    """A payment after what is due of it went back, or after the provider refused. Raises what is in
    `STAYS_DUE`."""
    service = trusted(actor, due.user_id)
    begin = BeginRefund(user_id=due.user_id, payment_id=due.id)
    try:
        asked = await run(begin_refund, begin, actor=service)
    except payments.NoRefundDue:  # somebody else was quicker
        return await run.read(payment, GetPayment(user_id=due.user_id, payment_id=due.id), actor=service)
    news = await _ask(due.reference, asked, gateway)
    left = await run(refunded, booking_of(news, due.user_id, due.id), actor=service)
    if left.refund_due.amount and (
        news.state == "succeeded" or asked.overtaken
    ):  # what is due is another sum
        return await give_back(left, run, gateway, actor)
    return left


async def _ask(reference: str, asked: BegunRefund, gateway: Gateway) -> RefundNews:
    """What came of a refund; one that is refused now may have been given before, and not been heard of."""
    key = str(asked.id)
    try:
        if asked.overtaken:
            raise GatewayRefused(reason="overtaken")
        return await gateway.refund(reference, asked.amount_cents, key, asked.asked_at)
    except GatewayRefused as refusal:
        given = (await gateway.look(reference)).refunds
        failed = RefundNews(reference, "", asked.amount_cents, "failed", key, refusal.reason)
        return next((one for one in given if one.key == key), failed)


def booking_of(news: RefundNews, user_id: UUID, payment_id: UUID) -> BookRefund:
    """What is to be written down of a refund."""
    return BookRefund(
        user_id=user_id,
        payment_id=payment_id,
        reference=news.reference,
        amount_cents=news.amount_cents,
        failed=news.state == "failed",
        refund_id=id_of_key(news.key),
        reason=news.reason,
    )


def check_news(known: PaymentView, news: Notification) -> None:
    """Raise AmountDiffers where the provider says that something else arrived than was asked for."""
    if news.outcome == "succeeded" and news.received_cents is not None:
        payments.check_received(known.amount, news.received_cents, news.currency)


def id_of_key(key: str) -> UUID | None:
    """The id of the refund that we asked for by this key; None where somebody else did."""
    try:
        return UUID(key)
    except ValueError:
        return None


async def refund_now(owed: PaymentView, run: Runner, gateway: Gateway, actor: shared.Actor) -> PaymentView:
    """A payment after what is due of it went back, where its provider answers; else it stays due."""
    if owed.provider != gateway.name:
        return owed
    with suppress(*STAYS_DUE):
        return await give_back(owed, run, gateway, actor)
    return owed


async def checkout(wanted: GetPayment, run: Runner, gateway: Gateway, actor: shared.Actor) -> Checkout:
    """What the member's own program needs to let them pay; the secret is asked for each time, never stored.

    Raises PaymentOver, GatewayUnavailable, and NotFound where the provider has a page of its own.
    """
    known = await run.read(payment, wanted, actor=actor)
    if not isinstance(gateway, Embedded) or known.provider != gateway.name:
        raise shared.NotFound(kind="checkout", id=str(known.id))
    if known.state != "pending":
        raise PaymentOver(state=known.state)
    opened_one = await open_payment(wanted, run, gateway, actor)
    secret = await gateway.client_secret(opened_one.reference)
    return Checkout(gateway.name, gateway.public_key, opened_one.reference, secret)
