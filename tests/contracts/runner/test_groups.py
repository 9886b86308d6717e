"""What a command may look at, and what it finds there whatever earlier commands of the batch did."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from coins import COINS, MOST, Coin, front
from touching import SHOP, Touch, funded, spend

from baobab.application import points
from baobab.application.points import ACCOUNTS, LOTS, Balance, Spend
from baobab.application.work import ADMINS, Work, use_case
from baobab.domain import shared
from baobab.domain.points import POINTS
from builders import START, World


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


async def test_a_use_case_can_be_part_of_another(any_world: World) -> None:
    member = await funded(any_world)
    found = await any_world.run(spend_twice, spend(member, 30), actor=any_world.admin)
    assert found.balance == 40


async def test_what_was_not_declared_is_not_found_by_chance(any_world: World) -> None:
    wish = Touch(user_id=await funded(any_world))
    for which in (find_undeclared, list_undeclared):
        with pytest.raises(LookupError, match="was not declared: add it to the use case's loads or locks"):
            await any_world.run(which, wish, actor=any_world.admin)


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
