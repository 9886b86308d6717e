"""From a wish to an order: number, quote, place (M27, M28)."""

from datetime import datetime
from uuid import UUID

from .. import catalog, partners, shared
from ..points import CENTS_PER_POINT
from .following import history_of
from .records import (
    Checkout,
    Counter,
    Ids,
    Item,
    Occasion,
    Order,
    OrderLine,
    OrderPlaced,
    Placed,
    Quote,
    ShippingMethod,
    ShippingRates,
)

MOST_LINES = 50
MOST_PIECES = 1_000
"""Of one variant in one order."""


def next_number(counter: Counter) -> tuple[Counter, str]:
    """The counter after it gave a number, and the number: `MTC-2026-001234`, longer beyond 999,999 (M28)."""
    after = shared.evolve(counter, last=counter.last + 1)
    return after, f"{after.series}-{after.year}-{after.last:06d}"


class NoLines(shared.RuleForbids):
    message = "An order needs at least one line."


class TooManyLines(shared.RuleForbids):
    message = "An order has at most {most} lines; {given} were given."
    given: int
    most: int


class RepeatedVariant(shared.RuleForbids):
    message = "{sku} stands on more than one line: give each variant one line."
    sku: str


class WeightTooHigh(shared.RuleForbids):
    message = "The order weighs {weight_grams} g; at most {most_grams} g can be sent."
    weight_grams: int
    most_grams: int


def shipping_points(rates: ShippingRates, method: ShippingMethod, weight_grams: int) -> int:
    """What sending that weight costs, in points: the lightest band that takes it.

    Errors: WeightTooHigh.
    """
    if method == "pickup":
        return 0
    fitting = [band for band in rates.bands if weight_grams <= band.up_to_grams]
    if not fitting:
        most = max((band.up_to_grams for band in rates.bands), default=0)
        raise WeightTooHigh(weight_grams=weight_grams, most_grams=most)
    band = min(fitting, key=lambda fit: fit.up_to_grams)
    return band.express if method == "express" else band.standard


Items = tuple[Item, ...]


def there_is_a_line(checkout: Checkout, items: Items) -> shared.DomainError | None:
    return None if items else NoLines()


def there_are_not_too_many_lines(checkout: Checkout, items: Items) -> shared.DomainError | None:
    return TooManyLines(given=len(items), most=MOST_LINES) if len(items) > MOST_LINES else None


def no_variant_stands_twice(checkout: Checkout, items: Items) -> shared.DomainError | None:
    seen: set[UUID] = set()
    for item in items:
        if item.variant.id in seen:
            return RepeatedVariant(sku=item.variant.sku)
        seen.add(item.variant.id)
    return None


def every_quantity_is_possible(checkout: Checkout, items: Items) -> shared.DomainError | None:
    for item in items:
        if not 1 <= item.quantity <= MOST_PIECES:
            return shared.InvalidAmount(given=item.quantity, least=1, most=MOST_PIECES)
    return None


def everything_is_for_sale(checkout: Checkout, items: Items) -> shared.DomainError | None:
    for item in items:
        for objection in catalog.objections(item.product, item.variant, checkout.level, checkout.today):
            return objection
    return None


def every_producer_who_ships_is_active(checkout: Checkout, items: Items) -> shared.DomainError | None:
    for item in items:
        if item.product.fulfilment == "dropship" and item.producer.status != "active":
            return partners.ProducerNotActive(producer_id=str(item.producer.id), status=item.producer.status)
    return None


MAY_BE_PRICED = (
    there_is_a_line,
    there_are_not_too_many_lines,
    no_variant_stands_twice,
    every_quantity_is_possible,
)
"""What must hold for these items to have a price together."""
MAY_ORDER = (*MAY_BE_PRICED, everything_is_for_sale, every_producer_who_ships_is_active)
"""What must hold for these items to be ordered together."""


def objections(checkout: Checkout, item: Item) -> list[shared.DomainError]:
    """Every reason why this member may not order this item today; none means that they may (M21)."""
    not_for_sale = catalog.objections(item.product, item.variant, checkout.level, checkout.today)
    inactive = every_producer_who_ships_is_active(checkout, (item,))
    return [*not_for_sale, *([inactive] if inactive else [])]


def quote(checkout: Checkout, items: Items, rates: ShippingRates) -> Quote:
    """What these items cost, sent as the checkout says; the same sums as the order will have.

    Errors: the first objection of `MAY_ORDER`, WeightTooHigh.
    """
    for objection in shared.collect(MAY_ORDER, checkout, items):
        raise objection
    return price(checkout, items, rates)


def price(checkout: Checkout, items: Items, rates: ShippingRates) -> Quote:
    """What these items would cost, whether or not this member may order them now.

    Errors: the first objection of `MAY_BE_PRICED`, WeightTooHigh.
    """
    for objection in shared.collect(MAY_BE_PRICED, checkout, items):
        raise objection
    weight = sum(item.variant.weight_grams * item.quantity for item in items)
    goods = sum(item.variant.price_points * item.quantity for item in items)
    shipping = shipping_points(rates, checkout.shipping_method, weight)
    return Quote(
        checkout=checkout,
        items=items,
        goods_points=goods,
        shipping_points=shipping,
        total_points=goods + shipping,
        weight_grams=weight,
    )


class ShippingAddressRequired(shared.RuleForbids):
    message = "An order sent by {shipping_method} needs a shipping address."
    shipping_method: ShippingMethod


class Placing(shared.Record):
    """What makes an order of a quote: its id and number, the posting that paid it, who placed it and when."""

    order_id: UUID
    number: str
    at: datetime
    debit_id: UUID | None = None
    actor_id: UUID | None = None


def place(quote: Quote, placing: Placing, ids: Ids) -> Placed:
    """The order of a quote whose points are spent: confirmed.

    Errors: ShippingAddressRequired.
    """
    checkout = quote.checkout
    if checkout.shipping_method != "pickup" and checkout.shipping_address is None:
        raise ShippingAddressRequired(shipping_method=checkout.shipping_method)
    order = _order(quote, placing)
    lines = tuple(_line(order, position, item, ids()) for position, item in enumerate(quote.items, start=1))
    placed = OrderPlaced(order.user_id, order.id, order.number, order.total_points, order.placed_at)
    change = history_of(order, Occasion(placing.at, placing.actor_id), ids)
    return Placed(order, lines, (change,), (placed,))


def _order(quote: Quote, placing: Placing) -> Order:
    checkout = quote.checkout
    return Order(
        user_id=checkout.user_id,
        id=placing.order_id,
        number=placing.number,
        status="confirmed",
        source=checkout.source,
        shipping_method=checkout.shipping_method,
        shipping_points=quote.shipping_points,
        goods_points=quote.goods_points,
        total_points=quote.total_points,
        weight_grams=quote.weight_grams,
        placed_at=placing.at,
        shipping_address=checkout.shipping_address,
        billing_address=checkout.billing_address,
        gift_message=checkout.gift_message,
        instructions=checkout.instructions,
        debit_id=placing.debit_id,
    )


def _line(order: Order, position: int, item: Item, id: UUID) -> OrderLine:
    product, variant, points = item.product, item.variant, item.variant.price_points * item.quantity
    rate = partners.commission_rate(item.producer, product.commission_bp)
    sale = points * CENTS_PER_POINT
    commission = shared.share_of(sale, rate)
    return OrderLine(
        user_id=order.user_id,
        id=id,
        order_id=order.id,
        position=position,
        product_id=product.id,
        variant_id=variant.id,
        sku=variant.sku,
        product_name=product.name,
        product_slug=product.slug,
        variant_name=variant.name,
        producer_id=item.producer.id,
        fulfilment=product.fulfilment,
        price_points=variant.price_points,
        quantity=item.quantity,
        total_points=points,
        weight_grams=variant.weight_grams * item.quantity,
        commission_bp=rate,
        sale_cents=sale,
        commission_cents=commission,
        producer_cents=sale - commission,
    )
