"""What every answer says beside its body: how browsers may use it, what they keep, who may read it."""

from collections.abc import Iterator

import pytest
from edge import Client, client_on, memory_client, signed_in

from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Settings

SHOP = "https://shop.example.org"


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture
def public() -> Iterator[Client]:
    """A service that is reached by https, and by the pages of a shop."""
    settings = Settings(public_url="https://api.example.org", cors_origins=f"{SHOP}, http://localhost:3000")
    with client_on(MemoryContainer(settings=settings)) as opened:
        yield opened


@pytest.mark.parametrize(
    "path", ["/v1/offers", "/v1/members/me", "/nowhere", "/health/live", "/schema", "/schema/openapi.json"]
)
def test_no_answer_is_guessed_at_framed_or_followed_back(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_data_load_nothing_and_our_page_only_what_is_ours(client: Client) -> None:
    assert "script-src" not in client.get("/v1/offers").headers["content-security-policy"]
    page = client.get("/schema")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.count("<script") == page.text.count('<script src="/schema/assets/')
    for line in page.text.splitlines():
        if 'src="' in line or "href=" in line:
            assert client.get(line.split('"')[-2 if "src=" not in line else 1]).status_code == 200


def test_the_page_starts_by_a_script_of_ours(client: Client) -> None:
    script = client.get("/schema/assets/browse.js")
    assert "/schema/openapi.json" in script.text
    for name, kind in (
        ("browse.js", "javascript"),
        ("swagger-ui-bundle.js", "javascript"),
        ("swagger-ui.css", "css"),
    ):
        found = client.get(f"/schema/assets/{name}").headers["content-type"]
        assert found.startswith(f"text/{kind}"), "browsers are told not to guess"


def test_what_is_personal_is_kept_by_nobody(client: Client) -> None:
    headers = signed_in(client, "member-1@example.org")
    assert client.get("/v1/members/me", headers=headers).headers["cache-control"] == "no-store"
    wish = {"email": "member-1@example.org", "password": "wrong password"}
    assert client.post("/v1/sessions", json=wish).headers["cache-control"] == "no-store"
    shown = client.get("/v1/products")
    assert "cache-control" not in shown.headers
    assert shown.headers["vary"] == "authorization"


def test_https_is_insisted_on_only_where_it_is_spoken(client: Client, public: Client) -> None:
    assert "strict-transport-security" not in client.get("/v1/offers").headers
    assert public.get("/v1/offers").headers["strict-transport-security"] == "max-age=31536000"


def test_pages_of_other_origins_may_read_nothing_unless_they_are_listed(
    client: Client, public: Client
) -> None:
    allows = "access-control-allow-origin"
    assert allows not in client.get("/v1/offers", headers={"Origin": SHOP}).headers
    answer = public.get("/v1/offers", headers={"Origin": SHOP})
    assert answer.headers[allows] == SHOP
    assert "access-control-allow-credentials" not in answer.headers
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    for other in (f"{SHOP}.evil.example", "https://shopXexample.org", "null", f"{SHOP}:8443"):
        assert allows not in public.get("/v1/offers", headers={"Origin": other}).headers


def test_a_listed_page_may_ask_first_and_hears_refusals_too(public: Client) -> None:
    asks = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    asks["Access-Control-Request-Headers"] = "authorization, idempotency-key"
    answer = public.options("/v1/orders", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    public.app.state.door.is_closed = True
    refused = public.get("/v1/offers", headers={"Origin": SHOP})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (503, SHOP)
