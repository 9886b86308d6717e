"""What is kept of people, over HTTP."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from edge import UNKNOWN, Client, Headers, memory_client, signed_in
from wishes import a_producer, a_project

PROFILE = {
    "version": 1,
    "display_name": "Olive",
    "given_name": "O.",
    "birth_date": "1990-05-01",
    "phone": "+32470123456",
    "address": {"street": "Rue de Fer 1", "city": "Namur", "postal_code": "5000", "country": "BE"},
    "bio": "Grows thyme.",
    "links": [{"network": "website", "url": "https://example.org/olive"}],
    "preferences": {"language": "en"},
}
FOUND = {"verdict": "verified", "reason": "The papers are right."}


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


def id_of(client: Client, who: Headers) -> str:
    return str(client.get("/v1/members/me", headers=who).json()["user_id"])


def ask(client: Client, who: Headers, level: int = 1) -> dict[str, Any]:
    """A check of one's own that waits."""
    path = f"/v1/members/{id_of(client, who)}/checks"
    answer = client.post(path, json={"level": level, "evidence": "file 12"}, headers=who)
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def test_a_profile_is_empty_then_replaced_and_the_name_that_others_see_with_it(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    path = f"/v1/members/{id_of(client, mine)}/profile"
    empty = client.get(path, headers=mine).json()
    assert (empty["version"], empty["display_name"], empty["birth_date"]) == (1, "Member", None)
    replaced = client.put(path, json=PROFILE, headers=mine)
    assert replaced.status_code == 200
    assert replaced.json() == client.get(path, headers=mine).json()
    assert replaced.json() | PROFILE | {"version": 2} == replaced.json()
    assert client.get("/v1/members/me", headers=mine).json()["name"] == "Olive"


def test_a_stale_version_and_a_birth_to_come_are_refused(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    path = f"/v1/members/{id_of(client, mine)}/profile"
    unborn = client.put(path, json=PROFILE | {"birth_date": "2999-01-01"}, headers=mine)
    assert (unborn.status_code, unborn.json()["code"]) == (422, "birth_date_implausible")
    stale = client.put(path, json=PROFILE | {"version": 7}, headers=mine)
    assert (stale.status_code, stale.json()["current"]) == (409, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "0470 12 34 56"),
        ("phone", "+0470123456"),
        ("birth_date", "01/05/1990"),
        ("display_name", " "),
        ("avatar_url", "javascript:alert(1)"),
        ("preferences", {"language": "de"}),
        ("links", [{"network": "myspace", "url": "https://example.org"}]),
        ("links", [{"network": "website", "url": "https://example.org"}] * 11),
        ("bio", "x" * 1_001),
        ("shoe_size", 42),
    ],
)
def test_what_does_not_fit_a_profile_is_named_by_its_place(client: Client, field: str, value: Any) -> None:
    mine = signed_in(client, "member-1@example.org")
    path = f"/v1/members/{id_of(client, mine)}/profile"
    refused = client.put(path, json=PROFILE | {field: value}, headers=mine)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"].startswith(f"#/{field}")


def test_another_members_things_do_not_exist_for_a_member_but_do_for_an_administrator(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    other = signed_in(client, "member-2@example.org")
    admin = signed_in(client, "admin@example.org", role="admin")
    user_id = id_of(client, mine)
    for what in ("profile", "level", "level/changes", "limits", "checks", "consents", "consents/history"):
        path = f"/v1/members/{user_id}/{what}"
        assert client.get(path, headers=other).status_code == 404, what
        assert client.get(path, headers=admin).status_code == 200, what
        assert client.get(path, headers=mine).status_code == 200, what
    assert client.put(f"/v1/members/{user_id}/profile", json=PROFILE, headers=other).status_code == 404
    assert client.post(f"/v1/members/{user_id}/checks", json={"level": 1}, headers=other).status_code == 404


def test_a_member_that_is_not_there_has_nothing(client: Client) -> None:
    admin = signed_in(client, "admin@example.org", role="admin")
    for what in ("profile", "level", "level/changes", "limits", "checks", "consents", "consents/history"):
        assert client.get(f"/v1/members/{UNKNOWN}/{what}", headers=admin).status_code == 404
    asked = client.post(f"/v1/members/{UNKNOWN}/checks", json={"level": 1}, headers=admin)
    assert asked.status_code == 404


def test_a_check_is_asked_for_decided_and_revoked(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    admin = signed_in(client, "admin@example.org", role="admin")
    check = ask(client, mine, level=2)
    assert (check["status"], check["provider"], check["evidence"]) == ("pending", "manual", "file 12")
    assert [one["id"] for one in client.get("/v1/checks", headers=admin).json()["items"]] == [check["id"]]
    path = f"/v1/members/{check['user_id']}/checks"
    decided = client.post(f"{path}/{check['id']}/decision", json=FOUND, headers=admin)
    assert (decided.status_code, decided.json()["status"]) == (200, "verified")
    assert client.get(path, headers=mine).json()["level"] == 2
    assert client.get("/v1/checks", headers=admin).json()["items"] == []
    gone = client.post(f"{path}/{check['id']}/revocation", json={"reason": "Forged."}, headers=admin)
    assert (gone.status_code, gone.json()["revoked_reason"]) == (200, "Forged.")
    now = client.get(path, headers=mine).json()
    assert (now["level"], [one["status"] for one in now["checks"]]) == (0, ["revoked"])


def test_checks_are_decided_by_administrators_and_not_on_their_own(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    admin = signed_in(client, "admin@example.org", role="admin")
    check = ask(client, mine)
    path = f"/v1/members/{check['user_id']}/checks/{check['id']}/decision"
    assert client.post(path, json=FOUND, headers=mine).status_code == 403
    assert client.get("/v1/checks", headers=mine).status_code == 403
    own = ask(client, admin)
    refused = client.post(
        f"/v1/members/{own['user_id']}/checks/{own['id']}/decision", json=FOUND, headers=admin
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "own_check")


def test_a_second_check_and_a_second_decision_are_refused(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    admin = signed_in(client, "admin@example.org", role="admin")
    check = ask(client, mine)
    path = f"/v1/members/{check['user_id']}/checks"
    again = client.post(path, json={"level": 2}, headers=mine)
    assert (again.status_code, again.json()["code"]) == (409, "check_under_way")
    failed = {"verdict": "failed", "reason": "The photo is unreadable."}
    assert client.post(f"{path}/{check['id']}/decision", json=failed, headers=admin).status_code == 200
    twice = client.post(f"{path}/{check['id']}/decision", json=FOUND, headers=admin)
    assert (twice.status_code, twice.json()["code"]) == (409, "check_not_pending")
    nothing = client.post(f"{path}/{UNKNOWN}/decision", json=FOUND, headers=admin)
    assert nothing.status_code == 404


def test_consent_is_given_and_withdrawn_by_oneself_and_every_word_is_kept(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    path = f"/v1/members/{id_of(client, mine)}/consents"
    known = client.get(path, headers=mine).json()["items"]
    assert {(one["purpose"], one["given"], one["at"]) for one in known} == {
        ("terms", False, None),
        ("privacy", False, None),
        ("newsletter", False, None),
        ("analytics", False, None),
    }
    wish = {"purpose": "newsletter", "given": True, "text_version": known[0]["current_text"]}
    assert client.post("/v1/consents", json=wish, headers=mine).json()["given"] is True
    gone = client.post("/v1/consents", json={"purpose": "newsletter", "given": False}, headers=mine)
    assert (gone.status_code, gone.json()["given"]) == (200, False)
    lines = client.get(f"{path}/history?limit=1", headers=mine).json()
    assert [one["given"] for one in lines["items"]] == [False]
    rest = client.get(f"{path}/history?cursor={lines['next_cursor']}", headers=mine).json()
    assert [one["given"] for one in rest["items"]] == [True]


def test_consent_to_an_old_text_or_to_nothing_known_is_refused(client: Client) -> None:
    mine = signed_in(client, "member-1@example.org")
    old = {"purpose": "terms", "given": True, "text_version": "1999"}
    refused = client.post("/v1/consents", json=old, headers=mine)
    assert (refused.status_code, refused.json()["code"]) == (422, "text_outdated")
    unknown = client.post("/v1/consents", json=old | {"purpose": "moonlight"}, headers=mine)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_purpose")


def project(client: Client, admin: Headers) -> str:
    """A project with room for some hives."""
    producer = msgspec.to_builtins(a_producer("rucher"))
    made = client.post("/v1/producers", json=producer, headers=admin).json()
    wish = msgspec.to_builtins(a_project(made["id"], "ruches", target_cents=50_000))
    id: str = client.post("/v1/projects", json=wish, headers=admin).json()["id"]
    for version, status in enumerate(("review", "active"), 1):
        client.post(f"/v1/projects/{id}/status", json={"status": status, "version": version}, headers=admin)
    return id


def invest(client: Client, who: Headers, project_id: str, key: str) -> Any:
    wish = {"project_id": project_id, "offer": "ruche"}
    return client.post("/v1/investments", json=wish, headers={**who, "Idempotency-Key": key})


def test_beyond_a_hundred_euros_a_check_is_needed_and_the_refusal_says_so(client: Client) -> None:
    admin = signed_in(client, "admin@example.org", role="admin")
    mine = signed_in(client, "member-1@example.org")
    hives = project(client, admin)
    assert [invest(client, mine, hives, key).status_code for key in ("one", "two")] == [201, 201]
    limits = client.get(f"/v1/members/{id_of(client, mine)}/limits", headers=mine).json()
    assert (limits["level"], limits["limit"]["amount"], limits["left"]["amount"]) == (0, 10_000, 0)
    assert [room["amount"]["amount"] for room in limits["comes_back"]] in ([10_000], [5_000, 5_000])
    refused = invest(client, mine, hives, "three")
    assert (refused.status_code, refused.json()["code"]) == (422, "contribution_limit")
    facts = {"limit_cents": 10_000, "contributed_cents": 10_000, "asked_cents": 5_000, "needed_level": 1}
    assert refused.json() | facts == refused.json()
    check = ask(client, mine)
    decision = f"/v1/members/{check['user_id']}/checks/{check['id']}/decision"
    assert client.post(decision, json=FOUND, headers=admin).status_code == 200
    assert invest(client, mine, hives, "three").status_code == 201


def test_nobody_invests_before_their_email_is_verified(client: Client) -> None:
    hives = project(client, signed_in(client, "admin@example.org", role="admin"))
    wish = {"email": "member-1@example.org", "password": "correct horse", "name": "Member"}
    mine = {"Authorization": f"Bearer {client.post('/v1/members', json=wish).json()['token']}"}
    refused = invest(client, mine, hives, "one")
    assert (refused.status_code, refused.json()["code"]) == (403, "email_not_verified")
    limits = client.get(f"/v1/members/{id_of(client, mine)}/limits", headers=mine).json()
    assert (limits["email_verified"], limits["left"]["amount"]) == (False, 0)
