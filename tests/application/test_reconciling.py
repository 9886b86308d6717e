"""Asking a provider about everything that is open: whatever was lost on the way is done once."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from investing import HIVE, Away, Investor, funding, hives, investor, money

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments, payments
from baobab.application.investments import Reconciled, reconciling
from baobab.application.payments import (
    Asked,
    DisputeNews,
    GatewayRefused,
    GatewayUnavailable,
    Intent,
    Notification,
    RefundNews,
    Standing,
)
from baobab.domain import shared
from builders import World


class Scripted(SandboxGateway):
    """A provider that remembers everything, and whose answers get lost as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: set[str] = set()
        self.refuses_refunds = 0
        self.known: dict[str, Asked] = {}
        self.disputes: dict[str, DisputeNews] = {}

    def _after(self, what: str) -> None:
        if what in self.lost:
            raise GatewayUnavailable

    async def create(self, asked: Asked) -> Intent:
        intent = await super().create(asked)
        self.known[intent.reference] = asked
        self._after("create")
        return intent

    async def refund(self, reference: str, amount_cents: int, key: str) -> RefundNews:
        if self.refuses_refunds:
            self.refuses_refunds -= 1
            raise GatewayRefused(reason="insufficient_balance")
        news = await super().refund(reference, amount_cents, key)
        self._after("refund")
        return news

    async def look(self, reference: str) -> Standing:
        self._after("look")
        found = await super().look(reference)
        asked = self.known[reference]
        return shared.evolve(found, user_id=asked.user_id, dispute=self.disputes.get(reference))

    def give_back(self, reference: str, cents: int) -> None:
        """Somebody gives money back in the dashboard."""
        given = self._refunds.setdefault(reference, {})
        given["dashboard"] = RefundNews(reference, "re_dashboard", cents)

    async def since(self, at: datetime) -> AsyncIterator[Standing]:
        for reference in reversed(self.known):
            yield await self.look(reference)


@pytest.fixture
async def mine(world: World) -> Investor:
    return await investor(world, gateway=Scripted())


async def reconciled(mine: Investor, **how: Any) -> Reconciled:
    return await investments.reconcile(mine.world.run, mine.gateway, mine.world.admin, **how)


def scripted(mine: Investor) -> Scripted:
    assert isinstance(mine.gateway, Scripted)
    return mine.gateway


async def test_where_everything_is_settled_nothing_is_done(mine: Investor) -> None:
    await mine.pay(await mine.invest(await hives(mine.world)))
    mine.world.clock.advance(minutes=10)
    found = await reconciled(mine)
    assert (found.looked, found.waiting, found.settled, found.differences) == (1, 0, (), ())


async def test_what_still_waits_for_the_member_is_left_alone(mine: Investor) -> None:
    one = await mine.invest(await hives(mine.world))
    mine.world.clock.advance(minutes=10)
    found = await reconciled(mine)
    assert (found.waiting, found.settled) == (1, ())
    assert (await mine.show(one)).state == "pending"


async def test_a_payment_that_was_made_and_never_told_of_is_settled_once(mine: Investor) -> None:
    one = await mine.invest(await hives(mine.world))
    scripted(mine).pay(one.payment.reference, "succeeds")
    mine.world.clock.advance(minutes=10)
    dry = await reconciled(mine, dry_run=True)
    assert ([finding.what for finding in dry.settled], await mine.points()) == (["paid"], 0)
    assert [finding.what for finding in (await reconciled(mine)).settled] == ["paid"]
    assert (await mine.show(one)).state == "active"
    assert (await mine.points(), money(await mine.payment(one))) == (65, [("payment", HIVE)])
    assert (await reconciled(mine)).settled == ()


async def test_a_payment_whose_answer_was_lost_is_found_where_the_provider_lists_it(mine: Investor) -> None:
    gateway = scripted(mine)
    gateway.lost = {"create"}
    with pytest.raises(GatewayUnavailable):
        await mine.invest(await hives(mine.world), key="k")
    gateway.lost = set()
    (reference,) = gateway.known
    gateway.pay(reference, "succeeds")
    mine.world.clock.advance(minutes=10)
    assert [one.what for one in (await reconciled(mine, dry_run=True)).settled] == ["paid"]
    await reconciled(mine)
    assert await mine.points() == 65


async def test_a_refund_whose_answer_was_lost_goes_back_once(mine: Investor) -> None:
    gateway = scripted(mine)
    one = await mine.pay(await mine.invest(await hives(mine.world)))
    gateway.lost = {"refund"}
    await mine.withdraw(one)
    assert (await mine.payment(one)).state == "refund_due"
    gateway.lost = set()
    mine.world.clock.advance(minutes=10)
    assert [finding.what for finding in (await reconciled(mine)).settled] == ["refunded", "refund"]
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", HIVE)]
    assert [back.amount_cents for back in (await gateway.look(one.payment.reference)).refunds] == [HIVE]


async def test_a_hold_that_ran_out_is_given_up_there_and_here(mine: Investor) -> None:
    project_id = await hives(mine.world, 1)
    one = await mine.invest(project_id)
    mine.world.clock.advance(minutes=89)
    assert (await reconciled(mine)).waiting == 1
    mine.world.clock.advance(minutes=1)
    assert [finding.what for finding in (await reconciled(mine)).settled] == ["expired"]
    assert (await mine.show(one)).state == "expired"
    assert (await scripted(mine).look(one.payment.reference)).news.outcome == "expired"
    assert (await mine.invest(project_id)).state == "pending"


async def test_a_payment_that_the_provider_never_heard_of_is_given_up_after_its_hold(world: World) -> None:
    mine = await investor(world, gateway=Away())
    with pytest.raises(GatewayUnavailable):
        await mine.invest(await hives(world))
    world.clock.advance(minutes=10)
    assert (await reconciled(mine)).waiting == 1
    world.clock.advance(hours=2)
    assert [finding.what for finding in (await reconciled(mine)).settled] == ["expired"]
    assert (await reconciled(mine)).looked == 0


async def test_money_given_back_at_the_provider_and_a_lost_dispute_are_booked(mine: Investor) -> None:
    project_id = await hives(mine.world)
    one, other = [await mine.pay(await mine.invest(project_id)) for _ in range(2)]
    gateway = scripted(mine)
    gateway.give_back(one.payment.reference, 700)
    reference = other.payment.reference
    gateway.disputes[reference] = DisputeNews(reference, "dp_1", HIVE, "lost", "fraudulent")
    mine.world.clock.advance(minutes=10)
    found = await reconciled(mine)
    assert sorted(finding.what for finding in found.settled) == ["dispute lost", "refunded"]
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", 700)]
    assert money(await mine.payment(other)) == [("payment", HIVE), ("chargeback", HIVE)]
    assert ((await mine.show(one)).state, (await mine.show(other)).state) == ("active", "refunded")
    assert (await mine.points(), await funding(mine.world, project_id)) == (65, (HIVE, 1))
    assert (await reconciled(mine)).settled == ()


async def test_another_amount_and_a_payment_nobody_knows_are_shown_to_a_person(mine: Investor) -> None:
    gateway = scripted(mine)
    one = await mine.invest(await hives(mine.world))
    reference = one.payment.reference
    gateway._told[reference] = Notification(reference, "succeeded", received_cents=1, currency="EUR")
    strange = shared.evolve(gateway.known[reference], payment_id=mine.world.run.new_id())
    unknown = (await gateway.create(strange)).reference
    gateway.pay(unknown, "succeeds")
    mine.world.clock.advance(minutes=10)
    found = await reconciled(mine)
    assert {(finding.reference, finding.what.partition(":")[0]) for finding in found.differences} == {
        (reference, "amount_differs"),
        (unknown, "paid, and not known here"),
    }
    assert await mine.points() == 0


async def test_a_refund_that_is_refused_again_and_again_is_left_to_a_person(mine: Investor) -> None:
    one = await mine.pay(await mine.invest(await hives(mine.world)))
    scripted(mine).refuses_refunds = 9
    await mine.withdraw(one)
    mine.world.clock.advance(minutes=10)
    for _ in range(2):
        found = await reconciled(mine)
        assert ([one.what for one in found.settled], found.differences) == (["refund failed"], ())
    (left,) = (await reconciled(mine)).differences
    assert left.what.partition(":")[0] == "refund_given_up"
    payment = await mine.payment(one)
    assert (payment.state, [back.state for back in payment.refunds]) == ("refund_due", ["failed"] * 3)


async def test_a_provider_that_falls_silent_is_asked_on_from_where_it_was(mine: Investor) -> None:
    await mine.invest(await hives(mine.world))
    mine.world.clock.advance(minutes=10)
    scripted(mine).lost = {"look"}
    with pytest.raises(reconciling.ReconcileStopped):
        await reconciled(mine)


async def test_means_that_were_kept_are_charged_once_and_what_came_of_it_is_settled(world: World) -> None:
    mine = await investor(world)
    command = investments.Reserve(project_id=await hives(world), offer="ruche", provider="sandbox")
    one = await world.run(investments.reserve, command, actor=mine.actor)
    wanted = payments.GetPayment(user_id=one.user_id, payment_id=one.payment.id)
    for _ in range(2):
        charged = await investments.paying.charge(
            wanted, "sandbox_card", world.run, mine.gateway, world.admin
        )
        assert (charged.state, await mine.points()) == ("active", 65)
    assert money(await mine.payment(one)) == [("payment", HIVE)]
