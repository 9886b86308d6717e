"""What is removed is gone for the rest of the batch, and for good."""

import asyncio
from uuid import UUID, uuid4

import pytest
from coins import COINS, PURSES, Coin, Purse, front
from touching import Touch, balance_of, funded, stored

from baobab.application import points
from baobab.application.points import ACCOUNTS
from baobab.application.work import ADMINS, Changes, Wanted, Work, use_case
from baobab.domain import shared
from baobab.domain.points import POINTS
from builders import START, World


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
