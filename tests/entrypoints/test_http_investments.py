"""Investing over HTTP: offers, a share, its payment in the sandbox, thinking again."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from edge import UNKNOWN, Client, Headers, client_on, memory_client, signed_in
from wishes import a_producer, a_project

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Settings

numbers = count(1)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


@pytest.fixture
def member(client: Client) -> Headers:
    return signed_in(client, f"member-{next(numbers)}@example.org")


@pytest.fixture
def other(client: Client) -> Headers:
    return signed_in(client, f"member-{next(numbers)}@example.org")


def post(client: Client, path: str, who: Headers, key: str, body: Any = None) -> Any:
    return client.post(f"/v1{path}", json=body, headers={**who, "Idempotency-Key": key})


def project(client: Client, admin: Headers, shares: int = 4) -> str:
    """A project of an active producer that has room for some hives."""
    number = next(numbers)
    producer = msgspec.to_builtins(a_producer(f"rucher-{number}"))
    made = client.post("/v1/producers", json=producer, headers=admin).json()
    wish = msgspec.to_builtins(a_project(made["id"], f"ruches-{number}", target_cents=shares * 5_000))
    id: str = client.post("/v1/projects", json=wish, headers=admin).json()["id"]
    for version, status in enumerate(("review", "active"), 1):
        moved = {"status": status, "version": version}
        assert client.post(f"/v1/projects/{id}/status", json=moved, headers=admin).status_code == 200
    return id


def invested(client: Client, who: Headers, project_id: str, key: str = "invest") -> dict[str, Any]:
    answer = post(client, "/investments", who, key, {"project_id": project_id, "offer": "ruche"})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def played(client: Client, who: Headers, one: dict[str, Any], behaviour: str, key: str = "pay") -> Any:
    return post(client, f"/payments/{one['payment']['id']}/sandbox", who, key, {"behaviour": behaviour})


def points_of(client: Client, who: Headers) -> int:
    available: int = client.get("/v1/points/balance", headers=who).json()["available"]
    return available


def test_everybody_reads_the_offers(client: Client) -> None:
    answer = client.get("/v1/offers")
    assert answer.status_code == 200
    assert answer.json()["items"][1] == {
        "type": "olivier",
        "price": {"amount": 8_000, "currency": "EUR"},
        "points": 105,
        "funded_points": 80,
        "bonus_points": 25,
        "bonus_bp": 3_125,
    }


def test_a_member_invests_pays_and_has_the_points(client: Client, admin: Headers, member: Headers) -> None:
    project_id = project(client, admin)
    one = invested(client, member, project_id)
    assert (one["state"], one["granted_points"], one["payment"]["state"]) == ("pending", 0, "pending")
    assert one["payment"]["amount"] == {"amount": 5_000, "currency": "EUR"}
    paid = client.post(
        one["payment"]["pay_url"],
        json={"behaviour": "succeeds"},
        headers={**member, "Idempotency-Key": "pay"},
    )
    assert (paid.status_code, paid.json()["state"], paid.json()["granted_points"]) == (200, "active", 65)
    assert paid.json()["tracking_id"].startswith("RUCHE-")
    assert points_of(client, member) == 65
    assert client.get("/v1/members/me", headers=member).json()["level"] == "protecteur"
    funding = client.get(f"/v1/projects/{project_id}").json()["funding"]
    assert (funding["taken"]["amount"], funding["supporters"]) == (5_000, 1)
    assert client.get(f"/v1/investments/{one['id']}", headers=member).json() == paid.json()
    payment = client.get(f"/v1/payments/{one['payment']['id']}", headers=member).json()
    assert (payment["state"], [receipt["kind"] for receipt in payment["receipts"]]) == (
        "succeeded",
        ["payment"],
    )


def test_the_same_key_answers_as_the_first_time(client: Client, admin: Headers, member: Headers) -> None:
    project_id = project(client, admin)
    one = invested(client, member, project_id)
    paid = played(client, member, one, "succeeds")
    wish = {"project_id": project_id, "offer": "ruche"}
    again = post(client, "/investments", member, "invest", wish)
    assert (again.status_code, again.json()) == (201, one)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in paid.headers
    once_more = played(client, member, one, "succeeds")
    assert (once_more.json(), once_more.headers["idempotent-replayed"]) == (paid.json(), "true")
    other = played(client, member, one, "fails")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(client.get("/v1/investments", headers=member).json()["items"]) == 1


@pytest.mark.parametrize(
    ("behaviour", "state", "payment", "points"),
    [
        ("succeeds", "active", "succeeded", 65),
        ("repeats", "active", "succeeded", 65),
        ("late", "active", "succeeded", 65),
        ("fails", "cancelled", "failed", 0),
    ],
)
def test_the_sandbox_behaves_as_it_is_told(
    client: Client,
    admin: Headers,
    member: Headers,
    behaviour: str,
    state: str,
    payment: str,
    points: int,
) -> None:
    one = invested(client, member, project(client, admin))
    answer = played(client, member, one, behaviour).json()
    assert (answer["state"], answer["payment"]["state"], answer["granted_points"]) == (state, payment, points)
    assert points_of(client, member) == points


def test_money_that_comes_when_the_last_share_is_gone_goes_back(
    client: Client, admin: Headers, member: Headers, other: Headers
) -> None:
    project_id = project(client, admin, shares=1)
    first = invested(client, member, project_id)
    full = post(client, "/investments", other, "full", {"project_id": project_id, "offer": "ruche"})
    assert (full.status_code, full.json()["code"], full.json()["room"]) == (422, "funding_exceeded", 0)
    wish = {"user_id": first["user_id"], "investment_id": first["id"]}
    running = post(client, "/investments/expirations", admin, "e-1", wish)
    assert (running.status_code, running.json()["code"]) == (409, "hold_still_runs")
    gone = post(client, "/investments/expirations", admin, "e-2", {**wish, "early": True})
    assert (gone.status_code, gone.json()["state"]) == (200, "expired")
    assert played(client, other, invested(client, other, project_id), "succeeds").json()["state"] == "active"
    late = played(client, member, first, "succeeds").json()
    assert (late["state"], late["payment"]["state"]) == ("refunded", "refunded")
    assert late["payment"]["refunded"] == {"amount": 5_000, "currency": "EUR"}
    payment = client.get(f"/v1/payments/{first['payment']['id']}", headers=member).json()
    assert [receipt["kind"] for receipt in payment["receipts"]] == ["payment", "refund"]


def test_who_thinks_again_has_the_money_back_less_what_is_spent(
    client: Client, admin: Headers, member: Headers
) -> None:
    one = invested(client, member, project(client, admin))
    wish = {"kind": "investment", "contribution_id": one["id"]}
    early = post(client, "/withdrawals", member, "early", wish)
    assert (early.status_code, early.json()["code"]) == (409, "investment_not_active")
    played(client, member, one, "succeeds")
    spend = {"user_id": one["user_id"], "amount": 3, "source_id": UNKNOWN}
    assert post(client, "/points/spends", admin, "s", spend).status_code == 201
    shown = client.post("/v1/withdrawals/preview", json=wish, headers=member)
    assert (shown.status_code, shown.json()["refund"]["amount"]) == (200, 4_700)
    assert client.get(f"/v1/investments/{one['id']}", headers=member).json()["state"] == "active"
    back = post(client, "/withdrawals", member, "w", wish)
    assert back.status_code == 201
    assert (back.json()["refund"], back.json()["deducted"]) == (
        {"amount": 4_700, "currency": "EUR"},
        {"amount": 300, "currency": "EUR"},
    )
    assert (back.json()["payment"]["state"], back.json()["returned_points"]) == ("refunded", 62)
    assert (points_of(client, member), bool(back.json()["at"])) == (0, True)
    again = post(client, "/withdrawals", member, "w", wish)
    assert (again.json(), again.headers["idempotent-replayed"]) == (back.json(), "true")


def test_what_is_somebody_else_s_is_not_found(
    client: Client, admin: Headers, member: Headers, other: Headers
) -> None:
    one = invested(client, member, project(client, admin))
    id, payment_id, owner = one["id"], one["payment"]["id"], one["user_id"]
    paths = [f"/investments/{id}", f"/payments/{payment_id}"]
    for path in [*paths, *(f"{path}?user_id={owner}" for path in paths), f"/investments?user_id={owner}"]:
        assert client.get(f"/v1{path}", headers=other).status_code == 404, path
    assert played(client, other, one, "succeeds").status_code == 404
    wish = {"kind": "investment", "contribution_id": id}
    assert post(client, "/withdrawals", other, "w", wish).status_code == 404
    for path in paths:
        assert client.get(f"/v1{path}?user_id={owner}", headers=admin).json()["id"] in (id, payment_id)
    assert client.get(f"/v1/investments?user_id={owner}", headers=admin).json()["items"] == [one]
    assert client.get("/v1/investments", headers=other).json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/investments", {"project_id": UNKNOWN, "offer": "ruche"}),
        ("GET", "/v1/investments", None),
        ("GET", f"/v1/investments/{UNKNOWN}", None),
        ("POST", "/v1/withdrawals", {"kind": "investment", "contribution_id": UNKNOWN}),
        ("POST", "/v1/withdrawals/preview", {"kind": "subscription", "contribution_id": UNKNOWN}),
        ("GET", f"/v1/payments/{UNKNOWN}", None),
        ("POST", f"/v1/payments/{UNKNOWN}/sandbox", {"behaviour": "succeeds"}),
    ],
)
def test_strangers_are_asked_to_sign_in_and_what_is_unknown_is_not_found(
    client: Client, member: Headers, method: str, path: str, body: Any
) -> None:
    keyed = {"Idempotency-Key": "k"}
    assert client.request(method, path, json=body, headers=keyed).status_code == 401
    known = client.request(method, path, json=body, headers={**keyed, **member})
    assert known.status_code == (200 if path == "/v1/investments" and method == "GET" else 404)


def test_members_do_not_expire_reservations(client: Client, admin: Headers, member: Headers) -> None:
    one = invested(client, member, project(client, admin))
    wish = {"user_id": one["user_id"], "investment_id": one["id"], "early": True}
    assert post(client, "/investments/expirations", member, "e", wish).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/investments", {"offer": "pearls", "notes": "x" * 1_001}, {"#/project_id", "#/offer", "#/notes"}),
        (
            "/investments",
            {"project_id": UNKNOWN, "offer": "ruche", "provider": "mine", "points": 9},
            {"#/provider", "#/points"},
        ),
        (f"/payments/{UNKNOWN}/sandbox", {"behaviour": "explodes"}, {"#/behaviour"}),
        (
            "/investments/expirations",
            {"user_id": 5, "early": "yes"},
            {"#/user_id", "#/investment_id", "#/early"},
        ),
    ],
)
def test_every_fault_of_a_wish_is_listed_with_its_place(
    client: Client, admin: Headers, path: str, body: Any, pointers: set[str]
) -> None:
    answer = post(client, path, admin, "k", body)
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/investments", {"project_id": UNKNOWN, "offer": "ruche"}),
        ("/withdrawals", {"kind": "investment", "contribution_id": UNKNOWN}),
        (f"/payments/{UNKNOWN}/sandbox", {"behaviour": "fails"}),
    ],
)
def test_what_moves_money_needs_an_idempotency_key(
    client: Client, member: Headers, path: str, body: Any
) -> None:
    answer = client.post(f"/v1{path}", json=body, headers=member)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


def test_a_type_that_does_not_fit_the_project_changes_nothing(
    client: Client, admin: Headers, member: Headers
) -> None:
    wish = {"project_id": project(client, admin), "offer": "olivier"}
    answer = post(client, "/investments", member, "k", wish)
    assert (answer.status_code, answer.json()["code"], answer.json()["expected"]) == (
        422,
        "investment_type_mismatch",
        "ruche",
    )
    assert client.get("/v1/investments", headers=member).json()["items"] == []


def test_where_the_sandbox_is_switched_off_there_is_no_way_to_pretend() -> None:
    with client_on(MemoryContainer(settings=Settings(sandbox=False))) as client:
        admin = signed_in(client, "admin@example.org", role="admin")
        member = signed_in(client, "member-1@example.org")
        answer = post(client, f"/payments/{UNKNOWN}/sandbox", member, "k", {"behaviour": "succeeds"})
        assert (answer.status_code, answer.json()["kind"]) == (404, "sandbox")
        wish = {"project_id": project(client, admin), "offer": "ruche"}
        away = post(client, "/investments", member, "k", wish)
        assert (away.status_code, away.json()["code"]) == (503, "gateway_unavailable")
