"""Seals, proofs and verification over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from dependency_injector import providers
from edge import Client, Headers, client_on, signed_in

from baobab.application import points
from baobab.application.points.sealing import ProofView, proof_of
from baobab.domain.points import seals
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.program import OPERATOR
from baobab.entrypoints.settings import Settings
from builders import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[Client]:
    container = MemoryContainer(settings=Settings())
    container.clock.override(providers.Object(clock))
    with client_on(container) as opened:
        yield opened


@pytest.fixture
def mine(client: Client) -> tuple[str, Headers]:
    """A member with 40 points, beside one with 7."""
    found = []
    for number, amount in ((1, 40), (2, 7)):
        headers = signed_in(client, f"member-{number}@example.org")
        user_id = client.get("/v1/members/me", headers=headers).json()["user_id"]
        found.append((user_id, headers))
        earn = points.Earn(user_id=UUID(user_id), funded=amount, source_id=uuid4())
        client.blocking_portal.call(
            lambda earn=earn: client.app.state.runner(points.earn, earn, actor=OPERATOR)
        )
    return found[0]


@pytest.fixture
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


@pytest.fixture
def sealed(client: Client, mine: tuple[str, Headers], admin: Headers) -> dict[str, Any]:
    answer = client.post("/v1/points/seals", json={}, headers=admin)
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def test_anybody_reads_the_published_totals(client: Client, sealed: dict[str, Any]) -> None:
    assert (sealed["total"], sealed["accounts"], sealed["day"]) == (47, 2, "2026-03-02")
    assert client.get("/v1/points/seals").json() == {"items": [sealed], "next_cursor": None}
    assert client.get(f"/v1/points/seals/{sealed['day']}").json() == sealed
    assert client.get("/v1/points/seals/2020-01-01").status_code == 404
    assert client.get("/v1/points/seals?unit=pearls").json()["items"] == []


def test_a_day_is_sealed_once(client: Client, clock: Clock, sealed: dict[str, Any], admin: Headers) -> None:
    clock.advance(minutes=1)
    assert client.post("/v1/points/seals", json={"unit": "points"}, headers=admin).json() == sealed
    clock.advance(days=-1)
    answer = client.post("/v1/points/seals", json={}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "seal_out_of_order")
    clock.advance(days=2)
    following = client.post("/v1/points/seals", json={}, headers=admin).json()
    assert (following["number"], following["previous"]) == (2, sealed["hash"])
    answer = client.post("/v1/points/seals", json={"unit": "shells"}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_unit")


def test_only_administrators_seal(client: Client, mine: tuple[str, Headers]) -> None:
    assert client.post("/v1/points/seals", json={}).status_code == 401
    assert client.post("/v1/points/seals", json={}, headers=mine[1]).status_code == 403
    assert client.get("/v1/points/seals").json()["items"] == []


def test_a_member_reads_a_proof_that_holds(
    client: Client, sealed: dict[str, Any], mine: tuple[str, Headers]
) -> None:
    answer = client.get("/v1/points/proof", headers=mine[1])
    assert answer.status_code == 200
    assert (answer.json()["user_id"], answer.json()["balance"]) == (mine[0], 40)
    proof = proof_of(msgspec.json.decode(answer.content, type=ProofView))
    seals.check_proof(proof, bytes.fromhex(sealed["root"]))
    assert client.get(f"/v1/points/proof?day={sealed['day']}", headers=mine[1]).json() == answer.json()


def test_a_proof_is_for_its_owner_and_for_administrators(
    client: Client, sealed: dict[str, Any], mine: tuple[str, Headers], admin: Headers
) -> None:
    path = f"/v1/points/proof?user_id={mine[0]}"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=admin).json()["balance"] == 40
    stranger = signed_in(client, "member-4@example.org")
    assert client.get(path, headers=stranger).status_code == 404
    answer = client.get("/v1/points/proof", headers=stranger)
    assert (answer.status_code, answer.json()["kind"]) == (404, "sealed account")
    answer = client.get("/v1/points/proof?day=2020-01-01", headers=mine[1])
    assert (answer.status_code, answer.json()["kind"]) == (404, "seal")


def test_a_member_verifies_their_own_accounts(
    client: Client, mine: tuple[str, Headers], admin: Headers
) -> None:
    answer = client.get("/v1/points/verification", headers=mine[1]).json()
    assert (answer["accounts"], answer["postings"], answer["broken"]) == (1, 1, 0)
    assert answer["findings"] == []
    assert "chain" in answer["checks"]
    path = f"/v1/points/verification?user_id={mine[0]}"
    assert client.get(path, headers=admin).json()["accounts"] == 1
    assert client.get(path, headers=signed_in(client, "member-4@example.org")).status_code == 404
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("path", ["seals/yesterday", "seals?limit=0", "seals?cursor=x", "seals?unit="])
def test_what_is_malformed_is_refused(client: Client, path: str) -> None:
    assert client.get(f"/v1/points/{path}").status_code == 400
