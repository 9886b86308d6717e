"""The shop window over HTTP."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from edge import UNKNOWN, Client, Headers, memory_client, signed_in
from shop import a_category, a_product, a_variant
from wishes import a_producer

Json = dict[str, Any]


@pytest.fixture
def client() -> Iterator[Client]:
    with memory_client() as opened:
        yield opened


@pytest.fixture
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


def made(client: Client, admin: Headers, path: str, body: Any) -> Json:
    answer = client.post(f"/v1{path}", json=msgspec.to_builtins(body), headers=admin)
    assert answer.status_code == 201, answer.text
    created: Json = answer.json()
    return created


def product_body(client: Client, admin: Headers) -> Json:
    """A product as a request has it, of a category and a producer that are there."""
    category = made(client, admin, "/categories", a_category())
    producer = made(client, admin, "/producers", a_producer())
    wish: Json = msgspec.to_builtins(a_product(UUID(category["id"]), UUID(producer["id"])))
    return wish | {"fulfilment": "dropship"}


class Stall(NamedTuple):
    """What the tests share that change nothing."""

    client: Client
    admin: Headers
    body: Json
    product: Json


@pytest.fixture(scope="module")
def stall() -> Iterator[Stall]:
    with memory_client() as client:
        admin = signed_in(client, "admin@example.org", role="admin")
        body = product_body(client, admin)
        yield Stall(client, admin, body, made(client, admin, "/products", body))


@pytest.fixture
def body(client: Client, admin: Headers) -> Json:
    return product_body(client, admin)


@pytest.fixture
def product(client: Client, admin: Headers, body: Json) -> Json:
    return made(client, admin, "/products", body)


def facts_of(product: Json, **facts: Any) -> Json:
    wish: Json = msgspec.to_builtins(a_variant(UUID(product["id"])))
    del wish["product_id"]
    return wish | facts


@pytest.fixture
def variant(client: Client, admin: Headers, product: Json) -> Json:
    return made(client, admin, f"/products/{product['id']}/variants", facts_of(product))


def test_everybody_reads_the_tree_of_categories(client: Client, admin: Headers) -> None:
    category = made(client, admin, "/categories", a_category())
    honey = made(client, admin, "/categories", a_category("miels", parent_id=UUID(category["id"])))
    made(client, admin, "/categories", a_category("fermee", active=False))
    tree = client.get("/v1/categories").json()
    assert [(one["slug"], one["parent_id"]) for one in tree["items"]] == [
        ("epicerie", None),
        ("miels", category["id"]),
    ]
    assert tree["next_cursor"] is None
    assert tree["items"][1] == honey
    assert len(client.get("/v1/categories", headers=admin).json()["items"]) == 3


def test_a_category_is_moved_but_never_below_itself(client: Client, admin: Headers) -> None:
    category = made(client, admin, "/categories", a_category())
    path = f"/v1/categories/{category['id']}"
    cycle = client.put(
        path, json={"slug": "epicerie", "name": "E", "parent_id": category["id"], "version": 1}, headers=admin
    )
    assert (cycle.status_code, cycle.json()["code"], cycle.json()["slug"]) == (
        422,
        "category_cycle",
        "epicerie",
    )
    changed = client.put(path, json={"slug": "e", "name": "E", "version": 1}, headers=admin)
    assert (changed.status_code, changed.json()["slug"], changed.json()["version"]) == (200, "e", 2)
    stale = client.put(path, json={"slug": "e", "name": "F", "version": 1}, headers=admin)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")


def test_everybody_reads_a_product_by_id_and_by_slug_with_what_they_may_buy(
    client: Client, product: Json, variant: Json
) -> None:
    by_id, by_slug = (client.get(f"/v1/products/{one}") for one in (product["id"], product["slug"]))
    assert (by_id.status_code, by_id.json()) == (200, by_slug.json())
    assert by_id.json()["variants"] == [{**variant, "may_buy": True, "objections": [], "in_stock": None}]


def test_every_reason_why_not_is_told_with_its_facts(
    client: Client, admin: Headers, product: Json, variant: Json
) -> None:
    wish = {name: product[name] for name in product if name not in ("id", "created_at")}
    seasons = [{"type": "dates", "opens": "2020-01-01", "closes": "2020-02-01"}]
    changed = client.put(
        f"/v1/products/{product['id']}",
        json=wish | {"minimum_level": "ambassadeur", "seasons": seasons},
        headers=admin,
    )
    assert (changed.status_code, changed.json()["seasons"]) == (200, seasons)
    member = signed_in(client, "member-1@example.org")
    shown = client.get(f"/v1/products/{product['slug']}", headers=member).json()["variants"][0]
    assert [(one["code"], one["facts"]) for one in shown["objections"]] == [
        ("season_over", {"product": "miel-de-lavande"}),
        (
            "level_too_low",
            {"product": "miel-de-lavande", "needed": "ambassadeur", "level": "explorateur"},
        ),
    ]
    assert shown["may_buy"] is False
    assert client.get("/v1/products?available_now=true").json()["items"] == []


def test_products_are_listed_by_filters_page_by_page(
    client: Client, admin: Headers, body: Json, variant: Json
) -> None:
    made(client, admin, "/products", body | {"slug": "miel-de-foret", "tags": ["bio", "forêt"]})
    first = client.get("/v1/products?limit=1").json()
    rest = client.get(f"/v1/products?limit=1&cursor={first['next_cursor']}").json()
    assert [one["slug"] for one in (*first["items"], *rest["items"])] == ["miel-de-foret", "miel-de-lavande"]
    assert rest["next_cursor"] is None
    assert (rest["items"][0]["from_points"], rest["items"][0]["may_buy"]) == (9, True)
    for filters, found in {
        "tag=for%C3%AAt": ["miel-de-foret"],
        "available_now=true": ["miel-de-lavande"],
        f"category_id={body['category_id']}&max_points=9": ["miel-de-lavande"],
        f"producer_id={UNKNOWN}": [],
        "featured=true": [],
    }.items():
        items = client.get(f"/v1/products?{filters}").json()["items"]
        assert [one["slug"] for one in items] == found, filters


def test_a_hidden_product_is_there_for_administrators_alone(
    client: Client, admin: Headers, body: Json
) -> None:
    hidden = made(
        client, admin, "/products", body | {"slug": "hidden", "active": False, "commission_bp": 900}
    )
    assert hidden["commission_bp"] == 900
    for reference in (hidden["id"], "hidden", UNKNOWN):
        absent = client.get(f"/v1/products/{reference}")
        assert (absent.status_code, absent.json()["kind"]) == (404, "product")
    assert client.get("/v1/products/hidden", headers=admin).json()["commission_bp"] == 900


def test_a_variant_is_replaced_at_the_version_that_was_read(
    client: Client, admin: Headers, product: Json, variant: Json
) -> None:
    path = f"/v1/products/{product['id']}/variants/{variant['id']}"
    changed = client.put(path, json=facts_of(product, price_points=10, version=1), headers=admin)
    assert (changed.status_code, changed.json()) == (200, variant | {"price_points": 10, "version": 2})
    stale = client.put(path, json=facts_of(product, version=1), headers=admin)
    assert (stale.status_code, stale.json()["current"]) == (409, 2)
    elsewhere = f"/v1/products/{UNKNOWN}/variants/{variant['id']}"
    absent = client.put(elsewhere, json=facts_of(product, version=2), headers=admin)
    assert (absent.status_code, absent.json()["code"]) == (404, "not_found")


def test_a_taken_slug_or_sku_is_named(
    client: Client, admin: Headers, body: Json, product: Json, variant: Json
) -> None:
    for path, wish, code in (
        ("categories", msgspec.to_builtins(a_category()), "category_slug_taken"),
        ("products", body, "product_slug_taken"),
        (f"products/{product['id']}/variants", facts_of(product), "sku_taken"),
    ):
        taken = client.post(f"/v1/{path}", json=wish, headers=admin)
        assert (taken.status_code, taken.json()["code"]) == (409, code)


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"slug": "Pas un slug"}, 400, "invalid_request"),
        ({"fulfilment": "drone"}, 400, "invalid_request"),
        ({"images": ["javascript:alert(1)"]}, 400, "invalid_request"),
        ({"seasons": [{"type": "months", "opens": 0, "closes": 13}]}, 400, "invalid_request"),
        ({"seasons": [{"type": "weeks", "opens": 1, "closes": 3}]}, 400, "invalid_request"),
        ({"nutrition": {"energy_kj": 1}}, 400, "invalid_request"),
        ({"commission_bp": 10_001}, 400, "invalid_request"),
        ({"tags": ["bio"] * 51}, 400, "invalid_request"),
        ({"name": "a\x00b"}, 400, "invalid_request"),
        ({"stock": 5}, 400, "invalid_request"),
        ({"category_id": UNKNOWN}, 404, "not_found"),
        ({"producer_id": UNKNOWN}, 404, "not_found"),
        ({"launch_date": "2026-02-02", "discontinue_date": "2026-02-01"}, 422, "impossible_period"),
        (
            {"seasons": [{"type": "dates", "opens": "2026-02-02", "closes": "2026-02-01"}]},
            422,
            "impossible_period",
        ),
    ],
)
def test_a_product_that_makes_no_sense_gets_its_problem_and_changes_nothing(
    stall: Stall, wrong: Json, status: int, code: str
) -> None:
    wish = stall.body | {"slug": "other"} | wrong
    answer = stall.client.post("/v1/products", json=wish, headers=stall.admin)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(stall.client.get("/v1/products", headers=stall.admin).json()["items"]) == 1


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"sku": "with space"}, 400, "invalid_request"),
        ({"price_points": -1}, 400, "invalid_request"),
        ({"price_points": 10**30}, 400, "invalid_request"),
        ({"price_points": 1_000_001}, 422, "impossible_measure"),
        ({"weight_grams": 2_000_000}, 422, "impossible_measure"),
        ({"dimensions": {"length_mm": 0, "width_mm": 1, "height_mm": 1}}, 422, "impossible_measure"),
        ({"dimensions": {"length_mm": 10**30, "width_mm": 1, "height_mm": 1}}, 422, "impossible_measure"),
        (
            {"options": [{"name": "size", "value": "1"}, {"name": "size", "value": "2"}]},
            422,
            "repeated_option",
        ),
    ],
)
def test_a_variant_that_makes_no_sense_gets_its_problem_and_changes_nothing(
    stall: Stall, wrong: Json, status: int, code: str
) -> None:
    path = f"/v1/products/{stall.product['id']}"
    wish = facts_of(stall.product, **wrong)
    answer = stall.client.post(f"{path}/variants", json=wish, headers=stall.admin)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert stall.client.get(path).json()["variants"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "cursor=nonsense", "category_id=honey", "fulfilment=drone"),
        *("min_points=-1", "max_points=1.5", "featured=perhaps", "sort=price", "tag=%00"),
    ],
)
def test_a_wrong_or_unknown_filter_is_malformed(stall: Stall, query: str) -> None:
    answer = stall.client.get(f"/v1/products?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_only_administrators_write_the_catalog(
    client: Client, body: Json, product: Json, variant: Json
) -> None:
    member = signed_in(client, "member-1@example.org")
    one = f"/v1/products/{product['id']}"
    for method, path, wish in (
        ("POST", "/v1/categories", {"slug": "a", "name": "A"}),
        ("PUT", f"/v1/categories/{body['category_id']}", {"slug": "a", "name": "A", "version": 1}),
        ("POST", "/v1/products", body | {"slug": "other"}),
        ("PUT", one, body | {"version": 1}),
        ("POST", f"{one}/variants", facts_of(product, sku="OTHER")),
        ("PUT", f"{one}/variants/{variant['id']}", facts_of(product, version=1)),
    ):
        assert client.request(method, path, json=wish).status_code == 401
        assert client.request(method, path, json=wish, headers=member).status_code == 403
