"""What tests of the Runner run: points earned and spent, use cases that stumble, a storage that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from baobab.application import points
from baobab.application.points import ACCOUNTS, Earn, GetBalance, GetStatement, Spend
from baobab.application.work import ADMINS, Key, Storage, Transaction, Wanted, Work, use_case
from baobab.domain import shared
from baobab.domain.points import POINTS, Lot
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


@use_case(allow=ADMINS)
async def stumble(command: Touch, work: Work) -> int:
    work.save(lot_of(command.user_id, command.lot_id))
    return 1 // 0


@use_case(allow=ADMINS, locks=account_lock, secret=True)
async def add_secret(command: Touch, work: Work) -> UUID:
    work.save(lot_of(command.user_id, work.new_id()))
    return command.lot_id


async def waiting_pid(connection: Any, *known: int) -> int:
    """The server process of a connection that waits for a lock, once there is one."""
    waiting = """select pid from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database() and pid <> all($1)"""
    async with asyncio.timeout(10):
        while (pid := await connection.fetchval(waiting, known)) is None:
            pass
    return int(pid)
