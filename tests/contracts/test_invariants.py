"""The ten invariants of the ledger, by their numbers, over histories drawn by chance (design of the ledger).

Each is asserted on what is read back from the storage: in memory over many histories, on PostgreSQL, by plain
SQL, over a few.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from histories import BEGINNING, TOUR, Play, Row, Step, histories, parts_of
from hypothesis import HealthCheck, given, settings

from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.points import sweeping
from baobab.application.runner import IdempotencyKeyReused
from baobab.domain import shared
from baobab.domain.points import Posting
from builders import World

Kept = dict[str, list[Row]]
Account = tuple[UUID, str]


def by_account(rows: Iterable[Row]) -> dict[Account, list[Row]]:
    found: dict[Account, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["user_id"], row["unit"]].append(row)
    return found


def total(rows: Iterable[Row], name: str = "amount") -> int:
    return sum(row[name] for row in rows)


def lines_of(kept: Kept) -> dict[Account, list[Row]]:
    return by_account(sorted(kept["posting"], key=lambda row: row["sequence"]))


# --- 1 to 6: what is stored, at any time ----------------------------------------------------------


def balance_is_the_sum_of_postings_and_of_lots(kept: Kept, now: datetime) -> None:
    """1."""
    lines, lots = lines_of(kept), by_account(kept["lot"])
    for account in kept["account"]:
        key = (account["user_id"], account["unit"])
        assert account["balance"] == total(lines[key])
        assert account["balance"] == total(lots[key], "remaining")
        assert account["debt"] == total(lines[key], "debt")


def nothing_goes_beyond_what_there_is(kept: Kept, now: datetime) -> None:
    """2, but for what is available, which the next says."""
    assert all(0 <= lot["remaining"] <= lot["amount"] for lot in kept["lot"])
    held = [hold for hold in kept["hold"] if hold["state"] == "held"]
    held_by = by_account(held)
    for account in kept["account"]:
        assert account["held"] == total(held_by[account["user_id"], account["unit"]]) <= account["balance"]
        assert account["debt"] >= 0
    remaining = {lot["id"]: lot["remaining"] for lot in kept["lot"]}
    for lot_id, amount in held_of(held).items():
        assert amount <= remaining[lot_id]


def held_of(holds: Iterable[Row]) -> dict[UUID, int]:
    found: dict[UUID, int] = defaultdict(int)
    for hold in holds:
        for lot_id, amount in parts_of(hold):
            found[lot_id] += amount
    return found


CONTRAS = {
    "issuance": {"earned", "bonus", "revoked", "repaid"},
    "opening": {"opening"},
    "redemption": {"spent", "refunded"},
    "breakage": {"expired"},
    "adjustment": {"adjustment"},
    "member": {"given", "received"},
    "conversion": {"converted"},
}


def postings_and_contras_sum_to_zero(kept: Kept, now: datetime) -> None:
    """3: in every unit; what one member gives another receives; what is converted follows the rate."""
    lines = lines_of(kept)
    for line in kept["posting"]:
        assert line["kind"] in CONTRAS[line["contra"]]
        assert (line["contra_id"] is not None) == (line["contra"] == "member")
    for account in kept["account"]:
        named: dict[str, int] = defaultdict(int)
        for line in lines[account["user_id"], account["unit"]]:
            named[line["contra"]] -= line["amount"]
        assert (account["earned"], account["spent"], account["expired"]) == (
            -named["issuance"],
            named["redemption"],
            named["breakage"],
        )
        assert account["balance"] + sum(named.values()) == 0
    between: dict[tuple[str, UUID, frozenset[UUID]], int] = defaultdict(int)
    for line in kept["posting"]:
        if line["contra"] == "member":
            pair = frozenset((line["user_id"], line["contra_id"]))
            assert len(pair) == 2
            between[line["unit"], line["source_id"], pair] += line["amount"]
    assert set(between.values()) <= {0}
    conversions(kept)


def conversions(kept: Kept) -> None:
    turned: dict[tuple[UUID, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in kept["posting"]:
        if line["contra"] == "conversion":
            turned[line["source_id"], line["rate"]][line["amount"] > 0] += line["amount"]
    for (_, rate), (taken, made) in turned.items():
        get, give = map(int, rate.split("/"))
        assert made * give == -taken * get > 0


def allocations_say_what_became_of_every_lot(kept: Kept, now: datetime) -> None:
    """4."""
    by_line: dict[UUID, int] = defaultdict(int)
    by_lot: dict[UUID, int] = defaultdict(int)
    for row in kept["allocation"]:
        by_line[row["posting_id"]] += row["amount"]
        by_lot[row["lot_id"]] += row["amount"]
    made = {lot["id"]: lot["amount"] for lot in kept["lot"]}
    for line in kept["posting"]:
        assert line["amount"] == made.get(line["id"], 0) - by_line[line["id"]]
    for lot in kept["lot"]:
        assert by_lot[lot["id"]] == lot["amount"] - lot["remaining"]


def history_has_no_gap(kept: Kept, now: datetime) -> None:
    """5."""
    lines = lines_of(kept)
    for account in kept["account"]:
        mine = lines[account["user_id"], account["unit"]]
        assert [line["sequence"] for line in mine] == list(range(1, account["sequence"] + 1))
        for before, after in pairwise(mine):
            assert after["recorded_at"] > before["recorded_at"]
            assert after["balance_after"] == before["balance_after"] + after["amount"]
        assert not mine or mine[0]["balance_after"] == mine[0]["amount"]
        assert not mine or mine[-1]["balance_after"] == account["balance"]
        assert all(line["effective_at"] <= line["recorded_at"] for line in mine)


def every_hash_covers_its_line_and_the_hash_before(kept: Kept, now: datetime) -> None:
    """6: and a line that was changed, or is missing, is the first that is wrong."""
    taken: dict[UUID, list[Row]] = defaultdict(list)
    for row in kept["allocation"]:
        taken[row["posting_id"]].append(row)
    lines = lines_of(kept)
    for account in kept["account"]:
        mine = lines[account["user_id"], account["unit"]]
        assert first_wrong(mine, taken) is None
        assert account["hash"] == (mine[-1]["hash"] if mine else b"")
        for place, line in [*enumerate(mine)][::5]:
            for name, other in forged(line):
                assert first_wrong([*mine[:place], {**line, name: other}], taken) == place, name
            if place < len(mine) - 1:
                assert first_wrong([*mine[:place], mine[place + 1]], taken) == place


def first_wrong(lines: list[Row], taken: dict[UUID, list[Row]]) -> int | None:
    """The place of the first line whose hash is not that of its fields and of the hash before it."""
    previous = b""
    for place, line in enumerate(lines):
        fields = (text_of(line[name]) for name in HASHED)
        parts = sorted((row["lot_id"].hex, row["amount"]) for row in taken[line["id"]])
        covered = "|".join((*fields, *(f"{lot}:{amount}" for lot, amount in parts), line["reason"]))
        if line["hash"] != hashlib.sha256(previous + covered.encode()).digest():
            return place
        previous = line["hash"]
    return None


HASHED = [name for name in Posting.__struct_fields__ if name not in ("hash", "reason")]


def text_of(value: Any) -> str:
    match value:
        case None:
            return ""
        case UUID():
            return value.hex
        case datetime():
            return value.isoformat()
    return str(value)


def forged(line: Row) -> Iterable[tuple[str, Any]]:
    """Another value for every column of a line."""
    for name in (*HASHED, "reason", "hash"):
        match line[name]:
            case None | UUID():
                yield name, UUID(int=99)
            case bool() as value:
                yield name, not value
            case datetime() as value:
                yield name, value + timedelta(microseconds=1)
            case bytes() as value:
                yield name, value[::-1]
            case str() as value:
                yield name, f"{value}x"
            case value:
                yield name, value + 1


Check = Callable[[Kept, datetime], None]


def always(check: Check) -> Callable[[World, list[Step]], Awaitable[None]]:
    """A check of what is stored, made into one of a whole history: in its course and at its end."""

    async def over(world: World, history: list[Step]) -> None:
        play = await Play.begin(world)
        for place, step in enumerate(history):
            await play.take(step)
            if place % 7 == 6:
                check(await play.kept(), world.clock.now)
        await play.sweep()
        check(await play.kept(), world.clock.now)

    return over


async def what_is_available_is_ripe_unexpired_and_not_held(world: World, history: list[Step]) -> None:
    """2: lines of one instant are recorded one after the other: a lot may be a tick younger than now."""
    play = await Play.begin(world)
    for step in history:
        await play.take(step)
        kept, now = await play.kept("account", "lot", "hold"), world.clock.now
        recorded = {(one["user_id"], one["unit"]): one["recorded_at"] for one in kept["account"]}
        live = [one for one in kept["hold"] if one["state"] == "held" and one["expires_at"] > now]
        held, lots = held_of(live), by_account(kept["lot"])
        for ledger in play.ledgers:
            mine = lots[ledger.member.user_id, ledger.unit]
            written = recorded.get((ledger.member.user_id, ledger.unit), now)
            good = [one for one in mine if one["available_at"] <= max(now, written)]
            good = [one for one in good if now < one["expires_at"]]
            answer = await ledger.balance()
            assert answer.available == sum(one["remaining"] - held[one["id"]] for one in good) >= 0
            assert answer.held == sum(held[one["id"]] for one in mine)
            assert answer.balance == answer.available + answer.pending + answer.held


# --- 7: once ----------------------------------------------------------------------------------------


async def a_key_posts_once(world: World, history: list[Step]) -> None:
    """7: whatever is retried, at once by a twin in another process or long after, under whatever content."""
    alone, twins = await Play.begin(other_world(world)), await Play.begin(world, keyed="k")
    twins.runners = (world.run, world.runner())
    for step in history:
        for one in step[1] if step[0] == "together" else (step,):
            assert await twins.take(one) == await alone.take(one)
    assert len((await twins.kept())["posting"]) == len((await alone.kept())["posting"])
    world.clock.advance(days=400)
    before = await twins.kept()
    for which, command, key, answer in twins.sent:
        if answer is None:
            continue
        again = await world.runner().submit(which, command, actor=world.admin, key=key)
        assert (again.replayed, again.result) == (True, answer)
        with pytest.raises(IdempotencyKeyReused):
            await world.run(which, other_content(command), actor=world.admin, key=key)
    assert await twins.kept() == before


def other_content(command: Any) -> Any:
    """A command that is not the one that was sent."""
    if hasattr(command, "reason"):
        return shared.evolve(command, reason=f"{command.reason}, again")
    if hasattr(command, "source_id"):
        return shared.evolve(command, source_id=UUID(int=6))
    amount = getattr(command, "amount", None)
    if amount is not None or isinstance(command, points.Refund):
        return shared.evolve(command, amount=(amount or 0) + 1)
    return shared.evolve(command, hold_id=UUID(int=7))


# --- 8: lazy equals swept ---------------------------------------------------------------------------


async def lazy_equals_swept(world: World, history: list[Step]) -> None:
    """8: two worlds, of which one is swept at random, early and late and twice, and the other never."""
    chance = Random(len(history))
    lazy, swept = await Play.begin(other_world(world)), await Play.begin(world)
    for before, step in pairwise([("start",), *history]):
        if chance.random() < (0.8 if before[0] == "wait" else 0.3):
            await swept.sweep()
        if step[0] == "sweep":
            continue
        assert await swept.take(step) == await lazy.take(step)
        for days in (0, 40):
            assert await swept.balances(days) == await lazy.balances(days)
    await swept.sweep()
    for play in (lazy, swept):
        play.world.clock.advance(days=1)
        await play.sweep()
    assert expiries(await swept.kept()) == expiries(await lazy.kept())


def expiries(kept: Kept) -> list[list[tuple[datetime, int]]]:
    """When points of each account ended, as of which instant, and how many."""
    ended = by_account(one for one in kept["posting"] if one["kind"] == "expired")
    return sorted(sorted((one["effective_at"], one["amount"]) for one in lines) for lines in ended.values())


def other_world(world: World) -> World:
    """Another world on the same storage, with a clock of its own."""
    return World(world.storage, world.queries)


# --- 9: no warning, no surprise -----------------------------------------------------------------------


async def no_points_end_without_warnings(world: World, history: list[Step]) -> None:
    """9: 60, 30 and 7 days before, once each, with what is left then; here two workers warn every day."""
    play = await Play.begin(world)
    expected: list[tuple[UUID, int, int]] = []
    for step in history:
        for part in [("wait", 1)] * step[1] if step[0] == "wait" else [step]:
            await play.take(part)
            if part is not step:
                expected += due(await play.kept("lot"), world.clock.now)
                await warn(play)
    for _ in range(62):
        world.clock.advance(days=1)
        expected += due(await play.kept("lot"), world.clock.now)
        await warn(play)
    await play.sweep()
    kept = await play.kept()
    heard = [msgspec.json.decode(row["body"]) for row in kept["event"] if row["type"] == WARNING]
    told = [(UUID(lot["lot_id"]), one["days"], lot["amount"]) for one in heard for lot in one["lots"]]
    assert sorted(told) == sorted(expected)
    assert all(one["amount"] == sum(lot["amount"] for lot in one["lots"]) for one in heard)
    everybody_who_lost_points_was_warned(kept, told)


def everybody_who_lost_points_was_warned(kept: Kept, told: list[tuple[UUID, int, int]]) -> None:
    """Of every lot that ended with something left, and to which nothing ever came back: each of the
    thresholds that it lived through was said once."""
    came_back = {one["lot_id"] for one in kept["allocation"] if one["amount"] < 0}
    ended = {one["id"] for one in kept["posting"] if one["kind"] == "expired"}
    lost = {one["lot_id"] for one in kept["allocation"] if one["posting_id"] in ended} - came_back
    lots = lots_of(kept)
    for lot_id in lost:
        life = (lots[lot_id]["expires_at"] - lots[lot_id]["created_at"]) / timedelta(days=1)
        heard = sorted(days for one, days, _ in told if one == lot_id)
        assert len(set(heard)) == len(heard)
        assert {days for days in (60, 30, 7) if life > days + 1} <= set(heard)


WARNING = "points.expiring_soon"


def due(kept: Kept, now: datetime) -> list[tuple[UUID, int, int]]:
    """What is to be warned of by now: each lot at the nearest of 60, 30 and 7 days before its end, where
    that was not said yet, with what is left of it."""
    found = []
    for lot in kept["lot"]:
        days = [one for one in (7, 30, 60) if now < lot["expires_at"] <= now + timedelta(days=one)]
        if lot["remaining"] and days and (lot["warned"] == 0 or lot["warned"] > days[0]):
            found.append((lot["id"], days[0], lot["remaining"]))
    return found


async def warn(play: Play) -> None:
    """Two workers warn everybody at once."""
    owners = tuple({one.member.user_id for one in play.ledgers})
    commands = [sweeping.Warn(unit=unit, user_ids=owners) for unit in play.units]
    await asyncio.gather(
        *(run(sweeping.warn, one, actor=play.world.admin) for run in play.workers for one in commands)
    )


# --- 10: pay then cancel --------------------------------------------------------------------------------


async def paying_and_cancelling_gives_every_lot_back_what_it_gave(world: World, history: list[Step]) -> None:
    """10: to the point; what has ended in between comes back for 30 days, never silently dead."""
    play = await Play.begin(world)
    for step in history:
        await play.take(step)
    for days in (0, 15, 100):
        await pay_and_cancel(play, days, Random(len(history)))


async def pay_and_cancel(play: Play, days: int, chance: Random) -> None:
    of = play.ledgers[0]
    owed = (await of.balance()).debt
    await of.earn(bonus=owed + 20)
    play.world.clock.advance(days=chance.choice((0, 40)))
    await play.sweep()
    before = lots_of(await play.kept())
    amount = chance.randrange(1, (await of.balance()).available + 1)
    debit = (await of.spend(amount)).posting_id
    play.world.clock.advance(days=days)
    await play.sweep()
    paid = await play.kept()
    gave = {one["lot_id"]: one["amount"] for one in paid["allocation"] if one["debit_id"] == debit}
    then = lots_of(paid)
    first, there = chance.randrange(0, amount), (await of.balance()).available
    if first:
        await of.refund(debit, first)
    assert (await of.refund(debit)).available == there + amount
    after, now = lots_of(await play.kept()), play.world.clock.now
    assert sum(gave.values()) == amount
    for lot_id, back in gave.items():
        assert after[lot_id]["remaining"] == then[lot_id]["remaining"] + back
        if before[lot_id]["expires_at"] > now:
            assert {**after[lot_id], "warned": 0} == {**before[lot_id], "warned": 0}
        else:
            assert after[lot_id]["expires_at"] == end_of_day_in(30, now)
    assert all(after[one] == then[one] for one in then if one not in gave)


def lots_of(kept: Kept) -> dict[UUID, Row]:
    return {lot["id"]: lot for lot in kept["lot"]}


def end_of_day_in(days: int, now: datetime) -> datetime:
    """When the day is over in Paris that is so many days from now."""
    paris = ZoneInfo("Europe/Paris")
    day: date = now.astimezone(paris).date() + timedelta(days=days + 1)
    return datetime(day.year, day.month, day.day, tzinfo=paris).astimezone(UTC)


# --- on both storages -------------------------------------------------------------------------------------

INVARIANTS: dict[str, Callable[[World, list[Step]], Awaitable[None]]] = {
    "1 balance is the sum of postings and of lots": always(balance_is_the_sum_of_postings_and_of_lots),
    "2 nothing goes beyond what there is": always(nothing_goes_beyond_what_there_is),
    "2 available is ripe, unexpired and not held": what_is_available_is_ripe_unexpired_and_not_held,
    "3 postings and contras sum to zero": always(postings_and_contras_sum_to_zero),
    "4 allocations say what became of every lot": always(allocations_say_what_became_of_every_lot),
    "5 history has no gap": always(history_has_no_gap),
    "6 every hash covers its line": always(every_hash_covers_its_line_and_the_hash_before),
    "7 a key posts once": a_key_posts_once,
    "8 lazy equals swept": lazy_equals_swept,
    "9 no points end without warnings": no_points_end_without_warnings,
    "10 paying and cancelling gives back": paying_and_cancelling_gives_every_lot_back_what_it_gave,
}
invariants = pytest.mark.parametrize("invariant", INVARIANTS.values(), ids=INVARIANTS)


@invariants
@settings(max_examples=max(20, settings().max_examples // 2))
@given(history=histories(20, BEGINNING) | histories(10, TOUR))
async def test_invariant_in_memory(invariant: Any, history: list[Step]) -> None:
    await invariant(World.in_memory(), history)


@invariants
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(12, TOUR))
async def test_invariant_on_postgresql(database: Database, invariant: Any, history: list[Step]) -> None:
    await invariant(World.on(database), history)
