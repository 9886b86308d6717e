"""Orders of three lines: priced, paid with points, taken from stock, split into shipments, numbered."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from uuid_utils.compat import uuid7

from baobab.adapters.postgres.database import Database
from baobab.application import catalog, fulfillment, inventory, orders, partners
from baobab.application.fulfillment import OrderView
from baobab.application.runner import Runner
from baobab.domain import shared

from .measure import Contender, Sample, closed_loop
from .spends import CLIENTS, SERVICE, ran_by
from .world import World, user_id

PRODUCTS, LINES = 20, 3
HOME = shared.Address("Rue de Fer 1", "Namur", "5000", "BE")
PLACE = shared.Place(45.07, 5.55, "Vercors", "FR")


@asynccontextmanager
async def contenders(world: World) -> AsyncIterator[dict[str, Contender]]:
    """By name: members of all accounts order three products of a shop that has plenty of twenty."""
    members = [user_id(number) for number in range(1, world.accounts + 1)]
    async with Database(world.url) as database:
        shelves = await _open_shop(ran_by(database))
        order = partial(_order, database, members, shelves)
        yield {
            f"orders of three lines, {clients} client{'s' * (clients > 1)}": partial(order, clients)
            for clients in (CLIENTS[0], CLIENTS[-1])
        }


async def _order(
    database: Database, members: Sequence[UUID], shelves: Sequence[UUID], clients: int, seconds: float
) -> Sample:
    run = ran_by(database)
    return await closed_loop([partial(_once, run, members, shelves)] * clients, seconds)


async def _once(run: Runner, members: Sequence[UUID], shelves: Sequence[UUID]) -> OrderView:
    lines = tuple(orders.WishedLine(variant_id=one) for one in random.sample(shelves, LINES))
    wish = orders.PlaceOrder(lines=lines, shipping_address=HOME)
    member = shared.Actor(random.choice(members), "member", address="127.0.0.1", whereabouts="known")
    return await run(fulfillment.place, wish, actor=member, key=str(uuid7()))


async def _open_shop(run: Runner) -> list[UUID]:
    """The variants of the products of one producer, a million pieces of each."""
    producer = partners.RegisterProducer(
        slug="rucher-du-vercors", name="Rucher du Vercors", type="beekeeper", place=PLACE, address=HOME
    )
    producer_id = (await run(partners.register, producer, actor=SERVICE)).id
    category = catalog.NewCategory(slug="epicerie", name="Épicerie")
    category_id = (await run(catalog.add_category, category, actor=SERVICE)).id
    return [await _stocked(run, category_id, producer_id, number) for number in range(PRODUCTS)]


async def _stocked(run: Runner, category_id: UUID, producer_id: UUID, number: int) -> UUID:
    product = catalog.NewProduct(
        slug=f"miel-{number}",
        name=f"Miel {number}",
        category_id=category_id,
        producer_id=producer_id,
        fulfilment="stock",
    )
    product_id = (await run(catalog.add_product, product, actor=SERVICE)).id
    variant = catalog.NewVariant(
        product_id=product_id, sku=f"MIEL-{number}", name="250 g", price_points=9, weight_grams=420
    )
    variant_id = (await run(catalog.add_variant, variant, actor=SERVICE)).id
    batch = inventory.ReceiveStock(
        product_id=product_id, variant_id=variant_id, quantity=1_000_000, number="L1", cost_cents=450
    )
    await run(inventory.receive, batch, actor=SERVICE)
    return variant_id
