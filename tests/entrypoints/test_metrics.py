"""What the service counts, and who is told."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from edge import Client, client_on, memory_client, signed_in
from prometheus_client.parser import text_string_to_metric_families

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.watch import BUCKETS, Watch
from baobab.entrypoints.settings import Settings


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


def figures(client: Client) -> dict[tuple[str, ...], float]:
    """Every figure by its name and its labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_requests_are_counted_by_operation_and_status_and_timed(client: Client) -> None:
    headers = signed_in(client, "member-1@example.org")
    for _ in range(3):
        client.get("/v1/members/me", headers=headers)
    client.get("/v1/members/me")
    client.get("/nowhere")
    found = figures(client)
    assert found["baobab_requests_total", "identity_me", "200"] == 3
    assert found["baobab_requests_total", "identity_me", "401"] == 1
    assert found["baobab_requests_total", "none", "404"] == 1
    assert found["baobab_request_seconds_count", "identity_me"] == 4
    assert found["baobab_request_seconds_sum", "identity_me"] > 0
    assert found["baobab_request_seconds_bucket", "+Inf", "identity_me"] == 4


def test_what_nobody_has_asked_for_by_that_name_makes_no_figure(client: Client) -> None:
    """Else whoever tries addresses would fill the memory of two programs."""
    for number in range(50):
        client.get(f"/nowhere/{number}")
    assert {key[1] for key in figures(client) if key[0] == "baobab_requests_total"} == {"none"}


def test_queues_batches_and_refusals_are_told(client: Client) -> None:
    signed_in(client, "member-1@example.org")
    client.app.state.door.limits.refused = 7
    found = figures(client)
    assert found["baobab_batches_total",] >= 1
    assert found["baobab_commands_total",] >= 1
    assert found["baobab_rate_limited_total",] == 7
    for name in ("requests_inside", "commands_waiting", "batches_under_way", "connections_busy"):
        assert found[f"baobab_{name}",] == 0
    assert found["baobab_connections_awaited",] == found["baobab_passwords_waiting",] == 0


class From:
    def __init__(self, address: str) -> None:
        self._address = address

    def of(self, scope: Any) -> str:
        return self._address

    def is_sure(self, scope: Any) -> bool:
        return True


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("", 200),
        ("10.0.0.7", 200),
        ("192.0.2.1", 404),
        ("2001:db8::1", 404),
    ],
)
def test_figures_are_told_to_those_who_may_ask(address: str, status: int) -> None:
    settings = Settings(metrics_from="127.0.0.0/8, ::1, 10.0.0.7")
    with client_on(MemoryContainer(settings=settings)) as client:
        client.app.state.door.addresses = From(address)
        assert client.get("/metrics").status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_figures_are_not_told_to_the_world_by_a_proxy_that_nobody_listed(header: str) -> None:
    """Such a proxy stands on the same machine, and asks from its address for everybody."""
    with client_on(MemoryContainer(settings=Settings())) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_a_time_falls_into_the_bucket_that_is_not_smaller() -> None:
    watch = Watch()
    for seconds in (BUCKETS[0], BUCKETS[0] * 1.01, 1_000):
        watch.see({"state": {}, "method": "GET"}, seconds)
    times = watch.times["none"]
    assert (times[0], times[1], times[-1], sum(times)) == (1, 1, 1, 3)
    assert watch.requests["none", 0] == 3


async def test_a_password_that_is_hashed_is_counted() -> None:
    secrets = MemoryContainer(settings=Settings()).secrets()
    hashing = asyncio.create_task(secrets.hash("correct horse battery"))
    await asyncio.sleep(0)
    assert secrets.waiting == 1
    await hashing
    assert secrets.waiting == 0
