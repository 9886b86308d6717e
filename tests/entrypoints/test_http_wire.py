"""Bytes that are hardly HTTP, and requests that cost much, against a real server: each is answered or sent
away, and the next client is served."""

import asyncio
import socket
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from edge import memory_client, signed_in
from litestar.exceptions import HTTPException
from serving import serving

from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.secrets import Argon2Secrets
from baobab.application.identity import TooManyPasswords
from baobab.application.runner import Runner
from baobab.entrypoints.http.bodies import whole
from baobab.entrypoints.http.faults import MOST_FAULTS

JSON = b"Content-Type: application/json\r\n"
QUOTE = b'{"lines":[]}'


@pytest.fixture(scope="module")
def address(database_url: str) -> Iterator[str]:
    with serving(database_url) as found:
        yield found


def request(
    method: bytes, path: bytes, head: bytes = b"", body: bytes = b"", host: bytes = b"baobab"
) -> bytes:
    return (
        method
        + b" "
        + path
        + b" HTTP/1.1\r\nHost: "
        + host
        + b"\r\nConnection: close\r\n"
        + head
        + b"\r\n"
        + body
    )


def post(head: bytes, body: bytes = QUOTE) -> bytes:
    return request(b"POST", b"/v1/orders/quotes", JSON + head, body)


CHUNKED = b"Transfer-Encoding: chunked\r\n"
MANY_CHUNKS = (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 20 + b"0\r\n\r\n"
WIRE: dict[str, tuple[bytes, int]] = {
    "an unknown method": (request(b"BREW", b"/v1/offers"), 405),
    "a method in lower case": (request(b"get", b"/v1/offers"), 405),
    "a method that reads no body": (request(b"HEAD", b"/v1/offers"), 405),
    "a look at the health": (request(b"HEAD", b"/health/ready"), 200),
    "a question for the methods": (request(b"OPTIONS", b"/v1/offers"), 204),
    "no method": (b"\r\n\r\n\r\n /v1/offers\r\n\r\n", 400),
    "no HTTP": (b"\x16\x03\x01\x00\xc8\x01" + bytes(100), 400),
    "bytes that are no text in the path": (request(b"GET", b"/v1/products/\xff"), 400),
    "a path that climbs": (request(b"GET", b"/schema/assets/../../../etc/passwd"), 404),
    "a path that climbs in disguise": (request(b"GET", b"/schema/assets/%2e%2e%2f%2e%2e%2fpasswd"), 404),
    "a file name with NUL": (request(b"GET", b"/schema/assets/swagger-ui.css%00.png"), 404),
    "a file name that is too long": (request(b"GET", b"/schema/assets/" + b"x" * 5_000), 404),
    "a file as a folder": (request(b"GET", b"/schema/assets/swagger-ui.css/x"), 404),
    "a path that is too long": (request(b"GET", b"/" + b"x" * 100_000), 414),
    "a header that is too long": (request(b"GET", b"/v1/offers", b"X: " + b"x" * 600_000 + b"\r\n"), 431),
    "too many headers": (request(b"GET", b"/v1/offers", b"X: x\r\n" * 200), 431),
    "a header in two lines": (request(b"GET", b"/v1/offers", b"X: 1\r\n 2\r\n"), 400),
    "a header with NUL": (request(b"GET", b"/v1/offers", b"X: \0\r\n"), 400),
    "a host with a port that is none": (request(b"GET", b"/nowhere", host=b"x:99999999"), 404),
    "a host that is none": (request(b"GET", b"/v1/offers", host=b"a b"), 400),
    "a host that is no text": (request(b"GET", b"/v1/offers", host=b"\xff"), 400),
    "a token that is no text": (request(b"GET", b"/v1/members/me", b"Authorization: Bearer \xff\r\n"), 401),
    "a request id that is no text": (request(b"GET", b"/v1/offers", b"X-Request-Id: \xff\r\n"), 200),
    "a body longer than announced": (post(b"Content-Length: 3\r\n"), 400),
    "a body too large to be read": (post(b"Content-Length: 10000000000\r\n"), 413),
    "a length beyond numbers": (post(b"Content-Length: " + b"9" * 30 + b"\r\n"), 400),
    "a negative length": (post(b"Content-Length: -1\r\n"), 400),
    "two lengths": (post(b"Content-Length: 12\r\nContent-Length: 3\r\n"), 400),
    "chunks": (post(CHUNKED, b"c\r\n" + QUOTE + b"\r\n0\r\n\r\n"), 401),
    "chunks that are none": (post(CHUNKED, b"zz\r\n" + QUOTE), 400),
    "chunks that are too many": (post(CHUNKED, MANY_CHUNKS), 413),
    "an encoding that nobody knows": (post(b"Transfer-Encoding: identity\r\n"), 400),
    "a body where none is read": (request(b"GET", b"/v1/offers", b"Content-Length: 12\r\n", QUOTE), 200),
}


BREAKS_OFF = {
    "a body shorter than announced": post(b"Content-Length: 100\r\n"),
    "chunks without an end": post(CHUNKED, b"c\r\n" + QUOTE),
}


def answer_to(address: str, sent: bytes, *, ends: bool = False) -> bytes:
    """All that is answered to a client that sends this, and then says that nothing more will come."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        try:
            wire.sendall(sent)
            if ends:
                wire.shutdown(socket.SHUT_WR)
        except OSError:  # it was refused before it was read
            pass
        return b"".join(iter(lambda: _received(wire), b""))


def _received(wire: socket.socket) -> bytes:
    try:
        return wire.recv(65_536)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(("sent", "status"), WIRE.values(), ids=WIRE)
def test_whatever_the_bytes_they_are_answered_and_the_next_client_too(
    address: str, sent: bytes, status: int
) -> None:
    answer = answer_to(address, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"X-Evil" not in answer
    assert httpx.get(address + "/health/live", timeout=60).status_code == 200


@pytest.mark.parametrize("sent", BREAKS_OFF.values(), ids=BREAKS_OFF)
def test_a_body_that_breaks_off_is_the_client_s_fault(address: str, sent: bytes) -> None:
    assert answer_to(address, sent, ends=True).startswith(b"HTTP/1.1 400 ")


def test_what_an_address_takes_is_said_where_it_is_refused(address: str) -> None:
    answer = httpx.patch(address + "/v1/offers")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "OPTIONS"}


def test_a_hundred_requests_in_one_breath_get_a_hundred_answers(address: str) -> None:
    several = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 99 + request(b"GET", b"/health/live")
    assert answer_to(address, several).count(b"HTTP/1.1 200 OK") == 100


# --- what costs much ----------------------------------------------------------------------------


async def test_a_body_that_never_ends_is_waited_for_so_long() -> None:
    with pytest.raises(HTTPException) as caught:
        await whole(asyncio.get_running_loop().create_future(), 0.01)
    assert caught.value.status_code == 408


def test_of_many_faults_a_hundred_are_listed() -> None:
    """Else a small body would get a large answer, and keep everybody waiting for it."""
    body = b'{"lines":[' + b",".join([b"{}"] * 80_000) + b"]}"
    with memory_client() as client:
        headers = signed_in(client, "member-1@example.org") | {"Content-Type": "application/json"}
        answer = client.post("/v1/orders/quotes", content=body, headers=headers)
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == MOST_FAULTS


async def test_so_many_passwords_wait_and_no_more() -> None:
    secrets = Argon2Secrets(at_once=1, most_waiting=1)
    found = await asyncio.gather(*(secrets.hash("correct horse") for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in found] == [str, str, *[TooManyPasswords] * 3]
    assert await secrets.matches(str(found[0]), "correct horse")
    assert not await secrets.matches(str(found[0]), "wrong horse")


def test_when_too_many_commands_wait_one_is_told_when_to_come_again() -> None:
    with memory_client() as client:
        headers = signed_in(client, "admin@example.org", role="admin") | {"Idempotency-Key": "once"}
        state = client.app.state
        state.runner = Runner(MemoryStorage(), state.queries, most_waiting=0)
        body = {"user_id": str(uuid4()), "funded": 1, "source_id": str(uuid4())}
        answer = client.post("/v1/points/earnings", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
