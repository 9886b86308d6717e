"""Hostile values, and a database that goes away, on the real PostgreSQL: what memory does not see. Never a
500, never a wait without end; and what was answered once holds."""

import asyncio
import json
import random
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from besieged import NOTHING, Aim, Town, besieged, body_of
from document import DOCUMENT, OPERATIONS

ADMIN = "admin@example.org"
SCHEMAS = DOCUMENT["components"]["schemas"]
BODIES = [name for name, (_, _, operation) in OPERATIONS.items() if "requestBody" in operation]
PUBLIC_WRITES = ("identity_sign_up", "identity_sign_in")
"""They hash a password each time; what they take is tried where it costs nothing."""


@pytest.fixture(scope="module")
def town(migrated: Callable[[], str]) -> Iterator[Town]:
    with besieged(migrated()) as opened:
        for email in (ADMIN, "member-2@example.org"):
            opened.headers(email)
        yield opened


# --- values that PostgreSQL cannot keep ---------------------------------------------------------


class Raw(str):
    """JSON as it stands."""


def unlikely(length: int) -> str:
    """A text that no index can compress."""
    chance = random.Random(length)
    return "".join(chr(chance.randrange(0x1F300, 0x1F600)) for _ in range(length))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema


def leaves(
    schema: dict[str, Any], at: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every place of a body where a single value stands, with what it may be."""
    schema = resolved(schema)
    for choice in schema.get("oneOf", ()) or schema.get("anyOf", ()):
        yield from leaves(choice, at)
    for name, part in schema.get("properties", {}).items():
        yield from leaves(part, (*at, name))
    if "items" in schema:
        yield from leaves(schema["items"], (*at, 0))
    if schema.get("type") in ("string", "integer", "number"):
        yield at, schema


def extremes(schema: dict[str, Any]) -> list[Any]:
    """What just passes for such a value, and what just does not."""
    if schema["type"] == "integer":
        bounds = [schema[name] for name in ("minimum", "maximum") if name in schema]
        return [*bounds, 2**31, 2**63 - 1, -(2**63), 2**63, Raw("1e3"), Raw("1" + "0" * 400)]
    if schema["type"] == "number":
        return [schema.get("minimum", 0), schema.get("maximum", 0), Raw("1e-320"), Raw("1e400"), Raw("NaN")]
    if schema.get("format") == "date":
        return ["0001-01-01", "9999-12-31", "0000-01-01"]
    if schema.get("format") == "date-time":
        return ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
    if schema.get("format") == "uuid":
        return [str(uuid4()), "ffffffff-ffff-ffff-ffff-ffffffffffff"]
    longest = unlikely(schema.get("maxLength", 3_000))
    return ["x\0y", "\x1b\x7f", "\u202e\ufeff{0}%s", longest, Raw(r'"x\ud800y"'), Raw(r'"\udfff"')]


def encoded(body: Any) -> bytes:
    """JSON, with what is raw as it stands."""
    if isinstance(body, Raw):
        return body.encode()
    if isinstance(body, dict):
        return b"{" + b",".join(json.dumps(k).encode() + b":" + encoded(v) for k, v in body.items()) + b"}"
    if isinstance(body, list):
        return b"[" + b",".join(map(encoded, body)) + b"]"
    return json.dumps(body).encode()


def put(body: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The body with another value at a place; None where the example has no such place."""
    if not at:
        return value
    if isinstance(body, dict) and at[0] in body:
        return {**body, at[0]: put(body[at[0]], at[1:], value)}
    if isinstance(body, list) and body:
        return [put(body[0], at[1:], value), *body[1:]]
    return None


def fresh(body: Any) -> Any:
    """What must be unique is not yet taken."""
    new = {"slug": f"slug-{uuid4().hex}", "sku": f"SKU-{uuid4().hex}", "email": f"{uuid4()}@example.org"}
    return {key: new.get(key, value) for key, value in body.items()}


@pytest.fixture(scope="module")
def aim(town: Town) -> Aim:
    """One real thing of each kind: of one member, where they have one."""
    targets, found = town.of_others(), {}
    [owner] = targets.pop("member")
    for aims in targets.values():
        mine = [one for one in aims if one.get("user_id", owner["user_id"]) == owner["user_id"]]
        found |= [*aims, *mine][-1]
    return found | {"parent_id": found["category_id"], "day": "2026-03-02", "provider": "sandbox"}


async def of_all(town: Town, wishes: list[tuple[str, str, bytes]]) -> list[httpx.Response]:
    """The administrator's answers, sixteen at a time."""
    several = asyncio.Semaphore(16)
    headers = {**town.headers(ADMIN), "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=town.address, timeout=120) as client:

        async def one(method: str, path: str, content: bytes) -> httpx.Response:
            async with several:
                key = {"Idempotency-Key": str(uuid4())}
                return await client.request(method, path, content=content, headers=headers | key)

        return list(await asyncio.gather(*(one(*wish) for wish in wishes)))


def place(path: str, aim: Aim) -> str:
    return "/".join(
        aim.get(part[1:-1], NOTHING) if part.startswith("{") else part for part in path.split("/")
    )


def check(answers: list[httpx.Response]) -> Counter[int]:
    """How often each status came; none may be a fault of the server."""
    for answer in answers:
        assert answer.status_code < 500, (answer.request.url, answer.request.content[:500], answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
    return Counter(answer.status_code for answer in answers)


async def test_no_value_of_any_field_is_too_much_for_postgresql(town: Town, aim: Aim) -> None:
    """Neither to be written nor to be read again."""
    wishes = []
    for name in BODIES:
        method, path, operation = OPERATIONS[name]
        whole_body = body_of(operation, aim)
        if name in PUBLIC_WRITES:
            whole_body["password"] = "short"
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        places = [(at, kind) for at, kind in leaves(schema) if at != ("password",)]
        bodies = [put(fresh(whole_body), at, value) for at, kind in places for value in extremes(kind)]
        wishes += [(method, place(path, aim), encoded(body)) for body in bodies if body is not None]
    statuses = check(await of_all(town, wishes))
    assert statuses[400] > 500
    assert statuses[200] + statuses[201] > 200, "what only just passes is kept"
    assert check(await of_all(town, readings(aim))).keys() <= {200, 404}


WITH_GROUNDS = ("/v1/members/{user_id}/export",)
"""What of another's is told only to who says on what grounds."""


def readings(aim: Aim) -> list[tuple[str, str, bytes]]:
    """Everything that is read, listings as long as they may be."""
    wishes = []
    for method, path, operation in OPERATIONS.values():
        long = any(one["name"] == "limit" for one in operation.get("parameters", ()))
        needed = {one["name"] for one in operation.get("parameters", ()) if one.get("required")}
        if (
            method == "GET"
            and needed <= {part[1:-1] for part in path.split("/")}
            and path not in WITH_GROUNDS
        ):
            wishes.append((method, place(path, aim) + "?limit=100" * long, b""))
    return wishes


async def test_no_parameter_is_too_much_for_postgresql(town: Town, aim: Aim) -> None:
    places = (
        "0",
        "-1",
        str(2**63 - 1),
        str(2**63),
        "9" * 5_000,
        "\0",
        "\U0010ffff",
        "0001-01-01",
        str(uuid4()),
    )
    cursors = [urlsafe_b64encode(one.encode()).decode() for one in places]
    odd = ("%00", "%ff", "%ed%a0%80", "%0d%0aX-Evil:1", "9999-12-31", "0001-01-01", str(2**63), "x" * 5_000)
    wishes = []
    for method, path, operation in OPERATIONS.values():
        body = encoded(body_of(operation, aim)) if "requestBody" in operation else b""
        queries = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        for name in queries:
            values = (*odd, *cursors) if name == "cursor" else odd
            wishes += [(method, f"{place(path, aim)}?{name}={value}", body) for value in values]
        if "{" in path and "sessions" not in path:
            wishes += [(method, place(path, dict.fromkeys(aim, value)), body) for value in (*odd, "..%2f")]
        wishes.append((method, place(path, aim) + "?" + "&".join(f"p{n}=1" for n in range(3_000)), body))
    assert check(await of_all(town, wishes)).keys() == {200, 400, 404, 422}


# --- a database that goes away ------------------------------------------------------------------


class Crowd:
    """64 clients who read and write, and try again with the same key when they are told to."""

    def __init__(self, town: Town, client: httpx.AsyncClient) -> None:
        self.client, self.headers = client, town.headers(ADMIN)
        self.statuses: Counter[int] = Counter()
        self.done: Counter[str] = Counter()
        self.goes_on = True

    async def ask(self, method: str, path: str, key: str = "", body: Any = None) -> int:
        headers = {**self.headers, "Idempotency-Key": key} if key else self.headers
        answer = await self.client.request(method, path, json=body, headers=headers)
        self.statuses[answer.status_code] += 1
        assert answer.status_code != 503 or answer.headers["retry-after"] == "1"
        return answer.status_code

    async def read(self) -> None:
        while self.goes_on:
            for path in ("/v1/points/balance", "/v1/orders", "/v1/products", "/health/ready"):
                await self.ask("GET", path)

    async def write(self, user_id: str) -> None:
        while self.goes_on:
            body, key = {"user_id": user_id, "funded": 1, "source_id": str(uuid4())}, str(uuid4())
            status = 503
            while status == 503:
                status = await self.ask("POST", "/v1/points/earnings", key, body)
            assert status == 201
            self.done[user_id] += 1


async def kill(database_url: str, times: int) -> None:
    """End every connection to the database, again and again."""
    connection = await asyncpg.connect(database_url)
    try:
        for _ in range(times):
            await asyncio.sleep(0.2)
            await connection.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
    finally:
        await connection.close()


async def newcomer(client: httpx.AsyncClient) -> str:
    """The id of a new member."""
    wish = {"email": f"member-{uuid4()}@example.org", "password": "correct-horse", "name": "Member"}
    answer = await client.post("/v1/members", json=wish)
    return str(answer.json()["member"]["user_id"])


async def test_a_database_that_goes_away_costs_nobody_an_answer_and_doubles_nothing(town: Town) -> None:
    async with httpx.AsyncClient(base_url=town.address, timeout=60) as client:
        users = [await newcomer(client) for _ in range(4)]
        crowd = Crowd(town, client)
        clients = [crowd.write(users[n % 4]) if n % 2 else crowd.read() for n in range(64)]
        crowds = asyncio.gather(*clients)
        await kill(town.database_url, times=15)
        crowd.goes_on = False
        await crowds
        assert crowd.statuses.keys() <= {200, 201, 503}
        assert sum(crowd.done.values()) > 50
        headers = town.headers(ADMIN)
        for user_id in users:
            answer = await client.get(f"/v1/points/balance?user_id={user_id}", headers=headers)
            assert answer.json()["balance"] == crowd.done[user_id]
