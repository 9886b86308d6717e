"""Projects and their money, in memory and on PostgreSQL alike."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from wishes import Fund, a_project, draft, fund, move, publish, register, take_share

from baobab.application import projects
from baobab.domain import projects as rules
from baobab.domain import shared
from builders import World

STRANGER = shared.Actor()
EVERYTHING = {
    "description": "Dix ruches",
    "long_description": "Dix ruches au-dessus de Villard-de-Lans.\nRécolte en août.",
    "funding_policy": "ceiling",
    "launch_date": date(2026, 4, 1),
    "maturity_date": date(2027, 4, 1),
    "labels": ("bio", 'with "quotes"'),
    "impact_metrics": rules.ImpactMetrics(co2_kg_per_year=40, species_protected=3, area_m2=20_000),
    "images": ("https://example.org/1.jpg", "https://example.org/2.jpg?size=2"),
    "seo_title": "Ruches du Vercors",
    "seo_description": "Parrainez une ruche",
    "featured": True,
}


async def show(world: World, reference: object) -> projects.ProjectView:
    question = projects.GetProject(reference=str(reference))
    return await world.run.read(projects.project, question, actor=STRANGER)


async def listed(world: World, actor: shared.Actor = STRANGER, **sought: Any) -> list[str]:
    page = await world.run.read(projects.listing, projects.ListProjects(**sought), actor=actor)
    return [one.slug for one in page.items]


async def test_a_project_is_read_as_it_was_written(any_world: World) -> None:
    made = await publish(any_world, (await register(any_world)).id, ceiling_cents=30_000, **EVERYTHING)
    assert {name: getattr(made, name) for name in EVERYTHING} == EVERYTHING
    assert made.funding.limit == shared.Money(30_000)
    assert await show(any_world, made.id) == await show(any_world, made.slug) == made


async def test_a_project_is_found_by_every_slug_that_it_had(any_world: World) -> None:
    made = await publish(any_world, (await register(any_world)).id, "before")
    command = shared.recast(
        projects.AmendProject, a_project(UUID(int=9), "after"), project_id=made.id, version=made.version
    )
    amended = await any_world.run(projects.amend, command, actor=any_world.admin)
    assert await show(any_world, "before") == await show(any_world, "after") == amended
    for reference in ("never", UUID(int=9)):
        with pytest.raises(shared.NotFound):
            await show(any_world, reference)


async def test_projects_are_listed_newest_first_by_every_filter(any_world: World) -> None:
    bees, grower = await register(any_world), await register(any_world, "oliveraie", type="olive_grower")
    await publish(any_world, bees.id, "one", labels=("bio",), featured=True)
    two = await publish(any_world, grower.id, "two", type="olive_tree", labels=("bio", "é%_"))
    await draft(any_world, bees.id, "three", featured=True)
    await fund(any_world, two.id, 20_000)
    assert await listed(any_world) == ["two", "one"]
    assert await listed(any_world, any_world.admin) == ["three", "two", "one"]
    assert await listed(any_world, any_world.admin, status="draft") == ["three"]
    assert await listed(any_world, status="draft") == []
    assert await listed(any_world, status="active") == ["one"]
    assert await listed(any_world, status="funded") == ["two"]
    assert await listed(any_world, type="olive_tree") == ["two"]
    assert await listed(any_world, label="é%_") == ["two"]
    assert await listed(any_world, label="bi") == []
    assert await listed(any_world, producer_id=bees.id) == ["one"]
    assert await listed(any_world, featured=False) == ["two"]
    assert await listed(any_world, any_world.admin, featured=True, type="beehive") == ["three", "one"]
    page = await any_world.run.read(projects.listing, projects.ListProjects(limit=1), actor=STRANGER)
    assert await listed(any_world, cursor=page.next_cursor) == ["one"]


async def test_a_listing_has_the_money_of_each_project(any_world: World) -> None:
    producer = await register(any_world)
    for slug, cents in (("one", 5_000), ("two", 15_000)):
        await fund(any_world, (await publish(any_world, producer.id, slug)).id, cents)
    page = await any_world.run.read(projects.listing, projects.ListProjects(), actor=STRANGER)
    shown = [(one.slug, one.funding.taken.amount, one.funding.progress_bp) for one in page.items]
    assert shown == [("two", 15_000, 7_500), ("one", 5_000, 2_500)]


async def test_a_held_share_takes_room_until_it_runs_out(any_world: World) -> None:
    made = await publish(any_world, (await register(any_world)).id, target_cents=10_000)
    await fund(any_world, made.id, 10_000, paid=False)
    with pytest.raises(rules.FundingExceeded):
        await fund(any_world, made.id, 1)
    any_world.clock.advance(minutes=30)
    await fund(any_world, made.id, 10_000)
    assert (await show(any_world, made.id)).funding.taken == shared.Money(10_000)


async def test_of_many_who_pay_for_the_last_share_one_has_it(any_world: World) -> None:
    made = await publish(any_world, (await register(any_world)).id, target_cents=15_000)
    await fund(any_world, made.id, 10_000)
    runners = (any_world.run, any_world.runner())
    last = Fund(project_id=made.id, cents=5_000)
    tries = (run(take_share, last, actor=any_world.admin) for run in runners for _ in range(5))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["FundingEntry"] + ["FundingExceeded"] * 9
    funded = await show(any_world, made.id)
    assert (funded.status, funded.funding.taken, funded.funding.supporters) == (
        "funded",
        shared.Money(15_000),
        2,
    )


async def test_what_was_not_allowed_is_not_kept(any_world: World) -> None:
    made = await draft(any_world, (await register(any_world)).id)
    with pytest.raises(rules.ProjectTransitionForbidden):
        await move(any_world, made.id, "suspended", 1)
    with pytest.raises(projects.ProjectSlugTaken):
        await draft(any_world, made.producer_id)
    assert await listed(any_world, any_world.admin) == [made.slug]
    assert await listed(any_world, any_world.admin, status="suspended") == []
