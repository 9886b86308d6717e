"""What falls due by itself, in memory and on PostgreSQL: expiry and lapsed holds are written down, and
warnings are said, for all accounts, batch by batch (ledger.md, invariants 8 and 9)."""

import asyncio
import json
from collections.abc import Awaitable
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from ledgers import END, Ledger, enrolled, parts, set_policy

from baobab.adapters.memory.storage import MemoryStorage
from baobab.application.points import Balance, sweeping
from baobab.application.points.sweeping import DueOf, Tally
from baobab.application.work import HAPPENINGS, RUNS, Kind
from baobab.domain import shared
from baobab.domain.points import UnknownUnit
from builders import World

NOTHING = Tally()


class Interrupted(Exception):
    """The program ended between two batches."""


async def run_due(world: World, task: sweeping.Task, **options: Any) -> Tally:
    return await sweeping.run_due(world.run, task, actor=world.admin, **options)


async def tally(world: World, task: sweeping.Task, unit: str | None = None) -> Tally:
    return await sweeping.tally_due(world.run, task, actor=world.admin, unit=unit)


async def everything(world: World, kind: Kind[Any], order: str) -> list[Any]:
    """All that was ever written of a kind."""
    if isinstance(world.storage, MemoryStorage):
        return sorted(world.storage.all(kind), key=lambda one: getattr(one, order))
    async with world.queries.points_due._database.connection() as connection:
        rows = await connection.fetch(f"select * from baobab.{kind.name} order by {order}")
    return [SimpleNamespace(**row) for row in rows]


async def events(world: World, type_of: str) -> list[dict[str, Any]]:
    """What was said, in the order in which it was."""
    said = await everything(world, HAPPENINGS, "id")
    return [json.loads(one.body) for one in said if one.type == type_of]


async def warnings(world: World) -> list[tuple[int, int]]:
    """The days and amounts of which members were warned."""
    return [(one["days"], one["amount"]) for one in await events(world, "points.expiring_soon")]


async def runs(world: World, name: str) -> int:
    return sum(one.name == name for one in await everything(world, RUNS, "key"))


async def people(world: World, count: int, funded: int = 10) -> list[Ledger]:
    """Members with points each, which end at END."""
    ledgers = [Ledger(world) for _ in range(count)]
    await asyncio.gather(*(ledger.earn(funded=funded) for ledger in ledgers))
    return ledgers


# --- expiry ---------------------------------------------------------------------------------------


async def test_a_sweep_writes_down_what_ended_at_the_instant_at_which_it_ended(any_world: World) -> None:
    ledgers = await people(any_world, 5)
    any_world.clock.at(END + timedelta(days=3))
    before = [parts(await one.balance()) for one in ledgers]
    assert await run_due(any_world, "expiry") == Tally(accounts=5, lots=5, points=50)
    assert [parts(await one.balance()) for one in ledgers] == before == [(0, 0, 0, 0)] * 5
    for ledger in ledgers:
        line = await ledger.last_line()
        assert (line.kind, line.amount, line.effective_at) == ("expired", -10, END)
        assert line.recorded_at == any_world.clock.now
    said = await events(any_world, "points.expired")
    assert sorted(one["user_id"] for one in said) == sorted(str(one.member.user_id) for one in ledgers)


async def test_nothing_ends_a_moment_too_early(any_world: World) -> None:
    await people(any_world, 1)
    any_world.clock.at(END - timedelta(microseconds=1))
    assert await run_due(any_world, "expiry") == NOTHING
    any_world.clock.at(END)
    assert (await run_due(any_world, "expiry")).points == 10


async def test_a_second_sweep_finds_nothing(any_world: World) -> None:
    ledgers = await people(any_world, 3)
    any_world.clock.at(END)
    await run_due(any_world, "expiry")
    lines = [await one.lines() for one in ledgers]
    assert await run_due(any_world, "expiry") == NOTHING
    assert [await one.lines() for one in ledgers] == lines


async def test_what_is_due_is_counted_before_and_is_what_is_done(any_world: World) -> None:
    first, *_ = await people(any_world, 3)
    await first.hold(4, minutes=30)
    any_world.clock.at(END - timedelta(minutes=10))
    await first.hold(2, minutes=60)
    any_world.clock.at(END)
    due = await tally(any_world, "expiry")
    assert due == Tally(accounts=3, lots=3, points=28, holds=0)
    assert await run_due(any_world, "expiry") == due
    assert await tally(any_world, "expiry") == NOTHING


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99, 1.0])
async def test_from_wherever_a_worker_begins_it_comes_to_every_account_once(
    any_world: World, share: float
) -> None:
    await people(any_world, 9)
    any_world.clock.at(END)
    seen: list[tuple[int, int]] = []
    done = await run_due(
        any_world, "expiry", share=share, batch=2, watch=lambda looked, total: seen.append((looked, total))
    )
    assert done == Tally(accounts=9, lots=9, points=90)
    assert seen[-1] == (9, 9)
    assert [looked for looked, _ in seen] == sorted({looked for looked, _ in seen})
    assert await runs(any_world, "points.settle") == len(seen) in (5, 6), "one run is logged for each batch"


async def test_more_pages_than_one_are_gone_through(world: World) -> None:
    await people(world, 45)
    world.clock.at(END)
    assert await run_due(world, "expiry", batch=1, share=0.5) == Tally(accounts=45, lots=45, points=450)


async def test_however_many_lots_of_an_account_ended_they_are_swept_at_once(any_world: World) -> None:
    ledger, live = Ledger(any_world), 20
    for _ in range(40):
        await ledger.earn(funded=1)
    any_world.clock.at(END - timedelta(days=1))
    for _ in range(live):
        await ledger.earn(funded=1)
    any_world.clock.at(END)
    assert await run_due(any_world, "expiry") == Tally(accounts=1, lots=40, points=40)
    assert parts(await ledger.balance()) == (live, live, 0, 0)


async def test_what_a_live_hold_keeps_is_not_due_and_a_sweep_ends(any_world: World) -> None:
    """Else whoever sweeps until nothing is due would never be done."""
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    any_world.clock.at(END - timedelta(minutes=10))
    hold = (await ledger.hold(10, minutes=60)).hold_id
    any_world.clock.at(END)
    assert await tally(any_world, "expiry") == NOTHING
    assert await run_due(any_world, "expiry") == NOTHING
    await ledger.release(hold)
    assert await tally(any_world, "expiry") == NOTHING, "the release wrote it down"


async def test_a_hold_past_its_limit_ends_and_what_it_kept_ended_with_it(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    any_world.clock.at(END - timedelta(minutes=10))
    await ledger.hold(6, minutes=60)
    any_world.clock.at(END + timedelta(minutes=5))
    assert await run_due(any_world, "expiry") == Tally(accounts=1, lots=1, points=4)
    any_world.clock.at(END + timedelta(days=2))
    due = Tally(accounts=1, lots=1, points=6, holds=1)
    assert await tally(any_world, "expiry") == due == await run_due(any_world, "expiry")
    expired = {one.amount: one.effective_at for one in await ledger.lines() if one.kind == "expired"}
    assert expired == {-4: END, -6: END + timedelta(minutes=50)}


async def test_a_hold_past_its_limit_is_due_although_no_lot_ended(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    await ledger.hold(4, minutes=30)
    any_world.clock.advance(minutes=30)
    assert await tally(any_world, "expiry") == Tally(accounts=1, holds=1)
    assert await run_due(any_world, "expiry") == Tally(accounts=1, holds=1)
    assert parts(await ledger.balance()) == (10, 10, 0, 0)


async def test_a_unit_is_swept_by_itself_or_with_all_others(any_world: World) -> None:
    for unit in ("seeds", "stones", "pearls"):
        await set_policy(any_world, unit, validity_months=1)
    await set_policy(any_world, "pearls", validity_months=None)
    for unit in ("seeds", "stones", "pearls"):
        await Ledger(any_world, unit=unit).earn(funded=5)
    any_world.clock.advance(days=40)
    assert await run_due(any_world, "expiry", unit="seeds") == Tally(accounts=1, lots=1, points=5)
    assert await tally(any_world, "expiry") == Tally(accounts=1, lots=1, points=5)
    assert await run_due(any_world, "expiry") == Tally(accounts=1, lots=1, points=5)


async def test_an_unknown_unit_is_refused(any_world: World) -> None:
    for asked in (run_due, tally):
        with pytest.raises(UnknownUnit):
            await asked(any_world, "expiry", unit="shells")
    with pytest.raises(UnknownUnit):
        await sweeping.run_batch(any_world.run, "warning", DueOf(unit="shells"), actor=any_world.admin)


async def test_who_is_no_admin_sweeps_nothing_and_learns_nothing(world: World) -> None:
    member = world.member()
    command = sweeping.Settle(user_ids=(member.user_id,))
    with pytest.raises(shared.Forbidden):
        await world.run(sweeping.settle, command, actor=member)
    for asked in (sweeping.run_due, sweeping.tally_due):
        with pytest.raises(shared.Forbidden):
            await asked(world.run, "expiry", actor=member)


async def test_what_was_committed_before_a_crash_stays_and_the_rest_is_done_later(any_world: World) -> None:
    await people(any_world, 12)
    any_world.clock.at(END)

    def stop(looked: int, total: int) -> None:
        if looked >= 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        await run_due(any_world, "expiry", batch=2, watch=stop)
    left = await tally(any_world, "expiry")
    assert 6 <= left.accounts <= 8, "four accounts, and the batch that was under way"
    assert await run_due(any_world, "expiry") == left
    assert len(await events(any_world, "points.expired")) == 12


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.0, 0.5)])
async def test_two_workers_at_once_write_everything_down_once(
    postgres_world: World, shares: tuple[float, float]
) -> None:
    world = postgres_world
    ledgers = await people(world, 24)
    world.clock.at(END)
    workers = (
        sweeping.run_due(world.runner(), "expiry", actor=world.admin, share=share, batch=3)
        for share in shares
    )
    one, other = await asyncio.gather(*workers)
    assert one + other == Tally(accounts=24, lots=24, points=240)
    assert [len(await ledger.lines()) for ledger in ledgers] == [2] * 24
    assert len(await events(world, "points.expired")) == 24


async def test_batch_by_batch_an_administrator_comes_to_the_end(any_world: World) -> None:
    await people(any_world, 5)
    any_world.clock.at(END)
    left = []
    for _ in range(4):
        batch = await sweeping.run_batch(any_world.run, "expiry", DueOf(limit=2), actor=any_world.admin)
        left.append((batch.accounts, batch.points, batch.left))
    assert left == [(2, 20, 3), (2, 20, 1), (1, 10, 0), (0, 0, 0)]


async def test_accounts_that_are_not_there_or_closed_are_passed_over(any_world: World) -> None:
    closed, never, due = Ledger(any_world), Ledger(any_world), Ledger(any_world)
    await closed.earn(funded=5)
    await closed.spend(5)
    await closed.close()
    await due.earn(funded=5)
    any_world.clock.at(END)
    owners = tuple(one.member.user_id for one in (closed, never, due, due))
    settle = sweeping.Settle(user_ids=owners)
    done = await any_world.run(sweeping.settle, settle, actor=any_world.admin)
    assert done == Tally(accounts=1, lots=1, points=5)
    warn = sweeping.Warn(user_ids=owners)
    assert await any_world.run(sweeping.warn, warn, actor=any_world.admin) == NOTHING


@pytest.mark.parametrize("seed", range(6))
async def test_lazy_equals_swept(any_world: World, seed: int) -> None:
    """Of two members to whom the same happens one is swept at any time: both may spend the same, always."""
    chance, world = Random(seed), any_world
    swept, lazy = Ledger(world), Ledger(world)
    holds: list[Made] = []
    spends: list[Made] = []
    for _ in range(40):
        world.clock.advance(minutes=chance.choice((1, 30, 24 * 60, 60 * 24 * 60, 400 * 24 * 60)))
        if chance.random() < 0.5:
            command = sweeping.Settle(user_ids=(swept.member.user_id,))
            await world.run(sweeping.settle, command, actor=world.admin)
        amount = chance.randint(1, 9)
        match chance.randrange(6):
            case 0 | 1:
                await both(swept, lazy, "earn", amount, amount + 1)
            case 2:
                spends.append(await both(swept, lazy, "spend", amount))
            case 3:
                holds.append(await both(swept, lazy, "hold", amount, minutes=chance.choice((5, 44_000))))
            case 4 if holds:
                await both_of(swept, lazy, chance.choice(("capture", "release")), chance.choice(holds))
            case 5 if spends:
                await both_of(swept, lazy, "refund", chance.choice(spends))
        assert parts(await swept.balance()) == parts(await lazy.balance())
        assert await swept.left() == await lazy.left()
    world.clock.advance(days=800)
    await run_due(world, "expiry")
    ended = [
        [(one.amount, one.effective_at) for one in await ledger.lines() if one.kind == "expired"]
        for ledger in (swept, lazy)
    ]
    assert sorted(ended[0]) == sorted(ended[1]) != []


Made = tuple[UUID | None, UUID | None]
"""What the same wish made for each of two members."""


async def both(swept: Ledger, lazy: Ledger, name: str, *values: Any, **facts: Any) -> Made:
    """The same wish for two members: it is done for both, or refused to both for the same reason."""
    answers = [await outcome(getattr(one, name)(*values, **facts)) for one in (swept, lazy)]
    assert answers[0][0] == answers[1][0]
    return answers[0][1], answers[1][1]


async def both_of(swept: Ledger, lazy: Ledger, name: str, ids: Made) -> None:
    """The same of a hold or a debit of each."""
    answers = [
        await outcome(getattr(one, name)(id or UUID(int=7)))
        for one, id in zip((swept, lazy), ids, strict=True)
    ]
    assert answers[0][0] == answers[1][0]


async def outcome(asked: Awaitable[Balance]) -> tuple[str, UUID | None]:
    """Why it was refused, and what it made."""
    try:
        done = await asked
    except shared.DomainError as error:
        return error.code, None
    return "", done.hold_id or done.posting_id


# --- warnings -------------------------------------------------------------------------------------


async def test_members_are_warned_60_30_and_7_days_before_exactly_once_each(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    any_world.clock.at(END - timedelta(days=62))
    for day in range(62):
        await run_due(any_world, "warning")
        if day % 9 == 0:
            await run_due(any_world, "warning")
        any_world.clock.advance(days=1)
    assert await warnings(any_world) == [(60, 10), (30, 10), (7, 10)]
    await run_due(any_world, "expiry")
    assert await run_due(any_world, "warning") == NOTHING


async def test_a_warning_comes_at_its_instant_and_not_before(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    for days in (60, 30, 7):
        any_world.clock.at(END - timedelta(days=days, microseconds=-1))
        any_world.clock.advance(microseconds=-2)
        assert await run_due(any_world, "warning") == NOTHING
        any_world.clock.advance(microseconds=1)
        assert await run_due(any_world, "warning") == Tally(accounts=1, lots=1, points=10)
        assert await tally(any_world, "warning") == NOTHING


async def test_a_warning_that_comes_late_is_said_once_for_the_nearest_threshold(any_world: World) -> None:
    await people(any_world, 1)
    any_world.clock.at(END - timedelta(days=5))
    await run_due(any_world, "warning")
    await run_due(any_world, "warning")
    assert await warnings(any_world) == [(7, 10)]


async def test_a_warning_shrinks_to_what_is_left_and_names_the_lots(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10, bonus=4)
    any_world.clock.at(END - timedelta(days=60))
    await ledger.spend(6)
    [lot] = await ledger.lots()
    assert await tally(any_world, "warning") == Tally(accounts=1, lots=1, points=8)
    await run_due(any_world, "warning")
    [said] = await events(any_world, "points.expiring_soon")
    assert said["lots"] == [{"lot_id": str(lot.id), "amount": 8}]
    assert datetime.fromisoformat(said["expires_at"]) == END
    assert (said["user_id"], said["unit"], said["days"], said["amount"]) == (
        str(ledger.member.user_id),
        "points",
        60,
        8,
    )


async def test_of_what_is_spent_nobody_is_warned(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    any_world.clock.at(END - timedelta(days=30))
    await ledger.spend(10)
    assert await run_due(any_world, "warning") == NOTHING


async def test_what_came_back_under_grace_is_warned_of_anew(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=10)
    any_world.clock.at(END - timedelta(days=5))
    await run_due(any_world, "warning")
    debit = (await ledger.spend(10)).posting_id
    any_world.clock.at(END + timedelta(days=1))
    await ledger.refund(debit)
    await run_due(any_world, "warning")
    await run_due(any_world, "warning")
    assert await warnings(any_world) == [(7, 10), (60, 10)]
    any_world.clock.advance(days=25)
    await run_due(any_world, "warning")
    assert await warnings(any_world) == [(7, 10), (60, 10), (7, 10)]


async def test_of_many_lots_each_is_warned_of(any_world: World) -> None:
    ledger = Ledger(any_world)
    for _ in range(20):
        await ledger.earn(funded=1)
    any_world.clock.at(END - timedelta(days=59))
    assert await run_due(any_world, "warning") == Tally(accounts=1, lots=20, points=20)
    assert await warnings(any_world) == [(60, 20)]


async def test_two_workers_at_once_warn_once(postgres_world: World) -> None:
    world = postgres_world
    await people(world, 24)
    world.clock.at(END - timedelta(days=30))
    workers = (
        sweeping.run_due(world.runner(), "warning", actor=world.admin, batch=3, share=share)
        for share in (0.0, 0.0, 0.5)
    )
    done = await asyncio.gather(*workers)
    assert sum(done, NOTHING) == Tally(accounts=24, lots=24, points=240)
    assert await warnings(world) == [(30, 10)] * 24


async def test_a_warning_that_is_run_again_with_its_key_is_said_once(any_world: World) -> None:
    [ledger] = await people(any_world, 1)
    any_world.clock.at(END - timedelta(days=7))
    command = sweeping.Warn(user_ids=(ledger.member.user_id,))
    for _ in range(2):
        done = await any_world.run(sweeping.warn, command, actor=any_world.admin, key="warning-1")
        assert done == Tally(accounts=1, lots=1, points=10)
    assert await warnings(any_world) == [(7, 10)]


async def test_a_dry_run_says_nothing_to_anybody(any_world: World) -> None:
    [ledger] = await people(any_world, 1)
    any_world.clock.at(END - timedelta(days=7))
    command = sweeping.Warn(user_ids=(ledger.member.user_id,))
    await any_world.run(sweeping.warn, command, actor=any_world.admin, dry_run=True)
    assert await warnings(any_world) == []
    assert (await tally(any_world, "warning")).accounts == 1


async def test_the_warning_of_one_member_says_nothing_of_another(any_world: World) -> None:
    first = await enrolled(any_world, "member-1@example.org")
    await first.earn(funded=10)
    any_world.clock.advance(days=40)
    second = await enrolled(any_world, "member-2@example.org")
    await second.earn(funded=20)
    any_world.clock.at(END - timedelta(days=60))
    await run_due(any_world, "warning")
    assert [one["user_id"] for one in await events(any_world, "points.expiring_soon")] == [
        str(first.member.user_id)
    ]
