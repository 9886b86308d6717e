"""Asking a provider about everything that is open: whatever was lost on the way is done once."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from investing import HIVE, Away, Investor, funding, hives, investor, join, money
from subscribing import Subscriber

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

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        if self.refuses_refunds:
            self.refuses_refunds -= 1
            raise GatewayRefused(reason="insufficient_balance")
        news = await super().refund(reference, amount_cents, key, since)
        self._after("refund")
        return news

    async def look(self, reference: str) -> Standing:
        self._after("look")
        found = await super().look(reference)
        asked = self.known[reference]
        disputes = (self.disputes[reference],) if reference in self.disputes else ()
        return shared.evolve(found, payment_id=asked.payment_id, user_id=asked.user_id, disputes=disputes)

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


async def test_one_more_payment_of_what_is_paid_already_is_shown_and_stops_nobody_else(
    mine: Investor,
) -> None:
    """As if it had been asked for twice: the provider knows both, by the same ids of ours."""
    gateway, project_id = scripted(mine), await hives(mine.world)
    one = await mine.pay(await mine.invest(project_id))
    twice, never = f"sandbox_{1:032x}", f"sandbox_{2:032x}"
    gateway.known[twice] = gateway.known[one.payment.reference]
    gateway._told[twice] = Notification(twice, "succeeded", received_cents=HIVE, currency="EUR")
    gateway.known[never] = gateway.known[one.payment.reference]
    other = await mine.invest(project_id)
    gateway.pay(other.payment.reference, "succeeds")
    mine.world.clock.advance(minutes=10)
    for dry_run in (True, False):
        found = await reconciled(mine, dry_run=dry_run)
        (left,) = found.differences
        assert (left.reference, left.what.partition(":")[0]) == (twice, "payment_reference_differs")
        assert [finding.what for finding in found.settled] == ["paid"]
    assert (await mine.show(other)).state == "active"


async def test_what_is_due_waits_for_the_end_of_a_dispute_and_goes_back_then(mine: Investor) -> None:
    gateway = scripted(mine)
    one = await mine.pay(await mine.invest(await hives(mine.world)))
    await Investor(mine.world, mine.actor, Away()).withdraw(one)
    reference = one.payment.reference
    gateway.disputes[reference] = DisputeNews(reference, "dp_1", HIVE, "opened", "fraudulent")
    mine.world.clock.advance(minutes=10)
    assert [finding.what for finding in (await reconciled(mine)).settled] == ["dispute opened"]
    for _ in range(4):  # more often than a refund may fail
        found = await reconciled(mine)
        assert (found.waiting, found.settled, found.differences) == (1, (), ())
    assert (await mine.payment(one)).refund_due.amount == HIVE
    gateway.disputes[reference] = DisputeNews(reference, "dp_1", HIVE, "won", "fraudulent")
    await reconciled(mine)
    await reconciled(mine)
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", HIVE)]


async def test_a_payment_that_the_provider_cannot_give_up_any_more_waits(mine: Investor) -> None:
    """A bank takes days, and nobody can call it back."""

    class Slow(Scripted):
        async def cancel(self, reference: str) -> Standing:
            return await self.look(reference)

    slow = Slow()
    one = await Investor(mine.world, mine.actor, slow).invest(await hives(mine.world))
    mine.world.clock.advance(hours=3)
    found = await investments.reconcile(mine.world.run, slow, mine.world.admin)
    assert (found.waiting, found.settled) == (1, ())
    slow.pay(one.payment.reference, "succeeds")
    await investments.reconcile(mine.world.run, slow, mine.world.admin)
    assert (await mine.show(one)).state == "active"


async def test_a_charge_that_was_never_answered_is_shown_when_its_time_is_over(world: World) -> None:
    mine = Subscriber(world, await join(world), Away())
    with pytest.raises(GatewayUnavailable):
        await mine.subscribe()
    world.clock.advance(minutes=10)
    assert (await investments.reconcile(world.run, Away(), world.admin)).waiting == 1
    world.clock.advance(days=3)
    (left,) = (await investments.reconcile(world.run, Away(), world.admin)).differences
    assert left.what.startswith("never answered")


async def test_what_failed_and_was_given_again_is_booked_in_the_order_that_fits(mine: Investor) -> None:
    gateway = scripted(mine)
    one = await mine.withdraw(await mine.pay(await mine.invest(await hives(mine.world))))
    given = gateway._refunds[one.payment.reference]
    (key,) = given
    given[key] = shared.evolve(given[key], state="failed", reason="account_closed")
    gateway.give_back(one.payment.reference, HIVE)
    mine.world.clock.advance(minutes=10)
    assert [finding.what for finding in (await reconciled(mine)).settled] == ["refunded"]
    payment = await mine.payment(one)
    kinds = [("payment", HIVE), ("refund", HIVE), ("refund_failed", HIVE), ("refund", HIVE)]
    assert (payment.state, payment.refund_due.amount, money(payment)) == ("refunded", 0, kinds)
    assert (await reconciled(mine)).settled == ()


async def test_what_was_given_at_the_provider_is_booked_before_anything_more_goes_back(
    mine: Investor,
) -> None:
    """Nobody heard that somebody gave by hand what was due."""
    one = await mine.pay(await mine.invest(await hives(mine.world)))
    await mine.spend(15)
    await Investor(mine.world, mine.actor, Away()).withdraw(one)
    scripted(mine).give_back(one.payment.reference, 3_500)
    mine.world.clock.advance(minutes=10)
    await reconciled(mine)
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", 3_500)]
    given = (await scripted(mine).look(one.payment.reference)).refunds
    assert [back.amount_cents for back in given] == [3_500]
