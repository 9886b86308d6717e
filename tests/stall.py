"""A market as HTTP clients see it: honey from our hub, soap from its producer, members with points."""

from itertools import count
from typing import Any
from uuid import UUID, uuid4

import msgspec
from edge import Client, Headers, signed_in
from httpx import Response
from ordering import HOME, TRACKED
from shop import a_category, a_product, a_variant
from wishes import a_producer

Asked = tuple[str, int]


class Stall:
    """Everything is made through HTTP by its administrator."""

    def __init__(self, client: Client) -> None:
        self.client, self._numbers = client, count(1)
        self.admin = signed_in(client, "admin@example.org", role="admin")
        category = UUID(self._make("/categories", a_category()))
        hive = UUID(self._make("/producers", a_producer()))
        self.maker = UUID(self._make("/producers", a_producer("savonnerie-de-die")))
        honey = UUID(self._make("/products", a_product(category, hive)))
        self.honey = self._variant(a_variant(honey))
        received = {"product_id": str(honey), "variant_id": self.honey, "number": "L1", "cost_cents": 450}
        self.post("/stock/receipts", self.admin, {**received, "quantity": 10})
        soaps = a_product(category, self.maker, "savon-d-ortie", fulfilment="dropship")
        soap = UUID(self._make("/products", soaps))
        self.soap = self._variant(a_variant(soap, "SAVON-100", price_points=6, weight_grams=100))
        self.honey_stock = f"/products/{honey}/variants/{self.honey}/stock"

    def _make(self, path: str, wish: Any) -> str:
        answer = self.post(path, self.admin, msgspec.to_builtins(wish))
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    def _variant(self, wish: Any) -> str:
        body = msgspec.to_builtins(wish)
        product_id = body.pop("product_id")
        answer = self.post(f"/products/{product_id}/variants", self.admin, body)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    def post(self, path: str, who: Headers, body: Any = None, key: str | None = None) -> Response:
        """An unsafe request with a key, a new one by default."""
        headers = {**who, "Idempotency-Key": key or str(uuid4())}
        return self.client.post(f"/v1{path}", json={} if body is None else body, headers=headers)

    def get(self, path: str, who: Headers) -> Response:
        return self.client.get(f"/v1{path}", headers=who)

    def member(self, points: int = 65) -> Headers:
        who = signed_in(self.client, f"member-{next(self._numbers)}@example.org")
        user_id = self.get("/members/me", who).json()["user_id"]
        if points:
            given = {"user_id": user_id, "funded": points, "source_id": str(uuid4())}
            assert self.post("/points/earnings", self.admin, given).status_code == 201
        return who

    def partner(self) -> Headers:
        """Somebody who works for the producer of the soap."""
        email = f"partner-{next(self._numbers)}@example.org"
        return signed_in(self.client, email, role="partner_staff", producer_id=self.maker)

    def order(self, who: Headers, *asked: Asked, key: str | None = None, **facts: Any) -> Response:
        return self.post("/orders", who, wish(*asked, **facts), key)

    def placed(self, who: Headers, *asked: Asked, **facts: Any) -> dict[str, Any]:
        answer = self.order(who, *asked, **facts)
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        return order

    def sent(self, who: Headers, shipment: dict[str, Any]) -> dict[str, Any]:
        answer = self.post(f"/shipments/{shipment['id']}/dispatch", who, TRACKED)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def points_of(self, who: Headers) -> int:
        available: int = self.get("/points/balance", who).json()["available"]
        return available

    def pieces(self) -> tuple[int, int]:
        """How many jars of honey are on hand and allocated."""
        stock = self.get(self.honey_stock, self.admin).json()
        return stock["on_hand"], stock["allocated"]


def wish(*asked: Asked, **facts: Any) -> dict[str, Any]:
    lines = [{"variant_id": variant_id, "quantity": quantity} for variant_id, quantity in asked]
    return {"lines": lines, "shipping_address": msgspec.to_builtins(HOME), **facts}
