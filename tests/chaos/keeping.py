"""The administrator who keeps the shelves meanwhile: receives, counts, sends off."""

from collections import Counter
from random import Random
from typing import Any

from .asking import Act, Client, Tally
from .opening import KEEPER, Shop
from .town import Town


class Keeper(Client):
    """`shelves` is how many pieces each batch has, as they were told; `sent` are the shipments that left."""

    def __init__(self, town: Town, tally: Tally, draw: Random, shop: Shop) -> None:
        super().__init__(town, tally, KEEPER, draw)
        self.shop, self.sent = shop, set[str]()
        self.homes = {batch: variant for batch, (variant, _) in shop.batches.items()}
        self.shelves = Counter({batch: pieces for batch, (_, pieces) in shop.batches.items()})
        self._articles = {one.variant_id: one for one in shop.articles if one.on_shelf}

    def choose(self) -> Act:
        weights: dict[Act, int] = {self.receive: 3, self.correct: 2, self.send: 5}
        [chosen] = self.draw.choices(list(weights), list(weights.values()))
        return chosen

    async def step(self) -> None:
        await self.choose()()

    async def receive(self) -> None:
        article = self.draw.choice(list(self._articles.values()))
        pieces = self.draw.randrange(1, 12)
        wish = {
            "product_id": article.product_id,
            "variant_id": article.variant_id,
            "quantity": pieces,
            "number": f"{article.sku}-{self.draw.randrange(10**6)}",
            "cost_cents": 410,
        }
        status, body = await self.command("receive", "/v1/stock/receipts", wish)
        if status < 300:
            self.shelves[body["batch"]["id"]] += pieces
            self.homes[body["batch"]["id"]] = article.variant_id

    async def correct(self) -> None:
        batch, difference = self.draw.choice(sorted(self.homes)), self.draw.choice((-2, -1, 1, 2))
        article = self._articles[self.homes[batch]]
        wish = {
            "product_id": article.product_id,
            "variant_id": article.variant_id,
            "batch_id": batch,
            "difference": difference,
            "reason": "counted",
        }
        status, _ = await self.command("correct", "/v1/stock/corrections", wish)
        if status < 300:
            self.shelves[batch] += difference

    async def send(self) -> None:
        """Send off one of the newest shipments of ours; whoever ordered it may cancel just then."""
        _, page = await self.look("list shipments", "/v1/shipments?status=pending&source=stock&limit=20")
        if not page["items"]:
            return
        shipment = self.draw.choice(page["items"])
        wish = {"carrier": "bpost", "tracking_number": shipment["number"]}
        status, body = await self.command("send", f"/v1/shipments/{shipment['id']}/dispatch", wish)
        if status < 300:
            self._left(body)

    def _left(self, shipment: dict[str, Any]) -> None:
        self.sent.add(shipment["id"])
        for line in shipment["lines"]:
            self.shelves[line["batch_id"]] -= line["quantity"]
