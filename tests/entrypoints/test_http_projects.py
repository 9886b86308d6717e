"""Projects over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from edge import UNKNOWN, Client, Headers, memory_client, signed_in
from wishes import Fund, a_producer, a_project, take_share

from baobab.domain import shared


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


@pytest.fixture
def producer_id(client: Client, admin: Headers) -> str:
    answer = client.post("/v1/producers", json=msgspec.to_builtins(a_producer()), headers=admin)
    return str(answer.json()["id"])


def body(producer_id: str = UNKNOWN, slug: str = "ruches-du-vercors", **facts: Any) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(a_project(UUID(producer_id), slug))
    return built | facts


def revision(version: int, **facts: Any) -> dict[str, Any]:
    fixed = {"type", "producer_id"}
    return {name: value for name, value in body(**facts).items() if name not in fixed} | {"version": version}


def published(client: Client, admin: Headers, producer_id: str, slug: str, **facts: Any) -> dict[str, Any]:
    made = client.post("/v1/projects", json=body(producer_id, slug, **facts), headers=admin).json()
    for version, status in enumerate(("review", "active"), 1):
        wish = {"status": status, "version": version}
        answer = client.post(f"/v1/projects/{made['id']}/status", json=wish, headers=admin)
        assert answer.status_code == 200, answer.text
        made = answer.json()
    return dict(made)


def test_a_project_is_drafted_reviewed_and_published(
    client: Client, admin: Headers, producer_id: str
) -> None:
    drafted = client.post("/v1/projects", json=body(producer_id), headers=admin)
    assert (drafted.status_code, drafted.json()["status"]) == (201, "draft")
    assert client.get("/v1/projects/ruches-du-vercors").status_code == 404
    assert client.get("/v1/projects/ruches-du-vercors", headers=admin).json() == drafted.json()
    path = f"/v1/projects/{drafted.json()['id']}/status"
    early = client.post(path, json={"status": "active", "version": 1}, headers=admin)
    assert (early.status_code, early.json()["code"]) == (409, "project_transition_forbidden")
    client.post(path, json={"status": "review", "version": 1}, headers=admin)
    opened = client.post(path, json={"status": "active", "version": 2}, headers=admin).json()
    assert client.get("/v1/projects/ruches-du-vercors").json() == opened


def test_a_project_shows_its_money_in_cents_beside_the_currency(
    client: Client, admin: Headers, producer_id: str
) -> None:
    made = published(client, admin, producer_id, "ruches", target_cents=20_000)
    share = Fund(project_id=UUID(made["id"]), cents=5_000)
    operator = shared.Actor(role="service")
    client.blocking_portal.call(lambda: client.app.state.runner(take_share, share, actor=operator))
    assert client.get("/v1/projects/ruches").json()["funding"] == {
        "target": {"amount": 20_000, "currency": "EUR"},
        "limit": {"amount": 20_000, "currency": "EUR"},
        "taken": {"amount": 5_000, "currency": "EUR"},
        "progress_bp": 2_500,
        "supporters": 1,
    }


def test_projects_are_listed_in_pages_by_what_they_are(
    client: Client, admin: Headers, producer_id: str
) -> None:
    published(client, admin, producer_id, "one", labels=["bio"], featured=True)
    published(client, admin, producer_id, "two", type="vineyard", labels=["bio", "local"])
    client.post("/v1/projects", json=body(producer_id, "three"), headers=admin)

    def slugs(query: str, who: Headers | None = None) -> list[str]:
        return [one["slug"] for one in client.get(f"/v1/projects?{query}", headers=who).json()["items"]]

    assert slugs("") == ["two", "one"]
    assert slugs("", admin) == ["three", "two", "one"]
    assert slugs("status=draft", admin) == ["three"]
    assert slugs("status=draft") == []
    assert slugs("type=vineyard&label=local") == ["two"]
    assert slugs("featured=true") == ["one"]
    assert slugs(f"producer_id={producer_id}&featured=false") == ["two"]
    assert slugs(f"producer_id={UNKNOWN}") == []
    first = client.get("/v1/projects?limit=1").json()
    assert slugs(f"limit=1&cursor={first['next_cursor']}") == ["one"]


def test_a_project_is_replaced_at_the_version_that_was_read(
    client: Client, admin: Headers, producer_id: str
) -> None:
    path = f"/v1/projects/{published(client, admin, producer_id, 'one')['id']}"
    changed = client.put(path, json=revision(3, slug="two", name="Ruches"), headers=admin)
    assert (changed.status_code, changed.json()["version"], changed.json()["type"]) == (200, 4, "beehive")
    assert client.get("/v1/projects/one").json() == client.get("/v1/projects/two").json()
    stale = client.put(path, json=revision(3), headers=admin)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    fixed = client.put(path, json={**revision(4), "type": "vineyard"}, headers=admin)
    assert [fault["pointer"] for fault in fixed.json()["errors"]] == ["#/type"]


def test_what_a_rule_forbids_is_named(client: Client, admin: Headers, producer_id: str) -> None:
    published(client, admin, producer_id, "one")
    refusals = {
        "project_slug_taken": body(producer_id, "one"),
        "not_found": body(UNKNOWN, "two"),
        "ceiling_below_target": body(producer_id, "two", funding_policy="ceiling", ceiling_cents=1),
        "project_dates_reversed": body(
            producer_id, "two", launch_date="2026-02-01", maturity_date="2026-01-01"
        ),
    }
    answers = {code: client.post("/v1/projects", json=wish, headers=admin) for code, wish in refusals.items()}
    assert [answer.json()["code"] for answer in answers.values()] == list(refusals)
    assert [answer.status_code for answer in answers.values()] == [409, 404, 422, 422]
    client.post(
        f"/v1/producers/{producer_id}/status", json={"status": "inactive", "version": 1}, headers=admin
    )
    resting = client.post("/v1/projects", json=body(producer_id, "two"), headers=admin)
    assert (resting.status_code, resting.json()["code"]) == (409, "producer_not_active")
    assert len(client.get("/v1/projects", headers=admin).json()["items"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "wish"),
    [
        ("POST", "/v1/projects", body()),
        ("PUT", f"/v1/projects/{UNKNOWN}", revision(1)),
        ("POST", f"/v1/projects/{UNKNOWN}/status", {"status": "review", "version": 1}),
    ],
)
def test_only_administrators_write_projects(
    client: Client, admin: Headers, method: str, path: str, wish: dict[str, Any]
) -> None:
    member = signed_in(client, "member-1@example.org")
    assert client.request(method, path, json=wish).status_code == 401
    assert client.request(method, path, json=wish, headers=member).status_code == 403
    assert client.request(method, path, json=wish, headers=admin).status_code == 404


def test_every_fault_of_a_project_is_listed_with_its_place(client: Client, admin: Headers) -> None:
    wrong = body(
        slug="Not A Slug",
        target_cents=0,
        ceiling_cents="much",
        launch_date="tomorrow",
        images=["https://example.org/1.jpg", "ftp://example.org/2.jpg"],
        labels=["bio", "a\x00b"],
        impact_metrics={"area_m2": 1.5},
        place={"latitude": 91, "longitude": 0, "region": "Pole", "country": "FR"},
        supporters=7,
    )
    answer = client.post("/v1/projects", json=wrong, headers=admin)
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "#/slug",
        "#/target_cents",
        "#/ceiling_cents",
        "#/launch_date",
        "#/images/1",
        "#/labels/1",
        "#/impact_metrics/area_m2",
        "#/place/latitude",
        "#/supporters",
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/projects/none", 404),
        (f"/v1/projects/{UNKNOWN}", 404),
        ("/v1/projects/%00", 400),
        ("/v1/projects?status=open", 400),
        ("/v1/projects?featured=perhaps", 400),
        ("/v1/projects?label=a%00b", 400),
        ("/v1/projects?producer_id=1", 400),
        ("/v1/projects?cursor=nonsense", 400),
        ("/v1/projects?near=Die", 400),
    ],
)
def test_what_is_not_there_or_not_asked_well_is_a_problem(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
