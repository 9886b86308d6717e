"""Who waits in the queue, who leaves it, when it is full, and how a runner closes."""

import asyncio
from datetime import UTC, datetime

from touching import SHOP, Touch, Watched, balance_of, earn, funded, lines_of, spend

from baobab.application import points
from baobab.application.points import Balance
from baobab.application.runner import Overloaded, Runner
from baobab.application.work import ADMINS, Work, use_case
from builders import World


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
