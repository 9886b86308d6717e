"""Stock over HTTP."""

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


def post(client: Client, path: str, body: Any, headers: Headers, key: str | None = None) -> Any:
    chosen = {"Idempotency-Key": key} if key else {}
    return client.post(f"/v1{path}", json=msgspec.to_builtins(body), headers=headers | chosen)


def a_variant_on_offer(client: Client, admin: Headers) -> Json:
    category = post(client, "/categories", a_category(), admin).json()
    producer = post(client, "/producers", a_producer(), admin).json()
    wish = a_product(UUID(category["id"]), UUID(producer["id"]))
    product = post(client, "/products", wish, admin).json()
    facts = msgspec.to_builtins(a_variant(UUID(product["id"])))
    del facts["product_id"]
    made: Json = post(client, f"/products/{product['id']}/variants", facts, admin).json()
    return made


def a_receipt(variant: Json) -> Json:
    return {
        "product_id": variant["product_id"],
        "variant_id": variant["id"],
        "quantity": 6,
        "number": "L2026-04",
        "cost_cents": 520,
        "best_before": "2099-01-31",
        "shelf": "A3",
    }


def receive(client: Client, admin: Headers, receipt: Json) -> Json:
    answer = post(client, "/stock/receipts", receipt, admin, "receipt-1")
    assert answer.status_code == 201, answer.text
    counted: Json = answer.json()
    return counted


class Shelf(NamedTuple):
    """What the tests share that change nothing."""

    client: Client
    admin: Headers
    variant: Json
    receipt: Json
    received: Json


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    with memory_client() as client:
        admin = signed_in(client, "admin@example.org", role="admin")
        variant = a_variant_on_offer(client, admin)
        receipt = a_receipt(variant)
        yield Shelf(client, admin, variant, receipt, receive(client, admin, receipt))


@pytest.fixture
def variant(client: Client, admin: Headers) -> Json:
    return a_variant_on_offer(client, admin)


@pytest.fixture
def receipt(variant: Json) -> Json:
    return a_receipt(variant)


@pytest.fixture
def received(client: Client, admin: Headers, receipt: Json) -> Json:
    return receive(client, admin, receipt)


def stock_path(variant: Json) -> str:
    return f"/v1/products/{variant['product_id']}/variants/{variant['id']}/stock"


def correction(received: Json, **facts: Any) -> Json:
    ids = {name: received["stock"][name] for name in ("product_id", "variant_id")}
    return {**ids, "batch_id": received["batch"]["id"], "reason": "counted the shelf", **facts}


def test_a_delivery_is_put_on_the_shelf_and_offered(
    client: Client, admin: Headers, variant: Json, received: Json
) -> None:
    assert received["batch"]["cost"] == {"amount": 520, "currency": "EUR"}
    assert (received["stock"]["on_hand"], received["stock"]["available"]) == (6, 6)
    shown = client.get(stock_path(variant), headers=admin).json()
    assert (shown["sku"], shown["on_hand"], shown["batches"]) == ("MIEL-LAV-250", 6, [received["batch"]])
    offer = client.get(f"/v1/products/{variant['product_id']}").json()["variants"][0]
    assert (offer["in_stock"], offer["may_buy"]) == (6, True)


def test_a_delivery_sent_twice_is_received_once(
    client: Client, admin: Headers, variant: Json, receipt: Json, received: Json
) -> None:
    again = post(client, "/stock/receipts", receipt, admin, "receipt-1")
    assert (again.status_code, again.json()) == (201, received)
    assert again.headers["idempotent-replayed"] == "true"
    other = post(client, "/stock/receipts", receipt | {"quantity": 7}, admin, "receipt-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert client.get(stock_path(variant), headers=admin).json()["on_hand"] == 6


def test_the_shelf_is_counted_again_and_damage_written_off(
    client: Client, admin: Headers, variant: Json, received: Json
) -> None:
    counted = post(client, "/stock/corrections", correction(received, difference=-1), admin, "one")
    assert (counted.status_code, counted.json()["stock"]["on_hand"]) == (201, 5)
    broken = post(client, "/stock/write-offs", correction(received, quantity=2), admin, "two")
    assert (broken.status_code, broken.json()["batch"]["on_hand"]) == (201, 3)
    first = client.get(f"{stock_path(variant)}/movements?limit=2", headers=admin).json()
    rest = client.get(f"{stock_path(variant)}/movements?cursor={first['next_cursor']}", headers=admin).json()
    assert [(one["kind"], one["quantity"]) for one in (*first["items"], *rest["items"])] == [
        ("damaged", -2),
        ("adjusted", -1),
        ("received", 6),
    ]


def test_the_overview_names_what_lies_on_the_shelves(
    client: Client, admin: Headers, variant: Json, received: Json
) -> None:
    assert client.get("/v1/stock", headers=admin).json() == {
        "items": [
            {
                **received["stock"],
                "sku": "MIEL-LAV-250",
                "variant_name": "250 g",
                "product_slug": "miel-de-lavande",
                "product_name": "Miel de lavande",
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"quantity": 0}, 400, "invalid_request"),
        ({"quantity": 1_000_001}, 400, "invalid_request"),
        ({"quantity": "six"}, 400, "invalid_request"),
        ({"cost_cents": -1}, 400, "invalid_request"),
        ({"best_before": "31/01/2099"}, 400, "invalid_request"),
        ({"number": ""}, 400, "invalid_request"),
        ({"shelf": "\x00"}, 400, "invalid_request"),
        ({"colour": "red"}, 400, "invalid_request"),
        ({"product_id": UNKNOWN}, 404, "not_found"),
        ({"variant_id": UNKNOWN}, 404, "not_found"),
    ],
)
def test_a_delivery_that_makes_no_sense_gets_its_problem_and_changes_nothing(
    shelf: Shelf, wrong: Json, status: int, code: str
) -> None:
    answer = post(shelf.client, "/stock/receipts", shelf.receipt | wrong, shelf.admin, "another")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shelf.client.get(stock_path(shelf.variant), headers=shelf.admin).json()["on_hand"] == 6


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"difference": -7}, 409, "below_allocated"),
        ({"difference": 0}, 422, "invalid_amount"),
        ({"difference": 10**9}, 400, "invalid_request"),
        ({"reason": "   "}, 400, "invalid_request"),
        ({"batch_id": UNKNOWN}, 404, "not_found"),
    ],
)
def test_a_correction_that_makes_no_sense_gets_its_problem_and_changes_nothing(
    shelf: Shelf, wrong: Json, status: int, code: str
) -> None:
    body = correction(shelf.received, **{"difference": 1, **wrong})
    answer = post(shelf.client, "/stock/corrections", body, shelf.admin, "another")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shelf.client.get(stock_path(shelf.variant), headers=shelf.admin).json()["on_hand"] == 6


def test_moving_stock_needs_a_key(client: Client, admin: Headers, receipt: Json, received: Json) -> None:
    for path, body in (
        ("/stock/receipts", receipt),
        ("/stock/corrections", correction(received, difference=1)),
        ("/stock/write-offs", correction(received, quantity=1)),
    ):
        answer = post(client, path, body, admin)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


def test_stock_is_for_administrators(client: Client, receipt: Json, received: Json, variant: Json) -> None:
    member = signed_in(client, "member-1@example.org")
    for path, body in (
        ("/stock/receipts", receipt),
        ("/stock/corrections", correction(received, difference=1)),
        ("/stock/write-offs", correction(received, quantity=1)),
    ):
        assert post(client, path, body, {}, "key").status_code == 401
        assert post(client, path, body, member, "key").status_code == 403
    for path in ("/v1/stock", stock_path(variant), f"{stock_path(variant)}/movements"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=member).status_code == 403


def test_stock_of_nothing_is_not_found(client: Client, admin: Headers, variant: Json) -> None:
    assert client.get(stock_path(variant | {"id": UNKNOWN}), headers=admin).status_code == 404
    assert client.get(stock_path(variant), headers=admin).json()["batches"] == []
