"""The shop window: what is on offer, who may buy it now, and why not (M20, M21)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from ...domain import catalog, identity, shared
from ...domain.catalog import Category, Fulfilment, Product, Variant
from ..identity import HasIdentity
from ..pages import Limit, Page, Reference, id_of, page_of, uuid_of
from ..work import ANYONE, Read, query
from .records import CategoryView, ProductView, VariantView, day_of

# --- views --------------------------------------------------------------------------------------


class Objection(shared.Record):
    """A reason why the one who asks may not buy it now: as a problem has it, with its own facts."""

    code: str
    detail: str
    facts: dict[str, Any]


class Offer(VariantView, kw_only=True):
    """A variant for the one who asks: they may buy it when there is no objection and a piece in stock.

    `in_stock` counts the pieces that are not promised and good for long enough; null where the producer
    sends them.
    """

    may_buy: bool
    objections: tuple[Objection, ...]
    in_stock: int | None


class ProductDetails(ProductView, kw_only=True):
    """A product with its variants, cheapest first."""

    variants: tuple[Offer, ...]


class ProductCard(shared.Record, kw_only=True):
    """A product in a listing. `from_points` to `to_points` are the prices of its variants, null without any;
    `may_buy` says that the one who asks may buy one of them now."""

    id: UUID
    slug: str
    name: str
    short_description: str
    category_id: UUID
    producer_id: UUID
    fulfilment: Fulfilment
    hero: bool
    images: tuple[str, ...]
    tags: tuple[str, ...]
    certifications: tuple[str, ...]
    minimum_level: identity.Level
    featured: bool
    active: bool
    launch_date: date | None
    discontinue_date: date | None
    from_points: int | None
    to_points: int | None
    may_buy: bool


# --- queries ------------------------------------------------------------------------------------


class ListCategories(shared.Query, kw_only=True):
    """The whole tree."""


class GetProduct(shared.Query, kw_only=True):
    reference: Reference


class ListProducts(shared.Query, kw_only=True):
    """`category_id` means its whole subtree; the prices are those of one variant at least; `available_now`
    lists only what the one who asks may buy now. `active` is for administrators."""

    limit: Limit = 25
    cursor: str | None = None
    category_id: UUID | None = None
    producer_id: UUID | None = None
    tag: shared.Name | None = None
    certification: shared.Name | None = None
    fulfilment: Fulfilment | None = None
    featured: bool | None = None
    min_points: shared.Price | None = None
    max_points: shared.Price | None = None
    available_now: bool = False
    active: bool | None = None


class Buyer(shared.Record):
    """Who wants to buy on which day, where of these variants there are pieces in stock."""

    level: identity.Level
    today: date
    stocked: tuple[UUID, ...]


class Sought(shared.Record, kw_only=True):
    """Which products are looked for: what is not None; one active variant fits the prices and the buyer."""

    category_id: UUID | None = None
    producer_id: UUID | None = None
    tag: str | None = None
    certification: str | None = None
    fulfilment: Fulfilment | None = None
    featured: bool | None = None
    active: bool | None = None
    min_points: int | None = None
    max_points: int | None = None
    buyer: Buyer | None = None


class CatalogQueries(Protocol):
    """The read side of catalog."""

    async def categories(self) -> list[Category]: ...

    async def product(self, product_id: UUID) -> Product | None: ...

    async def product_of_slug(self, slug: str) -> Product | None:
        """The product that has or had this slug."""
        ...

    async def products(self, sought: Sought, limit: int, before: UUID | None) -> list[Product]:
        """Products, newest first."""
        ...

    async def variants(self, product_ids: Sequence[UUID]) -> list[Variant]:
        """The variants of these products, cheapest first, then the oldest."""
        ...


class HasCatalog(Protocol):
    @property
    def catalog(self) -> CatalogQueries: ...


class Shelves(Protocol):
    """What the shop window asks of the stock, which stands above it."""

    async def sellable(self, product_ids: Sequence[UUID], today: date) -> dict[UUID, int]:
        """How many pieces of each variant of these products can be sold; what has none may be absent."""
        ...

    async def stocked(self, today: date) -> list[UUID]:
        """The variants of which a piece can be sold."""
        ...


class HasWindow(HasCatalog, HasIdentity, Protocol):
    @property
    def inventory(self) -> Shelves: ...


# --- use cases ----------------------------------------------------------------------------------


@query(allow=ANYONE)
async def categories(question: ListCategories, read: Read[HasCatalog]) -> Page[CategoryView]:
    """Every category, parents before their children, siblings in their order.

    Without those that are not active and what is below them, but for an admin.
    """
    found = await read.ports.catalog.categories()
    shown = _in_tree_order([one for one in found if one.active or read.actor.is_admin])
    return Page(tuple(shared.recast(CategoryView, one) for one in shown))


@query(allow=ANYONE)
async def product(question: GetProduct, read: Read[HasWindow]) -> ProductDetails:
    """A product by its id or slug, with what the one who asks may buy of it; an inactive one for an admin."""
    ports, id = read.ports.catalog, id_of(question.reference)
    found = await (ports.product_of_slug(question.reference) if id is None else ports.product(id))
    if found is None or not (found.active or read.actor.is_admin):
        raise shared.NotFound(kind="product", id=question.reference)
    offers = await _offers([found], await _level(read), read)
    commission_bp = found.commission_bp if read.actor.is_admin else None
    return shared.recast(ProductDetails, found, commission_bp=commission_bp, variants=tuple(offers[found.id]))


@query(allow=ANYONE)
async def products(question: ListProducts, read: Read[HasWindow]) -> Page[ProductCard]:
    """Products, newest first. Inactive ones are for an admin."""
    level, before = await _level(read), uuid_of(question.cursor)
    sought = shared.recast(
        Sought,
        question,
        active=question.active if read.actor.is_admin else True,
        buyer=await _buyer(level, read) if question.available_now else None,
    )
    found = await read.ports.catalog.products(sought, question.limit + 1, before)
    page = page_of(found, question.limit, lambda one: one.id)
    offers = await _offers(page.items, level, read)
    return Page(tuple(_card(one, offers[one.id]) for one in page.items), page.next_cursor)


async def _offers(
    products: Sequence[Product], level: identity.Level, read: Read[HasWindow]
) -> dict[UUID, list[Offer]]:
    """The variants of products for a member of this level; the inactive ones for an admin alone."""
    by_id, today = {one.id: one for one in products}, day_of(read.now)
    offers: dict[UUID, list[Offer]] = {id: [] for id in by_id}
    if not offers:
        return offers
    in_stock = await read.ports.inventory.sellable(tuple(offers), today)
    for variant in await read.ports.catalog.variants(tuple(offers)):
        if variant.active or read.actor.is_admin:
            product = by_id[variant.product_id]
            pieces = in_stock.get(variant.id, 0) if product.fulfilment == "stock" else None
            reasons = catalog.objections(product, variant, level, today)
            offers[product.id].append(_offer(variant, reasons, pieces))
    return offers


def _offer(variant: Variant, reasons: Sequence[catalog.NotForSale], in_stock: int | None) -> Offer:
    return shared.recast(
        Offer,
        variant,
        may_buy=not reasons and in_stock != 0,
        objections=tuple(Objection(one.code, str(one), one.facts()) for one in reasons),
        in_stock=in_stock,
    )


def _card(product: Product, offers: Sequence[Offer]) -> ProductCard:
    prices = [offer.price_points for offer in offers if offer.active]
    return shared.recast(
        ProductCard,
        product,
        from_points=min(prices, default=None),
        to_points=max(prices, default=None),
        may_buy=any(offer.may_buy for offer in offers),
    )


async def _buyer(level: identity.Level, read: Read[HasWindow]) -> Buyer:
    today = day_of(read.now)
    return Buyer(level, today, tuple(await read.ports.inventory.stocked(today)))


async def _level(read: Read[HasIdentity]) -> identity.Level:
    """The level of the one who asks; the lowest for who has no account."""
    if read.actor.role == "anonymous":
        return identity.LEVELS[0]
    member = await read.ports.identity.member(read.actor.user_id)
    return member.level if member else identity.LEVELS[0]


def _in_tree_order(categories: Sequence[Category]) -> Iterator[Category]:
    """Depth first; siblings by `sort_order`, then name. What has no way up to a root is left out."""
    below: dict[UUID | None, list[Category]] = {}
    for one in sorted(categories, key=lambda one: (one.sort_order, one.name, one.id), reverse=True):
        below.setdefault(one.parent_id, []).append(one)
    waiting = list(below.get(None, ()))
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(below.get(one.id, ()))
