"""The reports of the ledger over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from edge import Client, Headers, client_on, memory_client, signed_in

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Settings

TOTALS = ("liability", "periods", "coverage", "limited-network")


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


@pytest.fixture
def member(client: Client, admin: Headers) -> Headers:
    return spends(client, admin)


def spends(client: Client, admin: Headers) -> Headers:
    """A member with 50 points that were paid for and 15 on top, who spent 20."""
    headers = signed_in(client, "member-1@example.org")
    user_id = client.get("/v1/members/me", headers=headers).json()["user_id"]
    for path, facts in (("earnings", {"funded": 50, "bonus": 15}), ("spends", {"amount": 20})):
        body = {"user_id": user_id, "source_id": str(uuid4()), **facts}
        moved = client.post(
            f"/v1/points/{path}", json=body, headers={**admin, "Idempotency-Key": str(uuid4())}
        )
        assert moved.status_code == 201
    return headers


def read(client: Client, path: str, headers: Headers, **params: Any) -> Any:
    answer = client.get(f"/v1/points/{path}", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: Client, path: str, headers: Headers, **params: Any) -> tuple[int, str]:
    answer = client.get(f"/v1/points/{path}", headers=headers, params=params)
    return answer.status_code, answer.json()["code"]


def test_a_member_reads_what_was_theirs_at_an_instant(client: Client, member: Headers) -> None:
    now = read(client, "balance/as-of", member)
    assert (now["balance"], now["euros"]["amount"], now["sequence"]) == (45, 4_500, 3)
    assert len(bytes.fromhex(now["hash"])) == 32
    before = read(client, "balance/as-of", member, at="2026-01-01T00:00:00Z")
    assert (before["balance"], before["sequence"], before["hash"]) == (0, 0, "")
    unknown = read(client, "balance/as-of", member, at=now["at"], known_at=now["at"])
    assert unknown["known_at"] == now["at"]


def test_a_member_reads_what_they_will_have(client: Client, member: Headers) -> None:
    found = read(client, "forecast", member, months=24)
    assert [found["months"][place]["balance"] for place in (0, 23)] == [45, 0]
    assert sum(one["expiring"] for one in found["months"]) == 45


def test_what_cannot_be_asked_is_refused_by_name(client: Client, member: Headers, admin: Headers) -> None:
    assert refused(client, "balance/as-of", member, at="2999-01-01T00:00:00Z") == (422, "not_known_yet")
    assert refused(client, "balance/as-of", member, unit="shells") == (422, "unknown_unit")
    assert refused(client, "balance/as-of", member, at="2026-01-01T00:00:00")[0] == 400
    assert refused(client, "forecast", member, months=37)[0] == 400
    assert refused(client, "periods", admin, last="2999-01") == (422, "month_to_come")
    assert refused(client, "periods", admin, last="yesterday")[0] == 400


def test_totals_are_for_administrators(client: Client, member: Headers) -> None:
    for path in TOTALS:
        assert refused(client, path, member) == (403, "forbidden")


def test_the_totals_agree(client: Client, member: Headers, admin: Headers) -> None:
    owed = read(client, "liability", admin)
    assert owed["euros"] == {"amount": 4_500, "currency": "EUR"}
    assert [(one["unit"], one["funded"], one["bonus"]) for one in owed["units"]] == [("points", 45, 0)]
    assert read(client, "liability", admin, unit="points")["units"] == owed["units"]
    month = read(client, "periods", admin, months=1)["months"][0]
    assert (month["issuance"], month["redemption"], month["closing_balance"]) == (65, 20, 45)
    covered = read(client, "coverage", admin)
    assert (covered["liability"], covered["issued_elsewhere"]) == (owed["euros"], 50)


def test_the_limited_network_is_measured_against_the_threshold_that_is_set() -> None:
    settings = Settings(limited_network_cents=2_500)
    with client_on(MemoryContainer(settings=settings)) as client:
        admin = signed_in(client, "admin@example.org", role="admin")
        spends(client, admin)
        found = read(client, "limited-network", admin)
    assert (found["redeemed"]["amount"], found["threshold"]["amount"]) == (2_000, 2_500)
    assert (found["share_bp"], found["alert"], found["exceeded"]) == (8_000, True, False)
