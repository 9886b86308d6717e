"""How the demo opens: people join, producers and projects are registered, the shop is filled."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

from ...application import catalog, inventory, partners, projects
from ...domain import shared
from ...domain.catalog import Dates, Months, Option
from ...domain.projects import ProjectStatus
from . import honey_and_oil, house, pantry
from .goods import BRANCHES, Branch, Coming, Delivery, Good, Size
from .people import ADMIN, FOUNDER, MEMBERS, PARTNER_OWNER
from .places import NYONS, PRODUCERS, SITES, Site
from .stage import Act, Stage

GOODS = (*honey_and_oil.ALL, *pantry.ALL, *house.ALL)
SHELVES = {category: f"{chr(ord('A') + place)}1" for place, category in enumerate(b.slug for b in BRANCHES)}
PATHS: dict[ProjectStatus, tuple[ProjectStatus, ...]] = {
    "review": ("review",),
    "active": ("review", "active"),
}
"""Through which statuses a draft comes to the one that it has in the demo."""


def acts(stage: Stage) -> Iterator[Act]:
    """Everything that has to be there before somebody can invest and order, each on its day."""
    yield FOUNDER.joined, partial(stage.join, FOUNDER)
    yield from ((606, partial(_register, stage, command)) for command in PRODUCERS)
    yield from ((605, partial(_grow, stage, branch)) for branch in BRANCHES if not branch.parent)
    yield from ((604, partial(_grow, stage, branch)) for branch in BRANCHES if branch.parent)
    yield from ((603, partial(_offer, stage, good)) for good in GOODS)
    yield from ((602, partial(_size, stage, good, size)) for good in GOODS for size in good.sizes)
    yield PARTNER_OWNER.joined, partial(stage.join, PARTNER_OWNER, NYONS)
    yield from ((person.joined, partial(stage.join, person)) for person in MEMBERS)
    yield from ((site.launched, partial(_launch, stage, site)) for site in SITES)
    for good in GOODS:
        yield from ((one.arrived, partial(_receive, stage, good, one)) for one in good.deliveries)


async def _register(stage: Stage, command: partners.RegisterProducer) -> None:
    registered = await stage.do(partners.register, command, f"producer-{command.slug}", stage.people[ADMIN])
    stage.producers[command.slug] = registered.id


async def _launch(stage: Stage, site: Site) -> None:
    admin, today = stage.people[ADMIN], stage.today.date()
    command = shared.recast(
        projects.DraftProject,
        site,
        producer_id=stage.producers[site.producer],
        launch_date=today - timedelta(days=site.launched),
        maturity_date=today + timedelta(days=site.matures_in),
    )
    view = await stage.do(projects.draft, command, f"project-{site.slug}", admin)
    for status in PATHS[site.status]:
        move = projects.MoveProject(project_id=view.id, status=status, version=view.version)
        view = await stage.do(projects.move, move, f"project-{site.slug}-{status}", admin)
    stage.projects[site.slug] = view.id


async def _grow(stage: Stage, branch: Branch) -> None:
    command = catalog.NewCategory(
        slug=branch.slug,
        name=branch.name,
        description=branch.description,
        parent_id=stage.categories.get(branch.parent),
        sort_order=BRANCHES.index(branch),
    )
    grown = await stage.do(catalog.add_category, command, f"category-{branch.slug}", stage.people[ADMIN])
    stage.categories[branch.slug] = grown.id


async def _offer(stage: Stage, good: Good) -> None:
    command = shared.recast(
        catalog.NewProduct,
        good,
        category_id=stage.categories[good.category],
        producer_id=stage.producers[good.producer],
        fulfilment=good.fulfilment,
        short_description=good.text,
        origin_country=good.origin,
        certifications=good.labels,
        seasons=tuple(_season(window, stage.today.date()) for window in good.seasons),
        minimum_level=good.level,
        launch_date=_in_days(good.launches_in, stage.today.date()),
        discontinue_date=_in_days(good.ends_in, stage.today.date()),
    )
    product = await stage.do(catalog.add_product, command, f"product-{good.slug}", stage.people[ADMIN])
    stage.products[good.slug] = product.id


def _season(window: Months | Coming, today: date) -> Months | Dates:
    if isinstance(window, Months):
        return window
    return Dates(today + timedelta(days=window.opens_in), today + timedelta(days=window.closes_in))


def _in_days(days: int | None, today: date) -> date | None:
    return None if days is None else today + timedelta(days=days)


async def _size(stage: Stage, good: Good, size: Size) -> None:
    command = catalog.NewVariant(
        product_id=stage.products[good.slug],
        sku=size.sku,
        name=size.name,
        price_points=size.points,
        weight_grams=size.grams,
        options=(Option("size", size.name),) if len(good.sizes) > 1 else (),
    )
    stage.variants[size.sku] = await stage.do(
        catalog.add_variant, command, f"variant-{size.sku}", stage.people[ADMIN]
    )


async def _receive(stage: Stage, good: Good, delivery: Delivery) -> None:
    """A delivery is put on the shelf of its category."""
    variant, came = stage.variants[delivery.sku], stage.today.date() - timedelta(days=delivery.arrived)
    command = inventory.ReceiveStock(
        product_id=variant.product_id,
        variant_id=variant.id,
        quantity=delivery.pieces,
        number=f"{delivery.sku}-{came:%y%m%d}",
        cost_cents=delivery.cost_cents,
        best_before=_in_days(delivery.good_for, stage.today.date()),
        supplier_reference=good.producer,
        shelf=SHELVES[good.category],
    )
    key = f"batch-{delivery.sku}-{delivery.arrived}"
    counted = await stage.do(inventory.receive, command, key, stage.people[ADMIN])
    stage.batches.setdefault(delivery.sku, []).append(counted.batch)
