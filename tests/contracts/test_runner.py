"""What the Runner promises, in memory and on PostgreSQL: one transaction for many, one answer for each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from coins import COINS, MOST, PURSES, RATES, Coin, Purse, Rate, with_coins

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.storage import ArrayLocking, PipelinedLocking
from baobab.application import points
from baobab.application.points import ACCOUNTS, LOTS, Balance, Earn, GetBalance, GetStatement, Spend
from baobab.application.runner import (
    Busy,
    IdempotencyKeyReused,
    InvalidCommand,
    InvalidIdempotencyKey,
    OutcomeUnknown,
    Overloaded,
    Runner,
)
from baobab.application.work import (
    ADMINS,
    ANYONE,
    HAPPENINGS,
    RUNS,
    SIGNED_IN,
    Changes,
    Conflict,
    ConnectionLost,
    Group,
    Key,
    Locked,
    Storage,
    Transaction,
    Wanted,
    Work,
    query,
    use_case,
)
from baobab.domain import shared
from baobab.domain.points import POINTS, InsufficientPoints, Lot, UnknownUnit, open_account
from builders import START, World

SHOP = UUID(int=1)


class Watched:
    """A storage that counts its transactions and fails as it is told: `before` it begins one, or `after`
    it committed one."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.begun = 0
        self.before: list[Exception] = []
        self.after: list[Exception] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        self.begun += 1
        if self.before:
            raise self.before.pop()
        async with self._storage.begin() as transaction:
            yield transaction
        if self.after:
            raise self.after.pop()


@pytest.fixture
def watched(any_world: World) -> Watched:
    return Watched(any_world.storage)


@pytest.fixture
def run(any_world: World, watched: Watched) -> Runner:
    """A Runner whose transactions are watched."""
    return any_world.runner(watched)


def earn(user_id: UUID, funded: int = 100) -> Earn:
    return Earn(user_id=user_id, funded=funded, source_id=SHOP)


def spend(user_id: UUID, amount: int = 1) -> Spend:
    return Spend(user_id=user_id, amount=amount, source_id=SHOP)


async def funded(world: World, amount: int = 100) -> UUID:
    """A member with so many points."""
    user_id = world.member().user_id
    await world.run(points.earn, earn(user_id, amount), actor=world.admin)
    return user_id


async def balance_of(world: World, user_id: UUID) -> int:
    return (await world.run.read(points.balance, GetBalance(user_id=user_id), actor=world.admin)).balance


async def lines_of(world: World, user_id: UUID) -> list[int]:
    """The amounts of the postings of an account, oldest first."""
    question = GetStatement(user_id=user_id, limit=100)
    page = await world.run.read(points.statement, question, actor=world.admin)
    return [line.amount for line in reversed(page.items)]


async def stored(world: World, *keys: Key[Any]) -> list[Any]:
    async with world.storage.begin() as transaction:
        loaded = await transaction.load(keys, lock=False)
    return [loaded.records[key] for key in keys if key in loaded.records]


# --- use cases of these tests -------------------------------------------------------------------


class Touch(shared.Command, kw_only=True):
    """Do something to the lots of a member."""

    user_id: UUID
    lot_id: UUID = UUID(int=0)


def lot_of(user_id: UUID, lot_id: UUID) -> Lot:
    return Lot(
        user_id, lot_id, POINTS, 5, 5, False, START, START, "manual", SHOP, lot_id, 1, 0, 0, False, START
    )


def account_lock(command: Touch, work: Work) -> tuple[Wanted, ...]:
    return (ACCOUNTS.key(command.user_id, POINTS),)


@use_case(allow=ADMINS, locks=account_lock)
async def add_lot_late(command: Touch, work: Work) -> int:
    """Add a lot, then look at all of them: how many there are. Refused where there are more than two."""
    work.save(lot_of(command.user_id, command.lot_id))
    await work.load(LOTS.group("account", command.user_id, POINTS))
    lots = work.list(LOTS.group("account", command.user_id, POINTS))
    if len(lots) > 2:
        raise shared.RuleForbids
    return len(lots)


@use_case(allow=ADMINS, locks=account_lock)
async def add_lot_and_refuse(command: Touch, work: Work) -> int:
    work.save(lot_of(command.user_id, command.lot_id))
    await work.load(LOTS.group("account", command.user_id, POINTS))
    raise shared.RuleForbids


@use_case(allow=ADMINS)
async def stumble(command: Touch, work: Work) -> int:
    work.save(lot_of(command.user_id, command.lot_id))
    return 1 // 0


@use_case(allow=ADMINS, locks=account_lock)
async def poison(command: Touch, work: Work) -> None:
    """Break a check of the database."""
    account = open_account(command.user_id, POINTS, work.now)
    work.save(shared.evolve(account, balance=-1))


@use_case(allow=ADMINS, locks=account_lock, secret=True)
async def add_secret(command: Touch, work: Work) -> UUID:
    work.save(lot_of(command.user_id, work.new_id()))
    return command.lot_id


@use_case(allow=ADMINS, loads=[lambda command, work: [LOTS.key(command.user_id, command.lot_id)]])
async def find_undeclared(command: Touch, work: Work) -> None:
    work.find(ACCOUNTS.key(command.user_id, POINTS))


@use_case(allow=ADMINS)
async def list_undeclared(command: Touch, work: Work) -> None:
    work.list(LOTS.group("account", command.user_id, POINTS))


@use_case(allow=ADMINS, locks=lambda command, work: points.book_keys(command.user_id))
async def spend_twice(command: Spend, work: Work) -> Balance:
    """A use case of use cases."""
    await points.spend(command, work)
    return await points.spend(command, work)


# --- group commit -------------------------------------------------------------------------------


async def test_commands_that_arrive_together_share_one_transaction(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    commands = [spend(member) for _ in range(60)]
    found = await asyncio.gather(*(run(points.spend, one, actor=any_world.admin) for one in commands))
    assert [one.balance for one in found] == list(range(99, 39, -1))
    assert watched.begun == 1
    assert await lines_of(any_world, member) == [100] + [-1] * 60


async def test_a_lone_command_waits_for_no_company(any_world: World, run: Runner, watched: Watched) -> None:
    member = any_world.member().user_id
    for turn in range(1, 4):
        await run(points.earn, earn(member), actor=any_world.admin)
        assert watched.begun == turn


async def test_commands_that_arrive_during_a_commit_form_the_next_batch(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member, doors = any_world.member().user_id, [asyncio.Event(), asyncio.Event()]

    @use_case(allow=ADMINS)
    async def wait(command: Touch, work: Work) -> None:
        doors[0].set()
        await doors[1].wait()

    first = asyncio.create_task(run(wait, Touch(user_id=member), actor=any_world.admin))
    await doors[0].wait()
    later = [asyncio.create_task(run(points.earn, earn(member), actor=any_world.admin)) for _ in range(9)]
    await asyncio.sleep(0)
    assert watched.begun == 1
    doors[1].set()
    await asyncio.gather(first, *later)
    assert watched.begun == 2
    assert await balance_of(any_world, member) == 900


async def test_one_transaction_takes_so_many_commands_and_no_more(any_world: World, watched: Watched) -> None:
    run = any_world.runner(watched, most_grouped=10)
    members = [any_world.member().user_id for _ in range(25)]
    await asyncio.gather(*(run(points.earn, earn(one), actor=any_world.admin) for one in members))
    assert watched.begun == 3


async def test_each_command_of_a_batch_gets_its_own_answer_or_its_own_error(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member, stranger = await funded(any_world, 10), any_world.member().user_id
    wishes = [
        (points.spend, spend(member, 6)),
        (points.spend, spend(member, 6)),
        (points.earn, Earn(user_id=stranger, unit="pearls", funded=1, source_id=SHOP)),
        (points.capture, points.CaptureHold(user_id=member, hold_id=SHOP)),
        (stumble, Touch(user_id=member)),
        (points.spend, spend(member, 3)),
    ]
    found = await asyncio.gather(
        *(run(which, wish, actor=any_world.admin) for which, wish in wishes), return_exceptions=True
    )
    kinds = [Balance, InsufficientPoints, UnknownUnit, shared.NotFound, ZeroDivisionError, Balance]
    assert [type(one) for one in found] == kinds
    assert str(found[1]) == "6 points are needed, 4 are available."
    assert watched.begun == 1
    assert await lines_of(any_world, member) == [10, -6, -3]


async def test_a_refused_command_leaves_no_trace(any_world: World) -> None:
    member, admin, lots = await funded(any_world), any_world.admin, [uuid4() for _ in range(3)]
    wishes = [Touch(user_id=member, lot_id=lot_id) for lot_id in lots]
    found = await asyncio.gather(
        any_world.run(add_lot_and_refuse, wishes[0], actor=admin, key="one"),
        any_world.run(stumble, wishes[1], actor=admin, key="two"),
        any_world.run(add_lot_late, wishes[2], actor=admin),
        return_exceptions=True,
    )
    assert [type(one) for one in found[:2]] == [shared.RuleForbids, ZeroDivisionError]
    assert found[2] == 2, "the lot of the grant and its own, not those of the refused neighbours"
    runs = [RUNS.key(admin.user_id, key) for key in ("one", "two")]
    assert await stored(any_world, *(LOTS.key(member, lot_id) for lot_id in lots[:2]), *runs) == []


async def test_a_late_look_sees_what_an_earlier_command_of_the_batch_saved(any_world: World) -> None:
    member = await funded(any_world)
    wishes = [Touch(user_id=member, lot_id=uuid4()) for _ in range(3)]
    found = await asyncio.gather(
        *(any_world.run(add_lot_late, wish, actor=any_world.admin) for wish in wishes), return_exceptions=True
    )
    assert found[0] == 2
    assert [type(one) for one in found[1:]] == [shared.RuleForbids, shared.RuleForbids]


async def test_a_lot_that_comes_back_is_there_for_the_next_command_of_the_batch(any_world: World) -> None:
    member = await funded(any_world, 50)
    spent = await any_world.run(points.spend, spend(member, 50), actor=any_world.admin)
    refund = points.Refund(user_id=member, debit_id=spent.posting_id)
    _, balance = await asyncio.gather(
        any_world.run(points.refund, refund, actor=any_world.admin),
        any_world.run(points.spend, spend(member, 20), actor=any_world.admin),
    )
    assert balance.available == 30


async def test_a_command_that_is_refused_while_it_looks_does_not_disturb_its_neighbours(
    any_world: World, run: Runner, watched: Watched
) -> None:
    def refuse(command: Touch, work: Work) -> list[Wanted]:
        raise shared.NotFound(kind="lot", id=str(command.lot_id))

    @use_case(allow=ADMINS, loads=[refuse, refuse], locks=refuse)
    async def look(command: Touch, work: Work) -> None:
        work.save(lot_of(command.user_id, command.lot_id))

    member = await funded(any_world)
    found = await asyncio.gather(
        run(look, Touch(user_id=member), actor=any_world.admin),
        run(points.spend, spend(member), actor=any_world.admin),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [shared.NotFound, Balance]
    assert watched.begun == 1
    assert await stored(any_world, LOTS.key(member, UUID(int=0))) == []


async def test_a_poisoned_command_fails_alone(postgres_world: World) -> None:
    member, victim = await funded(postgres_world), postgres_world.member().user_id
    wishes = [(points.spend, spend(member)), (poison, Touch(user_id=victim)), (points.spend, spend(member))]
    found = await asyncio.gather(
        *(postgres_world.run(which, wish, actor=postgres_world.admin) for which, wish in wishes),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in found] == ["Balance", "CheckViolationError", "Balance"]
    assert await lines_of(postgres_world, member) == [100, -1, -1]
    assert await stored(postgres_world, ACCOUNTS.key(victim, POINTS)) == []


async def test_a_look_that_breaks_the_transaction_fails_alone(postgres_world: World) -> None:
    @use_case(allow=ADMINS)
    async def look_for_nonsense(command: Touch, work: Work) -> None:
        await work.load(ACCOUNTS.key(command.user_id, "no text holds \x00"))

    member = await funded(postgres_world)
    found = await asyncio.gather(
        postgres_world.run(look_for_nonsense, Touch(user_id=member), actor=postgres_world.admin),
        postgres_world.run(add_lot_late, Touch(user_id=member), actor=postgres_world.admin),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in found] == ["CharacterNotInRepertoireError", "int"]


async def test_a_long_batch_is_written_in_pieces_and_committed_once(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member, amounts = await funded(any_world, 500), [999 if number % 50 == 9 else 1 for number in range(120)]
    found = await asyncio.gather(
        *(run(points.spend, spend(member, amount), actor=any_world.admin) for amount in amounts),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [InsufficientPoints if one > 1 else Balance for one in amounts]
    assert watched.begun == 1
    assert await balance_of(any_world, member) == 500 - 117
    assert await lines_of(any_world, member) == [-1] * 100, "the last hundred"


async def test_a_late_look_sees_what_an_earlier_piece_of_the_batch_wrote(any_world: World) -> None:
    member, other = await funded(any_world), await funded(any_world)
    last = asyncio.gather(
        any_world.run(add_secret, Touch(user_id=member), actor=any_world.admin),
        *(any_world.run(points.spend, spend(other), actor=any_world.admin) for _ in range(100)),
        any_world.run(add_lot_late, Touch(user_id=member, lot_id=uuid4()), actor=any_world.admin),
    )
    with pytest.raises(shared.RuleForbids):
        await last
    assert await balance_of(any_world, other) == 0


async def test_a_poisoned_command_of_a_long_batch_fails_alone(postgres_world: World) -> None:
    member, admin = await funded(postgres_world), postgres_world.admin
    poisoned, *found = await asyncio.gather(
        postgres_world.run(poison, Touch(user_id=postgres_world.member().user_id), actor=admin),
        *(postgres_world.run(points.spend, spend(member), actor=admin) for _ in range(100)),
        return_exceptions=True,
    )
    assert type(poisoned).__name__ == "CheckViolationError"
    assert [one.balance for one in found if isinstance(one, Balance)] == list(range(99, -1, -1))


async def test_a_use_case_can_be_part_of_another(any_world: World) -> None:
    member = await funded(any_world)
    found = await any_world.run(spend_twice, spend(member, 30), actor=any_world.admin)
    assert found.balance == 40


async def test_what_was_not_declared_is_not_found_by_chance(any_world: World) -> None:
    wish = Touch(user_id=await funded(any_world))
    for which in (find_undeclared, list_undeclared):
        with pytest.raises(LookupError, match="was not declared: add it to the use case's loads or locks"):
            await any_world.run(which, wish, actor=any_world.admin)


# --- groups that list only the first few --------------------------------------------------------


class Turn(shared.Command, kw_only=True):
    """Make or change a coin (`days` until its end, `left` of it), or take it away (`gone`); look, and be
    refused or not."""

    user_id: UUID
    coin_id: UUID
    days: int
    left: int
    gone: bool = False
    all: bool = False
    refused: bool = False


class Seen(shared.Record):
    """The front as a command saw it, its edge, and all coins where it looked at them."""

    front: tuple[Coin, ...]
    edge: Coin | None
    all: tuple[Coin, ...] = ()


def front(user_id: UUID) -> Group[Coin]:
    return COINS.group("front", user_id)


@use_case(
    allow=ADMINS,
    locks=lambda command, work: [front(command.user_id), COINS.key(command.user_id, command.coin_id)],
)
async def turn_coin(command: Turn, work: Work) -> Seen:
    coin = work.find(COINS.key(command.user_id, command.coin_id))
    if not command.gone:
        work.save(coin_of(command))
    elif coin is not None:
        work.remove(coin)
    ordered = COINS.group("ordered", command.user_id)
    if command.all:
        await work.load(ordered)
    if command.refused:
        raise shared.RuleForbids
    coins = work.list(ordered) if command.all else []
    assert not command.all or work.edge(ordered) is None
    return Seen(tuple(work.list(front(command.user_id))), work.edge(front(command.user_id)), tuple(coins))


def coin_of(turn: Turn) -> Coin:
    return Coin(turn.user_id, turn.coin_id, turn.left, START + timedelta(days=turn.days))


@pytest.fixture(params=["memory", "postgres", "pipelined"])
async def coin_world(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[World]:
    """A world with the coins and rates of these tests."""
    if request.param == "memory":
        yield World.in_memory()
    else:
        locking = ArrayLocking() if request.param == "postgres" else PipelinedLocking()
        async with with_coins(database, locking) as storage:
            yield World(storage, PostgresQueries(database))


def turns_of(user_id: UUID, coins: list[UUID], chance: Random, number: int) -> list[Turn]:
    return [
        Turn(
            user_id=user_id,
            coin_id=chance.choice(coins),
            days=chance.randrange(9),
            left=chance.randrange(2),
            gone=chance.random() < 0.2,
            all=chance.random() < 0.05,
            refused=chance.random() < 0.3,
        )
        for _ in range(number)
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_a_front_is_right_whatever_earlier_commands_of_the_batch_did(
    coin_world: World, seed: int
) -> None:
    """It lists every coin up to the edge that has something left, and none behind it; batches of several
    pieces add coins, use them up, move their ends, take them away, and are refused."""
    chance, user_id, coins = Random(seed), uuid4(), [uuid4() for _ in range(10)]
    there: dict[UUID, Coin] = {}
    for number in (8, 150):
        stored = [coin for coin in sorted(there.values(), key=COINS.order_of["front"]) if coin.left]
        edge = stored[MOST - 1] if len(stored) >= MOST else None
        turns = turns_of(user_id, coins, chance, number)
        runs = [coin_world.run(turn_coin, one, actor=coin_world.admin) for one in turns]
        for turn, seen in zip(turns, await asyncio.gather(*runs, return_exceptions=True), strict=True):
            assert isinstance(seen, shared.RuleForbids if turn.refused else Seen)
            if not turn.refused:
                there[turn.coin_id] = coin_of(turn)
                if turn.gone:
                    del there[turn.coin_id]
                live = [coin for coin in sorted(there.values(), key=COINS.order_of["front"]) if coin.left]
                known = [
                    coin
                    for coin in live
                    if not edge or COINS.order_of["front"](coin) <= COINS.order_of["front"](edge)
                ]
                assert seen == Seen(tuple(known), edge, tuple(live) if turn.all else ())


async def test_the_edge_of_what_was_not_declared_is_an_error(world: World) -> None:
    @use_case(allow=ADMINS)
    async def look(command: Touch, work: Work) -> None:
        work.edge(front(command.user_id))

    with pytest.raises(LookupError, match="was not declared"):
        await world.run(look, Touch(user_id=SHOP), actor=world.admin)


# --- what is removed ----------------------------------------------------------------------------


class Remove(shared.Command, kw_only=True):
    """Remove a coin and, with `left`, make it anew; be refused or not."""

    user_id: UUID
    coin_id: UUID
    left: int = 0
    refused: bool = False


def coin_keys(command: Remove, work: Work) -> tuple[Wanted, ...]:
    return (COINS.key(command.user_id, command.coin_id), front(command.user_id))


@use_case(allow=ADMINS, locks=coin_keys)
async def remove_coin(command: Remove, work: Work) -> int:
    """How many coins the front lists once it is gone, or back."""
    coin = work.get(COINS.key(command.user_id, command.coin_id))
    work.remove(coin)
    assert work.find(COINS.key(command.user_id, command.coin_id)) is None
    if command.left:
        work.save(shared.evolve(coin, left=command.left))
    if command.refused:
        raise shared.RuleForbids
    return len(work.list(front(command.user_id)))


async def coined(world: World, number: int) -> list[Coin]:
    """The coins of somebody new."""
    coins = [Coin(uuid4(), uuid4(), 1, START)]
    coins += [Coin(coins[0].user_id, uuid4(), 1, START) for _ in range(number - 1)]
    async with world.storage.begin() as transaction:
        await transaction.write(Changes({COINS: [*coins]}, {}))
    return coins


def without(coin: Coin, left: int = 0, *, refused: bool = False) -> Remove:
    return Remove(user_id=coin.user_id, coin_id=coin.id, left=left, refused=refused)


async def kept_of(world: World, coins: list[Coin]) -> list[Coin]:
    return await stored(world, *(COINS.key(coin.user_id, coin.id) for coin in coins))


async def test_what_is_removed_is_gone_for_the_rest_of_the_batch_and_for_good(coin_world: World) -> None:
    one, other = await coined(coin_world, 2)
    found = await asyncio.gather(
        *(coin_world.run(remove_coin, without(one), actor=coin_world.admin) for _ in range(2)),
        return_exceptions=True,
    )
    assert found[0] == 1
    assert isinstance(found[1], shared.NotFound)
    assert await kept_of(coin_world, [one, other]) == [other]


async def test_a_removal_that_is_refused_did_not_happen(coin_world: World) -> None:
    coins = await coined(coin_world, 2)
    found = await asyncio.gather(
        coin_world.run(remove_coin, without(coins[0], refused=True), actor=coin_world.admin),
        coin_world.run(remove_coin, without(coins[0], 5, refused=True), actor=coin_world.admin),
        coin_world.run(remove_coin, without(coins[1], 7), actor=coin_world.admin),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [shared.RuleForbids, shared.RuleForbids, int]
    assert found[2] == 2
    assert await kept_of(coin_world, coins) == [coins[0], shared.evolve(coins[1], left=7)]


async def test_what_was_removed_can_be_made_anew_in_the_same_batch_and_later(coin_world: World) -> None:
    coin, *_ = await coined(coin_world, 1)
    for left in (2, 3):
        found = await asyncio.gather(
            coin_world.run(remove_coin, without(coin, left), actor=coin_world.admin),
            coin_world.run(remove_coin, without(coin, left + 5), actor=coin_world.admin),
        )
        assert found == [1, 1]
        assert await kept_of(coin_world, [coin]) == [shared.evolve(coin, left=left + 5)]


async def test_what_is_there_for_good_is_not_removed(any_world: World) -> None:
    @use_case(allow=ADMINS, locks=lambda command, work: points.book_keys(command.user_id))
    async def close(command: Touch, work: Work) -> None:
        work.remove(work.get(ACCOUNTS.key(command.user_id, POINTS)))

    member = await funded(any_world)
    with pytest.raises(TypeError, match="for good"):
        await any_world.run(close, Touch(user_id=member), actor=any_world.admin)
    assert await balance_of(any_world, member) == 100


async def test_a_root_is_removed_only_under_its_lock(coin_world: World) -> None:
    @use_case(allow=ADMINS, loads=[lambda command, work: [PURSES.key(command.user_id)]])
    async def hasty(command: Touch, work: Work) -> None:
        work.remove(work.get(PURSES.key(command.user_id)))

    @use_case(allow=ADMINS, locks=lambda command, work: [PURSES.key(command.user_id)])
    async def careful(command: Touch, work: Work) -> None:
        work.remove(work.find(PURSES.key(command.user_id)) or Purse(command.user_id))

    purse = Purse(uuid4())
    async with coin_world.storage.begin() as transaction:
        await transaction.write(Changes({PURSES: [purse]}, {}))
    with pytest.raises(LookupError, match="is not locked"):
        await coin_world.run(hasty, Touch(user_id=purse.user_id), actor=coin_world.admin)
    await coin_world.run(careful, Touch(user_id=purse.user_id), actor=coin_world.admin)
    assert await stored(coin_world, PURSES.key(purse.user_id)) == []
    with pytest.raises(TypeError, match="is not there"):
        await coin_world.run(careful, Touch(user_id=purse.user_id), actor=coin_world.admin)


# --- configuration that is kept -----------------------------------------------------------------


class Ask(shared.Command, kw_only=True):
    """Look at a rate, by its name and with the others of its area; with `value`, set it."""

    name: str = "points"
    value: int | None = None


def rate_keys(command: Ask, work: Work) -> tuple[Wanted, ...]:
    return (RATES.key(command.name), RATES.group("area", "here"))


@use_case(allow=ADMINS, loads=[rate_keys])
async def ask_rate(command: Ask, work: Work) -> tuple[int | None, int]:
    """The value of the rate, and how many there are."""
    rate = work.find(RATES.key(command.name))
    return rate and rate.value, len(work.list(RATES.group("area", "here")))


@use_case(allow=ADMINS, locks=rate_keys)
async def set_rate(command: Ask, work: Work) -> None:
    if command.value is not None:
        work.save(Rate(command.name, command.value))


@pytest.fixture
async def other(coin_world: World) -> Runner:
    """Another process, which has set the rate of points to 1; the world has asked for it since."""
    other = coin_world.runner()
    await other(set_rate, Ask(value=1), actor=coin_world.admin)
    assert await asked(coin_world) == (1, 1)
    return other


async def asked(world: World, name: str = "points") -> tuple[int | None, int]:
    return await world.run(ask_rate, Ask(name=name), actor=world.admin)


async def test_what_is_kept_is_read_again_when_it_is_half_a_minute_old(
    coin_world: World, other: Runner
) -> None:
    coin_world.clock.advance(seconds=10)
    await other(set_rate, Ask(value=2), actor=coin_world.admin)
    coin_world.clock.advance(seconds=19.9)
    assert await asked(coin_world) == (1, 1)
    coin_world.clock.advance(seconds=0.1)
    assert await asked(coin_world) == (2, 1)


async def test_what_is_kept_is_read_again_when_the_clock_is_turned_back(
    coin_world: World, other: Runner
) -> None:
    await other(set_rate, Ask(value=2), actor=coin_world.admin)
    coin_world.clock.advance(seconds=-1)
    assert await asked(coin_world) == (2, 1)


async def test_who_writes_reads_again(coin_world: World, other: Runner) -> None:
    await other(set_rate, Ask(name="pearls", value=2), actor=coin_world.admin)
    await coin_world.run(set_rate, Ask(value=3), actor=coin_world.admin)
    assert await asked(coin_world) == (3, 2)


async def test_that_there_is_nothing_is_kept_too(coin_world: World, other: Runner) -> None:
    assert await asked(coin_world, "pearls") == (None, 1)
    await other(set_rate, Ask(name="pearls", value=2), actor=coin_world.admin)
    assert await asked(coin_world, "pearls") == (None, 1)
    coin_world.clock.advance(seconds=30)
    assert await asked(coin_world, "pearls") == (2, 2)


async def test_who_writes_what_is_kept_from_an_old_look_meets_the_other_and_reads_again(
    coin_world: World, other: Runner
) -> None:
    assert await asked(coin_world, "pearls") == (None, 1)
    await other(set_rate, Ask(name="pearls", value=2), actor=coin_world.admin)
    await coin_world.run(set_rate, Ask(name="pearls", value=3), actor=coin_world.admin)
    assert await asked(coin_world, "pearls") == (3, 2)


# --- the command log ----------------------------------------------------------------------------


async def test_a_run_leaves_a_row_that_says_who_did_what_from_where(any_world: World) -> None:
    member = any_world.member().user_id
    origin = {"address": "192.0.2.7", "whereabouts": "public", "request_id": "request-1"}
    robot = any_world.member("service", **origin)
    found = await any_world.run(points.earn, earn(member), actor=robot, key="first grant")
    (row,) = await stored(any_world, RUNS.key(robot.user_id, "first grant"))
    assert (row.name, row.actor_id, row.role) == ("points.earn", robot.user_id, "service")
    assert (row.origin, row.request_id, row.recorded_at) == ("192.0.2.7", "request-1", any_world.clock())
    assert points.earn.decode_result(row.result) == found


async def test_events_are_stored_with_the_run_that_caused_them(any_world: World) -> None:
    member, ids = any_world.member().user_id, count(1)
    run = any_world.runner(ids=lambda: UUID(int=next(ids)))
    await run(points.earn, earn(member), actor=any_world.admin, key="first grant")
    (event,) = await stored(any_world, *(HAPPENINGS.key(member, UUID(int=id)) for id in range(1, 9)))
    assert (event.type, event.run_key, event.recorded_at) == (
        "points.earned",
        "first grant",
        any_world.clock(),
    )
    assert f'"{SHOP}"' in event.body


async def test_the_same_key_and_command_answer_what_was_answered(any_world: World) -> None:
    member = await funded(any_world)
    first = await any_world.run.submit(points.spend, spend(member), actor=any_world.admin, key="k")
    any_world.clock.advance(days=400)
    again = await any_world.run.submit(points.spend, spend(member), actor=any_world.admin, key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.result == first.result
    assert await lines_of(any_world, member) == [100, -1]


async def test_a_key_is_not_for_another_command(any_world: World) -> None:
    member = await funded(any_world)
    await any_world.run(points.spend, spend(member, 1), actor=any_world.admin, key="k")
    with pytest.raises(IdempotencyKeyReused):
        await any_world.run(points.spend, spend(member, 2), actor=any_world.admin, key="k")
    with pytest.raises(IdempotencyKeyReused):
        await any_world.run(points.earn, earn(member, 1), actor=any_world.admin, key="k")
    assert await lines_of(any_world, member) == [100, -1]


async def test_a_key_belongs_to_who_used_it(any_world: World) -> None:
    member = await funded(any_world)
    for _ in range(2):
        await any_world.run(points.spend, spend(member), actor=any_world.member("service"), key="k")
    assert await lines_of(any_world, member) == [100, -1, -1]


async def test_a_refused_command_can_be_sent_again_with_its_key(any_world: World) -> None:
    member = await funded(any_world, 10)
    with pytest.raises(InsufficientPoints):
        await any_world.run(points.spend, spend(member, 20), actor=any_world.admin, key="k")
    await any_world.run(points.earn, earn(member, 10), actor=any_world.admin)
    found = await any_world.run(points.spend, spend(member, 20), actor=any_world.admin, key="k")
    assert found.balance == 0


async def test_fifty_requests_with_one_key_are_one_run(any_world: World, run: Runner) -> None:
    member = await funded(any_world)
    found = await asyncio.gather(
        *(run.submit(points.spend, spend(member), actor=any_world.admin, key="k") for _ in range(50))
    )
    assert [one.replayed for one in found] == [False] + [True] * 49
    assert {one.result for one in found} == {found[0].result}
    assert await lines_of(any_world, member) == [100, -1]


@pytest.mark.parametrize("key", ["", "a" * 256, "clé", "two\nlines"])
async def test_a_key_has_visible_characters(world: World, key: str) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        await world.run(points.earn, earn(SHOP), actor=world.admin, key=key)


async def test_a_secret_is_run_every_time_and_its_answer_is_not_kept(any_world: World) -> None:
    member = any_world.member().user_id
    ids = (UUID(int=number) for number in count(1))
    run = any_world.runner(ids=lambda: next(ids))
    for _ in range(2):
        assert await run(add_secret, Touch(user_id=member), actor=any_world.admin, key="k") == UUID(int=0)
    assert await stored(any_world, RUNS.key(any_world.admin.user_id, "k")) == []
    assert len(await stored(any_world, *(LOTS.key(member, UUID(int=number)) for number in (1, 2)))) == 2


# --- two processes ------------------------------------------------------------------------------


async def test_two_processes_with_one_key_run_it_once(any_world: World) -> None:
    member = await funded(any_world)
    runners = [any_world.runner() for _ in range(4)]
    found = await asyncio.gather(
        *(run.submit(points.spend, spend(member), actor=any_world.admin, key="k") for run in runners)
    )
    assert sorted(one.replayed for one in found) == [False, True, True, True]
    assert {one.result for one in found} == {found[0].result}
    assert await lines_of(any_world, member) == [100, -1]


async def test_two_processes_open_one_account_once(any_world: World) -> None:
    member = any_world.member().user_id
    runners = [any_world.runner() for _ in range(4)]
    await asyncio.gather(*(run(points.earn, earn(member), actor=any_world.admin) for run in runners))
    assert await lines_of(any_world, member) == [100] * 4


async def test_processes_that_spend_the_same_points_never_spend_them_twice(any_world: World) -> None:
    member = await funded(any_world, 30)
    runners = [any_world.runner() for _ in range(4)]
    wishes = [run(points.spend, spend(member, 4), actor=any_world.admin) for run in runners for _ in range(5)]
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in found].count(Balance) == 7
    assert [type(one) for one in found].count(InsufficientPoints) == 13
    assert await lines_of(any_world, member) == [30] + [-4] * 7


async def test_who_comes_second_to_a_new_key_finds_what_the_first_made(
    postgres_world: World, database: Database
) -> None:
    """The second has looked and found nothing before the first commits."""
    member = postgres_world.member().user_id
    async with postgres_world.storage.begin() as transaction:
        account = shared.evolve(open_account(member, POINTS, START), sequence=7, hash=b"seven")
        async with database.connection() as connection:
            await transaction.write(Changes({ACCOUNTS: [account]}, {}))
            second = asyncio.create_task(
                postgres_world.run(points.earn, earn(member), actor=postgres_world.admin)
            )
            await waiting_pid(connection)
    assert (await second).balance == 100
    (grown,) = await stored(postgres_world, ACCOUNTS.key(member, POINTS))
    assert grown.sequence == 8


async def test_conflicts_without_end_are_refused_as_busy(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    watched.before = [Conflict() for _ in range(99)]
    with pytest.raises(Busy):
        await run(points.spend, spend(member), actor=any_world.admin)
    assert watched.begun == 5
    assert await lines_of(any_world, member) == [100]


async def test_a_conflict_of_a_batch_is_settled_one_by_one(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    watched.before = [Conflict()]
    await asyncio.gather(*(run(points.spend, spend(member), actor=any_world.admin) for _ in range(3)))
    assert watched.begun == 1 + 3
    assert await lines_of(any_world, member) == [100, -1, -1, -1]


async def test_a_conflict_within_a_command_makes_the_whole_batch_run_again(
    any_world: World, run: Runner, watched: Watched
) -> None:
    conflicts = [Conflict()]

    @use_case(allow=ADMINS)
    async def look_late(command: Touch, work: Work) -> None:
        if conflicts:
            raise conflicts.pop()

    member = await funded(any_world)
    await asyncio.gather(
        run(points.spend, spend(member), actor=any_world.admin),
        run(look_late, Touch(user_id=member), actor=any_world.admin),
    )
    assert watched.begun == 1 + 2
    assert await lines_of(any_world, member) == [100, -1]


async def test_a_caller_who_leaves_before_a_failure_disturbs_nobody(any_world: World) -> None:
    @use_case(allow=ADMINS)
    async def fail(command: Touch, work: Work) -> None:
        task.cancel()
        await asyncio.sleep(0)
        raise Conflict

    member = any_world.member().user_id
    task = asyncio.create_task(any_world.run(fail, Touch(user_id=member), actor=any_world.admin))
    await asyncio.wait([task])
    assert task.cancelled()
    assert (await any_world.run(points.earn, earn(member), actor=any_world.admin)).balance == 100


# --- when the connection is lost ----------------------------------------------------------------


async def waiting_pid(connection: Any, *known: int) -> int:
    """The server process of a connection that waits for a lock, once there is one."""
    waiting = """select pid from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database() and pid <> all($1)"""
    async with asyncio.timeout(10):
        while (pid := await connection.fetchval(waiting, known)) is None:
            pass
    return int(pid)


async def test_a_twin_that_finds_nothing_left_to_spend_gets_the_answer_and_not_a_refusal(
    postgres_world: World, database: Database
) -> None:
    """Both have looked, and wait for the account: the first spends all there is."""
    member = await funded(postgres_world)
    twins = [postgres_world.runner() for _ in range(2)]
    async with postgres_world.storage.begin() as transaction, database.connection() as connection:
        await transaction.load([ACCOUNTS.key(member, POINTS)], lock=True)
        wishes = [
            asyncio.create_task(
                run.submit(points.spend, spend(member, 100), actor=postgres_world.admin, key="k")
            )
            for run in twins
        ]
        await waiting_pid(connection, await waiting_pid(connection))
    found = [await wish for wish in wishes]
    assert sorted(one.replayed for one in found) == [False, True]
    assert await lines_of(postgres_world, member) == [100, -100]


async def test_a_batch_whose_server_process_ends_is_run_again_and_not_doubled(
    postgres_world: World, database: Database
) -> None:
    member = await funded(postgres_world)
    async with postgres_world.storage.begin() as transaction, database.connection() as connection:
        await transaction.load([ACCOUNTS.key(member, POINTS)], lock=True)
        spent = asyncio.create_task(
            postgres_world.run.submit(points.spend, spend(member), actor=postgres_world.admin, key="k")
        )
        killed = await waiting_pid(connection)
        await connection.execute("select pg_terminate_backend($1)", killed)
        await waiting_pid(connection, killed)
    assert not (await spent).replayed
    assert await lines_of(postgres_world, member) == [100, -1]


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_commit_whose_answer_is_lost_is_not_doubled(
    any_world: World, run: Runner, watched: Watched, key: str | None
) -> None:
    member = await funded(any_world)
    watched.after = [ConnectionLost()]
    found = await run(points.spend, spend(member), actor=any_world.admin, key=key)
    assert found.balance == 99
    assert await lines_of(any_world, member) == [100, -1]


async def test_a_batch_whose_answer_is_lost_is_not_doubled(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    watched.after = [ConnectionLost()]
    found = await asyncio.gather(*(run(points.spend, spend(member), actor=any_world.admin) for _ in range(4)))
    assert [one.balance for one in found] == [99, 98, 97, 96]
    assert await lines_of(any_world, member) == [100, -1, -1, -1, -1]


async def test_a_storage_that_stays_away_is_unavailable(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    watched.before = [ConnectionLost() for _ in range(99)]
    with pytest.raises(shared.Unavailable) as caught:
        await run(points.spend, spend(member), actor=any_world.admin)
    assert "nothing was changed" in str(caught.value)
    assert await lines_of(any_world, member) == [100]


@pytest.mark.parametrize("together", [1, 3])
async def test_after_so_long_a_lost_connection_is_not_tried_again(
    any_world: World, watched: Watched, together: int
) -> None:
    run = any_world.runner(watched, patience=0)
    watched.before = [ConnectionLost() for _ in range(99)]
    wishes = [run(points.earn, earn(SHOP), actor=any_world.admin) for _ in range(together)]
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in found] == [shared.Unavailable] * together
    assert watched.begun == 1


async def test_after_so_long_a_conflict_of_a_batch_is_still_settled_one_by_one(
    any_world: World, watched: Watched
) -> None:
    run = any_world.runner(watched, patience=0)
    watched.before = [Conflict(), Conflict()]
    member = any_world.member().user_id
    wishes = [run(points.earn, earn(member), actor=any_world.admin) for _ in range(3)]
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in found] == [Busy, Balance, Balance]
    assert watched.begun == 4


async def test_after_so_long_nobody_waits_for_a_lock_one_by_one(any_world: World, watched: Watched) -> None:
    """Each would wait for it as long as the batch did."""
    run = any_world.runner(watched, patience=0)
    watched.before = [Locked()]
    wishes = [run(points.earn, earn(SHOP), actor=any_world.admin) for _ in range(3)]
    assert [type(one) for one in await asyncio.gather(*wishes, return_exceptions=True)] == [Busy] * 3
    assert watched.begun == 1


async def test_who_was_in_the_queue_for_too_long_hears_so_and_nothing_is_begun(
    any_world: World, watched: Watched
) -> None:
    run = any_world.runner(watched, longest_wait=-1)
    with pytest.raises(Overloaded):
        await run(points.earn, earn(SHOP), actor=any_world.admin)
    assert watched.begun == 0


async def test_a_runner_tells_how_it_stands(any_world: World, watched: Watched) -> None:
    run = any_world.runner(watched)
    member = any_world.member().user_id
    wishes = [run(points.earn, earn(member), actor=any_world.admin) for _ in range(3)]
    assert await asyncio.gather(*wishes)
    assert (run.waiting, run.attempts, run.batches) == (0, 3, watched.begun)


async def test_a_storage_that_goes_away_during_the_commit_leaves_the_outcome_unknown(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    watched.after = [ConnectionLost() for _ in range(99)]
    with pytest.raises(OutcomeUnknown):
        await run(points.spend, spend(member), actor=any_world.admin)


@pytest.mark.parametrize("neighbours", [0, 2])
async def test_a_secret_whose_answer_is_lost_is_not_run_again(
    any_world: World, run: Runner, watched: Watched, neighbours: int
) -> None:
    member = any_world.member().user_id
    watched.after = [ConnectionLost()]
    wishes = [run(add_secret, Touch(user_id=member), actor=any_world.admin) for _ in range(1 + neighbours)]
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in found] == [OutcomeUnknown] * (1 + neighbours)
    async with any_world.storage.begin() as transaction:
        group = LOTS.group("account", member, POINTS)
        assert len((await transaction.load([group], lock=False)).groups[group]) == 1 + neighbours


# --- dry runs, callers who go, queues that are full ----------------------------------------------


async def test_a_dry_run_answers_and_changes_nothing(any_world: World) -> None:
    member = await funded(any_world)
    would = await any_world.run(points.spend, spend(member, 30), actor=any_world.admin, key="k", dry_run=True)
    assert would.balance == 70
    assert await lines_of(any_world, member) == [100]
    assert not (
        await any_world.run.submit(points.spend, spend(member), actor=any_world.admin, key="k")
    ).replayed


async def test_a_dry_run_is_refused_as_the_run_would_be(any_world: World) -> None:
    member = await funded(any_world, 10)
    with pytest.raises(InsufficientPoints):
        await any_world.run(points.spend, spend(member, 30), actor=any_world.admin, dry_run=True)


async def test_a_dry_run_is_not_seen_by_its_neighbours(any_world: World) -> None:
    member = await funded(any_world, 10)
    found = await asyncio.gather(
        any_world.run(points.spend, spend(member, 10), actor=any_world.admin, dry_run=True),
        any_world.run(points.spend, spend(member, 10), actor=any_world.admin),
    )
    assert [one.balance for one in found] == [0, 0]
    assert await lines_of(any_world, member) == [10, -10]


async def test_a_caller_who_goes_away_disturbs_nobody(any_world: World, run: Runner) -> None:
    member = await funded(any_world)
    doors = [asyncio.Event(), asyncio.Event()]

    @use_case(allow=ADMINS)
    async def wait(command: Touch, work: Work) -> None:
        doors[0].set()
        await doors[1].wait()

    running = asyncio.create_task(run(wait, Touch(user_id=member), actor=any_world.admin))
    await doors[0].wait()
    queued = [asyncio.create_task(run(points.spend, spend(member), actor=any_world.admin)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in (running, queued[1]):
        task.cancel()
    doors[1].set()
    await asyncio.wait([running, *queued])
    assert [task.cancelled() for task in (running, *queued)] == [True, False, True, False]
    assert await lines_of(any_world, member) == [100, -1, -1]


async def test_a_batch_that_everybody_left_is_not_run(world: World) -> None:
    watched = Watched(world.storage)
    run = world.runner(watched)
    task = asyncio.create_task(run(points.earn, earn(SHOP), actor=world.admin))
    await asyncio.sleep(0)
    task.cancel()
    await run.close()
    assert task.cancelled()
    assert watched.begun == 0


async def test_a_full_queue_refuses_at_once_and_takes_more_once_it_is_empty(any_world: World) -> None:
    run = any_world.runner(most_waiting=3)
    members = [any_world.member().user_id for _ in range(5)]
    wishes = [run(points.earn, earn(one), actor=any_world.admin) for one in members]
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in found] == [Balance] * 3 + [Overloaded] * 2
    assert [await balance_of(any_world, one) for one in members] == [100] * 3 + [0] * 2
    assert (await run(points.earn, earn(members[4]), actor=any_world.admin)).balance == 100


async def test_the_clock_of_a_runner_is_that_of_the_machine_unless_it_is_given_another(world: World) -> None:
    member = await funded(world)
    run = Runner(world.storage, world.queries)
    before = datetime.now(UTC)
    balance = await run(points.earn, earn(member), actor=world.admin)
    assert before <= balance.as_of <= datetime.now(UTC)


async def test_closing_waits_for_every_answer(any_world: World) -> None:
    member = any_world.member().user_id
    run = any_world.runner(most_grouped=2)
    tasks = [asyncio.create_task(run(points.earn, earn(member), actor=any_world.admin)) for _ in range(5)]
    await asyncio.sleep(0)
    await run.close()
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
    assert await balance_of(any_world, member) == 500


# --- who may, and what is well formed -----------------------------------------------------------


@use_case(allow=ANYONE)
async def knock(command: Touch, work: Work) -> shared.Role:
    return work.actor.role


@use_case(allow=SIGNED_IN)
async def enter(command: Touch, work: Work) -> shared.Role:
    return work.actor.role


@query(allow=ADMINS)
async def look(question: GetBalance, read: Any) -> shared.Role:
    role: shared.Role = read.actor.role
    return role


async def test_a_stranger_is_asked_to_sign_in_and_others_are_refused(world: World) -> None:
    wish, question, stranger = Touch(user_id=SHOP), GetBalance(user_id=SHOP), shared.Actor()
    assert await world.run(knock, wish, actor=stranger) == "anonymous"
    assert await world.run(enter, wish, actor=world.member("partner_staff")) == "partner_staff"
    assert await world.run.read(look, question, actor=world.member("service")) == "service"
    for attempt in (world.run(enter, wish, actor=stranger), world.run.read(look, question, actor=stranger)):
        with pytest.raises(shared.Unauthenticated):
            await attempt
    for attempt in (
        world.run(stumble, wish, actor=world.member()),
        world.run.read(look, question, actor=world.member("partner_owner")),
    ):
        with pytest.raises(shared.Forbidden):
            await attempt


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 5.5},
        {"amount": "5"},
        {"amount": True},
        {"amount": None},
        {"amount": 2**70},
        {"user_id": "nobody"},
        {"user_id": 1j},
        {"unit": ""},
        {"source_type": "theft"},
    ],
    ids=str,
)
async def test_a_command_made_of_wrong_values_is_refused_before_it_is_run(
    world: World, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        await world.run(points.spend, shared.evolve(spend(SHOP), **wrong), actor=world.admin)
    assert caught.value.reason


async def test_a_question_made_of_wrong_values_is_refused(world: World) -> None:
    with pytest.raises(InvalidCommand, match="limit"):
        await world.run.read(points.statement, GetStatement(user_id=SHOP, limit=0), actor=world.admin)


async def test_a_command_is_what_its_json_says(any_world: World) -> None:
    """An id that came as text is the id: it finds the account that is there."""
    member = await funded(any_world)
    wish: Any = spend(member)
    found = await any_world.run(points.spend, shared.evolve(wish, user_id=str(member)), actor=any_world.admin)
    assert found.user_id == member
    assert found.balance == 99
