"""Two batches of one Runner at once: one is decided while the one before it is committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from baobab.application import points
from baobab.application.points import Earn, Spend
from baobab.application.work import Storage, Transaction
from baobab.domain.points import InsufficientPoints
from builders import World

SHOP = UUID(int=1)


class Gate:
    """A storage whose transactions wait at a gate, with all they wrote, until it is opened."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.open, self.begun, self.arrived = asyncio.Event(), asyncio.Semaphore(0), asyncio.Semaphore(0)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        self.begun.release()
        async with self._storage.begin() as transaction:
            yield transaction
            self.arrived.release()
            await self.open.wait()


def spend(user_id: UUID, amount: int = 1) -> Spend:
    return Spend(user_id=user_id, amount=amount, source_id=SHOP)


async def funded(world: World) -> UUID:
    """A member with a hundred points."""
    user_id = world.member().user_id
    await world.run(points.earn, Earn(user_id=user_id, funded=100, source_id=SHOP), actor=world.admin)
    return user_id


async def test_while_a_batch_is_committed_the_next_one_is_decided_and_no_third(postgres_world: World) -> None:
    members, gate = [await funded(postgres_world) for _ in range(4)], Gate(postgres_world.storage)
    run = postgres_world.runner(gate)
    spent = []
    for member in members[:2]:
        spent.append(asyncio.create_task(run(points.spend, spend(member), actor=postgres_world.admin)))
        async with asyncio.timeout(10):
            await gate.arrived.acquire()
    late = [run(points.spend, spend(member), actor=postgres_world.admin) for member in members[2:]]
    spent += [asyncio.create_task(one) for one in late]
    for _ in range(2):
        await gate.begun.acquire()
    await asyncio.sleep(0)
    assert gate.begun.locked(), "two began, and no third"
    assert not any(task.done() for task in spent)
    gate.open.set()
    assert [balance.balance for balance in await asyncio.gather(*spent)] == [99] * 4


async def test_who_spends_from_one_account_in_the_next_batch_waits_for_the_first(
    postgres_world: World,
) -> None:
    member, gate = await funded(postgres_world), Gate(postgres_world.storage)
    run = postgres_world.runner(gate)
    spent = []
    for _ in range(2):
        spent.append(asyncio.create_task(run(points.spend, spend(member, 60), actor=postgres_world.admin)))
        async with asyncio.timeout(10):
            await gate.begun.acquire()
    gate.open.set()
    assert (await spent[0]).balance == 40
    with pytest.raises(InsufficientPoints):
        await spent[1]


async def test_who_wants_what_the_first_batch_has_is_put_back_and_holds_up_nobody(
    postgres_world: World,
) -> None:
    (one, other), gate = [await funded(postgres_world) for _ in range(2)], Gate(postgres_world.storage)
    run = postgres_world.runner(gate)
    spent = [asyncio.create_task(run(points.spend, spend(one), actor=postgres_world.admin))]
    async with asyncio.timeout(10):
        await gate.arrived.acquire()
    late = [run(points.spend, spend(member), actor=postgres_world.admin) for member in (one, other, one)]
    spent += [asyncio.create_task(wish) for wish in late]
    async with asyncio.timeout(10):
        await gate.arrived.acquire()
    gate.open.set()
    assert [balance.balance for balance in await asyncio.gather(*spent)] == [99, 98, 99, 97]
