"""A body nested deeper than anything we take is refused, whatever it was to be, and harms nobody."""

from collections.abc import Callable, Iterator

import pytest
from document import OPERATIONS
from edge import Client, memory_client, signed_in

from baobab.entrypoints.http.app import MOST_BODY

DEPTHS = (64, 1_000, 20_000, MOST_BODY // 2 - 100)
BODIES = {
    name: method
    for name, (method, path, operation) in OPERATIONS.items()
    if "requestBody" in operation and "{" not in path
}
NESTS = {
    "lists": lambda depth: b"[" * depth + b"]" * depth,
    "objects": lambda depth: b'{"a":' * (depth // 3) + b"1" + b"}" * (depth // 3),
    "lists in a field": lambda depth: b'{"name":' + b"[" * (depth - 9) + b"]" * (depth - 9) + b"}",
    "lists without an end": lambda depth: b"[" * depth,
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
def test_a_deep_body_is_malformed(client: Client, nest: Callable[[int], bytes], depth: int) -> None:
    answer = client.post(
        "/v1/sessions",
        content=nest(depth),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert client.get("/health/live").status_code == 200


def test_every_operation_refuses_a_deep_body(client: Client) -> None:
    headers = signed_in(client, "member-1@example.org", role="admin") | {"Content-Type": "application/json"}
    deep = b"[" * 100_000 + b"]" * 100_000
    for number, name in enumerate(BODIES):
        method, path, _ = OPERATIONS[name]
        answer = client.request(
            method, path, content=deep, headers=headers | {"Idempotency-Key": str(number)}
        )
        assert answer.status_code in (400, 404), (name, answer.text)
