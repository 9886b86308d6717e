"""With the payment provider, outside any transaction: whatever a member pays for.

What was interrupted is completed by doing it again. A purpose of payments settles by its line in `PURCHASES`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from ...domain import shared
from ...domain.payments import Purpose
from .. import payments
from ..payments import BookDispute, Gateway, Notification, PaymentView, PlayPayment, Sandbox, Settle
from ..runner import Runner
from ..work import UseCase
from .investing import reserve, settle
from .losing import disputed
from .reading import investment
from .records import GetInvestment, Invest, InvestmentView, Reserve
from .subscribing import settle_subscription
from .subscription_losing import disputed_subscription
from .subscription_reading import subscription
from .subscription_records import GetSubscription
from .withdrawing import Withdraw, WithdrawalView, withdraw


class Bought(Protocol):
    """What is paid for, such as an investment, with its payment."""

    @property
    def payment(self) -> PaymentView: ...


B = TypeVar("B", bound=Bought)
Show = Callable[[PaymentView, Runner, shared.Actor], Awaitable[Any]]


class Purchase(NamedTuple):
    """How payments for one purpose are settled, what was paid for is shown, and what becomes of it where the
    member's bank takes the money back: by default nothing."""

    settle: UseCase[Settle, Any]
    show: Show
    disputed: UseCase[BookDispute, Any] = payments.disputed


async def _show_investment(paid: PaymentView, run: Runner, actor: shared.Actor) -> Bought:
    question = GetInvestment(user_id=paid.user_id, investment_id=paid.purpose_id)
    return await run.read(investment, question, actor=actor)


async def _show_subscription(paid: PaymentView, run: Runner, actor: shared.Actor) -> Bought:
    question = GetSubscription(user_id=paid.user_id, subscription_id=paid.purpose_id, payment_id=paid.id)
    return await run.read(subscription, question, actor=actor)


PURCHASES: Mapping[Purpose, Purchase] = {
    "investment": Purchase(settle, _show_investment, disputed),
    "subscription": Purchase(settle_subscription, _show_subscription, disputed_subscription),
}


async def invest(
    command: Invest, run: Runner, gateway: Gateway, *, actor: shared.Actor, key: str | None = None
) -> InvestmentView:
    """Reserve a share for the actor and ask the provider for its payment.

    With the same key it is the same investment and the same payment. Raises what `reserve` raises, and
    GatewayUnavailable: the share is reserved then, and the same key asks for the payment again.
    """
    reserved = await run(reserve, reservation(command, gateway), actor=actor, key=key)
    return await open_payment(reserved, run, gateway, actor)


def reservation(command: Invest, gateway: Gateway) -> Reserve:
    """The first step of an investment that is to be paid through this provider."""
    return shared.recast(Reserve, command, provider=gateway.name)


async def open_payment(reserved: B, run: Runner, gateway: Gateway, actor: shared.Actor) -> B:
    """The second step: what was reserved, with where to pay it. Raises GatewayUnavailable."""
    wanted = payments.GetPayment(user_id=reserved.payment.user_id, payment_id=reserved.payment.id)
    known = await payments.open_payment(wanted, run, gateway, actor)
    asked = shared.evolve(reserved.payment, reference=known.reference, pay_url=known.pay_url)
    found: B = shared.evolve(cast(Any, reserved), payment=asked)
    return found


async def charge(
    wanted: payments.GetPayment, means: str, run: Runner, gateway: Gateway, actor: shared.Actor
) -> Any:
    """Charge a payment to means that were kept, while its member is away, and settle what comes of it.

    Done again, it is the same charge. Raises GatewayUnavailable: what came of it is heard later.
    """
    news = await payments.charge(wanted, means, run, gateway, actor)
    return await hear(news, run, gateway, actor)


async def hear(news: Notification, run: Runner, gateway: Gateway, actor: shared.Actor) -> Any:
    """The last step: settle what the provider tells, and give money back that bought nothing.

    The answer is what was paid for. Raises what `note` raises.
    """
    return await money_back(await note(news, run, gateway, actor), run, gateway, actor)


async def note(news: Notification, run: Runner, gateway: Gateway, actor: shared.Actor) -> Any:
    """Settle what the provider tells; no money moves. The answer is what was paid for.

    Raises NotFound for a payment that this provider was not asked for, and AmountDiffers where it is not what
    was asked for.
    """
    known = await payment_of(news.reference, run, gateway, actor)
    service, purchase = payments.trusted(actor, known.user_id), PURCHASES[known.purpose]
    payments.check_news(known, news)
    if news.outcome == "declined":
        decline = payments.NoteDecline(user_id=known.user_id, payment_id=known.id, reason=news.reason)
        await run(payments.declined, decline, actor=service)
    if news.outcome in ("pending", "declined"):
        return await purchase.show(known, run, service)
    command = shared.recast(Settle, news, user_id=known.user_id, payment_id=known.id)
    return await run(purchase.settle, command, actor=service)


async def payment_of(
    reference: str, run: Runner, gateway: Gateway, actor: shared.Actor
) -> payments.PaymentWithReceipts:
    """The payment that a provider speaks of. Raises NotFound."""
    question = payments.FindPayment(provider=gateway.name, reference=reference)
    whose = await run.read(payments.known_as, question, actor=payments.trusted(actor, actor.user_id))
    wanted = payments.GetPayment(user_id=whose.user_id, payment_id=whose.payment_id)
    return await run.read(payments.payment, wanted, actor=payments.trusted(actor, whose.user_id))


async def money_back(one: B, run: Runner, gateway: Gateway, actor: shared.Actor) -> B:
    """What was paid for once its money went back, where any is due.

    From a provider that does not answer it stays due: `payments.return_money` asks again.
    """
    paid = one.payment
    if paid.state != "refund_due":
        return one
    due = payments.ListRefundsDue(user_id=paid.user_id, payment_id=paid.id)
    with suppress(*payments.STAYS_DUE):
        await payments.return_money(due, run, gateway, actor)
    found: B = await PURCHASES[paid.purpose].show(paid, run, payments.trusted(actor, paid.user_id))
    return found


async def withdraw_and_refund(
    command: Withdraw, run: Runner, gateway: Gateway, *, actor: shared.Actor, key: str | None = None
) -> WithdrawalView:
    """Give back what the actor bought, and its money. Raises what `withdraw` raises."""
    return await refund(await run(withdraw, command, actor=actor, key=key), run, gateway, actor)


async def refund(
    withdrawn: WithdrawalView, run: Runner, gateway: Gateway, actor: shared.Actor
) -> WithdrawalView:
    """A withdrawal once its money went back, where any is due and the provider answers."""
    bought = await money_back(withdrawn, run, gateway, actor)
    return shared.evolve(withdrawn, payment=bought.payment)


async def pay(
    command: PlayPayment, run: Runner, sandbox: Sandbox, *, actor: shared.Actor, key: str | None = None
) -> Any:
    """Pay in the sandbox; the answer is what was paid for. Raises PaymentNotOpen."""
    payment = await run(payments.play, command, actor=actor, key=key)
    return await played(payment, command, run, sandbox, actor)


async def played(
    payment: PaymentView, how: PlayPayment, run: Runner, sandbox: Sandbox, actor: shared.Actor
) -> Any:
    """What was paid for, after everything that the sandbox tells of its payment was heard, in its order.

    Heard again, it changes nothing: a replay answers with it as it is by now.
    """
    told = sandbox.pay(payment.reference, how.behaviour)
    return [await hear(news, run, sandbox, actor) for news in told][-1]
