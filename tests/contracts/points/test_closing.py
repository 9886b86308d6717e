"""Closed months, closed accounts, and whose they may be; on both storages."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from ledgers import END, LAST_WEEK, Ledger, close_month, day, parts, set_policy, shared_storage, stored

from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.work import Changes
from baobab.domain import shared
from baobab.domain.points import (
    LONG_AGO,
    AccountClosed,
    AccountNotEmpty,
    AccountOpen,
    Books,
    InsufficientPoints,
    PeriodClosed,
    PeriodNotOver,
    PeriodNotSwept,
    UnknownUnit,
)
from builders import START, World


async def test_nothing_is_posted_as_effective_in_a_closed_month(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    books = await close_month(ledger.world, "2026-02")
    assert (books.closed_through, books.closed_at) == (day("2026-02-28 23:00"), START)
    then = books.closed_through - timedelta(microseconds=1)
    for attempt in (
        ledger.earn(funded=1, effective_at=then),
        ledger.spend(1, effective_at=then),
        ledger.adjust(1, effective_at=then),
        ledger.adjust(-1, effective_at=then),
    ):
        with pytest.raises(PeriodClosed) as caught:
            await attempt
        assert caught.value.closed_through == books.closed_through
    await ledger.earn(funded=1, effective_at=books.closed_through)
    await ledger.adjust(1)
    assert parts(await ledger.balance()) == (12, 12, 0, 0)


async def test_a_unit_has_books_of_its_own(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await close_month(ledger.world, "2026-02")
    ledger.clock.at("2026-03-10 12:00")
    pearls = ledger.counted_in("pearls")
    assert (await pearls.earn(funded=1, effective_at=START + timedelta(days=1))).balance == 1
    with pytest.raises(UnknownUnit):
        await close_month(ledger.world, "2026-02", "shells")


async def test_a_month_is_closed_once_it_is_over(ledger: Ledger) -> None:
    ledger.clock.at("2026-03-31 21:59")
    with pytest.raises(PeriodNotOver) as caught:
        await close_month(ledger.world, "2026-03")
    assert caught.value.ends_at == day("2026-03-31 22:00")
    ledger.clock.at("2026-03-31 22:00")
    assert (await close_month(ledger.world, "2026-03")).closed_through == day("2026-03-31 22:00")
    for month in ("2026-03", "2026-02"):
        with pytest.raises(PeriodClosed):
            await close_month(ledger.world, month)


async def test_what_ended_in_a_month_is_written_down_before_it_is_closed(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    await ledger.another().earn(funded=10)
    ledger.clock.at("2027-10-05 12:00")
    await ledger.expire()
    with pytest.raises(PeriodNotSwept) as caught:
        await close_month(ledger.world, "2027-09")
    assert caught.value.expires_at == END
    await close_month(ledger.world, "2027-08")


async def test_what_a_hold_keeps_beyond_a_month_may_wait(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.at("2027-09-02 12:00")
    await ledger.hold(10, minutes=44_640)
    ledger.clock.at("2027-10-01 00:00")
    await close_month(ledger.world, "2027-09")
    ledger.clock.at("2027-10-04 12:00")
    await ledger.expire()
    [line] = (await ledger.lines())[-1:]
    assert (line.kind, line.effective_at) == ("expired", day("2027-10-03 12:00"))


@pytest.mark.parametrize("begun", [False, True], ids=["never closed", "closed before"])
async def test_who_posts_in_a_month_while_it_is_closed_is_refused(
    postgres_world: World, database: Database, begun: bool
) -> None:
    """The posting has looked at the books and waits for them; the closing commits first."""
    ledger = Ledger(postgres_world)
    await ledger.earn(funded=1)
    if begun:
        await close_month(postgres_world, "2026-01")
    key = points.BOOKS.key("points")
    closed = Books("points", day("2026-02-28 23:00"), START)
    async with postgres_world.storage.begin() as transaction:
        await transaction.load([key], lock=True)
        side = {points.BOOKS: [closed]}
        await transaction.write(Changes({}, side) if begun else Changes(side, {}))
        late = asyncio.create_task(ledger.earn(funded=1, effective_at=LAST_WEEK))
        await waiting(database)
    with pytest.raises(PeriodClosed):
        await late
    assert (await ledger.balance()).balance == 1


@pytest.mark.parametrize("begun", [False, True], ids=["never closed", "closed before"])
async def test_who_closes_a_month_waits_for_whom_posts_in_it(
    postgres_world: World, database: Database, begun: bool
) -> None:
    """The posting holds the books; who closes them comes after it, and sees what it wrote."""
    ledger = Ledger(postgres_world)
    if begun:
        await close_month(postgres_world, "2026-01")
    key = points.BOOKS.key("points")
    async with postgres_world.storage.begin() as transaction:
        await transaction.load([key], lock=True)
        if not begun:
            await transaction.write(Changes({points.BOOKS: [Books("points", LONG_AGO, START)]}, {}))
        closing = asyncio.create_task(close_month(postgres_world, "2026-02"))
        await waiting(database)
        assert not closing.done()
    assert (await closing).closed_through == day("2026-02-28 23:00")
    with pytest.raises(PeriodClosed):
        await ledger.earn(funded=1, effective_at=LAST_WEEK)


async def waiting(database: Database) -> None:
    """Until somebody waits for a lock."""
    blocked = """select count(*) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()"""
    async with database.connection() as connection, asyncio.timeout(10):
        while not await connection.fetchval(blocked):
            pass


async def test_postings_of_the_past_and_a_closing_that_come_together_take_turns(any_world: World) -> None:
    ledger, elsewhere = Ledger(any_world), Ledger(shared_storage(any_world), any_world.member())
    await ledger.earn(funded=1), await elsewhere.earn(funded=1)
    attempts: list[Any] = []
    for number in range(8):
        attempts.append(ledger.earn(funded=1, effective_at=LAST_WEEK))
        if number == 4:
            attempts.append(close_month(elsewhere.world, "2026-02"))
        attempts.append(elsewhere.earn(funded=1, effective_at=LAST_WEEK))
    outcomes = [type(one) for one in await asyncio.gather(*attempts, return_exceptions=True)]
    assert set(outcomes) <= {points.Balance, points.BooksView, PeriodClosed}
    assert outcomes.count(points.BooksView) == 1
    accepted = outcomes.count(points.Balance)
    assert (await ledger.balance()).balance + (await elsewhere.balance()).balance == 2 + accepted


async def test_a_closed_account_takes_no_movement_until_it_is_opened_again(ledger: Ledger) -> None:
    giver = ledger.another()
    await giver.earn(funded=10)
    await ledger.earn(funded=10)
    debit = (await ledger.spend(10)).posting_id
    closed = await ledger.close()
    assert parts(closed) == (0, 0, 0, 0)
    for attempt in (
        ledger.earn(funded=1),
        ledger.spend(1),
        ledger.hold(1),
        ledger.adjust(1),
        ledger.refund(debit),
        ledger.give(giver, 1),
        giver.give(ledger, 1),
        ledger.close(),
        ledger.expire(),
    ):
        with pytest.raises(AccountClosed) as caught:
            await attempt
        assert (caught.value.user_id, caught.value.closed_at) == (ledger.member.user_id, START)
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    assert parts(await giver.balance()) == (10, 10, 0, 0)
    await ledger.reopen()
    assert parts(await ledger.refund(debit)) == (10, 10, 0, 0)
    with pytest.raises(AccountOpen):
        await ledger.reopen()


async def test_only_an_account_that_is_empty_and_owes_nothing_is_closed(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=10)
    held = await ledger.hold(4)
    with pytest.raises(AccountNotEmpty) as caught:
        await ledger.close()
    assert caught.value.facts() == {"balance": 10, "held": 4, "debt": 0}
    await ledger.claw_back(grant)
    await ledger.capture(held.hold_id)
    with pytest.raises(AccountNotEmpty) as caught:
        await ledger.close()
    assert caught.value.facts() == {"balance": 0, "held": 0, "debt": 4}
    await ledger.earn(bonus=4)
    await ledger.close()


async def test_what_has_ended_keeps_no_account_open(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.at(END)
    await ledger.close()
    assert [line.kind for line in await ledger.lines()] == ["earned", "expired"]


async def test_an_account_that_was_never_used_is_not_there_to_close(ledger: Ledger) -> None:
    for attempt in (ledger.close(), ledger.reopen()):
        with pytest.raises(shared.NotFound, match="account"):
            await attempt


async def test_whom_nobody_knows_has_no_account(ledger: Ledger) -> None:
    stranger = Ledger(ledger.world, shared.Actor(uuid4(), "member"))
    for attempt in (stranger.earn(funded=1), stranger.adjust(1)):
        with pytest.raises(shared.NotFound, match="member"):
            await attempt
    for attempt in (stranger.spend(1), stranger.hold(1), stranger.give(ledger, 1)):
        with pytest.raises(InsufficientPoints):
            await attempt
    assert await stored(ledger.world, points.LOTS, "account", stranger.member.user_id, "points") == []
