"""Producers, in memory and on PostgreSQL alike."""

import asyncio
from datetime import date
from uuid import UUID

import pytest
from wishes import a_producer, register

from baobab.application import partners
from baobab.domain import partners as rules
from baobab.domain import shared
from builders import World

EVERYTHING = {
    "description": "Miel de montagne",
    "story": "Trois générations — et une ruche de plus à chaque naissance.",
    "contact": rules.Contact("rucher@example.org", "+33 4 00 00 00 00", "https://rucher.example.org"),
    "certifications": ("bio", "demeter"),
    "specialities": ("thym", "lavande"),
    "capacity": rules.Capacity(hives=120, area_m2=shared.MOST),
    "partnership_type": "premium",
    "partnership_start": date(2026, 1, 1),
    "partnership_end": date(2027, 12, 31),
    "commission_bp": 1_250,
    "payment_terms_days": 45,
}


async def show(world: World, reference: object) -> partners.ProducerView:
    question = partners.GetProducer(reference=str(reference))
    return await world.run.read(partners.producer, question, actor=world.admin)


async def listed(world: World, question: partners.ListProducers) -> list[str]:
    page = await world.run.read(partners.producers, question, actor=world.admin)
    return [one.slug for one in page.items]


async def test_a_producer_is_read_as_it_was_written(any_world: World) -> None:
    made = await register(any_world, **EVERYTHING)
    assert {name: getattr(made, name, getattr(made.terms, name, None)) for name in EVERYTHING} == EVERYTHING
    assert await show(any_world, made.id) == await show(any_world, made.slug) == made


async def test_a_producer_is_found_by_every_slug_that_it_had(any_world: World) -> None:
    made = await register(any_world, "before")
    command = shared.recast(partners.AmendProducer, a_producer("after"), producer_id=made.id, version=1)
    amended = await any_world.run(partners.amend, command, actor=any_world.admin)
    assert (amended.slug, amended.version) == ("after", 2)
    assert await show(any_world, "before") == await show(any_world, "after") == amended
    for reference in ("never", UUID(int=9)):
        with pytest.raises(shared.NotFound):
            await show(any_world, reference)


async def test_producers_are_listed_newest_first_by_type_and_status(any_world: World) -> None:
    await register(any_world, "one")
    two = await register(any_world, "two", type="winery")
    await register(any_world, "three", type="winery")
    standing = partners.MoveProducer(producer_id=two.id, status="inactive", version=1)
    await any_world.run(partners.move, standing, actor=any_world.admin)
    assert await listed(any_world, partners.ListProducers()) == ["three", "two", "one"]
    assert await listed(any_world, partners.ListProducers(type="winery")) == ["three", "two"]
    assert await listed(any_world, partners.ListProducers(status="inactive")) == ["two"]
    assert await listed(any_world, partners.ListProducers(type="beekeeper", status="inactive")) == []
    first = partners.ListProducers(limit=2)
    page = await any_world.run.read(partners.producers, first, actor=shared.Actor())
    assert ([one.slug for one in page.items], page.next_cursor) == (["three", "one"], None)
    page = await any_world.run.read(partners.producers, first, actor=any_world.admin)
    assert await listed(any_world, partners.ListProducers(limit=2, cursor=page.next_cursor)) == ["one"]


async def test_of_many_who_take_a_slug_at_once_one_has_it(any_world: World) -> None:
    runners = (any_world.run, any_world.runner())
    tries = (run(partners.register, a_producer(), actor=any_world.admin) for run in runners for _ in range(5))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["ProducerSlugTaken"] * 9 + ["ProducerView"]
    assert len(await listed(any_world, partners.ListProducers())) == 1


async def test_of_many_who_amend_the_same_version_one_does(any_world: World) -> None:
    made = await register(any_world)
    command = shared.recast(partners.AmendProducer, a_producer(), producer_id=made.id, version=1)
    runners = (any_world.run, any_world.runner())
    tries = (run(partners.amend, command, actor=any_world.admin) for run in runners for _ in range(5))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["ProducerView"] + ["StaleVersion"] * 9
    assert (await show(any_world, made.id)).version == 2
