"""A market: honey from our hub, soap straight from its producer, members with points who order them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

from shop import Shop
from wishes import register

from baobab.application import fulfillment, orders, points
from baobab.application.catalog import VariantView
from baobab.application.fulfillment import OrderView, ShipmentView
from baobab.application.orders import QuoteView, WishedLine
from baobab.application.runner import Runner
from baobab.domain import shared
from baobab.domain.identity import Level
from baobab.domain.points import POINTS
from builders import World

HOME = shared.Address("Rue de Fer 1", "Namur", "5000", "BE")
TRACKED = {"carrier": "bpost", "tracking_number": "BE123456789"}
MINUTE = timedelta(minutes=1)
Wanted = tuple[VariantView, int]


def wish(*wanted: Wanted, **facts: Any) -> orders.PlaceOrder:
    lines = tuple(WishedLine(variant_id=variant.id, quantity=quantity) for variant, quantity in wanted)
    return orders.PlaceOrder(lines=lines, **{"shipping_address": HOME, **facts})


class Market:
    """What is done in a world with a shop, and what is seen of it."""

    def __init__(self, shop: Shop, honey: VariantView, soap: VariantView, soap_maker: UUID) -> None:
        self.shop, self.world = shop, shop.world
        self.honey, self.soap, self.soap_maker = honey, soap, soap_maker

    @classmethod
    async def open(cls, world: World, *, jars: int = 10) -> "Market":
        """Honey for 9 points (420 g) in stock, soap for 6 points (100 g) from its producer."""
        shop = await Shop.open(world)
        honey = await shop.on_shelf(jars)
        maker = (await register(world, "savonnerie-de-die")).id
        product = await shop.product("savon-d-ortie", fulfilment="dropship", producer_id=maker)
        soap = await shop.variant(product.id, "SAVON-100", name="100 g", price_points=6, weight_grams=100)
        return cls(shop, honey, soap, maker)

    async def member(
        self, funded: int = 50, bonus: int = 15, *, level: Level = "explorateur"
    ) -> shared.Actor:
        member = await self.shop.member_at(level)
        if funded or bonus:
            await self.grant(member, funded=funded, bonus=bonus)
        return member

    async def grant(self, member: shared.Actor, **amounts: int) -> None:
        given = points.Earn(user_id=member.user_id, source_id=self.world.run.new_id(), **amounts)
        await self.world.run(points.earn, given, actor=self.world.admin)

    def partner(self) -> shared.Actor:
        """Somebody who works for the producer of the soap."""
        return self.world.member("partner_staff", producer_id=self.soap_maker)

    async def place(
        self,
        member: shared.Actor,
        *wanted: Wanted,
        run: Runner | None = None,
        key: str | None = None,
        **facts: Any,
    ) -> OrderView:
        return await (run or self.world.run)(fulfillment.place, wish(*wanted, **facts), actor=member, key=key)

    async def quote(self, member: shared.Actor, *wanted: Wanted, **facts: Any) -> QuoteView:
        question = orders.QuoteOrder(lines=wish(*wanted).lines, **facts)
        return await self.world.run.read(orders.quote, question, actor=member)

    async def cancel(
        self, member: shared.Actor, order: OrderView, *, run: Runner | None = None, **how: Any
    ) -> OrderView:
        command = fulfillment.CancelOrder(order_id=order.id, reason="changed my mind")
        return await (run or self.world.run)(fulfillment.cancel, command, actor=member, **how)

    async def show(self, member: shared.Actor, order: OrderView) -> OrderView:
        question = fulfillment.GetOrder(order_id=order.id)
        return await self.world.run.read(fulfillment.order, question, actor=member)

    async def found(self, member: shared.Actor, **filters: Any) -> list[str]:
        """The numbers of the orders that a member finds."""
        question = orders.SearchOrders(**filters)
        page = await self.world.run.read(orders.search, question, actor=member)
        return [one.number for one in page.items]

    async def move(self, sender: shared.Actor, shipment: ShipmentView, status: Any) -> ShipmentView:
        command = fulfillment.MoveShipment(shipment_id=shipment.id, status=status)
        return await self.world.run(fulfillment.move, command, actor=sender)

    async def dispatch(
        self, sender: shared.Actor, shipment: ShipmentView, *, run: Runner | None = None, **facts: Any
    ) -> ShipmentView:
        command = fulfillment.DispatchShipment(shipment_id=shipment.id, **{**TRACKED, **facts})
        return await (run or self.world.run)(fulfillment.dispatch, command, actor=sender)

    async def scan(
        self, sender: shared.Actor, shipment: ShipmentView, says: Any, minutes_ago: int = 0
    ) -> ShipmentView:
        at = self.world.clock.now - minutes_ago * MINUTE
        command = fulfillment.ScanShipment(shipment_id=shipment.id, carrier_state=says, scanned_at=at)
        return await self.world.run(fulfillment.scan, command, actor=sender)

    async def deliver(self, sender: shared.Actor, shipment: ShipmentView, **facts: Any) -> ShipmentView:
        command = fulfillment.DeliverShipment(shipment_id=shipment.id, **facts)
        return await self.world.run(fulfillment.deliver, command, actor=sender)

    async def rate(self, member: shared.Actor, shipment: ShipmentView, stars: Any) -> ShipmentView:
        command = fulfillment.RateShipment(shipment_id=shipment.id, rating=stars, feedback="well packed")
        return await self.world.run(fulfillment.rate, command, actor=member)

    async def available(self, member: shared.Actor) -> int:
        return (await self._balance(member)).available

    async def _balance(self, member: shared.Actor) -> points.Balance:
        question = points.GetBalance(user_id=member.user_id)
        return await self.world.run.read(points.balance, question, actor=member)

    async def lots(self, member: shared.Actor) -> list[tuple[int, bool]]:
        """What is left of each lot of a member, and whether it was paid for."""
        book = await self.world.queries.points.book(member.user_id, POINTS)
        return sorted((lot.remaining, lot.funded) for lot in book.lots)

    async def pieces(self, variant: VariantView | None = None) -> tuple[int, int]:
        """How many pieces are on hand and allocated."""
        stock = await self.shop.stock(variant or self.honey)
        return stock.on_hand, stock.allocated


async def ends(*tries: Awaitable[Any]) -> Counter[str]:
    """How attempts end that are made at once: `done`, or the code of the refusal."""
    return Counter([_end(one) for one in await asyncio.gather(*tries, return_exceptions=True)])


def _end(outcome: Any) -> str:
    if isinstance(outcome, shared.DomainError):
        return outcome.code
    if isinstance(outcome, BaseException):
        raise outcome
    return "done"
