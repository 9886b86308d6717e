"""From a draft to a project that takes money: who may write it, and who sees it when."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from wishes import a_project, draft, fund, move, publish, register

from baobab.application import partners, projects
from baobab.application.pages import InvalidCursor, Page
from baobab.application.runner import InvalidCommand
from baobab.application.work import HAPPENINGS
from baobab.domain import partners as producers
from baobab.domain import projects as rules
from baobab.domain import shared
from builders import World

STRANGER = shared.Actor()
NOBODY = UUID(int=9)
STEPS: dict[rules.ProjectStatus, tuple[rules.ProjectStatus, ...]] = {
    "draft": (),
    "review": ("review",),
    "active": ("review", "active"),
    "funded": ("review", "active", "funded"),
    "suspended": ("review", "active", "suspended"),
    "closed": ("closed",),
}
"""How a draft comes into a status."""


async def show(world: World, reference: object, actor: shared.Actor = STRANGER) -> projects.ProjectView:
    return await world.run.read(projects.project, projects.GetProject(reference=str(reference)), actor=actor)


async def listed(world: World, actor: shared.Actor = STRANGER, **sought: Any) -> list[str]:
    page = await world.run.read(projects.listing, projects.ListProjects(**sought), actor=actor)
    return [one.slug for one in page.items]


async def amend(world: World, id: UUID, version: int = 1, **facts: Any) -> projects.ProjectView:
    command = shared.recast(projects.AmendProject, a_project(NOBODY, **facts), project_id=id, version=version)
    return await world.run(projects.amend, command, actor=world.admin)


async def suspend(world: World, producer_id: UUID) -> None:
    command = partners.MoveProducer(producer_id=producer_id, status="suspended", version=1)
    await world.run(partners.move, command, actor=world.admin)


def happened(world: World) -> list[str]:
    storage: Any = world.storage
    return [one.type for one in storage.all(HAPPENINGS) if one.type.startswith("projects.")]


async def test_a_project_goes_from_draft_by_review_to_the_public(world: World) -> None:
    producer = await register(world)
    drafted = await draft(world, producer.id)
    assert (drafted.status, drafted.version, drafted.investment_type) == ("draft", 1, "ruche")
    reviewed = await move(world, drafted.id, "review", 1)
    published = await move(world, drafted.id, "active", 2)
    assert (reviewed.status, published.status, published.version) == ("review", "active", 3)
    assert happened(world) == ["projects.drafted", "projects.status_changed", "projects.published"]
    assert await show(world, published.id) == await show(world, published.slug) == published


async def test_a_new_project_has_taken_nothing(world: World) -> None:
    drafted = await draft(world, (await register(world)).id, target_cents=20_000)
    assert drafted.funding == projects.FundingView(
        target=shared.Money(20_000),
        limit=shared.Money(20_000),
        taken=shared.Money(0),
        progress_bp=0,
        supporters=0,
    )


async def test_a_project_shows_what_it_has_taken_and_is_funded_at_its_target(world: World) -> None:
    made = await publish(
        world, (await register(world)).id, funding_policy="ceiling", ceiling_cents=30_000, target_cents=20_000
    )
    await fund(world, made.id, 5_000)
    await fund(world, made.id, 2_500, paid=False)
    partly = await show(world, made.id)
    assert (partly.status, partly.funding.taken, partly.funding.limit) == (
        "active",
        shared.Money(5_000),
        shared.Money(30_000),
    )
    assert (partly.funding.progress_bp, partly.funding.supporters) == (2_500, 1)
    assert await listed(world, status="active") == [made.slug]
    await fund(world, made.id, 16_000)
    funded = await show(world, made.id)
    assert (funded.status, funded.funding.progress_bp, funded.version) == ("funded", 10_500, made.version)
    assert (await listed(world, status="active"), await listed(world, status="funded")) == ([], [made.slug])


async def test_shares_held_and_taken_never_go_beyond_the_limit(world: World) -> None:
    made = await publish(world, (await register(world)).id, target_cents=10_000)
    await fund(world, made.id, 4_000)
    await fund(world, made.id, 4_000, paid=False)
    with pytest.raises(rules.FundingExceeded) as refused:
        await fund(world, made.id, 4_000)
    assert refused.value.facts() == {"needed": 4_000, "room": 2_000}
    world.clock.advance(minutes=30)
    assert (await fund(world, made.id, 6_000)).state == "taken", "the hold ran out"


async def test_a_project_that_is_not_open_takes_no_money(world: World) -> None:
    made = await draft(world, (await register(world)).id)
    with pytest.raises(rules.ProjectNotOpen):
        await fund(world, made.id, 1_000)
    with pytest.raises(shared.NotFound):
        await fund(world, NOBODY, 1_000)


async def brought_to(world: World, status: rules.ProjectStatus) -> projects.ProjectView:
    made = await draft(world, (await register(world)).id)
    for version, step in enumerate(STEPS[status], 1):
        made = await move(world, made.id, step, version)
    return made


@pytest.mark.parametrize("status", ["active", "funded", "closed"])
async def test_everybody_sees_a_project_that_is_or_was_open(
    world: World, status: rules.ProjectStatus
) -> None:
    made = await brought_to(world, status)
    for actor in (STRANGER, world.member(), world.admin):
        assert (await show(world, made.slug, actor)).status == status
        assert await listed(world, actor) == await listed(world, actor, status=status) == [made.slug]


@pytest.mark.parametrize("status", ["draft", "review", "suspended"])
async def test_admins_and_its_own_partners_alone_see_a_project_that_is_not_open(
    world: World, status: rules.ProjectStatus
) -> None:
    made = await brought_to(world, status)
    own = world.member("partner_staff", producer_id=made.producer_id)
    for actor in (world.admin, own):
        assert (await show(world, made.slug, actor)).status == status
        assert await listed(world, actor, status=status, producer_id=made.producer_id) == [made.slug]
    for actor in (STRANGER, world.member(), world.member("partner_owner", producer_id=NOBODY)):
        assert await listed(world, actor, status=status, producer_id=made.producer_id) == []
        with pytest.raises(shared.NotFound):
            await show(world, made.id, actor)


async def test_projects_are_found_by_what_they_are(world: World) -> None:
    bees, grower = await register(world), await register(world, "oliveraie", type="olive_grower")
    await publish(world, bees.id, "one", labels=("bio",), featured=True)
    await publish(world, grower.id, "two", type="olive_tree", labels=("bio", "local"))
    await draft(world, bees.id, "three", featured=True)
    assert await listed(world) == ["two", "one"]
    assert await listed(world, world.admin) == ["three", "two", "one"]
    assert await listed(world, type="olive_tree") == ["two"]
    assert await listed(world, label="local") == ["two"]
    assert await listed(world, label="loc") == []
    assert await listed(world, producer_id=bees.id) == ["one"]
    assert await listed(world, featured=True) == ["one"]
    assert await listed(world, featured=False) == ["two"]
    assert await listed(world, type="beehive", label="local") == []


async def test_a_partner_sees_all_of_their_own_producer_only(world: World) -> None:
    mine, other = await register(world), await register(world, "oliveraie")
    await draft(world, mine.id, "mine")
    await draft(world, other.id, "other")
    own = world.member("partner_owner", producer_id=mine.id)
    assert await listed(world, own, producer_id=mine.id) == ["mine"]
    assert await listed(world, own, producer_id=other.id) == []
    assert await listed(world, own) == []


async def test_pages_go_on_where_the_last_one_ended_while_projects_are_added(world: World) -> None:
    producer = await register(world)
    for number in range(5):
        await publish(world, producer.id, f"p-{number}")

    async def page(cursor: str | None) -> Page[projects.ProjectView]:
        question = projects.ListProjects(limit=2, cursor=cursor)
        return await world.run.read(projects.listing, question, actor=STRANGER)

    first = await page(None)
    await publish(world, producer.id, "newcomer")
    second = await page(first.next_cursor)
    third = await page(second.next_cursor)
    assert [[one.slug for one in some.items] for some in (first, second, third)] == [
        ["p-4", "p-3"],
        ["p-2", "p-1"],
        ["p-0"],
    ]
    assert third.next_cursor is None
    with pytest.raises(InvalidCursor):
        await page("nonsense")


async def test_a_project_is_drafted_for_an_active_producer_only(world: World) -> None:
    with pytest.raises(shared.NotFound):
        await draft(world, NOBODY)
    producer = await register(world)
    await suspend(world, producer.id)
    with pytest.raises(producers.ProducerNotActive):
        await draft(world, producer.id)
    assert (await listed(world, world.admin), happened(world)) == ([], [])


async def test_a_project_of_a_suspended_producer_is_not_opened(world: World) -> None:
    producer = await register(world)
    made = await draft(world, producer.id)
    await move(world, made.id, "review", 1)
    await suspend(world, producer.id)
    with pytest.raises(producers.ProducerNotActive):
        await move(world, made.id, "active", 2)
    assert (await move(world, made.id, "draft", 2)).status == "draft"


async def test_amending_replaces_the_facts_but_not_type_producer_and_status(world: World) -> None:
    producer = await register(world)
    made = await publish(world, producer.id, labels=("bio",))
    await fund(world, made.id, 5_000)
    images = ("https://example.org/hive.jpg",)
    amended = await amend(
        world, made.id, 3, name="Ruches", target_cents=50_000, images=images, launch_date=date(2026, 4, 1)
    )
    assert (amended.name, amended.labels, amended.images) == ("Ruches", (), images)
    assert (amended.type, amended.producer_id, amended.status) == ("beehive", producer.id, "active")
    assert (amended.version, amended.launch_date, amended.created_at) == (
        4,
        date(2026, 4, 1),
        made.created_at,
    )
    assert (amended.funding.taken, amended.funding.progress_bp) == (shared.Money(5_000), 1_000)
    assert await show(world, made.id) == amended
    assert happened(world)[-1] == "projects.amended"


async def test_a_slug_belongs_to_one_project_and_stays_its_own_when_it_takes_another(world: World) -> None:
    producer = await register(world)
    first, second = await publish(world, producer.id), await draft(world, producer.id, "second")
    with pytest.raises(projects.ProjectSlugTaken) as refused:
        await draft(world, producer.id)
    assert refused.value.facts() == {"slug": "ruches-du-vercors"}
    await amend(world, first.id, 3, slug="new-name")
    with pytest.raises(projects.ProjectSlugTaken):
        await amend(world, second.id, slug="ruches-du-vercors")
    assert (await show(world, "ruches-du-vercors")).slug == "new-name"


async def test_whoever_read_an_older_version_is_told(world: World) -> None:
    made = await draft(world, (await register(world)).id)
    await amend(world, made.id)
    for wish in (amend(world, made.id), move(world, made.id, "review", 1)):
        with pytest.raises(shared.StaleVersion) as refused:
            await wish
        assert refused.value.facts() == {"kind": "project", "given": 1, "current": 2}


async def test_a_status_that_does_not_follow_is_refused(world: World) -> None:
    made = await draft(world, (await register(world)).id)
    with pytest.raises(rules.ProjectTransitionForbidden):
        await move(world, made.id, "active", 1)
    assert (await show(world, made.id, world.admin)).version == 1


async def test_a_project_that_does_not_exist_is_not_found(world: World) -> None:
    for wish in (
        show(world, NOBODY),
        show(world, "no"),
        amend(world, NOBODY),
        move(world, NOBODY, "review", 1),
    ):
        with pytest.raises(shared.NotFound):
            await wish


async def test_terms_that_make_no_sense_leave_nothing_behind(world: World) -> None:
    producer = await register(world)
    for wish, refusal in (
        ({"funding_policy": "ceiling", "ceiling_cents": 19_999}, rules.CeilingBelowTarget),
        ({"launch_date": date(2026, 2, 1), "maturity_date": date(2026, 1, 1)}, rules.ProjectDatesReversed),
    ):
        with pytest.raises(refusal):
            await draft(world, producer.id, **wish)
    assert await listed(world, world.admin) == []
    assert (await draft(world, producer.id)).version == 1, "the slug is free"


@pytest.mark.parametrize("role", ["anonymous", "member", "partner_staff", "partner_owner"])
async def test_only_administrators_write_projects(world: World, role: shared.Role) -> None:
    producer = await register(world)
    made = await draft(world, producer.id)
    actor = STRANGER if role == "anonymous" else world.member(role, producer_id=producer.id)
    refusal = shared.Unauthenticated if role == "anonymous" else shared.Forbidden
    standing = projects.MoveProject(project_id=made.id, status="review", version=1)
    wished = shared.recast(projects.AmendProject, a_project(NOBODY), project_id=made.id, version=1)
    for wish in (
        world.run(projects.draft, a_project(producer.id, "mine"), actor=actor),
        world.run(projects.amend, wished, actor=actor),
        world.run(projects.move, standing, actor=actor),
    ):
        with pytest.raises(refusal):
            await wish


@pytest.mark.parametrize(
    "facts",
    [
        {"target_cents": 0},
        {"target_cents": shared.MOST + 1},
        {"ceiling_cents": -1},
        {"type": "forest"},
        {"funding_policy": "all"},
        {"images": ("ftp://example.org/a.jpg",)},
        {"images": ("data:text/html,x",)},
        {"labels": ("a\x00b",)},
        {"labels": ("bio",) * 51},
        {"impact_metrics": rules.ImpactMetrics(species_protected=-1)},
        {"seo_title": "x" * 1_001},
        {"description": "a\x00b"},
    ],
)
async def test_facts_out_of_bounds_are_refused(world: World, facts: dict[str, Any]) -> None:
    producer = await register(world)
    with pytest.raises(InvalidCommand):
        await draft(world, producer.id, **facts)
