"""Shipments over HTTP: who sends what, what carriers say, what members think of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from edge import UNKNOWN, Headers, memory_client
from ordering import TRACKED
from stall import Stall


@pytest.fixture
def stall() -> Iterator[Stall]:
    with memory_client() as client:
        yield Stall(client)


def now(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def hub(stall: Stall) -> tuple[Headers, dict[str, Any]]:
    """A member with a shipment from our stock."""
    member = stall.member()
    shipment: dict[str, Any] = stall.placed(member, (stall.honey, 1))["shipments"][0]
    return member, shipment


def producers(stall: Stall) -> tuple[Headers, dict[str, Any]]:
    """A member with a shipment straight from the producer."""
    member = stall.member()
    shipment: dict[str, Any] = stall.placed(member, (stall.soap, 1))["shipments"][0]
    return member, shipment


def test_a_producer_sees_and_sends_its_own_and_nothing_else(stall: Stall) -> None:
    partner = stall.partner()
    _, ours = hub(stall)
    member, theirs = producers(stall)
    assert [one["id"] for one in stall.get("/shipments", partner).json()["items"]] == [theirs["id"]]
    assert stall.get(f"/shipments/{ours['id']}", partner).status_code == 404
    assert stall.post(f"/shipments/{ours['id']}/picking", partner).status_code == 404
    accepted = stall.post(f"/shipments/{theirs['id']}/acceptance", partner, {"reason": "tomorrow"}).json()
    assert (accepted["status"], accepted["history"][0]["reason"]) == ("accepted", "tomorrow")
    assert accepted["sending"]["shipping_address"]["city"] == "Namur"
    assert stall.get(f"/shipments/{theirs['id']}", member).json()["sending"] is None


def test_members_list_no_shipments_and_move_none(stall: Stall) -> None:
    member, shipment = hub(stall)
    assert stall.get("/shipments", member).status_code == 403
    assert stall.post(f"/shipments/{shipment['id']}/picking", member).status_code == 403
    assert stall.client.get("/v1/shipments").status_code == 401


def test_administrators_list_all_by_what_they_are(stall: Stall) -> None:
    _, ours = hub(stall)
    _, theirs = producers(stall)
    for which, found in (
        ("", [theirs, ours]),
        ("source=stock", [ours]),
        ("status=shipped", []),
        (f"order_id={theirs['order_id']}", [theirs]),
        (f"producer_id={stall.maker}&status=pending", [theirs]),
    ):
        listed = stall.get(f"/shipments?{which}", stall.admin).json()["items"]
        assert [one["number"] for one in listed] == [one["number"] for one in found], which
    assert stall.get("/shipments?status=eaten", stall.admin).status_code == 400


def test_stock_leaves_the_shelf_once_for_a_key(stall: Stall) -> None:
    _, shipment = hub(stall)
    path = f"/shipments/{shipment['id']}/dispatch"
    without_key = stall.client.post(f"/v1{path}", json=TRACKED, headers=stall.admin)
    assert (without_key.status_code, without_key.json()["code"]) == (400, "idempotency_key_missing")
    untracked = stall.post(path, stall.admin, {"carrier": "bpost"})
    assert (untracked.status_code, untracked.json()["code"]) == (422, "tracking_required")
    assert stall.pieces() == (10, 1)
    body = {**TRACKED, "packaging": "box S", "cost_cents": 480}
    first, again = (stall.post(path, stall.admin, body, key="k") for _ in range(2))
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert first.json()["sending"]["cost"] == {"amount": 480, "currency": "EUR"}
    assert stall.pieces() == (9, 0)
    twice = stall.post(path, stall.admin, body)
    assert (twice.status_code, twice.json()["state"]) == (409, "shipped")


def test_a_late_scan_changes_nothing(stall: Stall) -> None:
    _, shipment = hub(stall)
    stall.sent(stall.admin, shipment)
    path = f"/shipments/{shipment['id']}/scans"
    scan = {"carrier_state": "out_for_delivery", "scanned_at": now()}
    assert stall.post(path, stall.admin, scan).json()["status"] == "in_transit"
    late = stall.post(path, stall.admin, {**scan, "carrier_state": "collected"})
    assert (late.status_code, late.json()["carrier_state"]) == (200, "out_for_delivery")
    future = stall.post(path, stall.admin, {**scan, "scanned_at": now(hours=1)})
    assert (future.status_code, future.json()["code"]) == (422, "impossible_scan_time")
    naive = stall.post(path, stall.admin, {**scan, "scanned_at": "2026-03-02T10:30:00"})
    assert (naive.status_code, naive.json()["errors"][0]["pointer"]) == (400, "#/scanned_at")


def test_trouble_is_reported_and_ends(stall: Stall) -> None:
    _, shipment = hub(stall)
    stall.sent(stall.admin, shipment)
    path = f"/shipments/{shipment['id']}"
    assert stall.post(f"{path}/exception", stall.admin).status_code == 400
    blank = stall.post(f"{path}/exception", stall.admin, {"reason": " "})
    assert (blank.status_code, blank.json()["code"]) == (422, "exception_needs_reason")
    steps = (
        ("exception", {"reason": "no such number"}, "exception"),
        ("transit", {}, "in_transit"),
        ("loss", {"reason": "not seen for weeks"}, "lost"),
        ("return", {}, "returned"),
    )
    for step, body, status in steps:
        assert stall.post(f"{path}/{step}", stall.admin, body).json()["status"] == status
    gone = stall.post(f"{path}/delivery", stall.admin)
    assert (gone.status_code, gone.json()["wanted"]) == (409, "delivered")


def test_what_is_picked_goes_on_to_its_member_who_rates_it_once(stall: Stall) -> None:
    member, shipment = hub(stall)
    path = f"/shipments/{shipment['id']}"
    assert stall.post(f"{path}/picking", stall.admin).json()["status"] == "picked"
    stall.sent(stall.admin, shipment)
    stars = {"rating": 5, "feedback": "well packed"}
    assert stall.post(f"{path}/rating", member, stars).status_code == 409
    proof = "https://example.org/proof.jpg"
    delivered = stall.post(f"{path}/delivery", stall.admin, {"proof_photo_url": proof}).json()
    assert (delivered["status"], delivered["proof_photo_url"]) == ("delivered", proof)
    assert stall.post(f"{path}/rating", stall.member(), stars).status_code == 404
    assert stall.post(f"{path}/rating", member, {"rating": 6}).status_code == 400
    assert stall.post(f"{path}/rating", member, stars).json()["rating"] == 5
    assert stall.post(f"{path}/rating", member, stars).json()["code"] == "already_rated"
    assert stall.get(path, member).json()["feedback"] == "well packed"


def test_an_unknown_shipment_is_not_found(stall: Stall) -> None:
    assert stall.get(f"/shipments/{UNKNOWN}", stall.admin).status_code == 404
    answer = stall.post(f"/shipments/{UNKNOWN}/picking", stall.admin)
    assert (answer.status_code, answer.json()["id"]) == (404, UNKNOWN)
