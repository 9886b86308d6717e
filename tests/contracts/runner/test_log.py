"""Each run leaves a row; the same key answers as the first time, and is for one command."""

import asyncio
from itertools import count
from uuid import UUID

import pytest
from touching import SHOP, Touch, add_secret, earn, funded, lines_of, spend, stored

from baobab.application import points
from baobab.application.points import LOTS
from baobab.application.runner import IdempotencyKeyReused, InvalidIdempotencyKey, Runner
from baobab.application.work import HAPPENINGS, RUNS
from baobab.domain.points import InsufficientPoints
from builders import World


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
