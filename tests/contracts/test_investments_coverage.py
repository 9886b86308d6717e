"""The coverage report, in memory and on PostgreSQL: money that came against points that it paid for."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from investing import Away, Investor, hives, investor

from baobab.application import investments, payments, points
from baobab.application.investments import coverage
from baobab.application.investments.coverage import Coverage
from baobab.domain import shared
from builders import World

SHARE, POINTS = 5_000, 50
"""What a hive costs in cents, and the points that this pays for."""


async def covered(world: World) -> Coverage:
    return await world.run.read(coverage.coverage, coverage.GetCoverage(), actor=world.admin)


async def bought(world: World, **facts: Any) -> tuple[Investor, Any]:
    """Somebody with one share of a project of four."""
    mine = await investor(world, **facts)
    return mine, await mine.pay(await mine.invest(await hives(world)))


async def grant_of(mine: Investor, source_id: UUID) -> points.ClawBack:
    """The wish to take back what a source gave."""
    statement = points.GetStatement(user_id=mine.actor.user_id)
    lines = (await mine.run.read(points.statement, statement, actor=mine.actor)).items
    grant_id = next(line.grant_id for line in lines if line.source_id == source_id and line.grant_id)
    return points.ClawBack(user_id=mine.actor.user_id, grant_id=grant_id, reason="disputed")


def holds(found: Coverage, **facts: Any) -> bool:
    """Whether the report says this, explains all of the difference, and says nothing else of it."""
    explained = ("refunds_due", "remainders", "clawed_back", "kept_for_spent", "unexplained")
    parts = dict.fromkeys((*explained, "conceded"), 0) | facts
    said = {name: getattr(found, name) for name in parts}
    cents = {name: one.amount if isinstance(one, shared.Money) else one for name, one in said.items()}
    return cents == parts and found.difference.amount == (
        sum(cents[name] for name in explained) - cents["conceded"]
    )


async def test_where_nothing_happened_there_is_nothing_to_cover(any_world: World) -> None:
    found = await covered(any_world)
    assert holds(found, kept=0, issued=0, liability=0, ratio_bp=None, funded_bp=None)


async def test_money_that_came_stands_against_the_points_that_it_paid_for(any_world: World) -> None:
    mine, _ = await bought(any_world)
    found = await covered(any_world)
    assert holds(found, received=SHARE, kept=SHARE, issued=POINTS, paid_points=SHARE, liability=6_500)
    assert (found.ratio_bp, found.funded_bp) == (SHARE * 10_000 // 6_500, 7_692)
    await mine.spend(15)
    assert (await covered(any_world)).funded_bp == 10_000


async def test_money_that_went_back_took_its_points_along(any_world: World) -> None:
    mine, share = await bought(any_world)
    await mine.withdraw(share)
    found = await covered(any_world)
    assert holds(found, received=SHARE, returned=SHARE, kept=0, issued=POINTS, taken_back=POINTS)
    assert (found.paid_points, found.ratio_bp) == (shared.Money(0), None)


async def test_money_that_is_still_to_go_back_is_named(any_world: World) -> None:
    mine, share = await bought(any_world)
    away = Investor(any_world, mine.actor, Away())
    await away.withdraw(share)
    assert holds(await covered(any_world), kept=SHARE, taken_back=POINTS, difference=SHARE, refunds_due=SHARE)


async def test_points_taken_back_though_the_money_stayed_are_named(any_world: World) -> None:
    mine, share = await bought(any_world)
    await mine.spend(40)
    await any_world.run(points.claw_back, await grant_of(mine, share.id), actor=any_world.admin)
    assert holds(await covered(any_world), kept=SHARE, taken_back=POINTS, clawed_back=SHARE)


async def test_money_given_back_though_the_points_stayed_is_named(any_world: World) -> None:
    mine, share = await bought(any_world)
    wish = payments.RefundPayment(
        user_id=share.user_id, payment_id=share.payment.id, amount_cents=700, reason="goodwill"
    )
    await any_world.run(payments.refund, wish, actor=any_world.admin)
    assert holds(await covered(any_world), kept=SHARE, refunds_due=700, conceded=700)
    await payments.return_money(payments.ListRefundsDue(), any_world.run, mine.gateway, any_world.admin)
    assert holds(await covered(any_world), returned=700, kept=SHARE - 700, conceded=700)


async def test_what_a_withdrawal_kept_and_is_given_back_later_is_not_kept_any_more(any_world: World) -> None:
    mine, share = await bought(any_world)
    await mine.spend(20)
    await mine.withdraw(share)
    assert holds(await covered(any_world), kept=2_000, taken_back=POINTS, kept_for_spent=2_000)
    wish = payments.RefundPayment(
        user_id=share.user_id, payment_id=share.payment.id, amount_cents=500, reason="goodwill"
    )
    await any_world.run(payments.refund, wish, actor=any_world.admin)
    await payments.return_money(payments.ListRefundsDue(), any_world.run, mine.gateway, any_world.admin)
    assert holds(await covered(any_world), kept=1_500, taken_back=POINTS, kept_for_spent=1_500)


async def test_money_that_the_bank_took_back_took_its_points_along(any_world: World) -> None:
    mine, share = await bought(any_world)
    await mine.spend(60)
    await lose(any_world, share)
    assert holds(await covered(any_world), returned=SHARE, kept=0, issued=POINTS, taken_back=POINTS)


async def test_money_that_the_bank_took_back_when_its_points_had_ended_is_conceded(any_world: World) -> None:
    """Nobody has points that ended, and nobody owes them."""
    _, share = await bought(any_world)
    any_world.clock.advance(days=600)
    await lose(any_world, share)
    assert holds(await covered(any_world), returned=SHARE, issued=POINTS, taken_back=0, conceded=SHARE)


async def lose(world: World, share: Any) -> None:
    """The bank takes all the money of a share back."""
    lost = payments.BookDispute(
        user_id=share.user_id,
        payment_id=share.payment.id,
        reference="dp_1",
        amount_cents=SHARE,
        state="lost",
    )
    await world.run(investments.disputed, lost, actor=world.admin)


async def test_funded_points_without_a_payment_are_counted_apart(any_world: World) -> None:
    mine, _ = await bought(any_world)
    facts: dict[str, Any] = {
        "user_id": mine.actor.user_id,
        "funded": 7,
        "source_id": any_world.run.new_id(),
    }
    await any_world.run(points.earn, points.Earn(**facts), actor=any_world.admin)
    assert holds(await covered(any_world), issued=POINTS, issued_elsewhere=7, liability=7_200)
    await any_world.run(points.claw_back, await grant_of(mine, facts["source_id"]), actor=any_world.admin)
    assert holds(await covered(any_world), issued=POINTS, issued_elsewhere=0, clawed_back=0)
    strange = points.Earn(**facts, source_type="investment")
    await any_world.run(points.earn, strange, actor=any_world.admin)
    assert holds(await covered(any_world), issued=POINTS + 7, issued_elsewhere=0, unexplained=-700)


async def test_what_a_price_has_beyond_whole_points_is_named(any_world: World) -> None:
    """Here because a point stands for less by now."""
    await bought(any_world)
    since = any_world.clock.now + timedelta(hours=1)
    policy = points.SetPolicy(unit="points", in_force_at=since, cents=90)
    await any_world.run(points.set_policy, policy, actor=any_world.admin)
    any_world.clock.advance(days=1)
    assert holds(await covered(any_world), kept=SHARE, paid_points=4_500, difference=500, remainders=500)


async def test_only_administrators_see_it(any_world: World) -> None:
    with pytest.raises(shared.Forbidden):
        await any_world.run.read(coverage.coverage, coverage.GetCoverage(), actor=any_world.member())
