"""Investing at the same moment, in memory and on PostgreSQL alike: nothing is sold or paid twice."""

from collections import Counter
from typing import Any
from uuid import UUID

from investing import HIVE, Investor, at_once, check_books, funding, hives, investor, money

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments, payments
from baobab.domain import points, shared
from builders import World


def kinds(outcomes: list[Any]) -> Counter[str]:
    """What came out: the state of an investment, or the code of a refusal."""
    return Counter(one.code if isinstance(one, shared.DomainError) else one.state for one in outcomes)


async def two_investors(world: World) -> tuple[Investor, Investor]:
    """Two members whose requests come to two processes, but to one provider."""
    gateway = SandboxGateway()
    return (
        await investor(world, 1, gateway=gateway),
        await investor(world, 2, gateway=gateway, run=world.runner()),
    )


# --- races --------------------------------------------------------------------------------------


async def test_of_two_late_payments_for_the_last_share_one_is_funded_and_the_other_goes_back(
    any_world: World,
) -> None:
    mine, other = await two_investors(any_world)
    project_id = await hives(any_world, 1)
    first = await mine.invest(project_id)
    any_world.clock.advance(minutes=31)
    second = await other.invest(project_id)
    any_world.clock.advance(minutes=31)
    paid = await at_once(any_world, mine.pay(first), other.pay(second))
    assert kinds(paid) == {"active": 1, "refunded": 1}
    assert await funding(any_world, project_id) == (HIVE, 1)
    assert sorted([await mine.points(), await other.points()]) == [0, 65]
    receipts = [money(await mine.payment(first)), money(await other.payment(second))]
    assert sorted(receipts) == [[("payment", HIVE)], [("payment", HIVE), ("refund", HIVE)]]


async def test_of_two_payments_given_up_for_the_last_share_one_is_funded_and_the_other_goes_back(
    any_world: World,
) -> None:
    """The provider tells of both, that it waits no longer; then the money of both comes."""
    mine, other = await two_investors(any_world)
    project_id = await hives(any_world, 1)
    first = await mine.expire(await mine.invest(project_id), early=True)
    second = await other.expire(await other.invest(project_id), early=True)
    assert kinds([first, second]) == {"expired": 2}
    paid = await at_once(any_world, mine.pay(first, "late"), other.pay(second, "repeats"))
    assert kinds(paid) == {"active": 1, "refunded": 1}
    assert await funding(any_world, project_id) == (HIVE, 1)


async def test_of_many_who_reserve_the_last_share_one_gets_it(any_world: World) -> None:
    project_id = await hives(any_world, 1)
    runs = [any_world.run, any_world.runner(), any_world.runner()]
    everybody = [await investor(any_world, number, run=runs[number % 3]) for number in range(12)]
    outcomes = await at_once(any_world, *(one.invest(project_id) for one in everybody))
    assert kinds(outcomes) == {"pending": 1, "funding_exceeded": 11}


async def test_many_at_once_fill_a_project_to_the_cent(any_world: World) -> None:
    project_id = await hives(any_world, 3)
    runs = [any_world.run, any_world.runner()]
    everybody = [await investor(any_world, number, run=runs[number % 2]) for number in range(8)]
    reserved = await at_once(any_world, *(one.invest(project_id) for one in everybody))
    pairs = [
        (one, view)
        for one, view in zip(everybody, reserved, strict=True)
        if isinstance(view, investments.InvestmentView)
    ]
    paid = await at_once(any_world, *(one.pay(view, "repeats") for one, view in pairs))
    assert kinds(paid) == {"active": 3}
    assert await funding(any_world, project_id) == (3 * HIVE, 3)


async def test_what_the_provider_tells_many_times_at_once_is_settled_once(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    one = await mine.invest(project_id)
    runs = [any_world.run, any_world.runner()]
    heralds = [Investor(any_world, mine.actor, mine.gateway, run) for run in runs]
    heard = await at_once(any_world, *(heralds[number % 2].hear(one, "succeeded") for number in range(10)))
    assert kinds(heard) == {"active": 10}
    assert await mine.points() == 65
    assert money(await mine.payment(one)) == [("payment", HIVE)]
    assert await funding(any_world, project_id) == (HIVE, 1)


async def test_the_same_key_from_two_processes_is_one_investment(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    runs = [any_world.run, any_world.runner()]
    doors = [Investor(any_world, mine.actor, mine.gateway, run) for run in runs]
    views = await at_once(any_world, *(doors[number % 2].invest(project_id, key="k") for number in range(10)))
    assert all(one == views[0] for one in views)
    question = investments.ListInvestments(user_id=mine.actor.user_id)
    page = await any_world.run.read(investments.listing, question, actor=mine.actor)
    assert page.items == (views[0],)


async def test_a_member_does_not_reserve_more_than_is_allowed_by_asking_at_once(any_world: World) -> None:
    mine = await investor(any_world)
    doors = [(mine, await hives(any_world, 20))]
    there = Investor(any_world, mine.actor, mine.gateway, any_world.runner())
    doors.append((there, await hives(any_world, 20, "ruches-du-diois")))
    wishes = [door.invest(project_id) for door, project_id in doors * 6]
    outcomes = await at_once(any_world, *wishes)
    assert kinds(outcomes) == {"pending": 5, "too_many_reservations": 7}


async def test_who_withdraws_everything_at_once_is_back_at_the_first_level(any_world: World) -> None:
    mine = await investor(any_world)
    there = Investor(any_world, mine.actor, mine.gateway, any_world.runner())
    one = await mine.pay(await mine.invest(await hives(any_world)))
    other = await mine.pay(await mine.invest(await hives(any_world, 4, "ruches-du-diois")))
    outcomes = await at_once(any_world, mine.withdraw(one), there.withdraw(other))
    assert kinds(outcomes) == {"withdrawn": 2}
    assert (await mine.level(), await mine.points()) == ("explorateur", 0)


async def test_a_point_is_spent_before_its_owner_thinks_again_or_not_at_all(
    any_world: World,
) -> None:
    mine = await investor(any_world)
    one = await mine.pay(await mine.invest(await hives(any_world)))
    there = Investor(any_world, mine.actor, mine.gateway, any_world.runner())
    back, spent = await at_once(any_world, mine.withdrawal(one), there.spend(10))
    assert isinstance(back, investments.WithdrawalView)
    if isinstance(spent, points.InsufficientPoints):
        assert (back.refund.amount, back.spent_points) == (HIVE, 0)
    else:
        assert (back.refund.amount, back.spent_points) == (HIVE - 1_000, 10)
    assert await mine.points() == 0
    await check_books(any_world)


async def test_a_member_withdraws_once_by_asking_at_once(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    one = await mine.pay(await mine.invest(project_id))
    there = Investor(any_world, mine.actor, mine.gateway, any_world.runner())
    outcomes = await at_once(any_world, *(who.withdraw(one) for who in (mine, there, mine, there)))
    assert kinds(outcomes) == {"withdrawn": 1, "investment_not_active": 3}
    assert await funding(any_world, project_id) == (0, 0)
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", HIVE)]


# --- interrupted ----------------------------------------------------------------------------------


async def test_money_that_was_to_go_back_when_the_program_stopped_goes_back_later_once(
    any_world: World,
) -> None:
    """The program stops between settling and refunding, and once more after the provider refunded."""
    mine, other = await two_investors(any_world)
    project_id = await hives(any_world, 1)
    one = await mine.expire(await mine.invest(project_id), early=True)
    await other.pay(await other.invest(project_id))
    late = investments.Settle(user_id=one.user_id, payment_id=one.payment.id, outcome="succeeded")
    settled = await any_world.run(investments.settle, late, actor=any_world.admin)
    assert (settled.state, settled.payment.state) == ("refunded", "refund_due")
    await mine.gateway.refund(one.payment.reference, HIVE, f"{one.payment.id}-0", any_world.clock())

    wanted = payments.ListRefundsDue(user_id=one.user_id)
    back = await payments.return_money(wanted, any_world.run, mine.gateway, mine.actor)
    assert [(payment.state, payment.refunded.amount) for payment in back] == [("refunded", HIVE)]
    assert await payments.return_money(wanted, any_world.run, mine.gateway, mine.actor) == ()
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", HIVE)]


async def test_a_payment_of_before_a_restart_is_paid_and_given_back_after_it(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    one = await mine.invest(project_id)
    restarted = Investor(any_world, mine.actor, SandboxGateway(), any_world.runner())
    assert (await restarted.pay(one)).state == "active"
    again = Investor(any_world, mine.actor, SandboxGateway(), any_world.runner())
    assert (await again.withdraw(one)).payment.state == "refunded"


# --- what is stored and read ------------------------------------------------------------------------


async def test_what_was_answered_is_what_is_read_later(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    pending = await mine.invest(project_id, notes="pour Noël")
    assert await mine.show(pending) == pending
    active = await mine.pay(pending)
    assert await mine.show(active) == active
    withdrawn = await mine.withdraw(active)
    assert await mine.show(withdrawn) == withdrawn
    failed = await mine.pay(await mine.invest(project_id), "fails")
    assert await mine.show(failed) == failed
    gone = await mine.expire(await mine.invest(project_id), early=True)
    assert await mine.show(gone) == gone


async def test_a_member_s_investments_are_listed_newest_first_with_their_payments(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    first, second, third = [await mine.invest(project_id) for _ in range(3)]
    ports, me = any_world.queries.investments, mine.actor.user_id
    assert [one.investment.id for one in await ports.investments(me, 2, None)] == [third.id, second.id]
    rest = await ports.investments(me, 2, second.id)
    assert [(one.investment.id, one.payment.id) for one in rest] == [(first.id, first.payment.id)]
    assert await ports.investments(any_world.admin.user_id, 2, None) == []


async def test_an_investment_is_found_under_its_owner_only(any_world: World) -> None:
    mine = await investor(any_world)
    one = await mine.invest(await hives(any_world))
    ports = any_world.queries.investments
    found = await ports.investment(one.user_id, one.id)
    assert (found.investment.id, found.payment.id) == (one.id, one.payment.id)
    assert await ports.investment(any_world.admin.user_id, one.id) is None
    assert await ports.investment(one.user_id, UUID(int=9)) is None


async def test_withdrawing_counts_the_supporters_that_are_left(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    one, other = [await mine.pay(await mine.invest(project_id)) for _ in range(2)]
    await mine.pay(await mine.invest(project_id), "fails")
    assert await funding(any_world, project_id) == (2 * HIVE, 1)
    await mine.withdraw(one)
    assert await funding(any_world, project_id) == (HIVE, 1)
    assert await mine.level() == "protecteur"
    await mine.withdraw(other)
    assert (await funding(any_world, project_id), await mine.level()) == ((0, 0), "explorateur")
