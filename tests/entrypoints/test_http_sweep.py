"""Sweeps, warnings and opening balances over HTTP: for administrators and services."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from dependency_injector import providers
from edge import Client, Headers, client_on, signed_in

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Settings
from builders import Clock

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def client(clock: Clock) -> Iterator[Client]:
    container = MemoryContainer(settings=Settings())
    container.clock.override(providers.Object(clock))
    with client_on(container) as opened:
        yield opened


def admin(client: Client, number: int = 1) -> Headers:
    return signed_in(client, f"admin-{number}@example.org", role="admin")


def line(reference: str = "A-1", **facts: Any) -> dict[str, Any]:
    whole = {"reference": reference, "member": "member-1@example.org", "amount": 50, "funded": True}
    return {**whole, "expires_at": "2026-03-20", **facts}


def bring(client: Client, headers: Headers, *lines: Any, key: str = "key-1", **more: Any) -> Any:
    params = {"dry_run": more.pop("dry_run")} if "dry_run" in more else {}
    return client.post(
        "/v1/points/openings",
        json={"lines": lines, **more},
        params=params,
        headers={**headers, "Idempotency-Key": key},
    )


def balance(client: Client, headers: Headers) -> int:
    found: int = client.get("/v1/points/balance", headers=headers).json()["balance"]
    return found


def test_opening_balances_are_brought_once_whatever_the_key_is(client: Client) -> None:
    member, boss = signed_in(client, "member-1@example.org"), admin(client)
    first = bring(client, boss, line(), line("A-2", amount=15, funded=False))
    assert first.status_code == 200
    assert first.json() == {
        "accepted": True,
        "ok": 2,
        "already_there": 0,
        "wrong": 0,
        "points": 65,
        "lines": [report(1, "A-1", points=50), report(2, "A-2", points=15)],
    }
    replay = bring(client, boss, line(), line("A-2", amount=15, funded=False))
    assert (replay.headers["idempotent-replayed"], replay.json()) == ("true", first.json())
    again = bring(client, boss, line(), key="key-2").json()
    assert again["lines"] == [report(1, "A-1", outcome="already_there")]
    assert balance(client, member) == 65


def report(number: int, reference: str, **facts: Any) -> dict[str, Any]:
    blank = {"outcome": "ok", "points": 0, "field": "", "code": "", "reason": ""}
    return {"number": number, "reference": reference, **blank, **facts}


def test_a_dry_run_brings_nothing_and_keeps_no_key(client: Client) -> None:
    member, boss = signed_in(client, "member-1@example.org"), admin(client)
    dry = bring(client, boss, line(), dry_run=True)
    assert (dry.status_code, balance(client, member)) == (200, 0)
    done = bring(client, boss, line())
    assert done.json() == dry.json()
    assert balance(client, member) == 50


def test_a_wrong_line_is_reported_and_keeps_the_others_out(client: Client) -> None:
    member, boss = signed_in(client, "member-1@example.org"), admin(client)
    lines = (line(), line("A-2", member="nobody@example.org"))
    refused = bring(client, boss, *lines).json()
    assert (refused["accepted"], refused["ok"], refused["wrong"]) == (False, 1, 1)
    assert (refused["lines"][1]["field"], refused["lines"][1]["code"]) == ("member", "not_found")
    assert balance(client, member) == 0
    skipped = bring(client, boss, *lines, skip_bad=True, key="key-2").json()
    assert (skipped["accepted"], balance(client, member)) == (True, 50)


def test_no_more_than_500_lines_come_at_once_and_not_without_a_key(client: Client) -> None:
    boss = admin(client)
    for lines in ((), tuple(line(f"A-{number}") for number in range(501))):
        refused = bring(client, boss, *lines)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/lines")
    keyless = client.post("/v1/points/openings", json={"lines": [line()]}, headers=boss)
    assert keyless.json()["code"] == "idempotency_key_missing"
    many = bring(client, boss, *(line(f"A-{number}") for number in range(500)))
    assert many.json()["wrong"] == 500


def test_warnings_and_sweeps_go_batch_by_batch_and_say_what_is_left(client: Client, clock: Clock) -> None:
    boss = admin(client)
    for number in range(3):
        signed_in(client, f"member-{number}@example.org")
    bring(client, boss, *(line(f"A-{n}", member=f"member-{n}@example.org") for n in range(3)))
    for what in ("warnings", "sweeps"):
        answers = [
            client.post(f"/v1/points/{what}", json={"unit": "points", "limit": 2}, headers=boss).json()
            for _ in range(3)
        ]
        assert [(one["accounts"], one["lots"], one["points"], one["left"]) for one in answers] == [
            (2, 2, 100, 1),
            (1, 1, 50, 0),
            (0, 0, 0, 0),
        ]
        clock.advance(days=19)


def test_a_request_that_is_sent_again_with_its_key_goes_on(client: Client, clock: Clock) -> None:
    boss = admin(client)
    for number in range(2):
        signed_in(client, f"member-{number}@example.org")
    bring(client, boss, *(line(f"A-{n}", member=f"member-{n}@example.org") for n in range(2)))
    clock.advance(days=20)
    headers = {**boss, "Idempotency-Key": "the same"}
    answers = [client.post("/v1/points/sweeps", json={"limit": 1}, headers=headers).json() for _ in range(2)]
    assert [one["left"] for one in answers] == [1, 0]


@pytest.mark.parametrize("what", ["sweeps", "warnings"])
def test_what_is_asked_wrongly_is_named(client: Client, what: str) -> None:
    boss = admin(client)
    unknown = client.post(f"/v1/points/{what}", json={"unit": "shells"}, headers=boss)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_unit")
    for limit in (0, 501, "many"):
        answer = client.post(f"/v1/points/{what}", json={"limit": limit}, headers=boss)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/limit")


@pytest.mark.parametrize("what", ["sweeps", "warnings", "openings"])
def test_members_have_nothing_done_for_all(client: Client, what: str) -> None:
    headers = {**signed_in(client, "member-1@example.org"), "Idempotency-Key": "key-1"}
    body = {"lines": [line()]} if what == "openings" else {}
    assert client.post(f"/v1/points/{what}", json=body, headers=headers).status_code == 403
    assert client.post(f"/v1/points/{what}", json=body, headers={"Idempotency-Key": "1"}).status_code == 401
