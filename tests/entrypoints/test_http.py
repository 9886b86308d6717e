"""The conventions of the HTTP edge: problems, keys, pages, parameters, health, the document."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dependency_injector import providers
from litestar import Litestar
from litestar.testing import TestClient

from baobab.application.runner import IdempotencyKeyReused
from baobab.domain import points, shared
from baobab.entrypoints.container import MemoryContainer, NoDatabase
from baobab.entrypoints.http import problems
from baobab.entrypoints.http.app import CONTEXTS, build
from baobab.entrypoints.http.errors import status_of
from baobab.entrypoints.http.examples import example_of
from baobab.entrypoints.http.openapi import as_json
from baobab.entrypoints.settings import Settings

Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def app() -> Litestar:
    return build(MemoryContainer(settings=Settings()))


@pytest.fixture(scope="module")
def client(app: Litestar) -> Iterator[Client]:
    with TestClient(app) as opened:
        yield opened


@pytest.fixture(scope="module")
def signed(client: Client) -> dict[str, Any]:
    body = {"email": "member-1@example.org", "password": "correct horse", "name": "Member One"}
    answer: dict[str, Any] = client.post("/v1/members", json=body).json()
    return answer


@pytest.fixture(scope="module")
def mine(signed: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed['token']}"}


def test_a_problem_document_has_its_fields_and_its_facts(client: Client, mine: dict[str, str]) -> None:
    answer = client.get("/v1/points/balance?unit=shells", headers=mine)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/unknown_unit",
        "title": "Unknown unit",
        "status": 422,
        "detail": "There is no unit shells.",
        "code": "unknown_unit",
        "instance": "/v1/points/balance",
        "unit": "shells",
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("DELETE", "/v1/points/balance", 405, "method_not_allowed"),
        ("GET", "/v1/points/balance", 401, "unauthenticated"),
        ("GET", "/v1/members/not-an-id", 404, "not_found"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_who_must_sign_in_is_told_how(client: Client) -> None:
    assert client.get("/v1/members/me").headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic YTpi", "Bearer", "Bearer " + "A" * 88])
def test_credentials_that_are_none_are_refused(client: Client, header: str) -> None:
    assert client.get("/v1/members/me", headers={"Authorization": header}).status_code == 401


def test_every_fault_of_a_body_is_listed_with_its_place(client: Client) -> None:
    answer = client.post("/v1/members", json={"email": 5, "name": " ", "extra": True})
    assert answer.status_code == 400
    assert {(fault["pointer"], fault["detail"].split(" ")[0]) for fault in answer.json()["errors"]} == {
        ("#/password", "is"),
        ("#/email", "Expected"),
        ("#/name", "Expected"),
        ("#/extra", "is"),
    }


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b"[1]", b'"text"', b"null", b"[" * 5_000])
def test_a_body_that_is_no_command_is_malformed(client: Client, body: bytes) -> None:
    answer = client.post("/v1/members", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#")


def test_a_huge_body_is_refused(client: Client) -> None:
    answer = client.post("/v1/members", content=b" " * 300_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_an_unknown_parameter_is_an_error_that_names_the_known_ones(
    client: Client, mine: dict[str, str]
) -> None:
    answer = client.get("/v1/points/balance?units=points", headers=mine)
    assert (answer.status_code, answer.json()["name"], answer.json()["known"]) == (
        400,
        "units",
        "unit, user_id",
    )


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "cursor=%00", "cursor=bm8="])
def test_a_wrong_parameter_is_malformed(client: Client, mine: dict[str, str], query: str) -> None:
    answer = client.get(f"/v1/points/statement?{query}", headers=mine)
    assert answer.status_code == 400, answer.text


def test_what_moves_points_needs_an_idempotency_key(client: Client, mine: dict[str, str]) -> None:
    answer = client.post("/v1/points/gifts", json={}, headers=mine)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin it"])
def test_a_key_that_is_none_is_refused(client: Client, mine: dict[str, str], key: str) -> None:
    body = {"session_id": "01a1fe03-aa47-77f7-a8ae-7c75fabce465"}
    answer = client.delete(f"/v1/sessions/{body['session_id']}", headers={**mine, "Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


def test_a_request_id_comes_back_and_a_bad_one_is_replaced(client: Client) -> None:
    assert client.get("/health/live", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    forged = client.get("/health/live", headers={"X-Request-Id": "abc level=error"}).headers["x-request-id"]
    assert " " not in forged
    made = client.get("/v1/nowhere", headers={"X-Request-Id": "x" * 200}).headers["x-request-id"]
    assert len(made) == 36


def test_health_says_that_it_lives_and_is_ready(client: Client) -> None:
    assert client.get("/health/live").json()["status"] == "ok"
    assert client.get("/health/ready").json()["status"] == "ready"


def test_the_page_to_browse_the_document_needs_no_other_host(client: Client) -> None:
    page = client.get("/schema").text
    assert re.findall(r"""(?:src|href)=["'](?!/schema/assets/)""", page) == []
    assert client.get("/schema/assets/swagger-ui-bundle.js").status_code == 200
    assert client.get("/schema/openapi.json").json()["openapi"].startswith("3.1")


def test_every_operation_has_a_summary_an_id_examples_and_its_problems(client: Client) -> None:
    document = client.get("/schema/openapi.json").json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) > 20
    for one in operations:
        assert one["summary"], one["operationId"]
        assert {"400", "503"} <= set(one["responses"]), one["operationId"]
        answers = [body for code, body in one["responses"].items() if code[0] == "2" and "content" in body]
        bodies = [*answers, *([one["requestBody"]] if "requestBody" in one else [])]
        shown = [content for body in bodies for kind, content in body["content"].items() if "json" in kind]
        assert all(content["examples"] for content in shown), one["operationId"]


def test_no_name_in_the_document_tells_in_which_module_a_thing_stands(client: Client) -> None:
    """An operation is named by its context, a schema by its class: code may be moved, and clients stay."""
    document = client.get("/schema/openapi.json").json()
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    contexts = {context.__name__.rpartition(".")[2] for context in CONTEXTS}
    assert {id.partition("_")[0] for id in ids} == contexts
    assert [name for name in document["components"]["schemas"] if "_" in name] == []


def test_every_example_of_a_body_would_be_accepted(app: Litestar) -> None:
    tried = 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if (field := handler.parsed_data_field) is not None:
                msgspec.convert(example_of(field.annotation), field.annotation)
                tried += 1
    assert tried > 10


def test_every_problem_is_explained_at_its_address(client: Client) -> None:
    for meaning in problems.meanings():
        assert client.get(f"/problems/{meaning.code}").json()["status"] == meaning.status
    assert client.get("/problems/no_such_thing").status_code == 404


def test_an_error_has_the_status_of_its_branch() -> None:
    assert status_of(points.InsufficientPoints) == 422
    assert status_of(points.HoldClosed) == 409
    assert status_of(IdempotencyKeyReused) == 422
    assert status_of(shared.DomainError) == 500


def test_our_own_mistake_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(NoDatabase):
        async def check(self) -> None:
            raise RuntimeError("a secret of the inside")

    container = MemoryContainer(settings=Settings())
    container.database.override(providers.Singleton(Broken))
    with TestClient(build(container), raise_server_exceptions=False) as client:
        answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "a secret of the inside" in caplog.text


def test_the_committed_reference_pages_are_those_of_the_code(app: Litestar, client: Client) -> None:
    pages = Path(__file__).parents[2] / "docs" / "reference"
    assert (pages / "problems.md").read_text() == problems.as_markdown()
    assert (pages / "openapi.json").read_text() == as_json(app)
    assert client.get("/schema/openapi.json").json() == json.loads(as_json(app))
