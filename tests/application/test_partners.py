"""Who may write producers and who sees what of them."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from wishes import a_producer, register

from baobab.application import partners
from baobab.application.runner import InvalidCommand
from baobab.application.work import HAPPENINGS
from baobab.domain import partners as rules
from baobab.domain import shared
from builders import World

STRANGER = shared.Actor()
NOBODY = UUID(int=9)


async def show(world: World, reference: object, actor: shared.Actor = STRANGER) -> partners.ProducerView:
    return await world.run.read(
        partners.producer, partners.GetProducer(reference=str(reference)), actor=actor
    )


async def amend(world: World, id: UUID, version: int = 1, **facts: Any) -> partners.ProducerView:
    command = shared.recast(partners.AmendProducer, a_producer(**facts), producer_id=id, version=version)
    return await world.run(partners.amend, command, actor=world.admin)


async def move(world: World, id: UUID, status: Any, version: int = 1) -> partners.ProducerView:
    command = partners.MoveProducer(producer_id=id, status=status, version=version)
    return await world.run(partners.move, command, actor=world.admin)


def happened(world: World) -> list[str]:
    storage: Any = world.storage
    return [one.type for one in storage.all(HAPPENINGS)]


async def test_a_producer_is_registered_active_and_found_by_id_and_slug(world: World) -> None:
    made = await register(world, story="Three generations of beekeepers.")
    assert (made.status, made.version, made.created_at) == ("active", 1, world.clock())
    assert await show(world, made.id, world.admin) == made
    assert await show(world, "rucher-du-vercors", world.admin) == made
    assert happened(world) == ["partners.registered"]


async def test_what_is_between_us_and_a_producer_is_not_for_everybody(world: World) -> None:
    contact = rules.Contact("rucher@example.org", "+33 4 00 00 00 00", "https://rucher.example.org/")
    made = await register(world, contact=contact, commission_bp=1_250, partnership_start=date(2026, 1, 1))
    own = world.member("partner_staff", producer_id=made.id)
    other = world.member("partner_owner", producer_id=NOBODY)
    for actor in (world.admin, own):
        seen = await show(world, made.id, actor)
        assert seen.contact == contact
        assert seen.terms == partners.Terms("standard", date(2026, 1, 1), None, 1_250, 30)
    for actor in (STRANGER, world.member(), other):
        seen = await show(world, made.id, actor)
        assert seen.contact == rules.Contact(website="https://rucher.example.org/")
        assert seen.terms is None


async def test_a_producer_who_is_not_active_is_shown_to_admins_and_its_own_partners_only(
    world: World,
) -> None:
    made = await register(world)
    suspended = await move(world, made.id, "suspended")
    own = world.member("partner_owner", producer_id=made.id)
    assert [(await show(world, made.id, actor)).status for actor in (world.admin, own)] == ["suspended"] * 2
    for actor in (STRANGER, world.member(), world.member("partner_owner", producer_id=NOBODY)):
        with pytest.raises(shared.NotFound):
            await show(world, made.slug, actor)
    assert suspended.version == 2
    assert happened(world) == ["partners.registered", "partners.status_changed"]


async def test_a_slug_belongs_to_one_producer_and_stays_its_own_when_it_takes_another(world: World) -> None:
    first = await register(world)
    with pytest.raises(partners.ProducerSlugTaken) as refused:
        await register(world)
    assert refused.value.facts() == {"slug": "rucher-du-vercors"}
    second = await register(world, "oliveraie-de-nyons")
    await amend(world, first.id, slug="miellerie-du-vercors")
    with pytest.raises(partners.ProducerSlugTaken):
        await amend(world, second.id, slug="rucher-du-vercors")
    assert (await show(world, "rucher-du-vercors")).slug == "miellerie-du-vercors"
    assert (await amend(world, first.id, version=2, slug="rucher-du-vercors")).version == 3


async def test_amending_replaces_the_facts_but_not_the_status(world: World) -> None:
    made = await register(world, specialities=("thyme",), certifications=("bio",))
    await move(world, made.id, "inactive")
    amended = await amend(world, made.id, version=2, name="Miellerie", specialities=("lavender",))
    assert (amended.name, amended.specialities, amended.certifications) == ("Miellerie", ("lavender",), ())
    assert (amended.status, amended.created_at, amended.version) == ("inactive", made.created_at, 3)


async def test_whoever_read_an_older_version_is_told(world: World) -> None:
    made = await register(world)
    await amend(world, made.id)
    for wish in (amend(world, made.id), move(world, made.id, "suspended")):
        with pytest.raises(shared.StaleVersion) as refused:
            await wish
        assert refused.value.facts() == {"kind": "producer", "given": 1, "current": 2}


async def test_a_producer_that_does_not_exist_is_not_found(world: World) -> None:
    for wish in (
        show(world, NOBODY),
        show(world, "nobody"),
        amend(world, NOBODY),
        move(world, NOBODY, "active"),
    ):
        with pytest.raises(shared.NotFound):
            await wish


async def test_terms_that_make_no_sense_leave_nothing_behind(world: World) -> None:
    with pytest.raises(rules.PartnershipDatesReversed):
        await register(world, partnership_start=date(2026, 2, 1), partnership_end=date(2026, 1, 1))
    assert happened(world) == []
    assert (await register(world)).version == 1, "the slug is free"


@pytest.mark.parametrize("role", ["anonymous", "member", "partner_staff", "partner_owner"])
async def test_only_administrators_write_producers(world: World, role: shared.Role) -> None:
    actor = STRANGER if role == "anonymous" else world.member(role, producer_id=NOBODY)
    refusal = shared.Unauthenticated if role == "anonymous" else shared.Forbidden
    standing = partners.MoveProducer(producer_id=NOBODY, status="active", version=1)
    wished = shared.recast(partners.AmendProducer, a_producer(), producer_id=NOBODY, version=1)
    for wish in (
        world.run(partners.register, a_producer(), actor=actor),
        world.run(partners.amend, wished, actor=actor),
        world.run(partners.move, standing, actor=actor),
    ):
        with pytest.raises(refusal):
            await wish


@pytest.mark.parametrize(
    "facts",
    [
        {"slug": "Rucher"},
        {"slug": ""},
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "\x00"},
        {"name": "x" * 201},
        {"type": "miller"},
        {"place": shared.Place(90.5, 0.0, "Pole", "FR")},
        {"address": shared.Address("1 rue", "Die", "\x01", "FR")},
        {"contact": rules.Contact(website="javascript:alert(1)")},
        {"contact": rules.Contact(website="https://")},
        {"contact": rules.Contact(website="https://example.org/a b")},
        {"contact": rules.Contact(email="a\x00@example.org")},
        {"certifications": ("",)},
        {"specialities": ("honey",) * 51},
        {"capacity": rules.Capacity(hives=-1)},
        {"capacity": rules.Capacity(trees=2**63)},
        {"commission_bp": 10_001},
        {"payment_terms_days": 366},
        {"story": "\x00"},
    ],
)
async def test_facts_out_of_bounds_are_refused(world: World, facts: dict[str, Any]) -> None:
    with pytest.raises(InvalidCommand):
        await register(world, **facts)


@pytest.mark.parametrize("reference", ["", "a b", "a\x00", "x" * 101])
async def test_a_reference_that_is_neither_id_nor_slug_is_malformed(world: World, reference: str) -> None:
    with pytest.raises(InvalidCommand):
        await show(world, reference)
