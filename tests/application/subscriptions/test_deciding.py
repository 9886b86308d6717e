"""What a member decides: to cancel, to go on, another plan; what they and others see."""

import pytest
from investing import check_books
from subscribing import DUE, PREMIUM, begun, renew, subscriber

from baobab.application import investments
from baobab.application.investments import Renewals
from baobab.domain import shared
from builders import World


async def test_a_cancelled_subscription_runs_until_its_period_is_over(world: World) -> None:
    mine, cards, one = await begun(world)
    asked = await mine.cancel(one)
    assert (asked.state, asked.cancel_at_period_end, await mine.level()) == ("active", True, "ambassadeur")
    assert await mine.cancel(one) == asked
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, cancelled=1)
    over = await mine.show(one)
    assert (over.state, over.reason, await mine.level()) == ("cancelled", "period_end", "explorateur")
    assert (await mine.cancel(one), cards.charged) == (over, [])


async def test_a_cancellation_is_taken_back(world: World) -> None:
    mine, cards, one = await begun(world)
    await mine.cancel(one)
    command = investments.ResumeSubscription(subscription_id=one.id)
    resumed = await world.run(investments.resume_subscription, command, actor=mine.actor)
    assert not resumed.cancel_at_period_end
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)


async def test_cancelling_while_it_is_tried_again_stops_at_once(world: World) -> None:
    mine, cards, one = await begun(world, "failed")
    world.clock.at(DUE)
    await renew(world, cards)
    assert (await mine.cancel(one)).state == "cancelled"
    assert await mine.level() == "explorateur"
    world.clock.advance(days=30)
    assert await renew(world, cards) == Renewals()


async def test_money_of_a_renewal_that_was_cancelled_meanwhile_goes_back(world: World) -> None:
    mine, cards, one = await begun(world, "pending")
    world.clock.at(DUE)
    await renew(world, cards)
    under_way = await mine.show(one)
    assert (await mine.cancel(one)).state == "cancelled"
    late = await mine.hear(under_way, "succeeded")
    assert (late.charge.state, late.payment.state) == ("returned", "refunded")
    assert await mine.points() == 280
    await check_books(world)


async def test_an_administrator_stops_it_at_once_with_a_reason(world: World) -> None:
    mine, _, one = await begun(world)
    command = investments.StopSubscription(
        user_id=one.user_id, subscription_id=one.id, reason="asked by telephone"
    )
    stopped = await world.run(investments.stop_subscription, command, actor=world.admin)
    assert (stopped.state, stopped.reason, await mine.level()) == ("cancelled", "admin", "explorateur")
    with pytest.raises(shared.Forbidden):
        await world.run(investments.stop_subscription, command, actor=mine.actor)


async def test_another_plan_is_charged_from_the_next_period_on(world: World) -> None:
    mine, cards, one = await begun(world)
    chosen = await mine.choose_plan(one, "ambassadeur_premium")
    assert (chosen.plan, chosen.next_plan, await mine.points()) == (
        *("ambassadeur_standard", "ambassadeur_premium"),
        280,
    )
    world.clock.at(DUE)
    await renew(world, cards)
    now = await mine.show(one)
    assert (now.plan, now.next_plan, now.charge.amount.amount) == ("ambassadeur_premium", None, PREMIUM)
    assert await mine.points() == 280 + 525
    await check_books(world)


async def test_nobody_decides_for_somebody_else_or_sees_what_is_theirs(world: World) -> None:
    mine, _, one = await begun(world)
    other = await subscriber(world, 2)
    for wish in (other.cancel(one), other.choose_plan(one, "ambassadeur_premium"), other.withdraw(one)):
        with pytest.raises(shared.NotFound):
            await wish
    for look in (other.show(one), other.charges(one)):
        with pytest.raises(shared.NotFound):
            await look
    assert await mine.show(one) == one
    question = investments.ListSubscriptions(user_id=one.user_id)
    with pytest.raises(shared.NotFound):
        await world.run.read(investments.subscription_listing, question, actor=other.actor)


async def test_subscriptions_are_listed_newest_first(world: World) -> None:
    mine = await subscriber(world)
    first = await mine.pay(await mine.subscribe(), "fails")
    second = await mine.begin()
    question = investments.ListSubscriptions(user_id=mine.actor.user_id, limit=1)
    page = await world.run.read(investments.subscription_listing, question, actor=world.admin)
    assert page.items == (second,)
    rest = shared.evolve(question, cursor=page.next_cursor)
    assert (await world.run.read(investments.subscription_listing, rest, actor=mine.actor)).items == (first,)
