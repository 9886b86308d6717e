"""Orders over HTTP: what they would cost, placed once, read by their owner, cancelled."""

from collections.abc import Iterator
from typing import Any

import pytest
from edge import UNKNOWN, memory_client
from stall import Stall, wish


@pytest.fixture
def stall() -> Iterator[Stall]:
    with memory_client() as client:
        yield Stall(client)


def test_honey_from_the_hub_and_soap_from_its_producer_arrive_as_one_order(stall: Stall) -> None:
    member, partner = stall.member(), stall.partner()
    order = stall.placed(member, (stall.honey, 1), (stall.soap, 2))
    hub, producer = order["shipments"]
    assert (order["total_points"], order["euros"]) == (27, {"amount": 2_700, "currency": "EUR"})
    assert stall.points_of(member) == 38
    stall.sent(stall.admin, hub)
    assert stall.post(f"/shipments/{producer['id']}/acceptance", partner).status_code == 200
    stall.sent(partner, producer)
    for sender, shipment in ((stall.admin, hub), (partner, producer)):
        assert stall.post(f"/shipments/{shipment['id']}/delivery", sender).status_code == 200
    shown = stall.get(f"/orders/{order['id']}", member).json()
    assert shown["status"] == "delivered"
    assert [one["tracking_number"] for one in shown["shipments"]] == ["BE123456789"] * 2
    assert stall.pieces() == (9, 0)


def test_a_quote_says_what_it_would_cost_and_why_not(stall: Stall) -> None:
    member = stall.member(12)
    body = {"lines": wish((stall.honey, 11), (stall.soap, 1))["lines"], "shipping_method": "pickup"}
    answer = stall.client.post("/v1/orders/quotes", json=body, headers=member)
    quote = answer.json()
    assert (answer.status_code, quote["total_points"], quote["available_points"]) == (200, 105, 12)
    assert quote["can_be_placed"] is False
    assert quote["lines"][0]["objections"] == [
        {
            "code": "insufficient_stock",
            "detail": "11 pieces of MIEL-LAV-250 were asked for, 10 are available.",
            "facts": {"sku": "MIEL-LAV-250", "needed": 11, "available": 10},
        }
    ]
    assert quote["lines"][1]["objections"] == []


def test_an_order_is_placed_once_for_a_key(stall: Stall) -> None:
    member = stall.member()
    first = stall.order(member, (stall.honey, 1), key="k")
    again = stall.order(member, (stall.honey, 1), key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = stall.order(member, (stall.honey, 2), key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (stall.pieces(), stall.points_of(member)) == ((10, 1), 51)


def test_without_a_key_nothing_is_ordered(stall: Stall) -> None:
    body = wish((stall.honey, 1))
    answer = stall.client.post("/v1/orders", json=body, headers=stall.member())
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert stall.pieces() == (10, 0)


@pytest.mark.parametrize(
    ("change", "status", "facts"),
    [
        ({"shipping_address": None}, 422, {"code": "shipping_address_required"}),
        ({"source": "admin"}, 403, {"code": "source_reserved", "source": "admin"}),
        ({"user_id": UNKNOWN}, 404, {"code": "not_found", "kind": "member", "id": UNKNOWN}),
        (
            {"lines": [{"variant_id": UNKNOWN}]},
            404,
            {"code": "not_found", "kind": "variant", "id": UNKNOWN},
        ),
    ],
)
def test_a_refused_order_is_a_problem_with_its_facts(
    stall: Stall, change: dict[str, Any], status: int, facts: dict[str, Any]
) -> None:
    member = stall.member()
    answer = stall.post("/orders", member, {**wish((stall.honey, 1)), **change})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json() | facts) == (status, answer.json())
    assert (stall.pieces(), stall.points_of(member)) == ((10, 0), 65)


def test_too_few_points_and_too_few_jars_are_named_with_their_numbers(stall: Stall) -> None:
    poor = stall.order(stall.member(13), (stall.honey, 1)).json()
    assert (poor["code"], poor["needed"], poor["available"]) == ("insufficient_points", 14, 13)
    short = stall.order(stall.member(500), (stall.honey, 11)).json()
    assert (short["code"], short["needed"], short["available"]) == ("insufficient_stock", 11, 10)
    twice = stall.order(stall.member(), (stall.honey, 1), (stall.honey, 1))
    assert (twice.status_code, twice.json()["sku"]) == (422, "MIEL-LAV-250")


def test_every_fault_of_an_order_is_listed_with_its_place(stall: Stall) -> None:
    lines = [{"variant_id": stall.honey, "quantity": 0}, {"variant_id": "x"}]
    answer = stall.post("/orders", stall.member(), {"lines": lines, "shipping_method": "raven"})
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [
        "#/lines/0/quantity",
        "#/lines/1/variant_id",
        "#/shipping_method",
    ]


def test_members_read_their_own_orders_and_administrators_all(stall: Stall) -> None:
    member, other = stall.member(), stall.member()
    order = stall.placed(member, (stall.soap, 2))
    for path in (f"/orders/{order['id']}", f"/orders/by-number/{order['number']}"):
        assert stall.get(path, member).json() == order
        assert stall.get(path, other).status_code == 404
        seen = stall.get(path, stall.admin).json()
        assert seen["lines"][0]["commission"]["commission"] == {"amount": 180, "currency": "EUR"}
    assert order["lines"][0]["commission"] is None
    assert stall.get(f"/orders/{UNKNOWN}", stall.admin).status_code == 404
    assert stall.get("/orders/by-number/MTC-2026-999999", stall.admin).status_code == 404
    assert stall.client.get(f"/v1/orders/{order['id']}").status_code == 401


def test_orders_are_listed_by_page_and_by_what_they_are(stall: Stall) -> None:
    member, other = stall.member(), stall.member()
    first, second = (
        stall.placed(member, (stall.soap, 1), shipping_method=how) for how in ("express", "standard")
    )
    page = stall.get("/orders?limit=1", member).json()
    assert [one["number"] for one in page["items"]] == [second["number"]]
    rest = stall.get(f"/orders?limit=1&cursor={page['next_cursor']}", member).json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([first["id"]], None)
    filters = (
        f"number={first['number']}",
        "shipping_method=express",
        f"user_id={first['user_id']}&shipping_method=express&status=confirmed",
        "placed_from=2000-01-01&placed_to=9999-12-31&shipping_method=express",
    )
    for which in filters:
        found = stall.get(f"/orders?{which}", stall.admin).json()["items"]
        assert [one["id"] for one in found] == [first["id"]], which
    assert stall.get("/orders", other).json() == {"items": [], "next_cursor": None}
    assert stall.get(f"/orders?user_id={first['user_id']}", other).status_code == 404
    assert stall.get("/orders?status=eaten", member).status_code == 400
    assert stall.get("/orders?colour=red", member).json()["code"] == "unknown_parameter"


def test_a_cancelled_order_gives_back_points_and_jars_once(stall: Stall) -> None:
    member, other = stall.member(), stall.member()
    order = stall.placed(member, (stall.honey, 2))
    path = f"/orders/{order['id']}/cancellation"
    assert stall.post(path, other).status_code == 404
    first = stall.post(path, member, {"reason": "too much honey"}, key="k")
    again = stall.post(path, member, {"reason": "too much honey"}, key="k")
    assert (first.status_code, first.json()["cancellation_reason"]) == (200, "too much honey")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert (stall.pieces(), stall.points_of(member)) == ((10, 0), 65)
    refused = stall.post(path, member)
    assert (refused.status_code, refused.json()["code"]) == (409, "order_already_cancelled")


def test_what_is_on_its_way_is_not_cancelled(stall: Stall) -> None:
    member = stall.member()
    order = stall.placed(member, (stall.honey, 1))
    stall.sent(stall.admin, order["shipments"][0])
    refused = stall.post(f"/orders/{order['id']}/cancellation", member)
    assert (refused.status_code, refused.json()["code"]) == (409, "order_already_dispatched")
    assert refused.json()["number"] == order["number"]
