"""What is there before anybody comes: producers, projects, a shop with full shelves, members. An operator
brings it through the library."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from argon2 import PasswordHasher

from baobab.application import catalog, identity, inventory, partners, projects
from baobab.application.identity import checks
from baobab.application.runner import Runner
from baobab.domain import shared
from baobab.domain.projects import INVESTMENT_TYPES
from baobab.entrypoints import library

OPERATOR = shared.Actor(role="service", address="chaos")
PASSWORD = "a-password-of-the-chaos"
KEEPER = "keeper@example.org"
UNCHECKED = 8
"""One of so many members is known by their e-mail alone, and may put in little."""
PLACE = shared.Place(45.07, 5.55, "Vercors", "FR")
ADDRESS = shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR")
SITES = (("beehive", 10_000_000), ("olive_tree", 10_000_000), ("vineyard", 90_000))
"""Kinds of project with their targets in cents. Of the last there are six shares: its room runs out."""
SHELVES = (("MIEL-250", 9, 420), ("MIEL-500", 16, 780), ("HUILE-50", 21, 950))
SENT = (("SAVON-100", 6, 100), ("VANILLE-5", 14, 20))
"""What lies on our shelves, and what producers send: SKU, points, grams."""
BATCHES: tuple[int | None, ...] = (30, 400, None)
"""For how many days the batches of a variant are good."""


class Article(NamedTuple):
    product_id: str
    variant_id: str
    sku: str
    price: int
    on_shelf: bool


class Shop(NamedTuple):
    """What clients need to know. `batches` are the pieces that were delivered, by batch."""

    projects: list[tuple[str, str]]
    articles: list[Article]
    batches: dict[str, tuple[str, int]]


class Opening:
    """Whoever brings it all."""

    def __init__(self, run: Runner, clients: int) -> None:
        self._run, self._clients, self._number = run, clients, 0

    async def _do(self, use_case: Any, command: shared.Record) -> Any:
        self._number += 1
        return await self._run(use_case, command, actor=OPERATOR, key=f"opening-{self._number}")

    async def open(self) -> Shop:
        await self._enrol()
        makers = [await self._producer(number) for number in range(3)]
        sites = [await self._site(makers[n], *site) for n, site in enumerate(SITES)]
        branch = await self._do(catalog.add_category, catalog.NewCategory(slug="epicerie", name="Épicerie"))
        articles, batches = list[Article](), dict[str, tuple[str, int]]()
        for number, goods in enumerate((*SHELVES, *SENT)):
            on_shelf = number < len(SHELVES)
            article = await self._article(branch.id, makers[number % 3], goods, on_shelf=on_shelf)
            articles.append(article)
            if on_shelf:
                batches |= await self._deliver(article)
        return Shop(sites, articles, batches)

    async def _enrol(self) -> None:
        hashed = PasswordHasher().hash(PASSWORD)
        keeper = await self._member(KEEPER, hashed)
        await self._do(identity.set_role, identity.SetRole(user_id=keeper, role="admin"))
        await asyncio.gather(*(self._newcomer(number, hashed) for number in range(self._clients)))

    async def _newcomer(self, number: int, hashed: str) -> None:
        user_id = await self._member(member(number), hashed)
        if number % UNCHECKED:
            await self._check(user_id)

    async def _member(self, email: str, hashed: str) -> UUID:
        user_id, name = self._run.new_id(), email.partition("@")[0]
        command = identity.Enrol(user_id=user_id, email=email, name=name, password_hash=hashed)
        await self._run(identity.enrol, command, actor=OPERATOR)
        return user_id

    async def _check(self, user_id: UUID) -> None:
        """Who is known well may put in as much as they like."""
        asked = await self._do(checks.ask, checks.AskCheck(user_id=user_id, level=2))
        decision = checks.DecideCheck(
            user_id=user_id, check_id=asked.id, verdict="verified", reason="Passport seen."
        )
        await self._do(checks.decide, decision)

    async def _producer(self, number: int) -> UUID:
        command = partners.RegisterProducer(
            slug=f"producer-{number}",
            name=f"Producer {number}",
            type="beekeeper",
            place=PLACE,
            address=ADDRESS,
        )
        made: partners.ProducerView = await self._do(partners.register, command)
        return made.id

    async def _site(self, producer_id: UUID, kind: Any, target: int) -> tuple[str, str]:
        command = projects.DraftProject(
            slug=kind.replace("_", "-"),
            name=kind,
            type=kind,
            producer_id=producer_id,
            place=PLACE,
            address=ADDRESS,
            target_cents=target,
        )
        view = await self._do(projects.draft, command)
        for status in ("review", "active"):
            move = projects.MoveProject(project_id=view.id, status=status, version=view.version)
            view = await self._do(projects.move, move)
        return str(view.id), INVESTMENT_TYPES[kind]

    async def _article(
        self, branch: UUID, maker: UUID, goods: tuple[str, int, int], *, on_shelf: bool
    ) -> Article:
        sku, price, grams = goods
        product = catalog.NewProduct(
            category_id=branch,
            producer_id=maker,
            slug=sku.lower(),
            name=sku,
            fulfilment="stock" if on_shelf else "dropship",
        )
        made = await self._do(catalog.add_product, product)
        variant = catalog.NewVariant(
            product_id=made.id, sku=sku, name=sku, price_points=price, weight_grams=grams
        )
        size = await self._do(catalog.add_variant, variant)
        return Article(str(made.id), str(size.id), sku, price, on_shelf)

    async def _deliver(self, article: Article) -> dict[str, tuple[str, int]]:
        pieces, found = 2 * self._clients, dict[str, tuple[str, int]]()
        for number, days in enumerate(BATCHES):
            command = inventory.ReceiveStock(
                product_id=UUID(article.product_id),
                variant_id=UUID(article.variant_id),
                quantity=pieces,
                number=f"{article.sku}-{number}",
                cost_cents=400,
                best_before=None if days is None else (datetime.now(UTC) + timedelta(days=days)).date(),
            )
            counted = await self._do(inventory.receive, command)
            found[str(counted.batch.id)] = (article.variant_id, pieces)
        return found


def member(number: int) -> str:
    return f"member-{number}@example.org"


async def open_shop(url: str, clients: int) -> Shop:
    """Fill an empty database."""
    async with library.on_postgres(url) as run:
        return await Opening(run, clients).open()
