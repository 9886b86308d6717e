"""Members and sessions over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from edge import as_operator, client_on
from litestar import Litestar
from litestar.testing import TestClient

from baobab.application import identity
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Settings

Client = TestClient[Litestar]
PASSWORD = "correct horse"


@pytest.fixture
def client() -> Iterator[Client]:
    with client_on(MemoryContainer(settings=Settings())) as opened:
        yield opened


def sign_up(client: Client, email: str) -> tuple[dict[str, Any], dict[str, str]]:
    answer = client.post("/v1/members", json={"email": email, "password": PASSWORD, "name": "Member"})
    assert answer.status_code == 201
    return answer.json(), {"Authorization": f"Bearer {answer.json()['token']}"}


def test_sign_up_read_oneself_and_sign_out(client: Client) -> None:
    signed, mine = sign_up(client, "member-1@example.org")
    assert client.get("/v1/members/me", headers=mine).json() == signed["member"]
    assert client.delete("/v1/sessions/current", headers=mine).status_code == 200
    assert client.get("/v1/members/me", headers=mine).status_code == 401


def verify(client: Client, user_id: str) -> None:
    as_operator(client, identity.verify_member, identity.OfMember(user_id=UUID(user_id)))


def test_sign_in_again_and_close_the_first_session(client: Client) -> None:
    first, _ = sign_up(client, "member-1@example.org")
    verify(client, first["member"]["user_id"])
    again = client.post("/v1/sessions", json={"email": "MEMBER-1@example.org", "password": PASSWORD})
    mine = {"Authorization": f"Bearer {again.json()['token']}"}
    assert client.delete(f"/v1/sessions/{first['session']['id']}", headers=mine).json()["revoked_at"]
    listed = client.get("/v1/sessions?limit=1", headers=mine).json()
    assert (len(listed["items"]), listed["items"][0]["current"]) == (1, True)
    rest = client.get(f"/v1/sessions?limit=1&cursor={listed['next_cursor']}", headers=mine).json()
    assert rest["items"][0]["id"] == first["session"]["id"]


def test_a_wrong_password_is_refused_and_a_known_email_is_answered_like_any_other(client: Client) -> None:
    first, _ = sign_up(client, "member-1@example.org")
    verify(client, first["member"]["user_id"])
    wrong = client.post("/v1/sessions", json={"email": "member-1@example.org", "password": "no"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
    again, _ = sign_up(client, "member-1@example.org")
    new, _ = sign_up(client, "member-2@example.org")
    assert again.keys() == new.keys()
    assert again["member"].keys() == new["member"].keys()
    assert (again["member"]["verified_at"], new["member"]["verified_at"]) == (None, None)


def test_another_member_does_not_exist_for_a_member(client: Client) -> None:
    other, _ = sign_up(client, "member-2@example.org")
    _, mine = sign_up(client, "member-1@example.org")
    assert client.get(f"/v1/members/{other['member']['user_id']}", headers=mine).status_code == 404
    assert client.delete(f"/v1/sessions/{other['session']['id']}", headers=mine).status_code == 404
    assert client.get("/v1/members", headers=mine).status_code == 403


def test_an_administrator_lists_members_and_gives_roles(client: Client) -> None:
    signed, mine = sign_up(client, "admin@example.org")
    make_admin = identity.SetRole(user_id=UUID(signed["member"]["user_id"]), role="admin")
    as_operator(client, identity.set_role, make_admin)
    other, _ = sign_up(client, "member-2@example.org")
    assert [one["email"] for one in client.get("/v1/members", headers=mine).json()["items"]] == [
        "member-2@example.org",
        "admin@example.org",
    ]
    path = f"/v1/members/{other['member']['user_id']}/role"
    refused = client.put(path, json={"role": "partner_staff"}, headers=mine)
    assert (refused.status_code, refused.json()["code"]) == (422, "producer_needed")
    assert client.put(path, json={"role": "admin"}, headers=mine).json()["role"] == "admin"
