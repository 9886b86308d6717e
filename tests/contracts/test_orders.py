"""Orders and their shipments, in memory and on PostgreSQL alike."""

import asyncio
from datetime import date
from typing import Any

import pytest
from ordering import Market, ends

from baobab.application import fulfillment, orders
from baobab.domain import shared
from builders import World


async def test_honey_from_the_hub_and_soap_from_its_producer_arrive_as_one_order(any_world: World) -> None:
    market = await Market.open(any_world)
    member, partner = await market.member(), market.partner()
    order = await market.place(member, (market.honey, 1), (market.soap, 2))
    assert (order.number, order.status, order.total_points) == ("MTC-2026-000001", "confirmed", 27)
    assert await market.available(member) == 38
    assert await market.pieces() == (10, 1)
    hub, producer = order.shipments
    assert [(one.source, one.number) for one in order.shipments] == [
        ("stock", "MTC-2026-000001-1"),
        ("dropship", "MTC-2026-000001-2"),
    ]
    await market.dispatch(any_world.admin, hub)
    assert (await market.show(member, order)).status == "partly_shipped"
    assert await market.pieces() == (9, 0)
    await market.move(partner, producer, "accepted")
    await market.dispatch(partner, producer)
    assert (await market.show(member, order)).status == "shipped"
    await market.scan(any_world.admin, hub, "delivered")
    assert (await market.show(member, order)).status == "partly_delivered"
    await market.deliver(partner, producer)
    shown = await market.show(member, order)
    assert [change.status for change in shown.history] == [
        "confirmed",
        "partly_shipped",
        "shipped",
        "partly_delivered",
        "delivered",
    ]
    assert shown.status == "delivered"
    assert [one.status for one in shown.shipments] == ["delivered", "delivered"]
    assert (await market.rate(member, hub, 5)).rating == 5


async def test_a_cancelled_order_gives_every_lot_back_what_it_gave(any_world: World) -> None:
    market = await Market.open(any_world)
    member = await market.member(funded=50, bonus=15)
    order = await market.place(member, (market.honey, 1), (market.soap, 2))
    assert await market.lots(member) == [(38, True)]
    cancelled = await market.cancel(member, order)
    assert await market.lots(member) == [(15, False), (50, True)]
    assert await market.pieces() == (10, 0)
    assert (cancelled.status, cancelled.cancellation_reason) == ("cancelled", "changed my mind")
    assert [one.status for one in cancelled.shipments] == ["cancelled", "cancelled"]
    assert cancelled == await market.show(member, order)


async def test_an_answer_is_what_is_read_afterwards(any_world: World) -> None:
    market = await Market.open(any_world)
    member, admin = await market.member(), any_world.admin
    order = await market.place(member, (market.honey, 2), (market.soap, 1), gift_message="Bonne fête")
    assert await market.show(member, order) == order
    (shipment, _) = order.shipments
    sent = await market.dispatch(admin, shipment, packaging="box S", cost_cents=512)
    question = fulfillment.GetShipment(shipment_id=shipment.id)
    assert await any_world.run.read(fulfillment.shipment, question, actor=admin) == sent
    assert sent.sending is not None
    assert (sent.sending.cost, sent.sending.gift_message) == (shared.Money(512), "Bonne fête")


# --- the read side ------------------------------------------------------------------------------


async def test_orders_are_found_newest_first_by_what_they_are(any_world: World) -> None:
    market = await Market.open(any_world)
    member, other, admin = await market.member(200, 0), await market.member(), any_world.admin
    first = await market.place(member, (market.soap, 1))
    any_world.clock.at("2026-03-02 22:59")
    second = await market.place(other, (market.soap, 1), shipping_method="express")
    any_world.clock.at("2026-03-02 23:00")
    third = await market.place(member, (market.soap, 1), shipping_method="pickup")
    await market.cancel(member, third)
    numbers = [order.number for order in (first, second, third)]
    assert await market.found(admin) == numbers[::-1]
    assert await market.found(member) == [numbers[2], numbers[0]]
    assert await market.found(admin, user_id=other.user_id) == [numbers[1]]
    assert await market.found(admin, status="cancelled") == [numbers[2]]
    assert await market.found(member, status="confirmed") == [numbers[0]]
    assert await market.found(admin, shipping_method="express") == [numbers[1]]
    assert await market.found(admin, number=numbers[1]) == [numbers[1]]
    assert await market.found(admin, number=numbers[1], user_id=member.user_id) == []
    assert await market.found(admin, number="MTC-2026-000009") == []
    assert await market.found(admin, placed_to=date(2026, 3, 2)) == [numbers[1], numbers[0]]
    assert await market.found(admin, placed_from=date(2026, 3, 3)) == [numbers[2]]


async def test_a_listing_of_orders_goes_on_where_the_page_before_ended(any_world: World) -> None:
    market = await Market.open(any_world)
    member = await market.member(200, 0)
    placed = [(await market.place(member, (market.soap, 1))).number for _ in range(3)]
    for actor in (member, any_world.admin):
        first = await any_world.run.read(orders.search, orders.SearchOrders(limit=2), actor=actor)
        rest = orders.SearchOrders(limit=2, cursor=first.next_cursor)
        second = await any_world.run.read(orders.search, rest, actor=actor)
        assert [one.number for one in (*first.items, *second.items)] == placed[::-1]
        assert second.next_cursor is None


async def test_a_summary_says_what_the_order_says(any_world: World) -> None:
    market = await Market.open(any_world)
    member = await market.member()
    order = await market.cancel(member, await market.place(member, (market.soap, 1)))
    page = await any_world.run.read(orders.search, orders.SearchOrders(), actor=member)
    assert page.items == (shared.recast(orders.OrderSummary, order),)


async def test_shipments_are_found_newest_first_by_what_they_are(any_world: World) -> None:
    market = await Market.open(any_world)
    member, admin = await market.member(200, 0), any_world.admin
    both = await market.place(member, (market.honey, 1), (market.soap, 1))
    one = await market.place(member, (market.honey, 1))
    await market.dispatch(admin, one.shipments[0])
    hub, producer, later = (shipment.number for shipment in (*both.shipments, *one.shipments))
    assert await shipments(market, admin) == [later, producer, hub]
    assert await shipments(market, admin, status="shipped") == [later]
    assert await shipments(market, admin, source="dropship") == [producer]
    assert await shipments(market, admin, order_id=both.id) == [producer, hub]
    assert await shipments(market, admin, producer_id=market.soap_maker) == [producer]
    assert await shipments(market, market.partner()) == [producer]
    assert await shipments(market, market.partner(), order_id=both.id) == [producer]
    assert await shipments(market, market.partner(), order_id=one.id) == []
    assert await shipments(market, admin, limit=1) == [later]


async def shipments(market: Market, actor: shared.Actor, **filters: Any) -> list[str]:
    question = fulfillment.SearchShipments(**filters)
    page = await market.world.run.read(fulfillment.shipments, question, actor=actor)
    return [one.number for one in page.items]


async def test_what_is_not_there_is_not_found(any_world: World) -> None:
    nothing = any_world.run.new_id()
    questions: list[tuple[Any, shared.Query]] = [
        (fulfillment.order, fulfillment.GetOrder(order_id=nothing)),
        (fulfillment.order_by_number, fulfillment.GetOrderByNumber(number="MTC-2026-000001")),
        (fulfillment.shipment, fulfillment.GetShipment(shipment_id=nothing)),
    ]
    for actor in (any_world.member(), any_world.admin):
        for query, question in questions:
            with pytest.raises(shared.NotFound):
                await any_world.run.read(query, question, actor=actor)


async def test_a_quote_looks_at_prices_shelves_and_points(any_world: World) -> None:
    market = await Market.open(any_world, jars=1)
    member = await market.member()
    quote = await market.quote(member, (market.honey, 2), (market.soap, 1))
    assert [[one.code for one in line.objections] for line in quote.lines] == [["insufficient_stock"], []]
    assert (quote.total_points, quote.available_points, quote.can_be_placed) == (30, 65, False)
    assert (await market.quote(member, (market.soap, 1), (market.honey, 1))).can_be_placed


async def test_ten_lines_of_one_hub_stand_in_their_order(any_world: World) -> None:
    market = await Market.open(any_world)
    variants = [await market.shop.on_shelf(5, f"tisane-{n}", f"TISANE-{n}") for n in range(10)]
    order = await market.place(await market.member(200, 0), *((one, 1) for one in reversed(variants)))
    shown = await market.show(any_world.admin, order)
    assert [line.sku for line in shown.lines] == [f"TISANE-{n}" for n in reversed(range(10))]
    assert [line.position for line in shown.lines] == list(range(1, 11))


# --- many at once, from two programs ------------------------------------------------------------


async def test_of_many_buyers_of_one_jar_one_gets_it(any_world: World) -> None:
    market = await Market.open(any_world, jars=1)
    members = [await market.member(20, 0) for _ in range(24)]
    runs = (any_world.run, any_world.runner())
    tries = (market.place(one, (market.honey, 1), run=runs[n % 2]) for n, one in enumerate(members))
    assert await ends(*tries) == {"done": 1, "insufficient_stock": 23}
    assert await market.pieces() == (1, 1)
    assert sorted([await market.available(one) for one in members]) == [6, *[20] * 23]
    assert len(await market.found(any_world.admin)) == 1


async def test_the_same_points_pay_for_as_many_orders_as_they_can(any_world: World) -> None:
    market = await Market.open(any_world)
    member = await market.member(24, 0)
    runs = (any_world.run, any_world.runner())
    tries = (market.place(member, (market.soap, 1), run=runs[n % 2]) for n in range(50))
    assert await ends(*tries) == {"done": 2, "insufficient_points": 48}
    assert await market.available(member) == 2


async def test_numbers_are_given_once_and_without_gaps(any_world: World) -> None:
    market = await Market.open(any_world)
    members = [await market.member(11, 0) for _ in range(20)]
    runs = (any_world.run, any_world.runner())
    placed = await asyncio.gather(
        *(market.place(one, (market.soap, 1), run=runs[n % 2]) for n, one in enumerate(members))
    )
    assert sorted(one.number for one in placed) == [f"MTC-2026-{n:06d}" for n in range(1, 21)]


async def test_the_same_key_from_two_programs_orders_once(any_world: World) -> None:
    market = await Market.open(any_world)
    member = await market.member()
    runs = (any_world.run, any_world.runner())
    placed = await asyncio.gather(
        *(market.place(member, (market.honey, 1), run=runs[n % 2], key="k") for n in range(20))
    )
    assert len({one.id for one in placed}) == 1
    assert (await market.pieces(), await market.available(member)) == ((10, 1), 51)


async def test_orders_whose_lines_cross_wait_for_each_other_and_never_for_ever(any_world: World) -> None:
    market = await Market.open(any_world, jars=40)
    pollen = await market.shop.on_shelf(40, "pollen", "POLLEN-100")
    members = [await market.member(200, 0) for _ in range(5)]
    await market.place(members[0], (market.soap, 1))  # so that the counter of the year is there
    lines = ((market.honey, 1), (pollen, 1))
    runs = [any_world.runner(most_grouped=1, tries=1) for _ in range(4)]
    tries = [
        market.place(one, *lines[:: 1 if n % 2 else -1], run=run)
        for one in members
        for n, run in enumerate(runs)
    ]
    assert await ends(*tries) == {"done": 20}, "a deadlock would end as `busy`"
    assert await market.pieces() == await market.pieces(pollen) == (40, 20)


async def test_an_order_is_cancelled_or_sent_and_never_both(any_world: World) -> None:
    market = await Market.open(any_world)
    member, there = await market.member(200, 0), any_world.runner()
    for _ in range(6):
        order = await market.place(member, (market.honey, 1), (market.soap, 1))
        cancelling = market.cancel(member, order)
        sending = market.dispatch(any_world.admin, order.shipments[0], run=there)
        outcome = await ends(cancelling, sending)
        shown = await market.show(member, order)
        if shown.status == "cancelled":
            assert outcome == {"done": 1, "shipment_transition_forbidden": 1}
        else:
            assert (shown.status, outcome) == (
                "partly_shipped",
                {"done": 1, "order_already_dispatched": 1},
            )
    on_hand, allocated = await market.pieces()
    sent = await shipments(market, any_world.admin, status="shipped")
    assert (on_hand, allocated) == (10 - len(sent), 0)


async def test_cancelling_from_two_programs_gives_back_once(any_world: World) -> None:
    market = await Market.open(any_world)
    member, there = await market.member(), any_world.runner()
    order = await market.place(member, (market.honey, 3))
    tries = (market.cancel(member, order, run=run) for run in (any_world.run, there) for _ in range(5))
    assert await ends(*tries) == {"done": 1, "order_already_cancelled": 9}
    assert (await market.pieces(), await market.available(member)) == ((10, 0), 65)


async def test_two_shipments_that_arrive_at_once_make_a_delivered_order(any_world: World) -> None:
    market = await Market.open(any_world)
    member, partner, there = await market.member(), market.partner(), any_world.runner()
    order = await market.place(member, (market.honey, 1), (market.soap, 1))
    hub, producer = order.shipments
    await market.move(partner, producer, "accepted")
    await asyncio.gather(market.dispatch(any_world.admin, hub), market.dispatch(partner, producer, run=there))
    arrived = (fulfillment.DeliverShipment(shipment_id=one.id) for one in (hub, producer))
    await asyncio.gather(
        *(
            run(fulfillment.deliver, command, actor=any_world.admin)
            for run, command in zip((any_world.run, there), arrived, strict=True)
        )
    )
    assert (await market.show(member, order)).status == "delivered"
