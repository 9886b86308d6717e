"""Fulfilment: an order splits by source, shipments go forward only, and the carrier's word is kept apart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import catalog, fulfillment, inventory, orders, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
MEMBER, ORDER = UUID(int=7), UUID(int=500)
BY_HUB = orders.Occasion(LATER, UUID(int=99))
WITH_REASON = orders.Occasion(LATER, UUID(int=99), "the box is wet")
TRACKED = fulfillment.Parcel("La Poste", "6A123", "box", 720, 100)
PHASE = {
    "announced": 0,
    "collected": 1,
    "in_transit": 2,
    "held": 2,
    "out_for_delivery": 2,
    "attempted": 2,
    "returning": 3,
    "lost": 3,
    "delivered": 4,
    "returned": 4,
}


def fresh_ids(first: int = 1_000) -> Callable[[], UUID]:
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


def order(**changes: Any) -> orders.Order:
    given = orders.Order(
        user_id=MEMBER,
        id=ORDER,
        number="MTC-2026-000001",
        status="confirmed",
        source="web",
        shipping_method="standard",
        shipping_points=5,
        goods_points=9,
        total_points=14,
        weight_grams=400,
        placed_at=AT,
    )
    return shared.evolve(given, **changes)


def line(
    position: int = 1, quantity: int = 1, producer: int | None = None, **changes: Any
) -> orders.OrderLine:
    """A line from our stock, or sent by a producer."""
    given = orders.OrderLine(
        user_id=MEMBER,
        id=UUID(int=600 + position),
        order_id=ORDER,
        position=position,
        product_id=UUID(int=100 + position),
        variant_id=UUID(int=200 + position),
        sku=f"SKU-{position}",
        product_name="Product",
        product_slug="product",
        variant_name="250 g",
        producer_id=UUID(int=producer or 30),
        fulfilment="stock" if producer is None else "dropship",
        price_points=9,
        quantity=quantity,
        total_points=9 * quantity,
        weight_grams=400 * quantity,
        commission_bp=1_500,
        sale_cents=900 * quantity,
        commission_cents=135 * quantity,
        producer_cents=765 * quantity,
    )
    return shared.evolve(given, **changes)


def pick(position: int, batch: int, quantity: int) -> inventory.Pick:
    return inventory.Pick(UUID(int=200 + position), UUID(int=batch), quantity)


def shipment(state: fulfillment.State = "pending", **changes: Any) -> fulfillment.Shipment:
    given = fulfillment.Shipment(
        user_id=MEMBER,
        id=UUID(int=700),
        order_id=ORDER,
        number="MTC-2026-000001-1",
        source="stock",
        state=state,
        service_level="standard",
        weight_grams=400,
        created_at=AT,
    )
    return shared.evolve(given, **changes)


# --- split ------------------------------------------------------------------------------------


def test_one_shipment_leaves_our_hub_and_one_each_producer() -> None:
    lines = [line(1, producer=32), line(2, 2), line(3, producer=31), line(4, producer=32), line(5)]
    picks = [pick(2, 40, 2), pick(5, 41, 1)]
    split = fulfillment.split(order(), lines, picks, fresh_ids())
    assert [(one.number, one.source, one.producer_id, one.weight_grams) for one in split.shipments] == [
        ("MTC-2026-000001-1", "stock", None, 1_200),
        ("MTC-2026-000001-2", "dropship", UUID(int=32), 800),
        ("MTC-2026-000001-3", "dropship", UUID(int=31), 400),
    ]
    assert [(row.shipment_id.int, row.order_line_id.int) for row in split.lines] == [
        (1_000, 602),
        (1_000, 605),
        (1_001, 601),
        (1_001, 604),
        (1_002, 603),
    ]


def test_a_shipment_starts_pending_with_the_service_that_the_member_chose() -> None:
    express = order(shipping_method="express")
    split = fulfillment.split(express, [line(producer=31)], [], fresh_ids())
    assert split.shipments == (
        shipment(id=UUID(int=1_000), source="dropship", producer_id=UUID(int=31), service_level="express"),
    )
    assert split.events == (
        fulfillment.ShipmentCreated(
            MEMBER, ORDER, UUID(int=1_000), "MTC-2026-000001-1", "dropship", UUID(int=31)
        ),
    )


def test_a_line_out_of_two_batches_has_two_rows() -> None:
    split = fulfillment.split(order(), [line(1, 5)], [pick(1, 40, 3), pick(1, 41, 2)], fresh_ids())
    assert split.lines == tuple(
        fulfillment.ShipmentLine(
            user_id=MEMBER,
            id=UUID(int=id),
            shipment_id=UUID(int=1_000),
            order_id=ORDER,
            order_line_id=UUID(int=601),
            product_id=UUID(int=101),
            variant_id=UUID(int=201),
            quantity=quantity,
            batch_id=UUID(int=batch),
        )
        for id, quantity, batch in ((1_001, 3, 40), (1_002, 2, 41))
    )


@pytest.mark.parametrize("picks", [[], [pick(1, 40, 2)], [pick(1, 40, 4)], [pick(2, 40, 3)]])
def test_a_line_from_our_stock_must_be_reserved_as_a_whole(picks: list[inventory.Pick]) -> None:
    with pytest.raises(fulfillment.LineNotReserved) as refused:
        fulfillment.split(order(), [line(1, 3)], picks, fresh_ids())
    assert (refused.value.sku, refused.value.needed) == ("SKU-1", 3)


@given(
    st.lists(st.tuples(st.none() | st.integers(31, 34), st.lists(st.integers(1, 9), min_size=1, max_size=3)))
)
def test_every_piece_of_every_line_is_in_exactly_one_shipment(
    drawn: list[tuple[int | None, list[int]]],
) -> None:
    lines = [
        line(position, sum(parts), producer) for position, (producer, parts) in enumerate(drawn, start=1)
    ]
    picks = [
        pick(position, 40 + part, quantity)
        for position, (producer, parts) in enumerate(drawn, start=1)
        for part, quantity in enumerate(parts)
        if producer is None
    ]
    split = fulfillment.split(order(), lines, picks, fresh_ids())
    for one in lines:
        rows = [row for row in split.lines if row.order_line_id == one.id]
        assert sum(row.quantity for row in rows) == one.quantity
        (home,) = {row.shipment_id for row in rows}
        (sender,) = [parcel for parcel in split.shipments if parcel.id == home]
        assert sender.source == one.fulfilment
        assert sender.producer_id == (one.producer_id if one.fulfilment == "dropship" else None)
        assert all((row.batch_id is None) == (one.fulfilment == "dropship") for row in rows)
    senders = [parcel.producer_id for parcel in split.shipments]
    assert len(set(senders)) == len(senders)
    assert sum(parcel.weight_grams for parcel in split.shipments) == sum(one.weight_grams for one in lines)
    assert split == fulfillment.split(order(), lines[::-1], picks, fresh_ids())


# --- moving -----------------------------------------------------------------------------------

ALLOWED = {
    "stock": {
        "pending": "picked shipped cancelled",
        "picked": "shipped cancelled",
        "shipped": "in_transit delivered exception returned lost",
        "in_transit": "delivered exception returned lost",
        "exception": "in_transit delivered returned lost",
        "lost": "delivered returned",
        "delivered": "returned",
    },
    "dropship": {
        "pending": "accepted cancelled",
        "accepted": "picked shipped cancelled",
        "picked": "shipped cancelled",
        "shipped": "in_transit delivered exception returned lost",
        "in_transit": "delivered exception returned lost",
        "exception": "in_transit delivered returned lost",
        "lost": "delivered returned",
        "delivered": "returned",
    },
}


def moved(one: fulfillment.Shipment, wanted: fulfillment.State) -> fulfillment.Moved:
    """The shipment in the wanted state, by the function that leads there."""
    if wanted == "shipped":
        return fulfillment.ship(one, TRACKED, BY_HUB, fresh_ids())
    if wanted == "delivered":
        return fulfillment.deliver(one, "", BY_HUB, fresh_ids())
    if wanted == "exception":
        return fulfillment.report_exception(one, WITH_REASON, fresh_ids())
    assert wanted != "pending"
    return fulfillment.move(one, wanted, BY_HUB, fresh_ids())


@pytest.mark.parametrize("source", ["stock", "dropship"])
@pytest.mark.parametrize("state", get_args(fulfillment.State))
def test_a_shipment_goes_only_where_its_source_and_state_allow(
    source: catalog.Fulfilment, state: fulfillment.State
) -> None:
    allowed = ALLOWED[source].get(state, "").split()
    one = shipment(state, source=source)
    for wanted in get_args(fulfillment.State)[1:]:
        if wanted in allowed:
            assert moved(one, wanted).shipment.state == wanted
        else:
            with pytest.raises(fulfillment.ShipmentTransitionForbidden) as refused:
                moved(one, wanted)
            assert refused.value.facts() == {"number": one.number, "state": state, "wanted": wanted}


def test_moving_writes_history_and_says_what_happened() -> None:
    change = fulfillment.move(shipment("picked"), "cancelled", WITH_REASON, fresh_ids(900))
    assert change.shipment == shipment("cancelled")
    assert change.changes == (
        fulfillment.ShipmentChange(
            MEMBER, UUID(int=900), UUID(int=700), ORDER, "cancelled", LATER, UUID(int=99), "the box is wet"
        ),
    )
    assert change.events == (
        fulfillment.ShipmentMoved(
            MEMBER, ORDER, UUID(int=700), "MTC-2026-000001-1", "picked", "cancelled", LATER
        ),
    )


def test_shipping_keeps_how_the_parcel_left() -> None:
    assert fulfillment.ship(shipment("picked"), TRACKED, BY_HUB, fresh_ids()).shipment == shipment(
        "shipped",
        carrier="La Poste",
        tracking_number="6A123",
        packaging="box",
        cost_cents=720,
        insurance_cents=100,
        shipped_at=LATER,
    )


@pytest.mark.parametrize(
    "parcel", [fulfillment.Parcel(), fulfillment.Parcel("La Poste", " "), fulfillment.Parcel("", "6A123")]
)
def test_a_parcel_leaves_with_a_carrier_and_a_number_unless_it_is_fetched(parcel: fulfillment.Parcel) -> None:
    with pytest.raises(fulfillment.TrackingRequired, match="000001-1"):
        fulfillment.ship(shipment("picked"), parcel, BY_HUB, fresh_ids())
    fetched = shipment("picked", service_level="pickup")
    assert fulfillment.ship(fetched, parcel, BY_HUB, fresh_ids()).shipment.state == "shipped"


def test_a_delivery_keeps_its_time_and_its_proof() -> None:
    proof = "https://example.org/proof.jpg"
    change = fulfillment.deliver(shipment("shipped"), proof, BY_HUB, fresh_ids())
    assert change.shipment == shipment("delivered", proof_photo_url=proof, delivered_at=LATER)


def test_an_exception_says_what_is_wrong() -> None:
    change = fulfillment.report_exception(shipment("in_transit"), WITH_REASON, fresh_ids())
    assert change.shipment == shipment("exception", exception_reason="the box is wet")
    with pytest.raises(fulfillment.ExceptionNeedsReason):
        fulfillment.report_exception(shipment("in_transit"), BY_HUB, fresh_ids())


# --- the carrier's word -------------------------------------------------------------------------


def scan(
    one: fulfillment.Shipment, carrier_state: fulfillment.CarrierState, hours: int = 0
) -> fulfillment.Moved:
    return fulfillment.carrier_scan(one, carrier_state, LATER + timedelta(hours=hours), fresh_ids(900))


@pytest.mark.parametrize(
    "carrier_state", ["collected", "in_transit", "held", "out_for_delivery", "attempted"]
)
def test_a_scan_on_the_way_takes_a_shipped_parcel_into_transit(
    carrier_state: fulfillment.CarrierState,
) -> None:
    change = scan(shipment("shipped"), carrier_state)
    assert change.shipment == shipment("in_transit", carrier_state=carrier_state, carrier_state_at=LATER)
    assert change.changes == (
        fulfillment.ShipmentChange(
            MEMBER,
            UUID(int=900),
            UUID(int=700),
            ORDER,
            "in_transit",
            LATER,
            reason=f"carrier: {carrier_state}",
        ),
    )


@pytest.mark.parametrize("state", ["shipped", "in_transit", "exception"])
def test_a_delivered_scan_delivers_what_is_on_its_way(state: fulfillment.State) -> None:
    change = scan(shipment(state), "delivered")
    assert change.shipment == shipment(
        "delivered", carrier_state="delivered", carrier_state_at=LATER, delivered_at=LATER
    )
    assert [type(event) for event in change.events] == [fulfillment.ShipmentMoved]


@pytest.mark.parametrize(
    ("state", "carrier_state"),
    [
        ("pending", "announced"),
        ("picked", "collected"),
        ("picked", "delivered"),
        ("shipped", "announced"),
        ("shipped", "returning"),
        ("in_transit", "lost"),
        ("exception", "in_transit"),
        ("delivered", "returned"),
        ("cancelled", "delivered"),
    ],
)
def test_what_a_person_must_decide_is_only_shown(
    state: fulfillment.State, carrier_state: fulfillment.CarrierState
) -> None:
    change = scan(shipment(state), carrier_state)
    assert change == fulfillment.Moved(shipment(state, carrier_state=carrier_state, carrier_state_at=LATER))


@pytest.mark.parametrize(
    ("known", "late", "hours"),
    [
        ("in_transit", "out_for_delivery", 0),
        ("in_transit", "delivered", -1),
        ("in_transit", "collected", 1),
        ("returning", "attempted", 1),
        ("delivered", "in_transit", 1),
        ("delivered", "returned", 1),
        ("returned", "delivered", 1),
    ],
)
def test_a_late_scan_changes_nothing(
    known: fulfillment.CarrierState, late: fulfillment.CarrierState, hours: int
) -> None:
    one = shipment("shipped", carrier_state=known, carrier_state_at=LATER)
    change = scan(one, late, hours)
    assert change.shipment is one
    assert (change.changes, change.events) == ((), ())


def test_within_a_phase_the_newer_scan_counts() -> None:
    one = shipment("in_transit", carrier_state="attempted", carrier_state_at=LATER)
    assert scan(one, "held", 1).shipment.carrier_state == "held"
    assert scan(one, "attempted", 1).shipment.carrier_state_at == LATER + timedelta(hours=1)


@given(
    st.lists(st.tuples(st.sampled_from(get_args(fulfillment.CarrierState)), st.integers(0, 20)), max_size=12)
)
def test_scans_in_any_order_only_lead_forward(
    scans: list[tuple[fulfillment.CarrierState, int]],
) -> None:
    forward = ["shipped", "in_transit", "delivered"]
    one = shipment("shipped")
    for carrier_state, hours in scans:
        after = scan(one, carrier_state, hours).shipment
        assert forward.index(after.state) >= forward.index(one.state)
        if one.carrier_state is not None and one.carrier_state_at is not None:
            assert after.carrier_state is not None
            assert after.carrier_state_at is not None
            assert PHASE[after.carrier_state] >= PHASE[one.carrier_state]
            assert after.carrier_state_at >= one.carrier_state_at
        one = after
    assert (one.state == "delivered") == (one.carrier_state == "delivered")


# --- rating and the order -----------------------------------------------------------------------


def test_a_delivery_is_rated_once() -> None:
    delivered = fulfillment.deliver(shipment("shipped"), "", BY_HUB, fresh_ids()).shipment
    rated = fulfillment.rate(delivered, 4, "a dent")
    assert rated.shipment == shared.evolve(delivered, rating=4, feedback="a dent")
    assert rated.events == (fulfillment.ShipmentRated(MEMBER, UUID(int=700), 4),)
    with pytest.raises(fulfillment.AlreadyRated) as refused:
        fulfillment.rate(rated.shipment, 5, "")
    assert refused.value.facts() == {"number": "MTC-2026-000001-1", "rating": 4}


def test_what_has_not_arrived_is_not_rated_and_what_went_back_still_is() -> None:
    with pytest.raises(fulfillment.NotDeliveredYet):
        fulfillment.rate(shipment("in_transit"), 5, "")
    returned = shipment("returned", delivered_at=LATER)
    assert fulfillment.rate(returned, 1, "").shipment.rating == 1


@pytest.mark.parametrize(
    ("states", "is_cancellable"),
    [
        (["pending", "accepted", "picked", "cancelled"], True),
        ([], True),
        (["pending", "shipped"], False),
        (["in_transit"], False),
        (["delivered"], False),
        (["exception"], False),
        (["returned"], False),
        (["lost"], False),
    ],
)
def test_an_order_can_be_cancelled_while_nothing_was_dispatched(
    states: list[fulfillment.State], is_cancellable: bool
) -> None:
    assert fulfillment.cancellable(shipment(state) for state in states) is is_cancellable


def test_every_state_tells_the_order_how_far_the_shipment_is() -> None:
    told = fulfillment.progress(shipment(state) for state in get_args(fulfillment.State))
    assert dict(zip(get_args(fulfillment.State), told, strict=True)) == {
        "pending": "waiting",
        "accepted": "preparing",
        "picked": "preparing",
        "shipped": "dispatched",
        "in_transit": "dispatched",
        "delivered": "delivered",
        "exception": "dispatched",
        "cancelled": "stopped",
        "returned": "dispatched",
        "lost": "dispatched",
    }


def test_an_order_of_two_shipments_is_delivered_when_both_are() -> None:
    one, other = shipment(), shipment(id=UUID(int=701), source="dropship", producer_id=UUID(int=31))
    seen = []
    for step in ("accept", "ship", "deliver", "ship other", "deliver other"):
        if step == "accept":
            other = moved(other, "accepted").shipment
        elif step.endswith("other"):
            other = moved(other, "shipped" if "ship" in step else "delivered").shipment
        else:
            one = moved(one, "shipped" if step == "ship" else "delivered").shipment
        seen.append(orders.derive_status("confirmed", fulfillment.progress([one, other])))
    assert seen == ["processing", "partly_shipped", "partly_delivered", "partly_delivered", "delivered"]


def test_a_shipment_survives_the_way_through_json() -> None:
    one = shipment("delivered", rating=5, carrier_state="delivered", carrier_state_at=LATER)
    assert msgspec.json.decode(msgspec.json.encode(one), type=fulfillment.Shipment) == one
