"""Bad input of every kind, to every operation of the document: a problem document, never a 500, and nothing
changes. What each rule refuses by name is stated beside its context; here only the document is known."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from document import OPERATIONS
from edge import UNKNOWN, Client, Headers, memory_client, session_of, signed_in

from baobab.adapters.memory.storage import MemoryStorage
from baobab.application.identity import ATTEMPTS, PROOFS
from baobab.application.work import RUNS, Kind

WITH_BODY = {name: one for name, one in OPERATIONS.items() if "requestBody" in one[2]}
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**15,
    10**40,
    "",
    "\x00",
    "x" * 20_000,
    [],
    [None],
    {},
    {"a": {"b": []}},
)
LISTINGS = ("/v1/products/{product_id}/variants/{variant_id}/stock/movements",)
"""What lists nothing for an id that is not known."""
TRIED = ("identity.charge", "identity.look_at_proof", "identity.take_proof", "identity.accept_email")
NEVER_JSON = (
    b"",
    b"{",
    b"\xff",
    b'{"a":"\xff"}',
    b'{"\xed\xa0\x80":1}',
    b"null",
    b"[]",
    b"1",
    b'"text"',
    b"{}x",
    b"[" * 3_000,
    b'{"a":NaN}',
)


class Watched(MemoryStorage):
    """A storage that says what was written since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[tuple[Kind[Any], tuple[object, ...]], Any] = {}

    def _commit(self, written: Mapping[tuple[Kind[Any], tuple[object, ...]], Any]) -> None:
        super()._commit(written)
        self._written |= written

    def news(self) -> list[Any]:
        """All but what somebody tried: guesses are written down though they are refused."""
        written, self._written = self._written, {}
        tried = {key for (kind, key), run in written.items() if kind is RUNS and run.name in TRIED}
        there = {at: one for at, one in written.items() if at[0] not in (ATTEMPTS, PROOFS)}
        return [one for (_, key), one in there.items() if key not in tried]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with memory_client(Watched()) as opened:
        yield opened


@pytest.fixture(scope="module")
def administrator(client: Client) -> UUID:
    headers = signed_in(client, "admin@example.org", role="admin")
    return UUID(client.get("/v1/members/me", headers=headers).json()["user_id"])


@pytest.fixture
def admin(client: Client, administrator: UUID) -> Headers:
    """A session of its own for each test: some of them end it."""
    return session_of(client, administrator)


def body_of(operation: dict[str, Any]) -> Any:
    content = operation["requestBody"]["content"]["application/json"]
    return copy.deepcopy(content["examples"]["example"]["value"])


KNOWN = {"{provider}": "sandbox"}
"""What is no id, and must be right for anything behind it to be looked at."""


def at(path: str, value: str | None = None) -> str:
    """The address of a path, with a value for each of its parameters."""
    parts = (
        (value or KNOWN.get(part, UNKNOWN)) if part.startswith("{") else part for part in path.split("/")
    )
    return "/".join(parts)


def complete(path: str, operation: dict[str, Any]) -> str:
    """The address with the parameters that it must have, too."""
    needed = [
        one["name"] for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]
    ]
    return at(path) + "".join(f"{'&' if place else '?'}{name}={UNKNOWN}" for place, name in enumerate(needed))


def refused(client: Client, method: str, path: str, headers: Headers, content: Any) -> int:
    """Send it; the status of the problem, or 0 where it was accepted."""
    given = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {**headers, "Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    storage: Watched = client.app.state.runner._storage
    storage.news()
    answer = client.request(method, path, content=given, headers=headers)
    client.blocking_portal.call(client.app.state.gate.later.done)
    assert answer.status_code < 500, (method, path, content, answer.text)
    if answer.status_code < 400:
        return 0
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["code"]
    assert storage.news() == []
    return answer.status_code


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY.values(), ids=WITH_BODY)
def test_what_is_no_json_object_is_refused(
    client: Client, admin: Headers, method: str, path: str, operation: dict[str, Any]
) -> None:
    for content in NEVER_JSON:
        assert refused(client, method, at(path), admin, content) == 400, content


@pytest.mark.parametrize("field", ["email", "password"])
def test_a_text_that_is_not_utf_8_is_refused_with_its_fault(client: Client, field: str) -> None:
    body = b'{"email":"member-9@example.org","password":"correct horse battery","name":"x"}'
    wrong = body.replace(b'"%s":"' % field.encode(), b'"%s":"\xff\xfe' % field.encode())
    answer = client.post("/v1/members", content=wrong, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["detail"].startswith("not JSON")


@pytest.mark.parametrize(
    "said", ["text/plain", "application/x-www-form-urlencoded", "application/xjson", None]
)
def test_what_does_not_say_that_it_is_json_is_refused(client: Client, said: str | None) -> None:
    """Pages of other origins can send those without asking: in nobody's name, but from many addresses."""
    headers = {"Content-Type": said} if said else {}
    answer = client.post("/v1/passwords/mail", content=b'{"email":"a@example.org"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("said", ["application/json", "Application/Merge-Patch+JSON; charset=utf-8"])
def test_what_says_that_it_is_json_is_taken(client: Client, said: str) -> None:
    body, headers = b'{"email":"%s@example.org"}' % uuid4().hex.encode(), {"Content-Type": said}
    assert client.post("/v1/passwords/mail", content=body, headers=headers).status_code == 202


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY.values(), ids=WITH_BODY)
def test_an_unknown_field_is_refused(
    client: Client, admin: Headers, method: str, path: str, operation: dict[str, Any]
) -> None:
    body = {**body_of(operation), "no_such_field": 1}
    assert refused(client, method, at(path), admin, body) == 400


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY.values(), ids=WITH_BODY)
def test_a_wrong_value_in_any_field_never_breaks_anything(
    client: Client, admin: Headers, method: str, path: str, operation: dict[str, Any]
) -> None:
    whole = body_of(operation)
    statuses = [
        refused(client, method, at(path), admin, {**whole, name: wrong}) for name in whole for wrong in WRONG
    ]
    assert not whole or 400 in statuses


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS.values(), ids=OPERATIONS)
def test_wrong_parameters_never_break_anything(
    client: Client, administrator: UUID, method: str, path: str, operation: dict[str, Any]
) -> None:
    queries = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    body = body_of(operation) if "requestBody" in operation else b""
    admin = session_of(client, administrator)
    for wrong in ("", "-1", "0", "x" * 3_000, "%00", "%ff", "1e9", UNKNOWN):
        for name in queries:
            if not refused(client, method, f"{at(path)}?{name}={wrong}", admin, body):
                admin = session_of(client, administrator)  # some sign out
    assert refused(client, method, f"{at(path)}?no_such_parameter=1", admin, body) == 400


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS.values(), ids=OPERATIONS)
def test_unknown_ids_and_strangers_never_break_anything(
    client: Client, admin: Headers, method: str, path: str, operation: dict[str, Any]
) -> None:
    body = body_of(operation) if "requestBody" in operation else b""
    if "{" in path:
        for wrong in (UNKNOWN, "0", "x" * 300, "%00", "%F0%9F", "'; drop table baobab.lot; --"):
            status = refused(client, method, at(path, wrong), admin, body)
            assert status in (400, 404) or (path in LISTINGS and status == 0), wrong
    if "anonymous" not in operation["x-roles"]:
        assert refused(client, method, complete(path, operation), {}, body) == 401


def test_no_operation_that_moves_anything_works_without_a_key(client: Client, admin: Headers) -> None:
    moving = [
        (method, path, operation)
        for method, path, operation in WITH_BODY.values()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    ]
    for method, path, operation in moving:
        answer = client.request(method, complete(path, operation), json=body_of(operation), headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing"), path
    assert len(moving) > 10
