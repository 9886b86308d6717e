"""Orders: quoted and placed with the same sums, frozen lines, a status that follows the shipments."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count, permutations
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import catalog, orders, partners, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
MEMBER = UUID(int=7)
HOME = shared.Address("3 rue du Rucher", "Die", "26150", "FR")
RATES = orders.ShippingRates()
BY_ADMIN = orders.Occasion(LATER, UUID(int=99), "asked by telephone")


def fresh_ids(first: int = 1_000) -> Callable[[], UUID]:
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


def producer(**changes: Any) -> partners.Producer:
    given = partners.Producer(
        id=UUID(int=30),
        slug="savonnerie-de-die",
        name="Savonnerie de Die",
        type="cooperative",
        place=shared.Place(44.75, 5.37, "Diois", "FR"),
        address=HOME,
        created_at=AT,
    )
    return shared.evolve(given, **changes)


def item(
    number: int = 1, quantity: int = 1, *, of: dict[str, Any] | None = None, **variant: Any
) -> orders.Item:
    """An item of product `number`; `of` changes the product, the rest its variant."""
    product = catalog.Product(
        id=UUID(int=100 + number),
        slug=f"product-{number}",
        name=f"Product {number}",
        category_id=UUID(int=1),
        producer_id=UUID(int=30),
        fulfilment="stock",
        created_at=AT,
    )
    given = catalog.Variant(
        id=UUID(int=200 + number),
        product_id=product.id,
        sku=f"SKU-{number}",
        name="250 g",
        price_points=9,
        weight_grams=400,
        created_at=AT,
    )
    return orders.Item(
        shared.evolve(product, **(of or {})), shared.evolve(given, **variant), producer(), quantity
    )


def checkout(**changes: Any) -> orders.Checkout:
    given = orders.Checkout(
        user_id=MEMBER,
        level="explorateur",
        today=TODAY,
        shipping_method="standard",
        shipping_address=HOME,
    )
    return shared.evolve(given, **changes)


def quote(*items: orders.Item, **changes: Any) -> orders.Quote:
    return orders.quote(checkout(**changes), items, RATES)


def placed(*items: orders.Item, **changes: Any) -> orders.Placed:
    placing = orders.Placing(UUID(int=500), "MTC-2026-000001", AT, debit_id=UUID(int=600))
    return orders.place(quote(*(items or (item(),)), **changes), placing, fresh_ids())


# --- numbers ----------------------------------------------------------------------------------


def test_numbers_count_up_in_six_digits_and_grow_beyond() -> None:
    counter = orders.Counter("MTC", 2026)
    counter, first = orders.next_number(counter)
    counter, second = orders.next_number(counter)
    assert (first, second, counter.last) == ("MTC-2026-000001", "MTC-2026-000002", 2)
    _, known = orders.next_number(orders.Counter("MTC", 2026, 1_233))
    _, beyond = orders.next_number(orders.Counter("MTC", 2026, 999_999))
    assert (known, beyond) == ("MTC-2026-001234", "MTC-2026-1000000")


# --- quote ------------------------------------------------------------------------------------


def test_a_quote_adds_goods_weight_and_shipping() -> None:
    asked = (item(1, 2), item(2, 3, price_points=5, weight_grams=100))
    given = quote(*asked)
    assert (given.goods_points, given.weight_grams) == (33, 1_100)
    assert (given.shipping_points, given.total_points) == (7, 40)
    assert (given.items, given.checkout) == (asked, checkout())


def test_a_quote_needs_no_address_yet() -> None:
    assert quote(item(), shipping_address=None).total_points == 14


def test_express_costs_more_and_a_pickup_nothing() -> None:
    points = [
        quote(item(), shipping_method=method).shipping_points for method in get_args(orders.ShippingMethod)
    ]
    assert points == [5, 9, 0]


def test_an_order_has_at_least_one_line_and_at_most_fifty() -> None:
    with pytest.raises(orders.NoLines):
        quote()
    fifty = [item(number, weight_grams=1) for number in range(51)]
    assert len(quote(*fifty[:50]).items) == 50
    with pytest.raises(orders.TooManyLines) as refused:
        quote(*fifty)
    assert refused.value.facts() == {"given": 51, "most": 50}


def test_a_variant_stands_on_one_line_only() -> None:
    with pytest.raises(orders.RepeatedVariant, match="SKU-1"):
        quote(item(1), item(2), item(1, 3))


@pytest.mark.parametrize("quantity", [0, -1, 1_001])
def test_a_quantity_is_between_one_and_a_thousand(quantity: int) -> None:
    with pytest.raises(shared.InvalidAmount) as refused:
        quote(item(1), item(2, quantity))
    assert refused.value.given == quantity


def test_what_the_member_may_not_buy_now_is_refused_by_its_own_reason() -> None:
    with pytest.raises(catalog.LevelTooLow, match="product-2"):
        quote(item(1), item(2, of={"minimum_level": "protecteur"}))
    assert quote(item(2, of={"minimum_level": "protecteur"}), level="protecteur").goods_points == 9
    with pytest.raises(catalog.OutOfSeason):
        quote(item(1, of={"seasons": (catalog.Months(6, 9),)}))


def test_only_a_producer_who_ships_must_be_active() -> None:
    away = {"producer": producer(status="suspended")}
    assert quote(shared.evolve(item(1), **away)).goods_points == 9
    with pytest.raises(partners.ProducerNotActive):
        quote(shared.evolve(item(1, of={"fulfilment": "dropship"}), **away))
    assert quote(item(1, of={"fulfilment": "dropship"})).goods_points == 9


def test_every_reason_against_an_item_is_told() -> None:
    away = {"producer": producer(status="inactive")}
    wish = item(1, of={"fulfilment": "dropship", "active": False, "minimum_level": "ambassadeur"})
    reasons = orders.objections(checkout(), shared.evolve(wish, **away))
    assert [type(one) for one in reasons] == [
        catalog.ProductInactive,
        catalog.LevelTooLow,
        partners.ProducerNotActive,
    ]
    assert orders.objections(checkout(), shared.evolve(item(1), **away)) == []


def test_what_may_not_be_ordered_has_a_price_all_the_same() -> None:
    dear = item(1, of={"minimum_level": "ambassadeur"})
    assert orders.price(checkout(), (dear,), RATES).total_points == 14
    with pytest.raises(orders.RepeatedVariant):
        orders.price(checkout(), (dear, dear), RATES)


# --- shipping ---------------------------------------------------------------------------------


def test_the_lightest_band_that_takes_the_weight_gives_the_price() -> None:
    points = [orders.shipping_points(RATES, "standard", weight) for weight in (0, 500, 501, 30_000)]
    assert points == [5, 5, 6, 30]


def test_bands_may_be_configured_in_any_order() -> None:
    rates = orders.ShippingRates((orders.Band(2_000, 8, 12), orders.Band(1_000, 4, 6)))
    assert orders.shipping_points(rates, "standard", 900) == 4
    assert orders.shipping_points(rates, "express", 1_100) == 12


def test_above_the_heaviest_band_only_a_pickup_is_possible() -> None:
    with pytest.raises(orders.WeightTooHigh) as refused:
        orders.shipping_points(RATES, "standard", 30_001)
    assert refused.value.facts() == {"weight_grams": 30_001, "most_grams": 30_000}
    with pytest.raises(orders.WeightTooHigh, match="0 g can be sent"):
        orders.shipping_points(orders.ShippingRates(()), "express", 1)
    assert orders.shipping_points(RATES, "pickup", 30_001) == 0


@given(st.integers(0, 30_000), st.integers(0, 30_000))
def test_more_weight_never_costs_less_and_express_never_less_than_standard(one: int, other: int) -> None:
    light, heavy = sorted((one, other))
    for method in get_args(orders.ShippingMethod):
        assert orders.shipping_points(RATES, method, light) <= orders.shipping_points(RATES, method, heavy)
    standard = orders.shipping_points(RATES, "standard", heavy)
    assert 0 < standard < orders.shipping_points(RATES, "express", heavy)


# --- place ------------------------------------------------------------------------------------


def test_an_order_keeps_what_was_quoted_and_wished() -> None:
    wishes: dict[str, Any] = {
        "shipping_method": "express",
        "source": "mobile",
        "billing_address": shared.evolve(HOME, street="1 place de la République"),
        "gift_message": "Bon anniversaire",
        "instructions": "behind the house",
    }
    order = placed(item(1, 2), **wishes).order
    assert order == orders.Order(
        user_id=MEMBER,
        id=UUID(int=500),
        number="MTC-2026-000001",
        status="confirmed",
        shipping_points=11,
        goods_points=18,
        total_points=29,
        weight_grams=800,
        placed_at=AT,
        shipping_address=HOME,
        debit_id=UUID(int=600),
        **wishes,
    )


def test_a_line_freezes_the_product_the_variant_and_the_commission() -> None:
    dropship = item(1, 3, of={"fulfilment": "dropship", "commission_bp": 1_250}, price_points=7)
    (line,) = placed(dropship).lines
    assert line == orders.OrderLine(
        user_id=MEMBER,
        id=UUID(int=1_000),
        order_id=UUID(int=500),
        position=1,
        product_id=UUID(int=101),
        variant_id=UUID(int=201),
        sku="SKU-1",
        product_name="Product 1",
        product_slug="product-1",
        variant_name="250 g",
        producer_id=UUID(int=30),
        fulfilment="dropship",
        price_points=7,
        quantity=3,
        total_points=21,
        weight_grams=1_200,
        commission_bp=1_250,
        sale_cents=2_100,
        commission_cents=262,
        producer_cents=1_838,
    )


def test_without_a_rate_of_its_own_a_product_leaves_its_producers_commission() -> None:
    (line,) = placed(item(1, 1, price_points=10)).lines
    assert (line.commission_bp, line.commission_cents, line.producer_cents) == (1_500, 150, 850)
    (free,) = placed(item(1, 1, of={"commission_bp": 0}, price_points=10)).lines
    assert (free.commission_bp, free.commission_cents, free.producer_cents) == (0, 0, 1_000)


def test_lines_are_numbered_from_one_in_the_order_that_they_were_given() -> None:
    lines = placed(item(3), item(1), item(2)).lines
    assert [(line.position, line.sku) for line in lines] == [(1, "SKU-3"), (2, "SKU-1"), (3, "SKU-2")]
    assert len({line.id for line in lines}) == 3


def test_placing_begins_the_history_and_says_what_happened() -> None:
    placing = orders.Placing(UUID(int=500), "MTC-2026-000001", AT, actor_id=UUID(int=99))
    new = orders.place(quote(item()), placing, fresh_ids(800))
    assert new.changes == (
        orders.StatusChange(MEMBER, UUID(int=801), UUID(int=500), "confirmed", AT, UUID(int=99)),
    )
    assert new.events == (orders.OrderPlaced(MEMBER, UUID(int=500), "MTC-2026-000001", 14, AT),)
    assert new.order.debit_id is None


def test_what_is_sent_needs_an_address_and_a_pickup_does_not() -> None:
    for method in ("standard", "express"):
        with pytest.raises(orders.ShippingAddressRequired, match=method):
            placed(shipping_method=method, shipping_address=None)
    fetched = placed(shipping_method="pickup", shipping_address=None).order
    assert (fetched.shipping_address, fetched.shipping_points) == (None, 0)


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(0, 900), st.none() | st.integers(0, 10_000)),
        min_size=1,
        max_size=8,
    )
)
def test_an_order_adds_up_to_the_cent(drawn: list[tuple[int, int, int | None]]) -> None:
    items = [
        item(number, quantity, of={"commission_bp": rate}, price_points=price, weight_grams=10)
        for number, (quantity, price, rate) in enumerate(drawn)
    ]
    new = placed(*items)
    assert sum(line.total_points for line in new.lines) == new.order.goods_points
    assert sum(line.weight_grams for line in new.lines) == new.order.weight_grams
    assert new.order.total_points == new.order.goods_points + new.order.shipping_points
    for line in new.lines:
        assert line.sale_cents == 100 * line.total_points == line.commission_cents + line.producer_cents
        assert 2 * abs(10_000 * line.commission_cents - line.sale_cents * line.commission_bp) <= 10_000


def test_an_order_survives_the_way_through_json() -> None:
    order = placed().order
    assert msgspec.json.decode(msgspec.json.encode(order), type=orders.Order) == order


# --- cancel -----------------------------------------------------------------------------------


def test_cancelling_keeps_the_reason_and_says_so_in_history_and_event() -> None:
    order = placed().order
    moved = orders.cancel(order, False, BY_ADMIN, fresh_ids(900))
    assert moved.order == shared.evolve(
        order, status="cancelled", cancelled_at=LATER, cancellation_reason="asked by telephone"
    )
    assert moved.changes == (
        orders.StatusChange(
            MEMBER, UUID(int=900), order.id, "cancelled", LATER, UUID(int=99), "asked by telephone"
        ),
    )
    assert moved.events == (orders.OrderCancelled(MEMBER, order.id, order.number, LATER),)


def test_what_is_on_its_way_is_not_cancelled() -> None:
    with pytest.raises(orders.OrderAlreadyDispatched, match="MTC-2026-000001"):
        orders.cancel(placed().order, True, BY_ADMIN, fresh_ids())


@pytest.mark.parametrize("dispatched", [False, True])
def test_an_order_is_cancelled_once(dispatched: bool) -> None:
    cancelled = orders.cancel(placed().order, False, BY_ADMIN, fresh_ids()).order
    with pytest.raises(orders.OrderAlreadyCancelled):
        orders.cancel(cancelled, dispatched, BY_ADMIN, fresh_ids())


# --- follow -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("progress", "status"),
    [
        (["waiting"], "confirmed"),
        (["waiting", "preparing"], "processing"),
        (["waiting", "dispatched"], "partly_shipped"),
        (["dispatched", "dispatched"], "shipped"),
        (["preparing", "delivered"], "partly_delivered"),
        (["dispatched", "delivered"], "partly_delivered"),
        (["delivered", "delivered"], "delivered"),
        (["delivered", "stopped"], "delivered"),
        (["dispatched", "stopped"], "shipped"),
        (["stopped", "stopped"], "confirmed"),
        ([], "confirmed"),
    ],
)
def test_the_status_follows_from_all_shipments(
    progress: list[orders.Progress], status: orders.Status
) -> None:
    for shuffled in permutations(progress):
        assert orders.derive_status("confirmed", shuffled) == status


@given(
    st.sampled_from(get_args(orders.Status)),
    st.lists(st.sampled_from(get_args(orders.Progress)), max_size=5),
)
def test_a_status_never_falls_and_only_a_decision_cancels(
    current: orders.Status, progress: list[orders.Progress]
) -> None:
    rising = get_args(orders.Status)
    derived = orders.derive_status(current, progress)
    assert rising.index(derived) >= rising.index(current)
    assert (derived == "cancelled") == (current == "cancelled")


def test_following_writes_history_and_says_what_changed() -> None:
    order = placed().order
    moved = orders.follow(order, ["dispatched", "waiting"], BY_ADMIN, fresh_ids(900))
    assert moved.order == shared.evolve(order, status="partly_shipped")
    assert moved.changes == (
        orders.StatusChange(
            MEMBER, UUID(int=900), order.id, "partly_shipped", LATER, UUID(int=99), "asked by telephone"
        ),
    )
    assert moved.events == (
        orders.OrderStatusChanged(MEMBER, order.id, order.number, "confirmed", "partly_shipped", LATER),
    )


def test_without_news_nothing_is_written() -> None:
    order = placed().order
    assert orders.follow(order, ["waiting"], BY_ADMIN, fresh_ids()) == orders.Moved(order)
