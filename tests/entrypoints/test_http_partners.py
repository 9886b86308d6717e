"""Producers over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from edge import UNKNOWN, Client, Headers, memory_client, signed_in
from wishes import a_producer


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


def body(slug: str = "rucher-du-vercors", **facts: Any) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(a_producer(slug))
    return built | facts


def registered(
    client: Client, admin: Headers, slug: str = "rucher-du-vercors", **facts: Any
) -> dict[str, Any]:
    answer = client.post("/v1/producers", json=body(slug, **facts), headers=admin)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_an_administrator_registers_a_producer_whom_everybody_may_read(
    client: Client, admin: Headers
) -> None:
    made = registered(client, admin, contact={"email": "a@example.org", "website": "https://example.org"})
    assert (made["status"], made["terms"]["commission_bp"]) == ("active", 1_500)
    for reference in (made["id"], made["slug"]):
        shown = client.get(f"/v1/producers/{reference}")
        assert (shown.status_code, shown.json()["name"]) == (200, "Rucher du Vercors")
        assert shown.json()["contact"] == {"email": None, "phone": None, "website": "https://example.org"}
        assert shown.json()["terms"] is None
    assert client.get(f"/v1/producers/{made['id']}", headers=admin).json() == made


def test_a_producer_is_replaced_at_the_version_that_was_read(client: Client, admin: Headers) -> None:
    path = f"/v1/producers/{registered(client, admin)['id']}"
    changed = client.put(path, json=body("new-slug", version=1, name="Miellerie"), headers=admin)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert client.get("/v1/producers/rucher-du-vercors").json()["name"] == "Miellerie"
    stale = client.put(path, json=body(version=1), headers=admin)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert (stale.json()["given"], stale.json()["current"]) == (1, 2)


def test_a_suspended_producer_is_shown_to_administrators_and_its_own_partners(
    client: Client, admin: Headers
) -> None:
    id = registered(client, admin)["id"]
    moved = client.post(
        f"/v1/producers/{id}/status", json={"status": "suspended", "version": 1}, headers=admin
    )
    assert (moved.status_code, moved.json()["status"]) == (200, "suspended")
    own = signed_in(client, "partner-1@example.org", role="partner_owner", producer_id=UUID(id))
    member = signed_in(client, "member-1@example.org")
    answers = [client.get(f"/v1/producers/{id}", headers=who).status_code for who in (admin, own, member, {})]
    assert answers == [200, 200, 404, 404]
    assert client.get("/v1/producers").json() == {"items": [], "next_cursor": None}
    assert len(client.get("/v1/producers?status=suspended", headers=admin).json()["items"]) == 1


def test_producers_are_listed_in_pages(client: Client, admin: Headers) -> None:
    for slug in ("one", "two", "three"):
        registered(client, admin, slug)
    first = client.get("/v1/producers?limit=2&type=beekeeper").json()
    rest = client.get(f"/v1/producers?limit=2&cursor={first['next_cursor']}").json()
    assert [one["slug"] for one in first["items"] + rest["items"]] == ["three", "two", "one"]
    assert rest["next_cursor"] is None


def test_a_taken_slug_and_terms_that_make_no_sense_are_named(client: Client, admin: Headers) -> None:
    registered(client, admin)
    taken = client.post("/v1/producers", json=body(), headers=admin)
    assert (taken.status_code, taken.json()["code"], taken.json()["slug"]) == (
        409,
        "producer_slug_taken",
        "rucher-du-vercors",
    )
    dates = {"partnership_start": "2026-02-01", "partnership_end": "2026-01-01"}
    reversed_ = client.post("/v1/producers", json=body("two", **dates), headers=admin)
    assert (reversed_.status_code, reversed_.json()["code"]) == (422, "partnership_dates_reversed")


@pytest.mark.parametrize(
    ("method", "path", "wish"),
    [
        ("POST", "/v1/producers", body()),
        ("PUT", f"/v1/producers/{UNKNOWN}", body(version=1)),
        ("POST", f"/v1/producers/{UNKNOWN}/status", {"status": "active", "version": 1}),
    ],
)
def test_only_administrators_write_producers(
    client: Client, admin: Headers, method: str, path: str, wish: dict[str, Any]
) -> None:
    member = signed_in(client, "member-1@example.org")
    assert client.request(method, path, json=wish).status_code == 401
    assert client.request(method, path, json=wish, headers=member).status_code == 403
    known = client.request(method, path, json=wish, headers=admin)
    assert known.status_code == (404 if UNKNOWN in path else 201)


def test_every_fault_of_a_producer_is_listed_with_its_place(client: Client, admin: Headers) -> None:
    wrong = body(
        name=" ",
        type="miller",
        contact={"website": "javascript:alert(1)", "fax": "1"},
        specialities=["thyme", ""],
        capacity={"hives": -1, "trees": 10**30},
        commission_bp=10_001,
        status="active",
    )
    answer = client.post("/v1/producers", json=wrong, headers=admin)
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "#/name",
        "#/type",
        "#/contact/website",
        "#/contact/fax",
        "#/specialities/1",
        "#/capacity/hives",
        "#/capacity/trees",
        "#/commission_bp",
        "#/status",
    }
    assert client.get("/v1/producers").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/producers/nobody", 404),
        (f"/v1/producers/{UNKNOWN}", 404),
        ("/v1/producers/%00", 400),
        (f"/v1/producers/{'x' * 101}", 400),
        ("/v1/producers?limit=0", 400),
        ("/v1/producers?type=miller", 400),
        ("/v1/producers?status=", 400),
        ("/v1/producers?cursor=nonsense", 400),
        ("/v1/producers?name=rucher", 400),
    ],
)
def test_what_is_not_there_or_not_asked_well_is_a_problem(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_key_makes_a_second_request_a_replay(client: Client, admin: Headers) -> None:
    keyed = {**admin, "Idempotency-Key": "register-1"}
    first = client.post("/v1/producers", json=body(), headers=keyed)
    again = client.post("/v1/producers", json=body(), headers=keyed)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (
        201,
        first.json(),
        "true",
    )
    other = client.post("/v1/producers", json=body("other"), headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
