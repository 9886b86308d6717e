"""How much a member may put in, and why they are at their level: in memory and on PostgreSQL alike."""

from datetime import timedelta

import pytest
from investing import HIVE, Investor, at_once, hives, join
from subscribing import STANDARD, Subscriber

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application.identity import checks, levels
from baobab.application.investments import standing
from baobab.application.investments.standing import LevelView, LimitsView
from baobab.domain import shared
from baobab.domain.identity import limits as rules
from baobab.domain.identity.checks import KycLevel
from builders import START, World


async def investor(world: World, kyc: KycLevel = 0, number: int = 1) -> Investor:
    return Investor(world, await join(world, number, kyc), SandboxGateway())


async def limits_of(one: Investor) -> LimitsView:
    question = standing.GetLimits(user_id=one.actor.user_id)
    return await one.run.read(standing.contribution_limits, question, actor=one.actor)


async def left_of(one: Investor) -> int | None:
    left = (await limits_of(one)).left
    return left.amount if left else None


async def level_of(one: Investor) -> LevelView:
    return await one.run.read(standing.level, standing.GetLevel(user_id=one.actor.user_id), actor=one.actor)


# --- what is taken --------------------------------------------------------------------------------


async def test_up_to_a_hundred_euros_a_verified_email_is_enough(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    assert await left_of(one) == 2 * HIVE
    await one.pay(await one.invest(project))
    await one.pay(await one.invest(project))
    assert await left_of(one) == 0
    with pytest.raises(rules.ContributionLimit) as refused:
        await one.invest(project)
    assert refused.value.facts() == {
        "limit_cents": 10_000,
        "contributed_cents": 10_000,
        "asked_cents": HIVE,
        "level": 0,
        "needed_level": 1,
    }


async def test_who_is_checked_may_put_in_more_until_the_check_runs_out(any_world: World) -> None:
    project, one = await hives(any_world, 5), await investor(any_world, kyc=1)
    for _ in range(3):
        await one.pay(await one.invest(project))
    assert (await limits_of(one)).limit == shared.Money(100_000)
    any_world.clock.advance(days=731)
    assert (await limits_of(one)).level == 0
    await one.pay(await one.invest(project))
    await one.pay(await one.invest(project))
    assert await left_of(one) == 0


async def test_who_is_checked_completely_has_no_limit(any_world: World) -> None:
    one = await investor(any_world, kyc=2)
    found = await limits_of(one)
    assert (found.level, found.limit, found.left, found.contributed) == (2, None, None, shared.Money(0))
    assert found.level_until == START + timedelta(days=730)


async def test_a_revoked_check_no_longer_helps(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world, kyc=1)
    await one.pay(await one.invest(project))
    await one.pay(await one.invest(project))
    question = checks.GetChecks(user_id=one.actor.user_id)
    held = (await any_world.run.read(checks.checks, question, actor=one.actor)).checks[0]
    command = checks.RevokeCheck(user_id=held.user_id, check_id=held.id, reason="Forged.")
    await any_world.run(checks.revoke, command, actor=any_world.admin)
    with pytest.raises(rules.ContributionLimit):
        await one.invest(project)


async def test_without_a_verified_email_nobody_invests(any_world: World) -> None:
    project, stranger = await hives(any_world), any_world.member(kyc=2, verified=False)
    one = Investor(any_world, stranger, SandboxGateway())
    with pytest.raises(rules.EmailNotVerified):
        await one.invest(project)
    found = await limits_of(one)
    assert (found.email_verified, found.left) == (False, shared.Money(0))


# --- what counts ----------------------------------------------------------------------------------


async def test_what_is_not_paid_yet_counts_while_its_hold_runs(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    first = await one.invest(project)
    await one.invest(project)
    with pytest.raises(rules.ContributionLimit):
        await one.invest(project)
    found = await limits_of(one)
    assert [(room.at, room.amount.amount) for room in found.comes_back] == [(first.reserved_until, 2 * HIVE)]
    any_world.clock.at(first.reserved_until)
    assert await left_of(one) == 2 * HIVE
    await one.invest(project)


async def test_what_failed_or_was_given_up_does_not_count(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    await one.pay(await one.invest(project), "fails")
    await one.expire(await one.invest(project), early=True)
    assert await left_of(one) == 2 * HIVE


async def test_what_was_withdrawn_does_not_count(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    await one.pay(await one.invest(project))
    bought = await one.pay(await one.invest(project))
    await one.withdraw(bought)
    assert await left_of(one) == HIVE
    await one.invest(project)


async def test_room_comes_back_as_the_same_day_begins_a_year_later(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    await one.pay(await one.invest(project))
    any_world.clock.advance(days=10)
    await one.pay(await one.invest(project))
    room = (await limits_of(one)).comes_back
    assert [(one.at.isoformat(), one.amount.amount) for one in room] == [
        ("2027-03-01T23:00:00+00:00", HIVE),
        ("2027-03-11T23:00:00+00:00", HIVE),
    ]
    any_world.clock.at(room[0].at - timedelta(microseconds=1))
    with pytest.raises(rules.ContributionLimit):
        await one.invest(project)
    any_world.clock.at(room[0].at)
    await one.invest(project)


async def test_the_limits_of_another_are_for_administrators(any_world: World) -> None:
    one, other = await investor(any_world), await investor(any_world, number=2)
    question = standing.GetLimits(user_id=one.actor.user_id)
    with pytest.raises(shared.NotFound):
        await any_world.run.read(standing.contribution_limits, question, actor=other.actor)
    found = await any_world.run.read(standing.contribution_limits, question, actor=any_world.admin)
    assert found == await limits_of(one)


# --- at once, and late ----------------------------------------------------------------------------


async def test_of_two_wishes_that_together_pass_the_limit_one_is_granted(any_world: World) -> None:
    """In two processes, and again within one: whoever comes second sees what the first has asked for."""
    project, one = await hives(any_world, 9), await investor(any_world)
    await one.pay(await one.invest(project))
    other = Investor(any_world, one.actor, one.gateway, any_world.runner())
    results = await at_once(any_world, *(who.invest(project) for who in (one, other, one, other)))
    assert sorted(type(one).__name__ for one in results) == ["ContributionLimit"] * 3 + ["InvestmentView"]
    assert await left_of(one) == 0


async def test_money_that_comes_late_goes_back_where_others_took_the_room(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    late = await one.invest(project)
    any_world.clock.at(late.reserved_until)
    for _ in range(2):
        await one.pay(await one.invest(project))
    settled = await one.pay(late)
    assert (settled.state, settled.payment.reason) == ("refunded", "contribution_limit")
    assert settled.payment.refunded.amount == HIVE
    assert await left_of(one) == 0
    assert await one.points() == 2 * 65


async def test_money_that_comes_late_buys_the_share_where_there_is_room(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    late = await one.invest(project)
    any_world.clock.at(late.reserved_until)
    await one.pay(await one.invest(project))
    assert (await one.pay(late)).state == "active"
    assert (await one.pay(late)).state == "active"
    assert await left_of(one) == 0


async def test_money_that_comes_in_time_buys_the_share_though_a_check_ended_meanwhile(
    any_world: World,
) -> None:
    project, one = await hives(any_world, 5), await investor(any_world, kyc=1)
    any_world.clock.advance(days=730, minutes=-10)
    asked = [await one.invest(project) for _ in range(3)]
    any_world.clock.advance(minutes=15)
    assert [(await one.pay(each)).state for each in asked] == ["active"] * 3


async def test_shares_and_subscriptions_count_together(any_world: World) -> None:
    project = await hives(any_world)
    mine = Subscriber(any_world, await join(any_world, kyc=1), SandboxGateway())
    await mine.begin()
    one = Investor(any_world, mine.actor, SandboxGateway())
    await one.pay(await one.invest(project))
    assert await left_of(one) == 100_000 - STANDARD - HIVE
    found = await level_of(one)
    assert (found.level, found.investments, found.subscriptions) == ("ambassadeur", 1, 1)


async def test_who_is_not_checked_does_not_subscribe(any_world: World) -> None:
    mine = Subscriber(any_world, await join(any_world, kyc=0), SandboxGateway())
    with pytest.raises(rules.ContributionLimit) as refused:
        await mine.begin()
    assert (refused.value.asked_cents, refused.value.needed_level) == (STANDARD, 1)


async def test_money_of_a_subscription_that_comes_late_goes_back_where_the_room_is_taken(
    any_world: World,
) -> None:
    project = await hives(any_world, 20)
    mine = Subscriber(any_world, await join(any_world, kyc=1), SandboxGateway())
    late = await mine.subscribe()
    any_world.clock.at(late.payment.expires_at)
    one = Investor(any_world, mine.actor, SandboxGateway())
    for _ in range(17):
        await one.pay(await one.invest(project))
    settled = await mine.pay(late)
    assert (settled.charge.state, settled.payment.reason) == ("returned", "contribution_limit")
    assert settled.payment.refunded.amount == STANDARD
    assert (await level_of(one)).subscriptions == 0


# --- level ----------------------------------------------------------------------------------------


async def test_a_level_is_explained_by_what_is_active_and_remembers_how_it_came(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    joined = await level_of(one)
    assert (joined.level, joined.since, joined.reason) == ("explorateur", START, "joined")
    any_world.clock.advance(days=1)
    bought = await one.pay(await one.invest(project))
    now = await level_of(one)
    assert (now.level, now.investments, now.subscriptions) == ("protecteur", 1, 0)
    assert now.since == START + timedelta(days=1)
    any_world.clock.advance(days=1)
    await one.withdraw(bought)
    assert (await level_of(one)).level == "explorateur"
    question = levels.ListLevelChanges(user_id=one.actor.user_id)
    history = await any_world.run.read(levels.changes, question, actor=one.actor)
    assert [(change.level, change.investments) for change in history.items] == [
        ("explorateur", 0),
        ("protecteur", 1),
    ]
    assert all(change.reason for change in history.items)


async def test_the_history_of_a_level_comes_by_page(any_world: World) -> None:
    project, one = await hives(any_world), await investor(any_world)
    await one.withdraw(await one.pay(await one.invest(project)))
    question = levels.ListLevelChanges(user_id=one.actor.user_id, limit=1)
    first = await any_world.run.read(levels.changes, question, actor=one.actor)
    more = shared.evolve(question, cursor=first.next_cursor)
    rest = await any_world.run.read(levels.changes, more, actor=one.actor)
    assert [page.items[0].level for page in (first, rest)] == ["explorateur", "protecteur"]
    assert rest.next_cursor is None
