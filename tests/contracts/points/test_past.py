"""What is effective in the past, on both storages."""

from datetime import timedelta, timezone
from typing import Any

import pytest
from ledgers import LAST_WEEK, Ledger, day, parts, set_policy

from baobab.application import points
from baobab.domain.points import AlreadyExpired, EffectiveInFuture, EffectiveTooEarly, InsufficientPoints
from builders import START


async def test_a_credit_of_the_past_lives_from_then_on(ledger: Ledger) -> None:
    balance = await ledger.earn(funded=10, bonus=5, effective_at=LAST_WEEK)
    assert balance.next_expiry == day("2027-08-23 22:00")
    lines = await ledger.lines()
    assert {line.effective_at for line in lines} == {LAST_WEEK}
    assert [line.recorded_at for line in lines] == [START, START + timedelta(microseconds=1)]


async def test_a_credit_of_the_past_has_the_policy_that_was_in_force_then(ledger: Ledger) -> None:
    await set_policy(ledger.world, "points", validity_months=1, cents=100)
    for given in (await ledger.earn(funded=10, effective_at=LAST_WEEK), await ledger.adjust(3)):
        assert given.balance
    assert [
        (one.policy_version, one.expires_at) for one in sorted(await ledger.lots(), key=lambda one: one.id)
    ] == [
        (1, day("2027-08-23 22:00")),
        (2, day("2026-04-02 22:00")),
    ]


async def test_a_credit_of_long_ago_has_ended_already(ledger: Ledger) -> None:
    then = START - timedelta(days=600)
    for attempt in (ledger.earn(funded=10, effective_at=then), ledger.adjust(10, effective_at=then)):
        with pytest.raises(AlreadyExpired) as caught:
            await attempt
        assert caught.value.expires_at < START


async def test_nothing_has_happened_in_the_future(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    soon = START + timedelta(microseconds=1)
    for attempt in (
        ledger.earn(funded=1, effective_at=soon),
        ledger.spend(1, effective_at=soon),
        ledger.adjust(1, effective_at=soon),
    ):
        with pytest.raises(EffectiveInFuture) as caught:
            await attempt
        assert (caught.value.effective_at, caught.value.now) == (soon, START)
    assert parts(await ledger.spend(1, effective_at=START)) == (9, 9, 0, 0)


async def test_a_debit_of_the_past_takes_only_what_was_there_then_and_is_there_now(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.advance(days=10)
    await ledger.earn(bonus=30)
    for attempt in (ledger.spend, lambda amount, **then: ledger.adjust(-amount, **then)):
        with pytest.raises(InsufficientPoints) as caught:
            await attempt(11, effective_at=START + timedelta(days=5))
        assert (caught.value.needed, caught.value.available) == (11, 10)
    await ledger.spend(10, effective_at=START + timedelta(days=5))
    assert await ledger.left() == [(False, 30)]
    assert (await ledger.last_line()).effective_at == START + timedelta(days=5)


async def test_a_gift_was_not_there_before_it_was_given(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    other = ledger.another()
    ledger.clock.advance(days=10)
    await ledger.give(other, 6)
    with pytest.raises(InsufficientPoints) as caught:
        await other.spend(1, effective_at=START + timedelta(days=5))
    assert (caught.value.needed, caught.value.available) == (1, 0)
    ledger.clock.advance(days=1)
    assert parts(await other.spend(6, effective_at=START + timedelta(days=10, hours=1))) == (0, 0, 0, 0)


async def test_no_debit_reaches_behind_a_refund(ledger: Ledger) -> None:
    """What came back was not there in between."""
    await ledger.earn(funded=10)
    debit = (await ledger.spend(10)).posting_id
    ledger.clock.advance(days=10)
    await ledger.refund(debit)
    then = START + timedelta(days=5)
    for attempt in (ledger.spend(1, effective_at=then), ledger.adjust(-1, effective_at=then)):
        with pytest.raises(EffectiveTooEarly) as caught:
            await attempt
        assert caught.value.facts() == {"since": ledger.clock.now, "effective_at": then}
    assert parts(await ledger.earn(funded=1, effective_at=then)) == (11, 11, 0, 0)
    ledger.clock.advance(days=1)
    await ledger.spend(11, effective_at=START + timedelta(days=10, hours=1))


async def test_a_time_in_another_zone_is_the_same_instant(ledger: Ledger) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    await ledger.earn(funded=10, effective_at=LAST_WEEK.astimezone(there))
    await ledger.spend(3, effective_at=LAST_WEEK.astimezone(there))
    await ledger.adjust(2, effective_at=LAST_WEEK.astimezone(there))
    assert {line.effective_at for line in await ledger.lines()} == {LAST_WEEK}
    async with ledger.world.storage.begin() as transaction:
        keys = [points.POSTINGS.key(ledger.member.user_id, line.id) for line in await ledger.lines()]
        loaded = await transaction.load(keys, lock=False)
    lines: list[Any] = [loaded.records[key] for key in keys]
    assert {line.effective_at.utcoffset() for line in lines} == {timedelta(0)}
    assert {lot.available_at.utcoffset() for lot in await ledger.lots()} == {timedelta(0)}
