"""A lost connection, a storage that stays away, time that is up: nothing is doubled, who waits is told."""

import asyncio

import pytest
from touching import SHOP, Touch, Watched, add_secret, earn, funded, lines_of, spend, waiting_pid

from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.points import ACCOUNTS, LOTS, Balance
from baobab.application.runner import Busy, OutcomeUnknown, Overloaded, Runner
from baobab.application.work import Conflict, ConnectionLost, Locked
from baobab.domain import shared
from baobab.domain.points import POINTS
from builders import World


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
