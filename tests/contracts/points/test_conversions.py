"""Conversions between units at recorded rates, on both storages."""

from datetime import timedelta

import pytest
from ledgers import Ledger, parts, set_policy, set_rate, touched

from baobab.application import points
from baobab.domain import shared
from baobab.domain.points import FOREVER, InsufficientPoints, NoRate, RateLeavesRest, SameUnit, UnknownUnit


async def test_a_conversion_counts_by_the_rate_and_keeps_what_was_paid_for(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", validity_months=None)
    await set_rate(ledger.world, "points", "pearls", 4, 6)
    await ledger.earn(funded=50, bonus=7)
    got = await ledger.convert(20, "pearls")
    assert (got.amount, got.to_amount, got.rate) == (20, 30, "6/4")
    assert (parts(got.balance), parts(got.to_balance)) == ((37, 37, 0, 0), (30, 30, 0, 0))
    pearls = ledger.counted_in("pearls")
    [debit], credits = [await ledger.last_line()], await pearls.lines()
    assert sorted(touched(debit)) == [(False, -7), (True, -13)]
    assert [(one.amount, *touched(one)) for one in credits] == [(19, (True, 19)), (11, (False, 11))]
    assert got.to_balance.next_expiry == FOREVER
    for one in (debit, *credits):
        assert (one.kind, one.contra, one.rate) == ("converted", "conversion", "6/4")
        assert (one.source_type, one.source_id) == ("conversion", got.conversion_id)


async def test_what_a_rate_cannot_count_whole_is_refused(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 6, 4)
    await ledger.earn(funded=50)
    for amount in (1, 2, 7):
        with pytest.raises(RateLeavesRest) as caught:
            await ledger.convert(amount, "pearls")
        assert caught.value.facts() == {
            "unit": "points",
            "to_unit": "pearls",
            "give": 6,
            "get": 4,
            "multiple": 3,
        }
    assert (await ledger.convert(9, "pearls")).to_amount == 6
    assert parts(await ledger.balance()) == (41, 41, 0, 0)


async def test_the_newest_rate_in_force_counts(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    first = await set_rate(ledger.world, "points", "pearls", 1, 2)
    await ledger.earn(funded=50)
    assert (await ledger.convert(5, "pearls")).to_amount == 10
    later = points.SetRate(
        unit="points", to_unit="pearls", give=1, get=3, in_force_at=ledger.clock.now + timedelta(hours=1)
    )
    second = await ledger.world.run(points.set_rate, later, actor=ledger.world.admin)
    assert (first.version, second.version) == (1, 2)
    ledger.clock.advance(minutes=59)
    assert (await ledger.convert(5, "pearls")).to_amount == 10
    ledger.clock.advance(minutes=1)
    assert (await ledger.convert(5, "pearls")).to_amount == 15


async def test_without_a_rate_nothing_is_converted(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 1, 2)
    await ledger.earn(funded=50)
    with pytest.raises(NoRate):
        await ledger.counted_in("pearls").convert(5, "points")
    with pytest.raises(UnknownUnit):
        await ledger.convert(5, "shells")
    with pytest.raises(SameUnit):
        await ledger.convert(5, "points")
    with pytest.raises(InsufficientPoints):
        await ledger.convert(51, "pearls")
    wish = points.SetRate(unit="points", to_unit="points", give=1, get=2, in_force_at=FOREVER)
    with pytest.raises(SameUnit):
        await ledger.world.run(points.set_rate, wish, actor=ledger.world.admin)


async def test_nobody_converts_what_belongs_to_another(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 1, 2)
    await ledger.earn(funded=50)
    wish = points.Convert(user_id=ledger.member.user_id, to_unit="pearls", amount=5)
    with pytest.raises(shared.NotFound, match="account"):
        await ledger.world.run(points.convert, wish, actor=ledger.world.member())
