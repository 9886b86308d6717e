"""Commands with defaults: what an administrator may wish for the shop window, and shares in it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from baobab.application import partners, projects
from baobab.application.work import ADMINS, Work, use_case
from baobab.domain import projects as rules
from baobab.domain import shared
from builders import World

PLACE = shared.Place(45.07, 5.55, "Vercors", "FR")
ADDRESS = shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR")


def a_producer(slug: str = "rucher-du-vercors", **facts: Any) -> partners.RegisterProducer:
    given = {"name": "Rucher du Vercors", "type": "beekeeper", "place": PLACE, "address": ADDRESS}
    return partners.RegisterProducer(slug=slug, **{**given, **facts})


def a_project(producer_id: UUID, slug: str = "ruches-du-vercors", **facts: Any) -> projects.DraftProject:
    given: dict[str, Any] = {"name": "Ruches du Vercors", "type": "beehive", "target_cents": 20_000}
    given |= {"place": PLACE, "address": ADDRESS}
    return projects.DraftProject(slug=slug, producer_id=producer_id, **{**given, **facts})


async def register(world: World, slug: str = "rucher-du-vercors", **facts: Any) -> partners.ProducerView:
    return await world.run(partners.register, a_producer(slug, **facts), actor=world.admin)


async def draft(
    world: World, producer_id: UUID, slug: str = "ruches-du-vercors", **facts: Any
) -> projects.ProjectView:
    return await world.run(projects.draft, a_project(producer_id, slug, **facts), actor=world.admin)


async def publish(
    world: World, producer_id: UUID, slug: str = "ruches-du-vercors", **facts: Any
) -> projects.ProjectView:
    """A project that takes money."""
    drafted = await draft(world, producer_id, slug, **facts)
    await move(world, drafted.id, "review", 1)
    return await move(world, drafted.id, "active", 2)


async def move(world: World, project_id: UUID, status: Any, version: int) -> projects.ProjectView:
    command = projects.MoveProject(project_id=project_id, status=status, version=version)
    return await world.run(projects.move, command, actor=world.admin)


class Fund(shared.Command, kw_only=True):
    """A share that is held for half an hour, and taken at once where it is `paid`."""

    project_id: UUID
    cents: shared.Amount
    paid: bool = True


@use_case(
    allow=ADMINS,
    loads=(lambda command, work: (projects.PROJECTS.key(command.project_id),),),
    locks=lambda command, work: projects.funding_keys(command.project_id),
)
async def take_share(command: Fund, work: Work) -> rules.FundingEntry:
    """What investing does to a project's money, without the investment."""
    book, id, until = (
        projects.book_of(work, command.project_id),
        work.new_id(),
        work.now + timedelta(minutes=30),
    )
    wished = rules.FundingEntry(command.project_id, id, id, id, command.cents, until, work.now)
    share = rules.hold_share(book, wished, work.now)
    if command.paid:
        share = rules.take_share(shared.evolve(book, funding=share.funding), share.entry, 0, work.now)
    work.save(share.funding, share.entry)
    return share.entry


async def fund(world: World, project_id: UUID, cents: int, *, paid: bool = True) -> rules.FundingEntry:
    return await world.run(take_share, Fund(project_id=project_id, cents=cents, paid=paid), actor=world.admin)
