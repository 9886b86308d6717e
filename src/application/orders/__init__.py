"""Orders: what a wish costs, what an order holds and where it stands (M27, M28).

Placing and cancelling move shipments as well, so they are use cases of `fulfillment`, which calls down
into the functions here.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from ...domain import inventory, orders, shared
from ...domain.catalog import Product
from ...domain.identity import Member
from ...domain.orders import (
    Checkout,
    Counter,
    Item,
    Moved,
    Occasion,
    Order,
    OrderLine,
    Placing,
    Progress,
    Quote,
    ShippingRates,
    StatusChange,
)
from ..catalog import PRODUCTS, VARIANTS, ZONE, Objection, day_of
from ..identity import MEMBERS, HasIdentity
from ..inventory import HasInventory
from ..pages import Page, page_of, uuid_of
from ..partners import PRODUCERS
from ..points import HasPoints
from ..points import available as available_points
from ..work import SIGNED_IN, Key, Read, Wanted, Work, query
from .records import (
    COUNTERS,
    KINDS,
    ORDER_LINES,
    ORDER_NUMBERS,
    ORDERS,
    STATUS_CHANGES,
    Article,
    Commission,
    HasOrders,
    OrderFile,
    OrderLineView,
    OrderNumber,
    OrdersQueries,
    OrderSummary,
    PlaceOrder,
    QuotedLine,
    QuoteOrder,
    QuoteView,
    SearchOrders,
    Sought,
    StatusChangeView,
    WishedLine,
)

SERIES = "MTC"
RATES = ShippingRates()
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
"""Between which days orders are looked for: none was placed before, none will be after."""


__all__ = [
    "COUNTERS",
    "KINDS",
    "ORDERS",
    "ORDER_LINES",
    "ORDER_NUMBERS",
    "RATES",
    "SERIES",
    "STATUS_CHANGES",
    "WISH",
    "Article",
    "Commission",
    "HasOrders",
    "OrderFile",
    "OrderLineView",
    "OrderNumber",
    "OrderSummary",
    "OrdersQueries",
    "PlaceOrder",
    "QuoteOrder",
    "QuoteView",
    "QuotedLine",
    "SearchOrders",
    "Sought",
    "SourceReserved",
    "StatusChangeView",
    "WishedLine",
    "buyer_of",
    "call_off",
    "change_view",
    "counter_key",
    "enter",
    "file_of",
    "follow",
    "found",
    "items_of",
    "line_view",
    "occasion",
    "of_id",
    "order_keys",
    "quote",
    "quote_of",
    "search",
]


class SourceReserved(shared.Forbidden):
    message = "Only an administrator places an order with the source {source}."
    source: str


# --- for use cases above: placing ---------------------------------------------------------------


def buyer_of(wish: PlaceOrder | QuoteOrder, actor: shared.Actor) -> UUID:
    """Who orders: whoever asks, or for administrators the member that they name. Raises NotFound."""
    if wish.user_id is None:
        return actor.user_id
    actor.must_own(wish.user_id, "member", wish.user_id)
    return wish.user_id


def _buyer_and_variants(wish: PlaceOrder, work: Work) -> Iterable[Wanted]:
    return (MEMBERS.key(buyer_of(wish, work.actor)), *(VARIANTS.key(line.variant_id) for line in wish.lines))


def _products(wish: PlaceOrder, work: Work) -> Iterable[Wanted]:
    return (PRODUCTS.key(work.get(VARIANTS.key(line.variant_id)).product_id) for line in wish.lines)


def _producers(wish: PlaceOrder, work: Work) -> Iterable[Wanted]:
    return (PRODUCERS.key(_product(line, work).producer_id) for line in wish.lines)


def _product(line: WishedLine, work: Work) -> Product:
    return work.get(PRODUCTS.key(work.get(VARIANTS.key(line.variant_id)).product_id))


WISH = (_buyer_and_variants, _products, _producers)
"""What to load in order to price a wish: the steps after one another."""


def items_of(wish: PlaceOrder, work: Work) -> tuple[Item, ...]:
    """The items of a wish, in a use case that loads `WISH`. Raises NotFound for an unknown variant."""
    products = [_product(line, work) for line in wish.lines]
    return tuple(
        Item(
            product,
            work.get(VARIANTS.key(line.variant_id)),
            work.get(PRODUCERS.key(product.producer_id)),
            line.quantity,
        )
        for line, product in zip(wish.lines, products, strict=True)
    )


def quote_of(wish: PlaceOrder, work: Work) -> Quote:
    """What a wish costs, in a use case that loads `WISH`.

    Raises NotFound, SourceReserved, the first objection of `orders.MAY_ORDER`, WeightTooHigh.
    """
    if wish.source == "admin" and not work.actor.is_admin:
        raise SourceReserved(source=wish.source)
    member = work.get(MEMBERS.key(buyer_of(wish, work.actor)))
    return orders.quote(_checkout(wish, member, work.now), items_of(wish, work), RATES)


def _checkout(wish: PlaceOrder | QuoteOrder, member: Member, at: datetime) -> Checkout:
    return shared.recast(Checkout, wish, user_id=member.user_id, level=member.level, today=day_of(at))


def counter_key(at: datetime) -> Key[Counter]:
    """What to lock in order to give an order its number: one counter a year in the shop (M28)."""
    return COUNTERS.key(SERIES, day_of(at).year)


def enter(work: Work, quote: Quote, order_id: UUID, debit_id: UUID | None) -> OrderFile:
    """Number and store the order of a quote, in a use case that locks `counter_key`.

    Raises ShippingAddressRequired.
    """
    key = counter_key(work.now)
    counter, number = orders.next_number(work.find(key) or Counter(SERIES, day_of(work.now).year))
    placing = Placing(order_id, number, work.now, debit_id, occasion(work).actor_id)
    placed = orders.place(quote, placing, work.new_id)
    order = placed.order
    work.save(counter, order, *placed.lines, *placed.changes, OrderNumber(number, order.user_id, order.id))
    work.record(*placed.events)
    return OrderFile(order, placed.lines, placed.changes)


# --- for use cases above: following and cancelling ----------------------------------------------


def of_id(order_id: UUID) -> Wanted:
    """What to load where only the id of an order is known."""
    return ORDERS.group("id", order_id)


def found(work: Work, order_id: UUID) -> Order:
    """One's own order of an id, any for an admin, in a use case that loads `of_id`. Raises NotFound."""
    order = next(iter(work.list(ORDERS.group("id", order_id))), None)
    if order is None:
        raise shared.NotFound(kind="order", id=str(order_id))
    work.actor.must_own(order.user_id, "order", order_id)
    return order


def order_keys(user_id: UUID, order_id: UUID) -> tuple[Wanted, ...]:
    """What to lock in order to change an order. Whatever belongs to it is guarded by this lock."""
    return (
        ORDERS.key(user_id, order_id),
        ORDER_LINES.group("order", user_id, order_id),
        STATUS_CHANGES.group("order", user_id, order_id),
    )


def file_of(work: Work, user_id: UUID, order_id: UUID) -> OrderFile:
    """The order with its lines and history as they are now, in a use case that locks `order_keys`."""
    lines = work.list(ORDER_LINES.group("order", user_id, order_id))
    changes = work.list(STATUS_CHANGES.group("order", user_id, order_id))
    lines.sort(key=lambda line: line.position)
    return OrderFile(work.get(ORDERS.key(user_id, order_id)), tuple(lines), tuple(changes))


def occasion(work: Work, reason: str = "") -> Occasion:
    """Now, by whoever asks, for a reason. The program itself is nobody."""
    actor_id = work.actor.user_id
    return Occasion(work.now, None if actor_id == shared.NOBODY else actor_id, reason)


def call_off(work: Work, order: Order, *, dispatched: bool, when: Occasion) -> None:
    """Cancel the whole order. Raises OrderAlreadyCancelled, OrderAlreadyDispatched."""
    _keep(work, orders.cancel(order, dispatched, when, work.new_id))


def follow(work: Work, order: Order, progress: Iterable[Progress], when: Occasion) -> None:
    """Give the order the status that follows from how far its shipments are."""
    _keep(work, orders.follow(order, progress, when, work.new_id))


def _keep(work: Work, moved: Moved) -> None:
    work.save(moved.order, *moved.changes)
    work.record(*moved.events)


# --- views --------------------------------------------------------------------------------------


def line_view(line: OrderLine, actor: shared.Actor) -> OrderLineView:
    """A line as the actor may see it."""
    if not actor.is_admin:
        return shared.recast(OrderLineView, line)
    commission = Commission(
        line.commission_bp,
        shared.Money(line.sale_cents),
        shared.Money(line.commission_cents),
        shared.Money(line.producer_cents),
    )
    return shared.recast(OrderLineView, line, commission=commission)


def change_view(change: StatusChange) -> StatusChangeView:
    """One line of an order's history."""
    return shared.recast(StatusChangeView, change)


# --- queries ------------------------------------------------------------------------------------


class HasQuoting(HasIdentity, HasPoints, HasInventory, HasOrders, Protocol):
    """What a quote reads."""


@query(allow=SIGNED_IN)
async def quote(question: QuoteOrder, read: Read[HasQuoting]) -> QuoteView:
    """What an order would cost, why each line may not be ordered, and whether the points are enough.

    Nothing is set aside. Raises NotFound, RepeatedVariant, WeightTooHigh.
    """
    ports, buyer = read.ports, buyer_of(question, read.actor)
    member = await ports.identity.member(buyer)
    if member is None:
        raise shared.NotFound(kind="member", id=str(buyer))
    articles = await ports.orders.articles([line.variant_id for line in question.lines])
    checkout = _checkout(question, member, read.now)
    priced = orders.price(checkout, _items(question, articles), RATES)
    in_stock = await ports.inventory.sellable(_stocked(priced), checkout.today)
    return _quote_view(priced, in_stock, await available_points(ports, buyer, read.now))


def _stocked(quote: Quote) -> list[UUID]:
    return list({item.product.id for item in quote.items if item.product.fulfilment == "stock"})


def _items(question: QuoteOrder, articles: Iterable[Article]) -> tuple[Item, ...]:
    by_id = {article.variant.id: article for article in articles}
    for line in question.lines:
        if line.variant_id not in by_id:
            raise shared.NotFound(kind="variant", id=str(line.variant_id))
    return tuple(
        shared.recast(Item, by_id[line.variant_id], quantity=line.quantity) for line in question.lines
    )


def _quote_view(quote: Quote, in_stock: Mapping[UUID, int], available: int) -> QuoteView:
    lines = tuple(
        _quoted_line(quote.checkout, item, in_stock.get(item.variant.id, 0)) for item in quote.items
    )
    enough = quote.total_points <= available
    return shared.recast(
        QuoteView,
        quote,
        lines=lines,
        shipping_method=quote.checkout.shipping_method,
        available_points=available,
        enough_points=enough,
        can_be_placed=enough and not any(line.objections for line in lines),
    )


def _quoted_line(checkout: Checkout, item: Item, in_stock: int) -> QuotedLine:
    product, variant, quantity = item.product, item.variant, item.quantity
    return QuotedLine(
        variant_id=variant.id,
        sku=variant.sku,
        product_slug=product.slug,
        product_name=product.name,
        variant_name=variant.name,
        producer_id=item.producer.id,
        fulfilment=product.fulfilment,
        quantity=quantity,
        price_points=variant.price_points,
        total_points=variant.price_points * quantity,
        weight_grams=variant.weight_grams * quantity,
        objections=tuple(_objections(checkout, item, in_stock)),
    )


def _objections(checkout: Checkout, item: Item, in_stock: int) -> Iterable[Objection]:
    errors = orders.objections(checkout, item)
    if item.product.fulfilment == "stock" and in_stock < item.quantity:
        sku, needed = item.variant.sku, item.quantity
        errors.append(inventory.InsufficientStock(sku=sku, needed=needed, available=in_stock))
    return (Objection(one.code, str(one), one.facts()) for one in errors)


@query(allow=SIGNED_IN)
async def search(question: SearchOrders, read: Read[HasOrders]) -> Page[OrderSummary]:
    """One's own orders, newest first; an admin finds everybody's, or a member's. Raises NotFound."""
    sought = _sought(question, read.actor)
    if question.number is not None:
        known = await read.ports.orders.of_number(question.number)
        if known is None:
            return Page(())
        sought = shared.evolve(sought, user_id=sought.user_id or known.user_id, order_id=known.order_id)
    found = await read.ports.orders.orders(sought, question.limit + 1, uuid_of(question.cursor))
    return page_of(found, question.limit, lambda order: order.id)


def _sought(question: SearchOrders, actor: shared.Actor) -> Sought:
    if question.user_id is not None:
        actor.must_own(question.user_id, "member", question.user_id)
    first, last = question.placed_from, question.placed_to
    return shared.recast(
        Sought,
        question,
        user_id=question.user_id if actor.is_admin else actor.user_id,
        since=None if first is None else shared.end_of_day(_known(first) - timedelta(days=1), ZONE),
        until=None if last is None else shared.end_of_day(_known(last), ZONE),
    )


def _known(day: date) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY)
