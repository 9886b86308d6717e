"""A dry run answers as the run would, and changes nothing."""

import asyncio

import pytest
from touching import funded, lines_of, spend

from baobab.application import points
from baobab.domain.points import InsufficientPoints
from builders import World


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
