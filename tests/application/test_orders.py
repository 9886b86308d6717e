"""What an order costs, who may place it, what it keeps, and how it is found."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from ordering import HOME, Market, wish

from baobab.application import fulfillment, orders, partners
from baobab.application.kinds import KINDS
from baobab.application.orders import SourceReserved, WishedLine
from baobab.application.partners import MoveProducer
from baobab.application.runner import IdempotencyKeyReused, InvalidCommand
from baobab.domain import catalog, inventory, points, shared
from baobab.domain import orders as rules
from baobab.domain.partners import ProducerNotActive
from builders import START, World

UNKNOWN = UUID("01a1fe03-aa47-77f7-a8ae-7c75fabce465")


@pytest.fixture
async def market(world: World) -> Market:
    return await Market.open(world)


def everything(world: World) -> dict[str, list[Any]]:
    """Every record that the world holds."""
    return {kind.name: world.storage.all(kind) for kind in KINDS}  # type: ignore[attr-defined]


# --- quote --------------------------------------------------------------------------------------


async def test_a_quote_adds_up_and_compares_with_the_points_there_are(market: Market) -> None:
    member = await market.member(funded=20, bonus=0)
    quote = await market.quote(member, (market.honey, 1), (market.soap, 2))
    assert [(line.sku, line.price_points, line.total_points, line.objections) for line in quote.lines] == [
        ("MIEL-LAV-250", 9, 9, ()),
        ("SAVON-100", 6, 12, ()),
    ]
    assert (quote.goods_points, quote.shipping_points, quote.total_points) == (21, 6, 27)
    assert (quote.weight_grams, quote.available_points) == (620, 20)
    assert (quote.enough_points, quote.can_be_placed) == (False, False)


async def test_what_was_quoted_is_what_is_paid(market: Market) -> None:
    member = await market.member()
    for method in ("standard", "express", "pickup"):
        quote = await market.quote(member, (market.soap, 2), shipping_method=method)
        assert quote.can_be_placed
        order = await market.place(member, (market.soap, 2), shipping_method=method)
        assert (order.shipping_points, order.total_points) == (quote.shipping_points, quote.total_points)


async def test_a_quote_tells_every_reason_against_a_line(market: Market) -> None:
    product = await market.shop.product(
        "propolis", minimum_level="ambassadeur", seasons=(catalog.Months(6, 9),)
    )
    rare = await market.shop.variant(product.id, "PROP-30")
    quote = await market.quote(await market.member(), (rare, 2), (market.honey, 1))
    reasons = [[one.code for one in line.objections] for line in quote.lines]
    assert reasons == [["out_of_season", "level_too_low", "insufficient_stock"], []]
    shortage = quote.lines[0].objections[2]
    assert shortage.detail == "2 pieces of PROP-30 were asked for, 0 are available."
    assert shortage.facts == {"sku": "PROP-30", "needed": 2, "available": 0}
    assert (quote.enough_points, quote.can_be_placed) == (True, False)


async def test_a_quote_sets_nothing_aside(market: Market) -> None:
    member = await market.member()
    before = everything(market.world)
    await market.quote(member, (market.honey, 10))
    assert everything(market.world) == before


async def test_a_member_without_points_is_quoted_too(market: Market) -> None:
    quote = await market.quote(await market.member(0, 0), (market.honey, 1))
    assert (quote.available_points, quote.enough_points) == (0, False)


async def test_a_quote_names_the_variant_that_is_not_there(market: Market) -> None:
    member = await market.member()
    question = orders.QuoteOrder(lines=(WishedLine(variant_id=UNKNOWN),))
    with pytest.raises(shared.NotFound, match=f"variant {UNKNOWN}"):
        await market.world.run.read(orders.quote, question, actor=member)


async def test_a_quote_is_for_oneself_or_by_an_administrator(market: Market) -> None:
    member, other = await market.member(), await market.member()
    for_member = await market.quote(market.world.admin, (market.honey, 1), user_id=member.user_id)
    assert for_member.available_points == 65
    with pytest.raises(shared.NotFound, match=f"member {member.user_id}"):
        await market.quote(other, (market.honey, 1), user_id=member.user_id)
    with pytest.raises(shared.NotFound, match="member"):
        await market.quote(market.world.admin, (market.honey, 1))


async def test_what_has_no_price_together_is_refused_at_the_quote(market: Market) -> None:
    member = await market.member()
    with pytest.raises(rules.RepeatedVariant):
        await market.quote(member, (market.honey, 1), (market.honey, 2))
    with pytest.raises(rules.WeightTooHigh):
        await market.quote(member, (market.honey, 100))


# --- place --------------------------------------------------------------------------------------


async def test_an_order_keeps_what_it_was_sold_as(market: Market) -> None:
    member = await market.member()
    order = await market.place(
        member, (market.honey, 2), gift_message="Bonne fête", instructions="Ring twice"
    )
    product = (await market.shop.show(market.honey.product_id)).id
    await market.shop.revise(market.honey, price_points=99, weight_grams=1, name="1 kg")
    shown = await market.show(member, order)
    (line,) = shown.lines
    assert (line.product_id, line.price_points, line.quantity, line.total_points) == (product, 9, 2, 18)
    assert (line.variant_name, line.weight_grams, line.fulfilment) == ("250 g", 840, "stock")
    assert (shown.shipping_address, shown.gift_message, shown.instructions) == (
        HOME,
        "Bonne fête",
        "Ring twice",
    )
    assert (shown.source, shown.placed_at, shown.euros) == ("web", START, shared.Money(2_400))


async def test_only_administrators_see_the_frozen_commission(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.soap, 2))
    assert order.lines[0].commission is None
    seen = (await market.show(market.world.admin, order)).lines[0].commission
    assert seen == orders.Commission(1_500, shared.Money(1_200), shared.Money(180), shared.Money(1_020))


async def test_an_order_in_stock_names_its_batches_first_expired_first(market: Market) -> None:
    soon = await market.shop.receive(market.honey, 2, number="L2", best_before=date(2026, 6, 1))
    order = await market.place(await market.member(), (market.honey, 3))
    (shipment,) = order.shipments
    (line,) = order.lines
    assert [(one.order_line_id, one.quantity) for one in shipment.lines] == [(line.id, 2), (line.id, 1)]
    assert shipment.lines[0].batch_id == soon.batch.id
    assert shipment.lines[1].batch_id not in (None, soon.batch.id)


async def refused(market: Market, member: shared.Actor, command: orders.PlaceOrder) -> shared.DomainError:
    """The refusal of an order that leaves nothing behind."""
    before = everything(market.world)
    with pytest.raises(shared.DomainError) as refusal:
        await market.world.run(fulfillment.place, command, actor=member)
    assert everything(market.world) == before
    return refusal.value


async def test_an_unknown_variant_is_named_and_nothing_is_kept(market: Market) -> None:
    lines = (*wish((market.honey, 1)).lines, WishedLine(variant_id=UNKNOWN))
    command = orders.PlaceOrder(lines=lines, shipping_address=HOME)
    error = await refused(market, await market.member(), command)
    assert error.facts() == {"kind": "variant", "id": str(UNKNOWN)}


async def test_too_few_points_are_refused_and_nothing_is_kept(market: Market) -> None:
    error = await refused(market, await market.member(13, 0), wish((market.honey, 1)))
    assert isinstance(error, points.InsufficientPoints)
    assert error.facts() == {"needed": 14, "available": 13}


async def test_a_line_without_stock_takes_back_what_the_line_before_it_reserved(market: Market) -> None:
    other = await market.shop.on_shelf(1, "pollen", "POLLEN-100")
    error = await refused(market, await market.member(), wish((market.honey, 1), (other, 2)))
    assert isinstance(error, inventory.InsufficientStock)
    assert error.facts() == {"sku": "POLLEN-100", "needed": 2, "available": 1}


async def test_what_expires_too_soon_is_not_sold(market: Market) -> None:
    fresh = await market.shop.on_shelf(0, "gelee-royale", "GELEE-10")
    await market.shop.receive(fresh, 5, best_before=date(2026, 3, 8))
    error = await refused(market, await market.member(), wish((fresh, 1)))
    assert isinstance(error, inventory.InsufficientStock)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"minimum_level": "protecteur"}, "level_too_low"),
        ({"seasons": (catalog.Months(6, 9),)}, "out_of_season"),
        ({"seasons": (catalog.Dates(date(2025, 1, 1), date(2025, 2, 1)),)}, "season_over"),
        ({"active": False}, "product_inactive"),
        ({"launch_date": date(2026, 3, 3)}, "not_yet_launched"),
        ({"discontinue_date": date(2026, 3, 2)}, "discontinued"),
    ],
)
async def test_what_is_not_for_sale_is_refused_by_its_own_name(
    market: Market, facts: dict[str, Any], code: str
) -> None:
    variant = await market.shop.on_shelf(5, "propolis", "PROP-30", **facts)
    error = await refused(market, await market.member(), wish((market.honey, 1), (variant, 1)))
    assert (error.code, error.facts()["product"]) == (code, "propolis")


async def test_who_has_reached_the_level_may_order(market: Market) -> None:
    variant = await market.shop.on_shelf(5, "propolis", "PROP-30", minimum_level="protecteur")
    order = await market.place(await market.member(level="protecteur"), (variant, 1))
    assert order.status == "confirmed"


async def test_a_variant_that_is_off_sale_is_refused(market: Market) -> None:
    await market.shop.revise(market.honey, active=False)
    assert (await refused(market, await market.member(), wish((market.honey, 1)))).code == "variant_inactive"


async def test_a_producer_who_is_not_active_is_given_no_order(market: Market) -> None:
    suspend = MoveProducer(producer_id=market.soap_maker, status="suspended", version=1)
    await market.shop.do(partners.move, suspend)
    error = await refused(market, await market.member(), wish((market.soap, 1)))
    assert isinstance(error, ProducerNotActive)


async def test_one_variant_stands_on_one_line(market: Market) -> None:
    error = await refused(market, await market.member(), wish((market.honey, 1), (market.honey, 2)))
    assert (error.code, error.facts()) == ("repeated_variant", {"sku": "MIEL-LAV-250"})


async def test_what_is_sent_needs_an_address_and_what_is_fetched_does_not(market: Market) -> None:
    member = await market.member()
    error = await refused(market, member, wish((market.honey, 1), shipping_address=None))
    assert error.code == "shipping_address_required"
    fetched = await market.place(member, (market.honey, 1), shipping_method="pickup", shipping_address=None)
    assert (fetched.shipping_points, fetched.shipping_address) == (0, None)


async def test_what_no_carrier_takes_can_be_fetched(market: Market) -> None:
    variant = await market.shop.on_shelf(100, "ruche", "RUCHE-1")
    member = await market.member(1_000, 0)
    error = await refused(market, member, wish((variant, 80)))
    assert isinstance(error, rules.WeightTooHigh)
    assert (await market.place(member, (variant, 80), shipping_method="pickup")).weight_grams == 33_600


@pytest.mark.parametrize("lines", [0, 51])
async def test_an_order_has_from_one_to_fifty_lines(market: Market, lines: int) -> None:
    given = tuple(WishedLine(variant_id=UNKNOWN) for _ in range(lines))
    error = await refused(market, await market.member(), orders.PlaceOrder(lines=given))
    assert isinstance(error, InvalidCommand)


@pytest.mark.parametrize("quantity", [0, -1, 1_001])
async def test_a_line_has_from_one_to_a_thousand_pieces(market: Market, quantity: int) -> None:
    command = orders.PlaceOrder(lines=(WishedLine(variant_id=market.honey.id, quantity=quantity),))
    assert isinstance(await refused(market, await market.member(), command), InvalidCommand)


async def test_who_is_no_member_orders_nothing(market: Market) -> None:
    stranger = shared.Actor(UUID(int=7), "member")
    error = await refused(market, stranger, wish((market.honey, 1)))
    assert error.facts() == {"kind": "member", "id": str(stranger.user_id)}
    with pytest.raises(shared.Unauthenticated):
        await market.place(shared.Actor(), (market.honey, 1))


async def test_an_administrator_orders_for_a_member_and_only_they_say_so(market: Market) -> None:
    member, admin = await market.member(), market.world.admin
    order = await market.place(admin, (market.honey, 1), user_id=member.user_id, source="admin")
    assert (order.user_id, order.source, order.history[0].actor_id) == (
        member.user_id,
        "admin",
        admin.user_id,
    )
    assert await market.available(member) == 51
    error = await refused(market, member, wish((market.honey, 1), source="admin"))
    assert isinstance(error, SourceReserved)
    other = await market.member()
    error = await refused(market, other, wish((market.honey, 1), user_id=member.user_id))
    assert error.facts() == {"kind": "member", "id": str(member.user_id)}


async def test_what_the_program_orders_was_ordered_by_nobody(market: Market) -> None:
    member = await market.member()
    operator = shared.Actor(role="service")
    order = await market.place(operator, (market.honey, 1), user_id=member.user_id)
    assert order.history[0].actor_id is None


async def test_what_costs_nothing_is_ordered_without_points(market: Market) -> None:
    await market.shop.revise(market.honey, price_points=0)
    member = await market.member(0, 0)
    order = await market.place(member, (market.honey, 2), shipping_method="pickup")
    assert (order.total_points, order.debit_id) == (0, None)
    await market.cancel(member, order)
    assert await market.pieces() == (10, 0)


async def test_the_same_key_orders_once(market: Market) -> None:
    member = await market.member()
    first = await market.place(member, (market.honey, 1), key="k")
    before = everything(market.world)
    assert await market.place(member, (market.honey, 1), key="k") == first
    with pytest.raises(IdempotencyKeyReused):
        await market.place(member, (market.honey, 2), key="k")
    assert everything(market.world) == before


async def test_a_dry_run_shows_the_order_and_keeps_nothing(market: Market) -> None:
    member = await market.member()
    before = everything(market.world)
    order = await market.world.run(fulfillment.place, wish((market.honey, 1)), actor=member, dry_run=True)
    assert (order.number, order.total_points) == ("MTC-2026-000001", 14)
    assert everything(market.world) == before


async def test_numbers_begin_anew_with_the_year_in_the_shop(market: Market) -> None:
    member = await market.member(200, 0)
    numbers = [(await market.place(member, (market.soap, 1))).number for _ in range(2)]
    market.world.clock.at("2026-12-31 22:59")
    numbers.append((await market.place(member, (market.soap, 1))).number)
    market.world.clock.at("2026-12-31 23:00")
    numbers.append((await market.place(member, (market.soap, 1))).number)
    assert numbers == ["MTC-2026-000001", "MTC-2026-000002", "MTC-2026-000003", "MTC-2027-000001"]


async def test_a_refused_order_uses_up_no_number(market: Market) -> None:
    rich, poor = await market.member(), await market.member(0, 0)
    with pytest.raises(points.InsufficientPoints):
        await market.place(poor, (market.soap, 1))
    assert (await market.place(rich, (market.soap, 1))).number == "MTC-2026-000001"


async def test_what_happened_to_an_order_is_said_in_the_same_transaction(market: Market) -> None:
    member = await market.member()
    before = len(happenings(market))
    order = await market.place(member, (market.honey, 1), (market.soap, 1))
    placed = happenings(market)[before:]
    assert placed == [
        "points.spent",
        "orders.placed",
        "fulfillment.shipment_created",
        "fulfillment.shipment_created",
    ]
    await market.cancel(member, order)
    assert happenings(market)[before + len(placed) :] == [
        "orders.cancelled",
        "fulfillment.shipment_moved",
        "fulfillment.shipment_moved",
        "points.refunded",
    ]


def happenings(market: Market) -> list[str]:
    """The types of all events, in the order in which they were said."""
    found = everything(market.world)["event"]
    return [event.type for event in sorted(found, key=lambda event: event.id)]


# --- cancel -------------------------------------------------------------------------------------


async def test_a_cancelled_order_stays_with_its_history(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.honey, 1), (market.soap, 1))
    cancelled = await market.cancel(member, order)
    assert [(one.status, one.actor_id, one.reason) for one in cancelled.history] == [
        ("confirmed", member.user_id, ""),
        ("cancelled", member.user_id, "changed my mind"),
    ]
    assert [[one.status for one in shipment.history] for shipment in cancelled.shipments] == [
        ["cancelled"],
        ["cancelled"],
    ]
    assert cancelled.cancelled_at == START


async def test_an_order_is_cancelled_once_and_its_points_come_back_once(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.honey, 1))
    first = await market.cancel(member, order, key="k")
    assert await market.cancel(member, order, key="k") == first
    with pytest.raises(rules.OrderAlreadyCancelled):
        await market.cancel(member, order)
    assert await market.available(member) == 65


async def test_members_cancel_their_own_orders_and_administrators_any(market: Market) -> None:
    member, other = await market.member(), await market.member()
    order = await market.place(member, (market.honey, 1))
    with pytest.raises(shared.NotFound, match=f"order {order.id}"):
        await market.cancel(other, order)
    with pytest.raises(shared.NotFound, match=f"order {UNKNOWN}"):
        await market.cancel(member, shared.evolve(order, id=UNKNOWN))
    assert (await market.cancel(market.world.admin, order)).status == "cancelled"
    assert await market.available(member) == 65


async def test_what_is_partly_on_its_way_is_not_cancelled(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.honey, 1), (market.soap, 1))
    await market.dispatch(market.world.admin, order.shipments[0])
    before = everything(market.world)
    with pytest.raises(rules.OrderAlreadyDispatched):
        await market.cancel(member, order)
    assert everything(market.world) == before


async def test_what_is_only_prepared_can_still_be_cancelled(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.honey, 1), (market.soap, 1))
    await market.move(market.world.admin, order.shipments[0], "picked")
    await market.move(market.partner(), order.shipments[1], "accepted")
    assert (await market.show(member, order)).status == "processing"
    assert (await market.cancel(member, order)).status == "cancelled"
    assert await market.pieces() == (10, 0)


async def test_nobody_sends_what_was_cancelled(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.honey, 1), (market.soap, 1))
    await market.cancel(member, order)
    with pytest.raises(shared.StateForbids, match="is cancelled"):
        await market.dispatch(market.world.admin, order.shipments[0])
    with pytest.raises(shared.StateForbids, match="is cancelled"):
        await market.move(market.partner(), order.shipments[1], "accepted")
    assert await market.pieces() == (10, 0)


# --- read and search ----------------------------------------------------------------------------


async def test_an_order_is_read_by_its_owner_and_by_administrators(market: Market) -> None:
    member, other, admin = await market.member(), await market.member(), market.world.admin
    order = await market.place(member, (market.honey, 1))
    by_number = fulfillment.GetOrderByNumber(number=order.number)
    for reader in (member, admin):
        assert (await market.show(reader, order)).number == order.number
        read = await market.world.run.read(fulfillment.order_by_number, by_number, actor=reader)
        assert read == await market.show(reader, order)
    with pytest.raises(shared.NotFound, match=f"order {order.id}"):
        await market.show(other, order)
    with pytest.raises(shared.NotFound, match=f"order {order.number}"):
        await market.world.run.read(fulfillment.order_by_number, by_number, actor=other)


async def test_nobody_searches_the_orders_of_another_member(market: Market) -> None:
    member, other = await market.member(), await market.member()
    order = await market.place(member, (market.honey, 1))
    assert await market.found(other) == []
    assert await market.found(other, number=order.number) == []
    with pytest.raises(shared.NotFound):
        await market.found(other, user_id=member.user_id)
    assert await market.found(member, user_id=member.user_id) == [order.number]


async def test_days_beyond_every_order_find_all_or_nothing(market: Market) -> None:
    member = await market.member()
    order = await market.place(member, (market.honey, 1))
    assert await market.found(member, placed_from=date.min, placed_to=date.max) == [order.number]
    assert await market.found(member, placed_from=date.max) == []
    assert await market.found(member, placed_to=date.min) == []
