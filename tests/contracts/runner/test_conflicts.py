"""Processes that want the same take turns; who comes second finds what the first made."""

import asyncio

import pytest
from touching import Touch, Watched, earn, funded, lines_of, spend, stored, waiting_pid

from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.points import ACCOUNTS, Balance
from baobab.application.runner import Busy, Runner
from baobab.application.work import ADMINS, Changes, Conflict, Work, use_case
from baobab.domain import shared
from baobab.domain.points import POINTS, InsufficientPoints, open_account
from builders import START, World


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
