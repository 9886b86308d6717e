"""Subscribing over HTTP: plans, a year, its projects, its end, and thinking again."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from dependency_injector import providers
from edge import UNKNOWN, Client, Headers, client_on, signed_in
from wishes import a_producer, a_project

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Settings
from builders import Clock

numbers = count(1)
CLOCK = Clock()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    container = MemoryContainer(settings=Settings())
    container.clock.override(providers.Object(CLOCK))
    with client_on(container) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


@pytest.fixture
def member(client: Client, admin: Headers) -> Headers:
    return checked(client, admin, f"member-{next(numbers)}@example.org")


def checked(client: Client, admin: Headers, email: str) -> Headers:
    """The headers of a new member of whom somebody saw who they are."""
    headers = signed_in(client, email)
    path = f"/v1/members/{me(client, headers)}/checks"
    asked = client.post(path, json={"level": 2}, headers=admin).json()
    verdict = {"verdict": "verified", "reason": "seen in person"}
    assert client.post(f"{path}/{asked['id']}/decision", json=verdict, headers=admin).status_code < 300
    return headers


def me(client: Client, who: Headers) -> str:
    id: str = client.get("/v1/members/me", headers=who).json()["user_id"]
    return id


def post(client: Client, path: str, who: Headers, key: str, body: Any = None) -> Any:
    return client.post(f"/v1{path}", json=body, headers={**who, "Idempotency-Key": key})


def project(client: Client, admin: Headers) -> str:
    number = next(numbers)
    producer = msgspec.to_builtins(a_producer(f"rucher-{number}"))
    made = client.post("/v1/producers", json=producer, headers=admin).json()
    wish = msgspec.to_builtins(a_project(made["id"], f"ruches-{number}", target_cents=100_000))
    id: str = client.post("/v1/projects", json=wish, headers=admin).json()["id"]
    for version, status in enumerate(("review", "active"), 1):
        moved = {"status": status, "version": version}
        assert client.post(f"/v1/projects/{id}/status", json=moved, headers=admin).status_code == 200
    return id


def begun(client: Client, who: Headers, *project_ids: str) -> dict[str, Any]:
    """A subscription that is paid."""
    choices = [{"project_id": one, "weight": 1} for one in project_ids]
    wish = {"plan": "ambassadeur_standard", "projects": choices}
    asked = post(client, "/subscriptions", who, "subscribe", wish)
    assert (asked.status_code, asked.json()["state"]) == (201, "pending"), asked.text
    path = f"/payments/{asked.json()['payment']['id']}/sandbox"
    paid = post(client, path, who, "pay", {"behaviour": "repeats"})
    assert (paid.status_code, paid.json()["state"]) == (200, "active"), paid.text
    one: dict[str, Any] = paid.json()
    return one


def test_everybody_sees_what_a_year_costs_and_grants(client: Client) -> None:
    found = client.get("/v1/plans").json()["items"]
    assert [(one["code"], one["price"]["amount"], one["points"]) for one in found] == [
        ("ambassadeur_standard", 20_000, 280),
        ("ambassadeur_premium", 35_000, 525),
    ]


def test_a_member_subscribes_pays_and_sees_where_the_money_went(
    client: Client, admin: Headers, member: Headers
) -> None:
    project_id = project(client, admin)
    one = begun(client, member, project_id)
    path = f"/v1/subscriptions/{one['id']}"
    assert client.get(path, headers=member).json() == one
    assert client.get("/v1/subscriptions", headers=member).json()["items"] == [one]
    [charge] = client.get(f"{path}/charges", headers=member).json()["items"]
    assert charge["portions"] == [{"project_id": project_id, "amount": {"amount": 20_000, "currency": "EUR"}}]
    assert client.get("/v1/points/balance", headers=member).json()["available"] == 280
    assert client.get("/v1/members/me", headers=member).json()["level"] == "ambassadeur"
    again = post(client, "/subscriptions", member, "another", {"plan": "ambassadeur_premium"})
    assert (again.status_code, again.json()["code"]) == (409, "already_subscribed")
    assert client.get(f"{path}?user_id={one['user_id']}", headers=admin).json() == one


def test_the_plan_and_the_projects_are_chosen_anew(client: Client, admin: Headers, member: Headers) -> None:
    one = begun(client, member)
    path = f"/v1/subscriptions/{one['id']}"
    chosen = client.put(f"{path}/plan", json={"plan": "ambassadeur_premium"}, headers=member)
    assert (chosen.status_code, chosen.json()["next_plan"]) == (200, "ambassadeur_premium")
    wish = {"projects": [{"project_id": project(client, admin), "weight": 2}]}
    placed = client.put(f"{path}/projects", json=wish, headers=member)
    assert (placed.status_code, placed.json()["charge"]["unplaced"]["amount"]) == (200, 0)
    assert placed.json()["projects"] == wish["projects"]
    for body in ({"projects": [{"project_id": UNKNOWN, "weight": 0}]}, {"projects": [{"share": 1}]}):
        assert client.put(f"{path}/projects", json=body, headers=member).status_code == 400


def test_a_subscription_is_cancelled_and_resumed(client: Client, member: Headers) -> None:
    one = begun(client, member)
    path = f"/v1/subscriptions/{one['id']}/cancellation"
    for _ in range(2):
        asked = client.post(path, headers=member)
        assert (asked.status_code, asked.json()["cancel_at_period_end"]) == (200, True)
    resumed = client.delete(path, headers=member)
    assert (resumed.status_code, resumed.json()["cancel_at_period_end"]) == (200, False)


def test_an_administrator_stops_a_subscription_with_a_reason(
    client: Client, admin: Headers, member: Headers
) -> None:
    one = begun(client, member)
    wish = {"user_id": one["user_id"], "reason": "asked by telephone"}
    path = f"/subscriptions/{one['id']}/stop"
    assert post(client, path, member, "s", wish).status_code == 403
    stopped = post(client, path, admin, "s", wish)
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    refused = client.delete(f"/v1/subscriptions/{one['id']}/cancellation", headers=member)
    assert (refused.status_code, refused.json()["code"]) == (409, "subscription_stopped")


def test_who_thinks_again_sees_first_what_comes_back(client: Client, admin: Headers, member: Headers) -> None:
    one = begun(client, member)
    spend = {"user_id": one["user_id"], "amount": 30, "source_id": UNKNOWN}
    assert post(client, "/points/spends", admin, f"s-{one['id']}", spend).status_code == 201
    wish = {"kind": "subscription", "contribution_id": one["id"]}
    shown = client.post("/v1/withdrawals/preview", json=wish, headers=member)
    back = post(client, "/withdrawals", member, "w", wish)
    assert (shown.status_code, back.status_code) == (200, 201)
    assert shown.json()["refund"] == back.json()["refund"] == {"amount": 17_000, "currency": "EUR"}
    gone = client.get(f"/v1/subscriptions/{one['id']}", headers=member).json()
    assert (gone["state"], gone["payment"]["state"]) == ("withdrawn", "refunded")


def test_a_service_renews_what_is_due(client: Client, admin: Headers, member: Headers) -> None:
    one = begun(client, member)
    nothing = post(client, f"/subscriptions/{one['id']}/payment", member, "now")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_pay")
    assert client.post("/v1/subscriptions/renewals", json={}, headers=member).status_code == 403
    before = CLOCK.now
    CLOCK.advance(days=29)
    renewed = client.post("/v1/subscriptions/renewals", json={"limit": 5}, headers=admin)
    CLOCK.now = before
    assert (renewed.status_code, renewed.json()["due"]) == (200, 0)


def test_what_is_somebody_else_s_is_not_found(client: Client, admin: Headers, member: Headers) -> None:
    one = begun(client, member)
    other = checked(client, admin, f"member-{next(numbers)}@example.org")
    path, owner = f"/v1/subscriptions/{one['id']}", one["user_id"]
    for query in (path, f"{path}/charges", f"{path}?user_id={owner}", f"/v1/subscriptions?user_id={owner}"):
        assert client.get(query, headers=other).status_code == 404, query
    assert client.post(f"{path}/cancellation", headers=other).status_code == 404
    assert client.put(f"{path}/plan", json={"plan": "ambassadeur_premium"}, headers=other).status_code == 404
    assert post(client, f"/subscriptions/{one['id']}/payment", other, "p").status_code == 404
    wish = {"kind": "subscription", "contribution_id": one["id"]}
    assert post(client, "/withdrawals", other, "w", wish).status_code == 404
    assert client.get(path, headers=member).json() == one
