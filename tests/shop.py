"""A shop with something on its shelves: commands with defaults, and the use cases that they are for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from wishes import register

from baobab.application import catalog, identity, inventory
from baobab.application.catalog import CategoryView, ProductCard, ProductDetails, ProductView, VariantView
from baobab.application.inventory import Counted, StockView
from baobab.application.work import SIGNED_IN, Work, use_case
from baobab.domain import identity as people
from baobab.domain import inventory as rules
from baobab.domain import shared
from builders import World

Given = Mapping[str, Any]
STRANGER = shared.Actor()


def a_category(slug: str = "epicerie", **facts: Any) -> catalog.NewCategory:
    return catalog.NewCategory(slug=slug, **{"name": slug.capitalize(), **facts})


def a_product(
    category_id: UUID, producer_id: UUID, slug: str = "miel-de-lavande", **facts: Any
) -> catalog.NewProduct:
    given: dict[str, Any] = {"name": slug.replace("-", " ").capitalize(), "fulfilment": "stock"}
    return catalog.NewProduct(
        category_id=category_id, producer_id=producer_id, slug=slug, **{**given, **facts}
    )


def a_variant(product_id: UUID, sku: str = "MIEL-LAV-250", **facts: Any) -> catalog.NewVariant:
    given: dict[str, Any] = {"name": "250 g", "price_points": 9, "weight_grams": 420}
    return catalog.NewVariant(product_id=product_id, sku=sku, **{**given, **facts})


class Shop:
    """A world with one category and one producer, run by its administrator."""

    def __init__(self, world: World, category_id: UUID, producer_id: UUID) -> None:
        self.world, self.category_id, self.producer_id = world, category_id, producer_id

    @classmethod
    async def open(cls, world: World) -> "Shop":
        producer = await register(world)
        category = await world.run(catalog.add_category, a_category(), actor=world.admin)
        return cls(world, category.id, producer.id)

    async def do(self, use_case: Any, command: shared.Record) -> Any:
        return await self.world.run(use_case, command, actor=self.world.admin)

    async def category(self, slug: str, **facts: Any) -> CategoryView:
        view: CategoryView = await self.do(catalog.add_category, a_category(slug, **facts))
        return view

    async def recategorize(self, view: CategoryView, **changes: Any) -> CategoryView:
        command = shared.recast(catalog.AmendCategory, view, **{"category_id": view.id, **changes})
        changed: CategoryView = await self.do(catalog.amend_category, command)
        return changed

    async def product(self, slug: str = "miel-de-lavande", **facts: Any) -> ProductView:
        given = {"category_id": self.category_id, "producer_id": self.producer_id, **facts}
        view: ProductView = await self.do(catalog.add_product, a_product(slug=slug, **given))
        return view

    async def amend(self, view: ProductView, **changes: Any) -> ProductView:
        command = shared.recast(catalog.AmendProduct, view, **{"product_id": view.id, **changes})
        changed: ProductView = await self.do(catalog.amend_product, command)
        return changed

    async def variant(self, product_id: UUID, sku: str = "MIEL-LAV-250", **facts: Any) -> VariantView:
        view: VariantView = await self.do(catalog.add_variant, a_variant(product_id, sku, **facts))
        return view

    async def revise(self, view: VariantView, **changes: Any) -> VariantView:
        command = shared.recast(catalog.AmendVariant, view, **{"variant_id": view.id, **changes})
        changed: VariantView = await self.do(catalog.amend_variant, command)
        return changed

    async def on_shelf(
        self, quantity: int = 10, slug: str = "miel-de-lavande", sku: str = "MIEL-LAV-250", **facts: Any
    ) -> VariantView:
        """A variant of a new product, with so many pieces on the shelf; none received for zero."""
        variant = await self.variant((await self.product(slug, **facts)).id, sku)
        if quantity:
            await self.receive(variant, quantity)
        return variant

    async def receive(self, variant: VariantView, quantity: int, **facts: Any) -> Counted:
        given: dict[str, Any] = {"number": "L1", "cost_cents": 450, **facts}
        command = inventory.ReceiveStock(
            product_id=variant.product_id, variant_id=variant.id, quantity=quantity, **given
        )
        counted: Counted = await self.do(inventory.receive, command)
        return counted

    async def stock(self, variant: VariantView) -> StockView:
        question = inventory.GetStock(product_id=variant.product_id, variant_id=variant.id)
        return await self.world.run.read(inventory.stock, question, actor=self.world.admin)

    async def movements(self, variant: VariantView, **paging: Any) -> Any:
        question = inventory.ListMovements(product_id=variant.product_id, variant_id=variant.id, **paging)
        return await self.world.run.read(inventory.movements, question, actor=self.world.admin)

    async def show(self, reference: object, actor: shared.Actor = STRANGER) -> ProductDetails:
        question = catalog.GetProduct(reference=str(reference))
        return await self.world.run.read(catalog.product, question, actor=actor)

    async def listed(self, actor: shared.Actor = STRANGER, **filters: Any) -> list[str]:
        """The slugs of a listing."""
        return [card.slug for card in await self.cards(actor, **filters)]

    async def cards(self, actor: shared.Actor = STRANGER, **filters: Any) -> tuple[ProductCard, ...]:
        question = catalog.ListProducts(**filters)
        return (await self.world.run.read(catalog.products, question, actor=actor)).items

    async def tree(self, actor: shared.Actor = STRANGER) -> list[str]:
        """The slugs of the categories."""
        page = await self.world.run.read(catalog.categories, catalog.ListCategories(), actor=actor)
        return [one.slug for one in page.items]

    async def member_at(self, level: people.Level) -> shared.Actor:
        """A new member of a level."""
        member = self.world.member()
        enrol = identity.Enrol(
            user_id=member.user_id, email=f"{member.user_id}@example.org", name="Member", password_hash="-"
        )
        await self.do(identity.enrol, enrol)
        await self.do(lift, Lift(user_id=member.user_id, level=level))
        return member


class Lift(shared.Command, kw_only=True):
    user_id: UUID
    level: people.Level


@use_case(allow=SIGNED_IN, locks=lambda command, work: (identity.MEMBERS.key(command.user_id),))
async def lift(command: Lift, work: Work) -> None:
    """What investing and subscribing do to the level of a member."""
    facts = {"explorateur": (0, 0), "protecteur": (1, 0), "ambassadeur": (1, 1)}
    investments, subscriptions = facts[command.level]
    identity.update_level(
        work, command.user_id, investments=investments, subscriptions=subscriptions, reason="test"
    )


class Take(shared.Command, kw_only=True):
    """So many pieces for an order, and what becomes of them."""

    product_id: UUID
    variant_id: UUID
    quantity: shared.Quantity
    order_id: UUID
    picks: tuple[rules.Pick, ...] = ()


def _take_locks(command: Take, work: Work) -> Any:
    return inventory.stock_keys(command.product_id, command.variant_id)


@use_case(allow=SIGNED_IN, locks=_take_locks)
async def reserve(command: Take, work: Work) -> tuple[rules.Pick, ...]:
    """What placing an order does to the stock of a line."""
    return await inventory.reserve(
        work,
        command.product_id,
        command.variant_id,
        command.quantity,
        sku="MIEL-LAV-250",
        cause_id=command.order_id,
    )


@use_case(allow=SIGNED_IN, locks=_take_locks)
async def release(command: Take, work: Work) -> None:
    """What cancelling an order does to the stock of a line."""
    await inventory.release(
        work, command.product_id, command.variant_id, command.picks, cause_id=command.order_id
    )


@use_case(allow=SIGNED_IN, locks=_take_locks)
async def ship(command: Take, work: Work) -> None:
    """What dispatching an order does to the stock of a line."""
    await inventory.ship(
        work, command.product_id, command.variant_id, command.picks, cause_id=command.order_id
    )


def take(variant: VariantView, quantity: int, order_id: UUID, *picks: rules.Pick) -> Take:
    return Take(
        product_id=variant.product_id,
        variant_id=variant.id,
        quantity=quantity,
        order_id=order_id,
        picks=picks,
    )
