"""Members who invest: what they do, as use cases, and what is seen of it afterwards."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from wishes import publish, register

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import identity, investments, payments, points, projects
from baobab.application.investments import coverage
from baobab.application.payments import Asked, Behaviour, GatewayUnavailable, Intent, RefundNews
from baobab.application.points import auditing
from baobab.application.work import HAPPENINGS
from baobab.domain import shared
from baobab.domain.identity.checks import KycLevel
from builders import World

T = TypeVar("T")
HIVE = 5_000
"""Cents. It grants 65 points."""


class Away(SandboxGateway):
    """A provider that does not answer."""

    async def create(self, asked: Asked) -> Intent:
        raise GatewayUnavailable

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        raise GatewayUnavailable


async def join(world: World, number: int = 1, kyc: KycLevel = 2) -> shared.Actor:
    """A new member, of whom somebody checked who they are."""
    id = world.run.new_id()
    command = identity.Enrol(
        user_id=id, email=f"member-{number}@example.org", name=f"Member {number}", password_hash="-"
    )
    await world.run(identity.enrol, command, actor=world.admin)
    world.vouch(id, kyc)
    await world.let_in()
    return shared.Actor(id, "member")


async def hives(world: World, shares: int = 4, slug: str = "ruches-du-vercors", **facts: Any) -> UUID:
    """A project with room for some hives."""
    producer = await register(world, f"rucher-{slug}")
    return (await publish(world, producer.id, slug, target_cents=shares * HIVE, **facts)).id


class Investor:
    """A member who invests through one provider and, where it is given, through a Runner of their own."""

    def __init__(self, world: World, actor: shared.Actor, gateway: SandboxGateway, run: Any = None) -> None:
        self.world, self.actor, self.gateway, self.run = world, actor, gateway, run or world.run

    async def invest(
        self, project_id: UUID, key: str | None = None, **facts: Any
    ) -> investments.InvestmentView:
        command = investments.Invest(project_id=project_id, **{"offer": "ruche", **facts})
        return await investments.invest(command, self.run, self.gateway, actor=self.actor, key=key)

    async def pay(
        self, one: investments.InvestmentView, behaviour: Behaviour = "succeeds", key: str | None = None
    ) -> investments.InvestmentView:
        command = payments.PlayPayment(payment_id=one.payment.id, behaviour=behaviour)
        found = await investments.pay(command, self.run, self.gateway, actor=self.actor, key=key)
        assert isinstance(found, investments.InvestmentView)
        return found

    async def hear(self, one: investments.InvestmentView, outcome: Any) -> investments.InvestmentView:
        news = payments.Notification(one.payment.reference, outcome)
        found = await investments.hear(news, self.run, self.gateway, shared.Actor())
        assert isinstance(found, investments.InvestmentView)
        return found

    async def withdraw(
        self, one: investments.InvestmentView, key: str | None = None
    ) -> investments.InvestmentView:
        await self.withdrawal(one, key)
        return await self.show(one)

    async def withdrawal(
        self, one: investments.InvestmentView, key: str | None = None
    ) -> investments.WithdrawalView:
        command = investments.Withdraw(kind="investment", contribution_id=one.id)
        return await investments.withdraw_and_refund(
            command, self.run, self.gateway, actor=self.actor, key=key
        )

    async def expire(self, one: investments.InvestmentView, **how: Any) -> investments.InvestmentView:
        command = investments.ExpireInvestment(user_id=one.user_id, investment_id=one.id, **how)
        return await self.run(investments.expire, command, actor=self.world.admin)

    async def spend(self, amount: int) -> points.Balance:
        command = points.Spend(user_id=self.actor.user_id, amount=amount, source_id=self.run.new_id())
        return await self.run(points.spend, command, actor=self.world.admin)

    async def show(self, one: investments.InvestmentView) -> investments.InvestmentView:
        question = investments.GetInvestment(user_id=one.user_id, investment_id=one.id)
        return await self.run.read(investments.investment, question, actor=self.actor)

    async def payment(self, one: investments.InvestmentView) -> payments.PaymentWithReceipts:
        question = payments.GetPayment(user_id=one.user_id, payment_id=one.payment.id)
        return await self.run.read(payments.payment, question, actor=self.actor)

    async def points(self) -> int:
        question = points.GetBalance(user_id=self.actor.user_id)
        return (await self.run.read(points.balance, question, actor=self.actor)).available

    async def level(self) -> str:
        question = identity.GetMember(user_id=self.actor.user_id)
        return (await self.run.read(identity.member, question, actor=self.actor)).level


async def investor(
    world: World, number: int = 1, *, gateway: SandboxGateway | None = None, run: Any = None
) -> Investor:
    return Investor(world, await join(world, number), gateway or SandboxGateway(), run)


async def funding(world: World, project_id: UUID) -> tuple[int, int]:
    """Cents that a project has taken, and its supporters."""
    question = projects.GetProject(reference=str(project_id))
    found = (await world.run.read(projects.project, question, actor=world.admin)).funding
    return found.taken.amount, found.supporters


def money(payment: payments.PaymentWithReceipts) -> list[tuple[str, int]]:
    """What the receipts of a payment say."""
    return [(one.kind, one.amount.amount) for one in payment.receipts]


def happened(world: World, *starts: str) -> list[str]:
    """Events of these types, in their order; in memory."""
    storage: Any = world.storage
    return [one.type for one in storage.all(HAPPENINGS) if one.type.startswith(starts)]


async def check_books(world: World) -> None:
    """Points and euros add up: nothing in the ledger is wrong, and every cent that was kept is explained."""
    tour = await auditing.verify(auditing.Verify(), world.run, actor=world.admin, keep=False)
    assert tour.findings == ()
    books = await world.run.read(coverage.coverage, coverage.GetCoverage(), actor=world.admin)
    assert books.unexplained == shared.Money(0)


async def at_once(world: World, *wishes: Awaitable[T]) -> list[T | BaseException]:
    """What comes of wishes that meet: every connection is open before the first begins."""
    await asyncio.gather(*(world.queries.payments.reference("-", "-") for _ in range(8)))
    return await asyncio.gather(*wishes, return_exceptions=True)
