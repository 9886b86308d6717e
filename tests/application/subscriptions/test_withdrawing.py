"""Thinking again of a subscription, and money that a bank takes back."""

from typing import Any

import pytest
from investing import Away, check_books, funding, hives
from subscribing import DUE, STANDARD, Subscriber, begun, renew, subscriber

from baobab.application import investments, payments, points
from baobab.application.investments import paying
from baobab.domain.investments import subscriptions as rules
from baobab.domain.investments.subscriptions import Choice
from builders import World


async def test_who_thinks_again_gets_back_what_is_not_spent(world: World) -> None:
    project_id = await hives(world)
    mine, _, one = await begun(world, ids=(project_id,))
    await mine.spend(100)
    back = await mine.withdraw(one)
    assert (back.refund.amount, back.deducted.amount, back.returned_points) == (10_000, 10_000, 180)
    assert (back.payment.state, await mine.points(), await mine.level()) == ("refunded", 0, "explorateur")
    assert await funding(world, project_id) == (0, 0)
    over = await mine.show(one)
    assert (over.state, over.charge.state, over.due_at) == ("withdrawn", "withdrawn", None)
    assert (await mine.charges(one))[0].portions == ()
    await check_books(world)


async def test_a_withdrawal_of_a_subscription_answers_the_same_again_and_happens_once(world: World) -> None:
    mine, _, one = await begun(world)
    assert await mine.withdraw(one, key="w") == await mine.withdraw(one, key="w")
    with pytest.raises(rules.NothingToWithdraw):
        await mine.withdraw(one, key="another")
    assert await mine.receipts(one.payment) == [("payment", STANDARD), ("refund", STANDARD)]


async def test_what_was_never_paid_is_not_withdrawn_from(world: World) -> None:
    mine = await subscriber(world)
    with pytest.raises(rules.NothingToWithdraw):
        await mine.withdraw(await mine.subscribe())


async def test_money_is_taken_from_projects_that_were_chosen_later_too(world: World) -> None:
    small, later = await hives(world, 1), await hives(world, slug="ruches-du-diois")
    mine, _, one = await begun(world, ids=(small,))
    await mine.choose_projects(one, Choice(small), Choice(later))
    assert [await funding(world, id) for id in (small, later)] == [(5_000, 1), (15_000, 1)]
    await mine.withdraw(one)
    assert [await funding(world, id) for id in (small, later)] == [(0, 0), (0, 0)]


async def dispute(world: World, one: investments.SubscriptionView, state: Any = "lost") -> None:
    """A member's bank takes the money of the last charge back."""
    command = payments.BookDispute(
        user_id=one.user_id, payment_id=one.payment.id, reference="dp_1", amount_cents=STANDARD, state=state
    )
    await world.run(paying.PURCHASES["subscription"].disputed, command, actor=world.admin)


async def test_money_that_a_bank_takes_back_ends_the_subscription_and_its_benefits(world: World) -> None:
    project_id = await hives(world)
    mine, _, one = await begun(world, ids=(project_id,))
    await mine.spend(100)
    await dispute(world, one, "opened")
    assert (await mine.show(one)).state == "active"
    await dispute(world, one)
    lost = await mine.show(one)
    assert (lost.state, lost.reason, lost.charge.state) == ("cancelled", "chargeback", "lost")
    assert (await mine.level(), await funding(world, project_id)) == ("explorateur", (0, 0))
    question = points.GetBalance(user_id=mine.actor.user_id)
    balance = await world.run.read(points.balance, question, actor=mine.actor)
    assert (balance.available, balance.debt) == (0, 100)
    await dispute(world, one)
    with pytest.raises(rules.NothingToWithdraw):
        await mine.withdraw(one)
    await check_books(world)


async def test_the_money_of_an_earlier_year_is_lost_and_the_present_one_goes_on(world: World) -> None:
    mine, cards, one = await begun(world)
    world.clock.at(DUE)
    await renew(world, cards)
    await dispute(world, one)
    assert ((await mine.show(one)).state, await mine.points()) == ("active", 280)
    assert [charge.state for charge in await mine.charges(one)] == ["paid", "lost"]
    await check_books(world)


async def test_a_withdrawal_from_a_subscription_does_not_wait_for_the_provider(world: World) -> None:
    mine, _, one = await begun(world)
    away = Subscriber(world, mine.actor, Away())
    assert (await away.withdraw(one, key="w")).payment.state == "refund_due"
    assert (await mine.withdraw(one, key="w")).payment.state == "refunded"
