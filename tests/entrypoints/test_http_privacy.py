"""The audit trail and privacy over HTTP."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from edge import UNKNOWN, Client, Headers, memory_client, signed_in

HOME = {"street": "Rue de Fer 1", "city": "Namur", "postal_code": "5000", "country": "BE"}


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture
def member(client: Client) -> Headers:
    return signed_in(client, "member-1@example.org")


@pytest.fixture
def admin(client: Client) -> Headers:
    return signed_in(client, "admin-1@example.org", role="admin")


def id_of(client: Client, who: Headers) -> str:
    return str(client.get("/v1/members/me", headers=who).json()["user_id"])


def test_a_member_downloads_everything_as_a_zip(client: Client, member: Headers) -> None:
    answer = client.get("/v1/members/me/export", headers=member)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    owner = id_of(client, member)
    assert answer.headers["content-disposition"] == f'attachment; filename="baobab-{owner}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert json.loads(archive.read("login.json"))[0]["value"] == "member-1@example.org"
        assert b"member-1@example.org" in archive.read("member.csv")
        assert json.loads(archive.read("manifest.json"))["user_id"] == owner


def test_the_data_of_another_are_for_administrators_on_grounds(
    client: Client, member: Headers, admin: Headers
) -> None:
    path = f"/v1/members/{id_of(client, member)}/export"
    assert client.get(path, headers=member).status_code == 200
    assert client.get(path, headers=admin).json()["code"] == "grounds_needed"
    assert client.get(path, params={"grounds": "law"}, headers=admin).status_code == 200
    stranger = signed_in(client, "member-2@example.org")
    assert client.get(path, headers=stranger).status_code == 404
    assert client.get(path).status_code == 401


def test_a_member_is_erased_and_told_what_stays(client: Client, member: Headers, admin: Headers) -> None:
    owner = id_of(client, member)
    answer = client.post("/v1/members/me/erasure", json={}, headers=member)
    assert answer.status_code == 200
    assert answer.json()["state"] == "done"
    assert "command_log" in [one["table"] for one in answer.json()["kept"]]
    assert client.get("/v1/members/me", headers=member).status_code == 401
    shown = client.get(f"/v1/members/{owner}/erasure", headers=admin)
    assert shown.json() == answer.json()
    assert client.get(f"/v1/members/{UNKNOWN}/erasure", headers=admin).status_code == 404
    assert signed_in(client, "member-1@example.org") != member


def test_an_administrator_erases_a_member_once_they_are_free(
    client: Client, member: Headers, admin: Headers
) -> None:
    owner, own = id_of(client, member), id_of(client, admin)
    bound = client.post(f"/v1/members/{own}/erasure", json={"grounds": "law"}, headers=admin)
    assert bound.status_code == 409
    assert bound.json()["code"] == "member_bound"
    assert [one["code"] for one in bound.json()["obstacles"]] == ["role_held"]
    for _ in range(2):
        done = client.post(f"/v1/members/{owner}/erasure", json={"grounds": "request"}, headers=admin)
        assert done.json()["state"] == "done"
    assert client.post(f"/v1/members/{owner}/erasure", json={}, headers=admin).status_code == 400


def test_the_trail_says_who_did_what_to_which_record(client: Client, member: Headers, admin: Headers) -> None:
    owner, boss = id_of(client, member), id_of(client, admin)
    body = {"version": 1, "display_name": "Ash", "address": HOME}
    assert client.put(f"/v1/members/{owner}/profile", json=body, headers=member).status_code == 200
    wish = {"reason": "They asked for a pause."}
    assert client.put(f"/v1/members/{owner}/suspension", json=wish, headers=admin).status_code < 300
    found = client.get("/v1/audit", params={"record": f"member/{owner}", "limit": 2}, headers=admin).json()
    newest, before = found["items"]
    assert (newest["name"], newest["actor_id"], newest["role"]) == ("identity.suspend", boss, "admin")
    changed = {one["table"]: one for one in newest["changes"]}
    assert changed["member"]["new"]["status"] == "suspended"
    assert newest["address"] == "testclient"
    assert "Rue de Fer" not in json.dumps(found)
    assert before["actor_id"] == owner
    assert found["next_cursor"]
    whole = client.get(
        "/v1/audit/entry", params={"user_id": before["user_id"], "key": before["key"]}, headers=admin
    ).json()
    assert "Rue de Fer 1" in json.dumps(whole["personal"])


def test_a_member_sees_what_touched_them_and_the_whole_trail_is_for_administrators(
    client: Client, member: Headers
) -> None:
    mine = client.get("/v1/audit/mine", headers=member).json()["items"]
    assert "identity.verify_member" in [one["name"] for one in mine]
    assert client.get("/v1/audit", headers=member).status_code == 403
    assert client.get("/v1/audit", headers=member | {}, params={"who": "me"}).status_code == 403
    assert client.get("/v1/audit/mine").status_code == 401


def test_what_the_books_did_needs_a_time(client: Client, admin: Headers) -> None:
    answer = client.get("/v1/audit", params={"books": "true"}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "books_need_time")
