"""Members who subscribe: what they do, as use cases, on a clock that is set by hand."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from investing import join

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import identity, investments, payments, points
from baobab.application.identity import checks
from baobab.application.investments import SubscriptionView
from baobab.application.payments import (
    Asked,
    Behaviour,
    Gateway,
    GatewayUnavailable,
    NewsOutcome,
    Notification,
    Standing,
)
from baobab.domain import shared
from baobab.domain.investments.subscriptions import Choice
from builders import World

DUE = datetime(2027, 3, 1, 23, 0, tzinfo=UTC)
"""When a subscription of 2 March 2026, in Paris, is renewed."""
STANDARD, PREMIUM = 20_000, 35_000
"""Cents a year. They grant 280 and 525 points."""


class Subscriber:
    """A member who subscribes through one provider and, where it is given, a Runner of their own."""

    def __init__(self, world: World, actor: shared.Actor, gateway: SandboxGateway, run: Any = None) -> None:
        self.world, self.actor, self.gateway, self.run = world, actor, gateway, run or world.run

    async def subscribe(
        self, *project_ids: UUID, key: str | None = None, plan: Any = "ambassadeur_standard"
    ) -> SubscriptionView:
        command = investments.Subscribe(plan=plan, projects=tuple(map(Choice, project_ids)))
        return await investments.subscribe_and_open(
            command, self.run, self.gateway, actor=self.actor, key=key
        )

    async def pay(self, one: SubscriptionView, behaviour: Behaviour = "succeeds") -> SubscriptionView:
        command = payments.PlayPayment(payment_id=one.payment.id, behaviour=behaviour)
        paid = await investments.pay(command, self.run, self.gateway, actor=self.actor)
        assert isinstance(paid, SubscriptionView)
        return paid

    async def begin(self, *project_ids: UUID, **facts: Any) -> SubscriptionView:
        """Subscribe and pay."""
        return await self.pay(await self.subscribe(*project_ids, **facts))

    async def hear(self, one: SubscriptionView, outcome: Any) -> SubscriptionView:
        news = payments.Notification(one.payment.reference, outcome)
        heard = await investments.hear(news, self.run, self.gateway, shared.Actor())
        assert isinstance(heard, SubscriptionView)
        return heard

    async def cancel(self, one: SubscriptionView) -> SubscriptionView:
        command = investments.CancelSubscription(subscription_id=one.id)
        return await self.run(investments.cancel_subscription, command, actor=self.actor)

    async def choose_plan(self, one: SubscriptionView, plan: Any) -> SubscriptionView:
        command = investments.ChoosePlan(subscription_id=one.id, plan=plan)
        return await self.run(investments.choose_plan, command, actor=self.actor)

    async def choose_projects(self, one: SubscriptionView, *choices: Choice) -> SubscriptionView:
        command = investments.ChooseProjects(subscription_id=one.id, projects=choices)
        return await self.run(investments.choose_projects, command, actor=self.actor)

    async def pay_now(self, one: SubscriptionView) -> SubscriptionView:
        command = investments.PayNow(subscription_id=one.id, provider=self.gateway.name)
        return await investments.pay_now_and_open(command, self.run, self.gateway, actor=self.actor)

    async def withdraw(self, one: SubscriptionView, key: str | None = None) -> investments.WithdrawalView:
        command = investments.Withdraw(kind="subscription", contribution_id=one.id)
        return await investments.withdraw_and_refund(
            command, self.run, self.gateway, actor=self.actor, key=key
        )

    async def spend(self, amount: int) -> points.Balance:
        command = points.Spend(user_id=self.actor.user_id, amount=amount, source_id=self.run.new_id())
        return await self.run(points.spend, command, actor=self.world.admin)

    async def show(self, one: SubscriptionView) -> SubscriptionView:
        question = investments.GetSubscription(user_id=one.user_id, subscription_id=one.id)
        return await self.run.read(investments.subscription, question, actor=self.actor)

    async def charges(self, one: SubscriptionView) -> tuple[investments.PaidCharge, ...]:
        question = investments.ListCharges(user_id=one.user_id, subscription_id=one.id)
        return (await self.run.read(investments.charges, question, actor=self.actor)).items

    async def receipts(self, payment: payments.PaymentView) -> list[tuple[str, int]]:
        """What the receipts of a payment say."""
        question = payments.GetPayment(user_id=payment.user_id, payment_id=payment.id)
        found = await self.run.read(payments.payment, question, actor=self.actor)
        return [(one.kind, one.amount.amount) for one in found.receipts]

    async def points(self) -> int:
        question = points.GetBalance(user_id=self.actor.user_id)
        return (await self.run.read(points.balance, question, actor=self.actor)).available

    async def level(self) -> str:
        question = identity.GetMember(user_id=self.actor.user_id)
        return (await self.run.read(identity.member, question, actor=self.actor)).level


async def verify(world: World, actor: shared.Actor, level: Any) -> None:
    """Somebody is checked, which holds for two years."""
    wish = checks.AskCheck(user_id=actor.user_id, level=level)
    asked = await world.run(checks.ask, wish, actor=world.admin)
    verdict = checks.DecideCheck(
        user_id=actor.user_id, check_id=asked.id, verdict="verified", reason="seen in person"
    )
    await world.run(checks.decide, verdict, actor=world.admin)


async def subscriber(
    world: World, number: int = 1, *, gateway: SandboxGateway | None = None, run: Any = None
) -> Subscriber:
    """A new member who may put in as much as they like."""
    return Subscriber(world, await join(world, number), gateway or SandboxGateway(), run)


async def renew(world: World, gateway: Gateway, run: Any = None) -> investments.Renewals:
    """Do all that is due."""
    return await investments.renew_due(run or world.run, gateway, actor=world.admin)


class Cards(SandboxGateway):
    """A provider whose next charges go as they are told: an outcome, or silence before or after it."""

    def __init__(self, *script: str) -> None:
        super().__init__()
        self.script, self.charged, self.known = list(script), list[UUID](), dict[str, Notification]()

    async def charge(self, asked: Asked, means: str) -> Notification:
        reference = f"sandbox_{asked.payment_id.hex}"
        told = self.script.pop(0) if self.script else "succeeded"
        if told == "silent":
            raise GatewayUnavailable
        if told.startswith("refused "):
            raise payments.GatewayRefused(reason=told.partition(" ")[2])
        if reference not in self.known:
            self.charged.append(asked.payment_id)
            outcome: Any = "succeeded" if told == "lost" else told
            self.known[reference] = Notification(
                reference, outcome, "" if outcome != "failed" else "declined"
            )
        if told == "lost":
            raise GatewayUnavailable
        return self.known[reference]

    async def look(self, reference: str) -> Standing:
        return Standing(self.known[reference])

    def tell(self, payment: payments.PaymentView, outcome: NewsOutcome) -> None:
        self.known[payment.reference] = Notification(payment.reference, outcome)


async def begun(world: World, *script: str, ids: tuple[UUID, ...] = ()) -> tuple[Subscriber, Cards, Any]:
    """A member whose subscription is paid, and the provider of the renewals to come."""
    cards = Cards(*script)
    mine = await subscriber(world, gateway=cards)
    return mine, cards, await mine.begin(*ids)
