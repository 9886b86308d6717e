"""Who asks too often waits; nobody can make the service remember more and more; a client is who a trusted
proxy says, and nobody else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from edge import Client, client_on, signed_in
from litestar.testing import AsyncTestClient

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.addresses import Addresses, is_in, network_of, parsed
from baobab.entrypoints.http.app import build
from baobab.entrypoints.http.door import Door
from baobab.entrypoints.http.limits import Limiter, Limits, RateLimited
from baobab.entrypoints.settings import Settings
from baobab.entrypoints.values import ForwardedHeader, Rate, networks_of


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


# --- one bucket ---------------------------------------------------------------------------------


def test_so_many_may_come_at_once_and_the_next_one_hears_when_to_come_again(clock: Clock) -> None:
    limiter = Limiter("reads", Rate(3, 60), clock)
    assert [limiter.take("one").left for _ in range(3)] == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        limiter.take("one")
    assert refused.value.retry_after == 20
    clock.now += 20
    assert limiter.take("one").left == 0


def test_who_was_refused_is_not_punished_for_it(clock: Clock) -> None:
    limiter = Limiter("reads", Rate(1, 10), clock)
    limiter.take("one")
    for _ in range(5):
        with pytest.raises(RateLimited):
            limiter.take("one")
    clock.now += 10
    limiter.take("one")


def test_each_has_a_bucket_of_their_own(clock: Clock) -> None:
    limiter = Limiter("reads", Rate(1, 60), clock)
    limiter.take("one")
    limiter.take("other")
    with pytest.raises(RateLimited):
        limiter.take("one")


def test_a_whole_bucket_fills_up_again(clock: Clock) -> None:
    limiter = Limiter("reads", Rate(10, 60), clock)
    for _ in range(10):
        limiter.take("one")
    clock.now += 60
    assert limiter.take("one").left == 9


def test_a_million_strangers_are_not_remembered_and_who_asked_most_is(clock: Clock) -> None:
    limiter = Limiter("reads", Rate(5, 3_600), clock, most_known=100)
    for _ in range(5):
        limiter.take("insistent")
    for number in range(10_000):
        limiter.take(number)
        assert len(limiter) <= 100
    with pytest.raises(RateLimited):
        limiter.take("insistent")


def test_who_has_a_full_bucket_again_is_forgotten_first(clock: Clock) -> None:
    limiter = Limiter("reads", Rate(10, 10), clock, most_known=4)
    for number in range(3):
        limiter.take(number)
    clock.now += 10
    limiter.take("late")
    limiter.take("later")
    assert len(limiter) == 2


def test_a_standing_says_what_is_left_as_the_draft_has_it(clock: Clock) -> None:
    standing = Limiter("reads", Rate(10, 60), clock).take("one")
    assert standing.headers() == [
        (b"ratelimit-policy", b'"reads";q=10;w=60'),
        (b"ratelimit", b'"reads";r=9;t=6'),
    ]


# --- which bucket -------------------------------------------------------------------------------


def limits(**rates: Any) -> Limits:
    return Limits(Settings(**rates), Clock())


def test_reading_and_writing_are_counted_apart() -> None:
    found = limits(rate_reads=Rate(1, 60), rate_writes=Rate(1, 60))
    found.by_credential("key", "192.0.2.1", "GET")
    found.by_credential("key", "192.0.2.1", "POST")
    for method in ("GET", "HEAD", "DELETE"):
        with pytest.raises(RateLimited):
            found.by_credential("key", "192.0.2.1", method)
    assert found.refused == 3


def test_what_strangers_send_is_counted_by_address_and_what_they_read_is_not_counted_twice() -> None:
    found = limits(rate_strangers=Rate(1, 60))
    assert found.by_credential(None, "192.0.2.1", "GET") is None
    found.by_credential(None, "192.0.2.1", "POST")
    found.by_credential(None, "192.0.2.2", "POST")
    with pytest.raises(RateLimited, match="strangers"):
        found.by_credential(None, "192.0.2.1", "POST")


def test_a_peer_without_an_address_is_not_limited_by_it() -> None:
    found = limits(rate_address_reads=Rate(1, 60), rate_strangers=Rate(1, 60))
    assert [found.by_address("", "GET") for _ in range(3)] == [None] * 3
    assert found.by_credential(None, "", "POST") is None


def test_a_limit_or_all_of_them_can_be_off() -> None:
    assert limits(rate_address_reads=Rate(0, 0)).by_address("192.0.2.1", "GET") is None
    assert limits(rate_limits=False).by_address("192.0.2.1", "GET") is None


# --- who asks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", "None"),
        ("", "None"),
    ],
)
def test_an_address_is_found_in_what_proxies_write(text: str, address: str) -> None:
    assert str(parsed(text)) == address


def test_the_addresses_of_one_subscriber_are_one() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("testclient") == ""


def test_an_address_belongs_to_a_network_of_its_kind() -> None:
    networks = networks_of("10.0.0.0/8, fd00::/8")
    assert [is_in(one, networks) for one in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1")] == [True] * 3
    assert [is_in(one, networks) for one in ("11.1.2.3", "2001:db8::1", "x")] == [False] * 3


def client_of(
    peer: str | None, *lines: str, proxies: str = "10.0.0.0/8", header: ForwardedHeader = "x-forwarded-for"
) -> str:
    named = [(header.encode(), line.encode("latin-1")) for line in lines]
    scope = {"client": peer and [peer, 4711], "headers": [(b"host", b"x"), *named]}
    return Addresses(Settings(trusted_proxies=proxies, forwarded_header=header)).of(scope)


@pytest.mark.parametrize(
    ("peer", "lines", "address"),
    [
        ("192.0.2.9", ["203.0.113.1"], "192.0.2.9"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1, " + "x" * 9_000], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2, " * 50 + "6.6.6.6"], "6.6.6.6"),
        ("10.0.0.1", ["6.6.6.6, " + ", ".join(["10.0.0.2"] * 50)], "10.0.0.2"),
        ("10.0.0.1", ["\xff"], "10.0.0.1"),
        (None, ["203.0.113.1"], ""),
    ],
)
def test_a_header_is_believed_as_far_as_proxies_are_trusted(
    peer: str | None, lines: list[str], address: str
) -> None:
    assert client_of(peer, *lines) == address


def test_no_header_is_believed_where_no_proxy_is_trusted() -> None:
    assert client_of("10.0.0.1", "203.0.113.1", proxies="") == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "header", "sure"),
    [
        ("127.0.0.1", "host", True),
        ("127.0.0.1", "x-forwarded-for", False),
        ("10.0.0.1", "x-forwarded-for", True),
        (None, "x-real-ip", False),
    ],
)
def test_who_asks_is_not_known_where_a_proxy_that_is_not_listed_asks_for_them(
    peer: str | None, header: str, sure: bool
) -> None:
    scope = {"client": peer and [peer, 4711], "headers": [(header.encode(), b"192.0.2.1")]}
    assert Addresses(Settings(trusted_proxies="10.0.0.0/8")).is_sure(scope) is sure


def test_the_standard_header_is_read_where_the_proxies_write_that() -> None:
    line = 'for=6.6.6.6;by=10.0.0.9, For="[2001:db8::1]:4711";proto=https, for=10.0.0.2'
    assert client_of("10.0.0.1", line, header="forwarded") == "2001:db8::1"
    assert client_of("10.0.0.1", "proto=https", header="forwarded") == "10.0.0.1"


# --- over HTTP ----------------------------------------------------------------------------------


class Always:
    """Everybody comes from one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def of(self, scope: Any) -> str:
        return self._address

    def is_sure(self, scope: Any) -> bool:
        return True


@pytest.fixture
def limited() -> Iterator[Client]:
    """A service of few requests."""
    rates: dict[str, Any] = {
        "rate_reads": Rate(3, 60),
        "rate_writes": Rate(2, 60),
        "rate_strangers": Rate(2, 60),
    }
    rates |= {"rate_address_reads": Rate(8, 60)}
    settings = Settings(**rates)
    with client_on(MemoryContainer(settings=settings)) as client:
        client.app.state.door.addresses = Always("192.0.2.1")
        yield client


def test_a_credential_has_its_own_limit_and_each_answer_says_where_it_stands(limited: Client) -> None:
    headers = signed_in(limited, "member-1@example.org")
    answers = [limited.get("/v1/members/me", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit"] == '"reads";r=2;t=20'
    assert answers[0].headers["ratelimit-policy"] == '"reads";q=3;w=60'
    refused = answers[3]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) == refused.json()["retry_after"] == 20
    other = signed_in(limited, "member-2@example.org")
    assert limited.get("/v1/members/me", headers=other).status_code == 200


def test_signing_in_is_limited_by_address(limited: Client) -> None:
    wish = {"email": "member-1@example.org", "password": "wrong password"}
    assert [limited.post("/v1/sessions", json=wish).status_code for _ in range(3)] == [401, 401, 429]


def test_an_address_has_a_limit_before_anything_is_looked_up(limited: Client) -> None:
    for _ in range(8):
        assert limited.get("/nowhere", headers={"Authorization": "Bearer x"}).status_code == 404
    refused = limited.get("/nowhere", headers={"X-Request-Id": "mine"})
    assert (refused.status_code, refused.headers["x-request-id"]) == (429, "mine")
    assert refused.headers["cache-control"] == "no-store"


def test_health_and_metrics_are_never_limited(limited: Client) -> None:
    limited.app.state.settings = Settings(metrics_from="192.0.2.0/24")
    for _ in range(20):
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert limited.get(path).status_code == 200


def test_what_only_begins_like_health_is_limited(limited: Client) -> None:
    answers = [limited.get(f"/health/{number}").status_code for number in range(9)]
    assert answers == [404] * 8 + [429]


def test_pages_of_mails_are_limited_as_other_strangers_are(limited: Client) -> None:
    answers = [limited.post("/mail/reset", content=b"token=x&password=y") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert answers[0].headers["ratelimit"].startswith('"strangers";r=1')


def test_where_too_many_are_inside_the_next_one_is_told_to_come_again() -> None:
    with client_on(MemoryContainer(settings=Settings(most_requests=1))) as client:
        assert client.get("/v1/offers").status_code == 200
        client.app.state.door.enter()
        refused = client.get("/v1/offers")
        assert (refused.status_code, refused.json()["code"]) == (503, "crowded")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/health/live").status_code == 200


async def test_who_is_slow_with_a_body_keeps_nobody_out() -> None:
    """Else one client with as many connections as there are places would have the service for itself."""
    app = build(MemoryContainer(settings=Settings(most_requests=1)))
    async with AsyncTestClient(app) as client:
        door: Door = app.state.door
        ready, answers, come = asyncio.Event(), [], [asyncio.Event() for _ in range(3)]

        async def send_slowly(body_comes: asyncio.Event) -> None:
            async def receive() -> Any:
                if door.telling == len(come):
                    ready.set()
                await body_comes.wait()
                return {"type": "http.request", "body": b"{}", "more_body": False}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    answers.append(message["status"])

            await app(asked_by_post("/v1/sessions/mail"), receive, send)

        sending = [asyncio.create_task(send_slowly(one)) for one in come]
        await asyncio.wait_for(ready.wait(), 30)
        assert (await client.get("/v1/offers")).status_code == 200
        come[0].set()
        await sending[0]
        door.enter()
        for one in come[1:]:
            one.set()
        await asyncio.gather(*sending)
        assert answers == [400, 503, 503]
        assert (door.inside, door.telling) == (1, 0)


def asked_by_post(path: str) -> dict[str, Any]:
    """What the server says of a request whose body has not come yet."""
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json")],
        "client": ("192.0.2.1", 4711),
        "server": ("x", 80),
        "scheme": "http",
        "root_path": "",
        "http_version": "1.1",
    }


def test_who_comes_while_the_server_stops_is_told_to_go_elsewhere() -> None:
    with client_on(MemoryContainer(settings=Settings())) as client:
        door: Door = client.app.state.door
        door.leave()
        assert client.get("/v1/offers").status_code == 200, "until the load balancer looks elsewhere"
        assert client.get("/health/ready").json()["code"] == "leaving"
        client.blocking_portal.call(door.close, 0)
        refused = client.get("/v1/offers")
        assert (refused.status_code, refused.json()["code"]) == (503, "leaving")
        assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
        assert client.get("/health/live").status_code == 200


async def test_the_door_closes_when_the_last_one_has_gone_or_time_is_over() -> None:
    door = Door(Settings())
    assert await door.close(0)
    door.enter()
    assert not await door.close(0.01)
    door.go()
    assert await door.close(5)
