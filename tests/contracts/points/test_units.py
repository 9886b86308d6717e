"""Units, and the versions of their policies, on both storages."""

from datetime import datetime, timedelta, timezone

import pytest
from ledgers import END, Ledger, close_month, day, parts, set_policy, set_rate, shared_storage

from baobab.application import points
from baobab.domain import shared
from baobab.domain.points import FOREVER, InsufficientPoints, TooSoon, UnknownUnit
from builders import START


async def test_a_new_version_changes_what_is_promised_and_keeps_what_was(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    made = await set_policy(ledger.world, "points", validity_months=1, cents=100)
    assert made.version == 2
    await ledger.earn(funded=10)
    assert {(lot.policy_version, lot.expires_at) for lot in await ledger.lots()} == {
        (1, END),
        (2, day("2026-04-02 22:00")),
    }


async def test_a_version_is_said_a_minute_before_it_is_in_force(ledger: Ledger) -> None:
    soon = START + timedelta(seconds=59)
    wish = points.SetPolicy(unit="pearls", in_force_at=soon)
    with pytest.raises(TooSoon) as caught:
        await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)
    assert caught.value.earliest == START + timedelta(minutes=1)
    await set_policy(ledger.world, "pearls")
    rate = points.SetRate(unit="points", to_unit="pearls", give=1, get=1, in_force_at=soon)
    with pytest.raises(TooSoon):
        await ledger.world.run(points.set_rate, rate, actor=ledger.world.admin)


async def test_a_unit_is_there_from_the_instant_on_that_was_said(ledger: Ledger) -> None:
    wish = points.SetPolicy(unit="pearls", in_force_at=START + timedelta(days=1))
    await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)
    pearls = ledger.counted_in("pearls")
    ledger.clock.at(wish.in_force_at - timedelta(microseconds=1))
    with pytest.raises(UnknownUnit):
        await pearls.earn(funded=1)
    ledger.clock.at(wish.in_force_at)
    assert (await pearls.earn(funded=1)).balance == 1


async def test_an_instant_beyond_the_calendar_is_never(ledger: Ledger) -> None:
    beyond = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
    wish = points.SetPolicy(unit="pearls", in_force_at=beyond)
    assert (await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)).in_force_at == FOREVER


async def test_versions_of_two_processes_have_their_own_numbers(ledger: Ledger) -> None:
    other = shared_storage(ledger.world)
    versions = []
    for _ in range(2):
        for world in (ledger.world, other):
            wish = points.SetPolicy(unit="pearls", in_force_at=ledger.clock.now + timedelta(minutes=1))
            versions.append((await world.run(points.set_policy, wish, actor=world.admin)).version)
    assert versions == [1, 2, 3, 4]


async def test_the_oldest_may_go_first(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", consumption="oldest_first")
    pearls = ledger.counted_in("pearls")
    await pearls.earn(funded=10)
    await set_policy(ledger.world, "pearls", consumption="oldest_first", validity_months=1)
    await pearls.earn(funded=10)
    await pearls.spend(4)
    [line] = (await pearls.lines())[-1:]
    assert line.lots[0].expires_at > day("2027-01-01 00:00")


async def test_points_without_an_end_never_expire_nor_are_they_soon_to(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", validity_months=None)
    pearls = ledger.counted_in("pearls")
    assert (await pearls.earn(funded=10)).next_expiry == FOREVER
    pearls.clock.at("2099-01-01 00:00")
    assert parts(await pearls.spend(4)) == (6, 6, 0, 0)
    assert (await pearls.expiring(800)).total == 0


async def test_points_ripen_before_they_can_be_spent(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=10)
    pearls = ledger.counted_in("pearls")
    assert parts(await pearls.earn(funded=10)) == (10, 0, 10, 0)
    with pytest.raises(InsufficientPoints):
        await pearls.spend(1)
    with pytest.raises(InsufficientPoints):
        await pearls.give(pearls.another(), 1)
    pearls.clock.advance(days=10)
    assert parts(await pearls.balance()) == (10, 10, 0, 0)
    assert parts(await pearls.spend(1)) == (9, 9, 0, 0)


async def test_points_that_end_before_they_are_ripe_are_gone_lazily_and_swept_alike(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=60, validity_months=1)
    pearls = ledger.counted_in("pearls")
    await pearls.earn(funded=10)
    pearls.clock.advance(days=40)
    assert parts(await pearls.balance()) == (0, 0, 0, 0)
    assert parts(await pearls.expire()) == (0, 0, 0, 0)


async def test_a_unit_may_stand_for_other_money_or_none(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", cents=25)
    await set_policy(ledger.world, "shells")
    assert (await ledger.counted_in("pearls").earn(funded=10)).euros == shared.Money(250)
    assert (await ledger.counted_in("shells").earn(funded=10)).euros == shared.Money(0)


async def test_a_zone_that_is_none_is_refused(ledger: Ledger) -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "Europe"):
        wish = points.SetPolicy(unit="pearls", in_force_at=FOREVER, zone=zone)
        with pytest.raises(points.UnknownZone, match=zone):
            await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)


async def test_units_are_listed_with_their_versions_rates_and_books(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    rate = await set_rate(ledger.world, "points", "pearls", 1, 2)
    books = await close_month(ledger.world, "2026-02")
    found = await ledger.world.run.read(points.units, points.ListUnits(), actor=ledger.member)
    assert [(one.unit, one.version) for one in found.policies] == [("points", 1), ("pearls", 1)]
    assert (found.rates, found.books) == ((rate,), (books,))
    for which in (points.set_policy, points.set_rate, points.close_period):
        with pytest.raises(shared.Forbidden):
            await ledger.world.run(which, points.ListUnits(), actor=ledger.member)
