"""With the payment provider, outside any transaction: subscriptions paid, renewed, and tried again.

Renewals are ours, on our clock. Each subscription that is due is its own transaction: what is to be charged
is noted first, then the provider is asked by the charge's own id, then its answer is settled. So whatever is
interrupted, repeated, or done by two workers at once charges once; a card that fails, or a provider that does
not answer, stops nobody else, and its silence never counts as a failure.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, cast

from ...domain import shared
from ..payments import Gateway, GatewayRefused, GatewayUnavailable, GetPayment, Settle, trusted
from ..runner import Runner
from . import paying
from .subscribing import begin_renewal, pay_now, settle_subscription, subscribe
from .subscription_reading import count_due, find_due
from .subscription_records import (
    BeginRenewal,
    CountDue,
    Due,
    FindDue,
    PayNow,
    RenewalView,
    RequestSubscription,
    Subscribe,
    SubscriptionView,
)

PAGE = 200
"""Subscriptions that are looked up at once."""
AT_ONCE = 16
"""Subscriptions that are renewed at the same time."""
NO_MEANS = "no_means"
MEANS_GONE = frozenset(("resource_missing", "payment_method_unexpected_state"))
"""What a provider says where the saved means, or whom they belong to, are not there any more: the member's to
heal. Whatever else it refuses is ours, and no failure of theirs."""

RenewalOutcome = Literal[
    "renewed", "failed", "ended", "cancelled", "returned", "waiting", "unanswered", "refused", "not_due"
]
Watch = Callable[[int, int], None]
"""Is told how many were gone through, and of how many."""


class Renewals(shared.Record):
    """What came of the subscriptions that were due: renewed; failed and to be tried again; ended for want of
    money; cancelled as was wished; paid too late and returned; their payment under way; the provider silent;
    refused by a rule; done by somebody else meanwhile."""

    due: int = 0
    renewed: int = 0
    failed: int = 0
    ended: int = 0
    cancelled: int = 0
    returned: int = 0
    waiting: int = 0
    unanswered: int = 0
    refused: int = 0
    not_due: int = 0

    def counting(self, outcome: RenewalOutcome) -> "Renewals":
        """The same with one more of these."""
        return shared.evolve(self, due=self.due + 1, **{outcome: getattr(self, outcome) + 1})


async def subscribe_and_open(
    command: Subscribe, run: Runner, gateway: Gateway, *, actor: shared.Actor, key: str | None = None
) -> SubscriptionView:
    """Subscribe for the actor and ask the provider for the first payment. Raises what `subscribe` raises,
    and GatewayUnavailable: the same key asks again."""
    asked = await run(subscribe, request_of(command, gateway), actor=actor, key=key)
    return await paying.open_payment(asked, run, gateway, actor)


def request_of(command: Subscribe, gateway: Gateway) -> RequestSubscription:
    """The first step of a subscription that is to be paid through this provider."""
    return shared.recast(RequestSubscription, command, provider=gateway.name)


async def pay_now_and_open(
    command: PayNow, run: Runner, gateway: Gateway, *, actor: shared.Actor, key: str | None = None
) -> SubscriptionView:
    """Ask the provider for the payment of a renewal that failed. Raises what `pay_now` raises, and
    GatewayUnavailable."""
    asked = await run(pay_now, command, actor=actor, key=key)
    return await paying.open_payment(asked, run, gateway, actor)


async def renew_due(
    run: Runner,
    gateway: Gateway,
    *,
    actor: shared.Actor,
    share: float = 0.0,
    most: int | None = None,
    watch: Watch = lambda looked, total: None,
) -> Renewals:
    """Do everything that is due, or the first `most`. What falls due behind the place that was reached waits
    for the next time.

    `share` (0 to 1) is where in each page to begin: workers with shares of their own rarely meet. An error
    that nobody expected is raised at the end, when everybody else had their turn.
    """
    total, done = await run.read(count_due, CountDue(), actor=actor), Renewals()
    errors: list[BaseException] = []
    async for some in _chunks(run, actor, share, most):
        tries = (renew(one, run, gateway, actor) for one in some)
        for outcome in await asyncio.gather(*tries, return_exceptions=True):
            if isinstance(outcome, BaseException):
                errors.append(outcome)
            else:
                done = done.counting(outcome)
        watch(done.due, max(total, done.due))
    if errors:
        raise errors[0]
    return done


async def renew(due: Due, run: Runner, gateway: Gateway, actor: shared.Actor) -> RenewalOutcome:
    """Do what is due for one subscription."""
    service = trusted(actor, due.user_id)
    command = BeginRenewal(user_id=due.user_id, subscription_id=due.subscription_id)
    try:
        begun = await run(begin_renewal, command, actor=service)
        if begun.verdict == "not_due":
            return "not_due"
        if begun.verdict == "stopped":
            return "cancelled" if begun.subscription.state == "cancelled" else "ended"
        if begun.verdict == "refused":
            return outcome_of(begun.subscription)
        return outcome_of(await _charge(begun, run, gateway, service))
    except (shared.Unavailable, GatewayRefused):
        return "unanswered"
    except shared.DomainError:
        return "refused"


async def _charge(begun: RenewalView, run: Runner, gateway: Gateway, actor: shared.Actor) -> SubscriptionView:
    """Charge the saved means, or hear what became of a charge that the provider knows already: where it was
    declined while the member is away, nobody tries again."""
    payment = begun.subscription.payment
    if payment.provider != gateway.name:
        raise GatewayUnavailable
    if payment.reference:
        known = (await gateway.look(payment.reference)).news
        if known.outcome == "declined":
            known = shared.evolve(known, outcome="failed")
        return cast("SubscriptionView", await paying.hear(known, run, gateway, actor))
    failed = Settle(user_id=payment.user_id, payment_id=payment.id, outcome="failed", reason=NO_MEANS)
    if not begun.means:
        return await run(settle_subscription, failed, actor=actor)
    wanted = GetPayment(user_id=payment.user_id, payment_id=payment.id)
    try:
        return cast("SubscriptionView", await paying.charge(wanted, begun.means, run, gateway, actor))
    except GatewayRefused as refusal:
        if refusal.reason not in MEANS_GONE:
            raise
        gone = shared.evolve(failed, reason=refusal.reason)
        return await run(settle_subscription, gone, actor=actor)


def outcome_of(charged: SubscriptionView) -> RenewalOutcome:
    """What became of a charge."""
    match charged.charge.state:
        case "paid" | "withdrawn":
            return "renewed"
        case "returned":
            return "returned"
        case "failed":
            return "ended" if charged.state == "ended" else "failed"
    return "waiting"


async def _pages(run: Runner, actor: shared.Actor, most: int | None) -> AsyncIterator[Sequence[Due]]:
    """What is due, page by page, each once, also where it stays due."""
    left, last = PAGE if most is None else most, None
    while left > 0:
        page = await run.read(find_due, FindDue(limit=min(PAGE, left), after=last), actor=actor)
        if not page:
            return
        yield page
        last = page[-1]
        left = PAGE if most is None else left - len(page)


async def _chunks(
    run: Runner, actor: shared.Actor, share: float, most: int | None
) -> AsyncIterator[Sequence[Due]]:
    """The same in parts that are done at the same time, each page from its own place on and round."""
    async for page in _pages(run, actor, most):
        first = int(len(page) * share)
        turned = (*page[first:], *page[:first])
        for place in range(0, len(turned), AT_ONCE):
            yield turned[place : place + AT_ONCE]
