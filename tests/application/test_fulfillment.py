"""Shipments: who moves them, what is noted of them, and how their order follows."""

from datetime import timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from ordering import HOME, MINUTE, Market

from baobab.application import fulfillment
from baobab.application.fulfillment import ImpossibleScanTime, OrderView, ShipmentView
from baobab.domain import fulfillment as rules
from baobab.domain import shared
from builders import START, World

UNKNOWN = UUID("01a1fe03-aa47-77f7-a8ae-7c75fabce465")


@pytest.fixture
async def market(world: World) -> Market:
    return await Market.open(world)


async def of_hub(market: Market) -> tuple[shared.Actor, OrderView, ShipmentView]:
    """A member with an order from our stock, and its shipment."""
    member = await market.member()
    order = await market.place(member, (market.honey, 2))
    return member, order, order.shipments[0]


async def of_producer(market: Market, **how: Any) -> tuple[shared.Actor, OrderView, ShipmentView]:
    """A member with an order straight from the producer, and its shipment."""
    member = await market.member()
    order = await market.place(member, (market.soap, 2), **how)
    return member, order, order.shipments[0]


# --- who sends ----------------------------------------------------------------------------------


async def test_our_stock_is_sent_by_administrators_alone(market: Market) -> None:
    member, order, shipment = await of_hub(market)
    with pytest.raises(shared.NotFound, match=f"shipment {shipment.id}"):
        await market.dispatch(market.partner(), shipment)
    with pytest.raises(shared.Forbidden):
        await market.dispatch(member, shipment)
    sent = await market.dispatch(market.world.admin, shipment)
    assert (sent.status, sent.carrier, sent.shipped_at) == ("shipped", "bpost", START)
    assert (await market.show(member, order)).status == "shipped"


async def test_a_producer_sends_what_is_its_own(market: Market) -> None:
    _, _, shipment = await of_producer(market)
    stranger = market.world.member("partner_owner", producer_id=market.shop.producer_id)
    with pytest.raises(shared.NotFound):
        await market.move(stranger, shipment, "accepted")
    accepted = await market.move(market.partner(), shipment, "accepted")
    assert (accepted.status, accepted.producer_id) == ("accepted", market.soap_maker)
    assert (await market.move(market.world.admin, shipment, "picked")).status == "picked"


async def test_who_sends_sees_where_to_and_at_what_cost_and_others_do_not(market: Market) -> None:
    member, order, shipment = await of_producer(market, gift_message="Bonne fête")
    await market.move(market.partner(), shipment, "accepted")
    sent = await market.dispatch(market.partner(), shipment, cost_cents=480, insurance_cents=100)
    expected = fulfillment.Sending(HOME, "Bonne fête", "", shared.Money(480), shared.Money(100))
    question = fulfillment.GetShipment(shipment_id=shipment.id)
    assert sent.sending == expected
    for sender in (market.partner(), market.world.admin):
        assert (await market.world.run.read(fulfillment.shipment, question, actor=sender)) == sent
    theirs = await market.world.run.read(fulfillment.shipment, question, actor=member)
    assert (theirs.tracking_number, theirs.sending) == ("BE123456789", None)
    assert (await market.show(member, order)).shipments[0].sending is None


async def test_a_shipment_shows_what_is_in_it(market: Market) -> None:
    _, order, shipment = await of_producer(market)
    (line,) = shipment.lines
    assert (line.order_line_id, line.sku, line.product_name, line.variant_name) == (
        order.lines[0].id,
        "SAVON-100",
        "Savon d ortie",
        "100 g",
    )
    assert (line.quantity, line.batch_id, shipment.weight_grams) == (2, None, 200)


@pytest.mark.parametrize("who", ["member", "partner", "admin"])
async def test_a_shipment_of_nobody_or_of_others_is_not_found(market: Market, who: str) -> None:
    _, _, shipment = await of_hub(market)
    others = {"member": await market.member(), "partner": market.partner(), "admin": market.world.admin}
    unseen = UNKNOWN if who == "admin" else shipment.id
    question = fulfillment.GetShipment(shipment_id=unseen)
    with pytest.raises(shared.NotFound, match=f"shipment {unseen}"):
        await market.world.run.read(fulfillment.shipment, question, actor=others[who])


async def test_an_unknown_shipment_is_not_moved(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    with pytest.raises(shared.NotFound, match=f"shipment {UNKNOWN}"):
        await market.move(market.world.admin, shared.evolve(shipment, id=UNKNOWN), "picked")
    with pytest.raises(shared.NotFound, match=f"shipment {UNKNOWN}"):
        await market.dispatch(market.world.admin, shared.evolve(shipment, id=UNKNOWN))


# --- on the way ---------------------------------------------------------------------------------


async def test_a_producer_accepts_before_sending(market: Market) -> None:
    _, _, shipment = await of_producer(market)
    with pytest.raises(rules.ShipmentTransitionForbidden, match="is pending"):
        await market.dispatch(market.partner(), shipment)


async def test_a_parcel_needs_tracking_and_a_pickup_does_not(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    with pytest.raises(rules.TrackingRequired):
        await market.dispatch(market.world.admin, shipment, tracking_number=" ")
    assert await market.pieces() == (10, 2)
    order = await market.place(await market.member(), (market.honey, 1), shipping_method="pickup")
    ready = await market.dispatch(market.world.admin, order.shipments[0], carrier="", tracking_number="")
    assert ready.status == "shipped"


async def test_stock_leaves_the_shelf_once(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    with pytest.raises(rules.ShipmentTransitionForbidden):
        await market.dispatch(market.world.admin, shipment)
    assert await market.pieces() == (8, 0)


async def test_what_a_producer_sends_moves_no_stock_of_ours(market: Market) -> None:
    _, _, shipment = await of_producer(market)
    await market.move(market.partner(), shipment, "accepted")
    await market.dispatch(market.partner(), shipment)
    assert await market.pieces() == (10, 0)


async def test_a_late_scan_never_moves_a_shipment_back(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    market.world.clock.advance(hours=5)
    on_the_way = await market.scan(market.world.admin, shipment, "out_for_delivery", minutes_ago=20)
    assert (on_the_way.status, on_the_way.carrier_state) == ("in_transit", "out_for_delivery")
    assert await market.scan(market.world.admin, shipment, "collected", minutes_ago=10) == on_the_way
    delivered = await market.scan(market.world.admin, shipment, "delivered", minutes_ago=5)
    assert delivered.delivered_at == market.world.clock.now - 5 * MINUTE
    assert await market.scan(market.world.admin, shipment, "held") == delivered


async def test_a_scan_lies_between_the_order_and_now_whatever_its_zone(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    for minutes in (-1, 1):
        with pytest.raises(ImpossibleScanTime, match=shipment.number):
            await market.scan(market.world.admin, shipment, "announced", minutes_ago=minutes)
    command = fulfillment.ScanShipment(
        shipment_id=shipment.id,
        carrier_state="announced",
        scanned_at=START.astimezone(timezone(timedelta(hours=14))),
    )
    scanned = await market.world.run(fulfillment.scan, command, actor=market.world.admin)
    assert scanned.carrier_state_at is not None
    assert scanned.carrier_state_at.isoformat() == START.isoformat()
    assert scanned.status == "pending"


async def test_a_scan_takes_the_order_along(market: Market) -> None:
    member, order, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    await market.scan(market.world.admin, shipment, "delivered")
    last = (await market.show(member, order)).history[-1]
    assert (last.status, last.reason) == ("delivered", "carrier: delivered")


async def test_a_delivery_may_be_proved(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    proof = "https://example.org/proof.jpg"
    delivered = await market.deliver(market.world.admin, shipment, proof_photo_url=proof)
    assert (delivered.status, delivered.proof_photo_url) == ("delivered", proof)


async def test_trouble_has_a_reason_and_an_end(market: Market) -> None:
    member, order, shipment = await of_hub(market)
    admin = market.world.admin
    await market.dispatch(admin, shipment)
    with pytest.raises(rules.ExceptionNeedsReason):
        await report(market, shipment, "  ")
    troubled = await report(market, shipment, "no such number")
    assert (troubled.status, troubled.exception_reason) == ("exception", "no such number")
    await market.move(admin, shipment, "in_transit")
    await market.move(admin, shipment, "lost")
    found = await market.deliver(admin, shipment)
    assert [one.status for one in found.history] == [
        "shipped",
        "exception",
        "in_transit",
        "lost",
        "delivered",
    ]
    assert (await market.show(member, order)).status == "delivered"


async def report(market: Market, shipment: ShipmentView, reason: str) -> ShipmentView:
    command = fulfillment.ReportTrouble(shipment_id=shipment.id, reason=reason)
    return await market.world.run(fulfillment.report, command, actor=market.world.admin)


async def test_what_came_back_is_put_on_the_shelf_by_a_person(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    returned = await market.move(market.world.admin, shipment, "returned")
    assert (returned.status, await market.pieces()) == ("returned", (8, 0))


async def test_the_history_says_who_and_why(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    command = fulfillment.MoveShipment(shipment_id=shipment.id, status="picked", reason="by hand")
    picked = await market.world.run(fulfillment.move, command, actor=market.world.admin)
    assert [(one.status, one.actor_id, one.reason, one.at) for one in picked.history] == [
        ("picked", market.world.admin.user_id, "by hand", START)
    ]


# --- rating -------------------------------------------------------------------------------------


async def test_a_member_rates_a_delivery_once(market: Market) -> None:
    member, order, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    with pytest.raises(rules.NotDeliveredYet):
        await market.rate(member, shipment, 4)
    await market.deliver(market.world.admin, shipment)
    await market.rate(member, shipment, 4)
    with pytest.raises(rules.AlreadyRated):
        await market.rate(member, shipment, 5)
    shown = (await market.show(member, order)).shipments[0]
    assert (shown.rating, shown.feedback) == (4, "well packed")


async def test_nobody_rates_for_a_member(market: Market) -> None:
    _, _, shipment = await of_hub(market)
    await market.dispatch(market.world.admin, shipment)
    await market.deliver(market.world.admin, shipment)
    for other in (await market.member(), market.partner(), market.world.admin):
        with pytest.raises(shared.NotFound):
            await market.rate(other, shipment, 1)


# --- listing ------------------------------------------------------------------------------------


async def listed(market: Market, actor: shared.Actor, **filters: Any) -> list[str]:
    question = fulfillment.SearchShipments(**filters)
    page = await market.world.run.read(fulfillment.shipments, question, actor=actor)
    return [one.number for one in page.items]


async def test_partners_list_what_is_theirs(market: Market) -> None:
    await of_hub(market)
    await of_producer(market)
    partner, number = market.partner(), "MTC-2026-000002-1"
    assert await listed(market, partner) == [number]
    assert await listed(market, partner, producer_id=market.soap_maker) == [number]
    assert await listed(market, partner, source="stock") == []
    with pytest.raises(shared.NotFound, match="producer"):
        await listed(market, partner, producer_id=market.shop.producer_id)
    with pytest.raises(shared.NotFound, match="producer"):
        await listed(market, market.world.member("partner_staff"))
    with pytest.raises(shared.Forbidden):
        await listed(market, await market.member())
