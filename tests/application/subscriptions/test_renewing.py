"""A subscription a year later: renewal, dunning, and paying by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest
from investing import check_books, funding, happened, hives, join
from subscribing import DUE, STANDARD, Cards, Subscriber, begun, renew, subscriber, verify

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments
from baobab.application.investments import Renewals
from baobab.application.payments import Asked, Notification
from baobab.application.work import Changes
from baobab.domain import shared
from baobab.domain.identity import limits
from baobab.domain.investments import subscriptions as rules
from builders import World


async def test_a_year_later_the_saved_means_are_charged_once(world: World) -> None:
    project_id = await hives(world, 9)
    mine, cards, one = await begun(world, ids=(project_id,))
    world.clock.at("2027-03-01 22:59")
    assert await renew(world, cards) == Renewals()
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    assert await renew(world, cards) == Renewals()
    now = await mine.show(one)
    assert (now.state, now.period, now.period_end) == ("active", 2, datetime(2028, 3, 1, 23, tzinfo=UTC))
    assert (await mine.points(), len(cards.charged)) == (560, 1)
    assert await funding(world, project_id) == (2 * STANDARD, 1)
    assert [await mine.receipts(charge.payment) for charge in await mine.charges(one)] == [
        [("payment", STANDARD)],
        [("payment", STANDARD)],
    ]
    await check_books(world)


async def test_a_card_that_fails_three_times_ends_it_and_its_benefits(world: World) -> None:
    mine, cards, one = await begun(world, "failed", "failed", "failed")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    assert ((await mine.show(one)).state, await mine.level()) == ("past_due", "ambassadeur")
    for day, expected in (("2027-03-03", Renewals()), ("2027-03-04", Renewals(due=1, failed=1))):
        world.clock.at(f"{day} 22:00")
        assert await renew(world, cards) == expected
    world.clock.at("2027-03-09 23:00")
    assert await renew(world, cards) == Renewals(due=1, ended=1)
    now = await mine.show(one)
    assert (now.state, now.reason, now.due_at, now.failures) == ("ended", "dunning", None, 3)
    assert (await mine.level(), await mine.points()) == ("explorateur", 280)
    assert await renew(world, cards) == Renewals()
    assert [charge.state for charge in await mine.charges(one)] == [*["failed"] * 3, "paid"]
    assert happened(world, "investments.subscription_")[2:] == [
        *["investments.subscription_past_due"] * 2,
        "investments.subscription_ended",
    ]


async def test_a_card_that_works_again_heals(world: World) -> None:
    mine, cards, one = await begun(world, "failed")
    world.clock.at(DUE)
    await renew(world, cards)
    world.clock.advance(days=2)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    now = await mine.show(one)
    assert (now.state, now.failures, now.period) == ("active", 0, 2)
    assert now.period_end == datetime(2028, 3, 1, 23, tzinfo=UTC)


async def test_a_provider_that_does_not_answer_is_no_failure_and_is_asked_again(world: World) -> None:
    mine, cards, one = await begun(world, "silent", "silent", "silent", "silent")
    world.clock.at(DUE)
    for _ in range(4):
        assert await renew(world, cards) == Renewals(due=1, unanswered=1)
        world.clock.advance(days=1)
    assert ((await mine.show(one)).state, (await mine.show(one)).failures) == ("active", 0)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    assert len(await mine.charges(one)) == 2


async def test_means_that_are_gone_are_a_failure_and_whatever_else_is_refused_is_none(world: World) -> None:
    mine, cards, one = await begun(world, "refused idempotency_key_in_use", "refused resource_missing")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, unanswered=1)
    assert (await mine.show(one)).failures == 0
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    assert (await mine.show(one)).payment.reason == "resource_missing"


async def test_an_answer_that_was_lost_is_asked_for_again_and_nobody_is_charged_twice(world: World) -> None:
    mine, cards, _ = await begun(world, "lost", "succeeded")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, unanswered=1)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    assert (len(cards.charged), await mine.points()) == (1, 560)


async def test_a_charge_under_way_is_heard_of_later(world: World) -> None:
    mine, cards, one = await begun(world, "pending")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, waiting=1)
    under_way = await mine.show(one)
    assert await renew(world, cards) == Renewals(due=1, waiting=1)
    cards.tell(under_way.payment, "declined")
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    assert len(cards.charged) == 1


async def test_a_charge_that_the_provider_gave_up_is_a_try_that_failed(world: World) -> None:
    """Otherwise it would be tried for ever, and the benefits kept for as long."""
    mine, cards, one = await begun(world, "pending", "pending", "pending")
    for moment, expected in (
        (DUE, Renewals(due=1, failed=1)),
        ("2027-03-04 00:00", Renewals(due=1, failed=1)),
        ("2027-03-09 12:00", Renewals(due=1, ended=1)),
    ):
        world.clock.at(moment)
        assert await renew(world, cards) == Renewals(due=1, waiting=1)
        cards.tell((await mine.show(one)).payment, "expired")
        assert await renew(world, cards) == expected
    assert (await mine.show(one)).reason == "dunning"


async def test_one_card_that_fails_and_one_that_breaks_stop_nobody_else(world: World) -> None:
    class Broken(Cards):
        async def charge(self, asked: Asked, means: str) -> Notification:
            if asked.user_id == broken.actor.user_id:
                raise RuntimeError("something nobody thought of")
            return await super().charge(asked, means)

    cards = Broken()
    everybody = [await subscriber(world, number, gateway=cards) for number in range(20)]
    views = [await one.begin() for one in everybody]
    broken = everybody[3]
    cards.script = ["failed"]
    world.clock.at(DUE)
    with pytest.raises(RuntimeError):
        await renew(world, cards)
    states = [(await one.show(view)).period for one, view in zip(everybody, views, strict=True)]
    assert sorted(states) == [1, 1, *[2] * 18]


async def test_who_saved_no_means_is_asked_to_pay_by_hand(world: World) -> None:
    mine, cards, one = await begun(world)
    storage: Any = world.storage
    key = investments.SUBSCRIPTIONS.key(one.user_id, one.id)
    async with storage.begin() as transaction:
        changed = shared.evolve(storage.find(key), means="")
        await transaction.write(Changes({}, {investments.SUBSCRIPTIONS: [changed]}))
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    late = await mine.show(one)
    assert (late.payment.reason, cards.charged) == ("no_means", [])
    by_hand = await mine.pay_now(late)
    assert (await mine.pay(by_hand)).state == "active"
    assert (await mine.show(one)).means_saved


async def test_a_renewal_beyond_the_member_s_limit_is_not_charged(world: World) -> None:
    """A check holds for two years: who is not checked again may not put in so much in the third."""
    cards = Cards()
    mine = Subscriber(world, await join(world, kyc=0), cards)
    await verify(world, mine.actor, 1)
    one = await mine.begin()
    world.clock.at(DUE)
    await renew(world, cards)
    world.clock.at("2028-03-03 12:00")
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    late = await mine.show(one)
    assert (late.payment.reason, len(cards.charged)) == ("contribution_limit", 1)
    with pytest.raises(limits.ContributionLimit):
        await mine.pay_now(late)
    await verify(world, mine.actor, 1)
    world.clock.advance(days=2)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)


async def test_another_provider_leaves_a_renewal_alone(world: World) -> None:
    class Other(SandboxGateway):
        name = "other"

    await begun(world)
    world.clock.at(DUE)
    assert await renew(world, Other()) == Renewals(due=1, unanswered=1)


async def test_who_never_paid_is_given_up(world: World) -> None:
    mine = await subscriber(world)
    one = await mine.subscribe()
    world.clock.advance(minutes=30)
    assert await renew(world, mine.gateway) == Renewals(due=1, ended=1)
    gone = await mine.show(one)
    assert (gone.state, gone.reason, gone.payment.state) == ("ended", "hold_expired", "cancelled")
    assert (await mine.pay(gone)).state == "active"


async def test_only_services_renew(world: World) -> None:
    mine, _, one = await begun(world)
    command = investments.BeginRenewal(user_id=one.user_id, subscription_id=one.id)
    with pytest.raises(shared.Forbidden):
        await world.run(investments.begin_renewal, command, actor=mine.actor)


async def test_only_the_first_are_renewed_where_that_is_asked(world: World) -> None:
    cards = Cards()
    for number in range(5):
        await (await subscriber(world, number, gateway=cards)).begin()
    world.clock.at(DUE)
    some = await investments.renew_due(world.run, cards, actor=world.admin, most=2, share=0.5)
    assert some == Renewals(due=2, renewed=2)
    seen: list[tuple[int, int]] = []
    await investments.renew_due(world.run, cards, actor=world.admin, watch=lambda *one: seen.append(one))
    assert seen[-1] == (3, 3)


async def test_a_member_pays_by_hand_what_the_card_did_not(world: World) -> None:
    mine, cards, one = await begun(world, "failed")
    world.clock.at(DUE)
    await renew(world, cards)
    by_hand = await mine.pay_now(one)
    assert (by_hand.charge.automatic, by_hand.payment.state) == (False, "pending")
    assert by_hand.payment.pay_url
    world.clock.advance(days=2)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    late = await mine.pay(by_hand)
    assert (late.charge.state, late.payment.state, late.period) == ("returned", "refunded", 2)
    assert await mine.points() == 560


async def test_nothing_is_to_be_paid_where_no_renewal_failed(world: World) -> None:
    mine, _, one = await begun(world)
    with pytest.raises(rules.NothingToPay):
        await mine.pay_now(one)
