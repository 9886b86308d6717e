"""Members, each on a walk of their own: what they wish is drawn from the seed, and what they were told is
what they believe."""

from random import Random
from typing import Any

from .asking import Act, Client, Tally
from .opening import ADDRESS, Shop
from .town import Town

BEHAVIOURS = ("succeeds", "succeeds", "succeeds", "repeats", "fails", "late")
PAYABLE = ("pending", "cancelled", "expired")
"""The states of an investment whose money may still come."""
UNPAID = ("pending", "failed", "given_up")
"""The same, of the charge of a subscription."""
PLANS = ("ambassadeur_standard", "ambassadeur_premium")
HOME = {name: getattr(ADDRESS, name) for name in ADDRESS.__struct_fields__}


class Member(Client):
    """Somebody who invests, subscribes, pays, orders, cancels and thinks again, one thing after the other.

    `points` is what they have; `investments`, `subscriptions` and `orders` are how they were told that those
    stand.
    """

    def __init__(self, town: Town, tally: Tally, email: str, draw: Random, shop: Shop) -> None:
        super().__init__(town, tally, email, draw)
        self.shop, self.points = shop, 0
        self.investments: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}

    def choose(self) -> Act:
        """What to do next."""
        pending = any(one["state"] == "pending" for one in self.investments.values())
        weights: dict[Act, int] = {
            self.invest: 20 if self.points < 60 else 6,
            self.subscribe: 2,
            self.pay: 30 if pending else 2,
            self.pay_subscription: 5,
            self.order: 30 if self.points > 20 else 3,
            self.cancel: 10,
            self.withdraw: 3,
            self.check_balance: 6,
            self.check_order: 3,
            self.check_investment: 3,
            self.check_subscription: 1,
        }
        [chosen] = self.draw.choices(list(weights), list(weights.values()))
        return chosen

    async def step(self) -> None:
        await self.choose()()

    # --- investing ----------------------------------------------------------------------------

    async def invest(self) -> None:
        await self.invest_in(*self.draw.choice(self.shop.projects))

    async def invest_in(self, project_id: str, offer: str) -> dict[str, Any]:
        wish = {"project_id": project_id, "offer": offer}
        status, body = await self.command("invest", "/v1/investments", wish)
        if status < 300:
            self.investments[body["id"]] = body
        return body

    async def pay(self) -> None:
        if one := self._some(self.investments, *PAYABLE):
            await self.pay_for(one, self.draw.choice(BEHAVIOURS))

    async def pay_for(self, one: dict[str, Any], behaviour: str) -> None:
        status, body = await self._pay(one, behaviour)
        if status < 300:
            self.points += body["granted_points"]
            self.investments[one["id"]] = body

    async def _pay(self, one: dict[str, Any], behaviour: str) -> tuple[int, dict[str, Any]]:
        path = f"/v1/payments/{one['payment']['id']}/sandbox"
        return await self.command("pay", path, {"behaviour": behaviour})

    async def withdraw(self) -> None:
        if self.draw.random() < 0.8:
            if one := self._some(self.investments, "active"):
                await self.give_back(one)
        elif one := self._some(self.subscriptions, "active"):
            await self.give_subscription_back(one)

    async def give_back(self, one: dict[str, Any]) -> None:
        if body := await self._withdraw("investment", one["id"]):
            self.investments[one["id"]] = {**one, "state": "withdrawn", "payment": body["payment"]}

    async def _withdraw(self, kind: str, id: str) -> dict[str, Any] | None:
        wish = {"kind": kind, "contribution_id": id}
        status, body = await self.command("withdraw", "/v1/withdrawals", wish)
        if status >= 300:
            return None
        self.points -= body["returned_points"]
        return body

    # --- subscribing --------------------------------------------------------------------------

    async def subscribe(self) -> None:
        """For the two projects that have room for everybody."""
        chosen = [{"project_id": project_id} for project_id, _ in self.shop.projects[:2]]
        wish = {"plan": self.draw.choice(PLANS), "projects": chosen}
        status, body = await self.command("subscribe", "/v1/subscriptions", wish)
        if status < 300:
            self.subscriptions[body["id"]] = body

    async def pay_subscription(self) -> None:
        unpaid = {id: one for id, one in self.subscriptions.items() if one["charge"]["state"] in UNPAID}
        if one := self._some(unpaid):
            status, body = await self._pay(one, self.draw.choice(BEHAVIOURS))
            if status < 300:
                self.points += body["charge"]["points"] if body["charge"]["state"] == "paid" else 0
                self.subscriptions[one["id"]] = body

    async def give_subscription_back(self, one: dict[str, Any]) -> None:
        if await self._withdraw("subscription", one["id"]):
            charge = {**one["charge"], "state": "withdrawn"}
            self.subscriptions[one["id"]] = {**one, "state": "withdrawn", "charge": charge}

    # --- ordering -----------------------------------------------------------------------------

    async def order(self) -> None:
        wanted = self.draw.sample(self.shop.articles, self.draw.choice((1, 1, 2, 3)))
        pieces = {one.variant_id: self.draw.choice((1, 1, 2)) for one in wanted}
        await self.order_these(pieces, self.draw.choice(("standard", "express", "pickup")))

    async def order_these(self, pieces: dict[str, int], method: str = "pickup") -> dict[str, Any]:
        lines = [{"variant_id": id, "quantity": count} for id, count in pieces.items()]
        wish: dict[str, Any] = {"lines": lines, "shipping_method": method}
        if method != "pickup":
            wish["shipping_address"] = HOME
        status, body = await self.command("order", "/v1/orders", wish)
        if status < 300:
            self.points -= body["total_points"]
            self.orders[body["id"]] = body
        elif body["code"] == "insufficient_points" and body["available"] != self.points:
            self.tally.violation(f"{self.email} has {self.points} points, and is told {body}")
        return body

    async def cancel(self) -> None:
        if one := self._some(self.orders, "confirmed", "processing"):
            await self.call_off(one)

    async def call_off(self, one: dict[str, Any]) -> None:
        status, body = await self.command("cancel", f"/v1/orders/{one['id']}/cancellation", {})
        if status < 300:
            self.points += one["total_points"]
            self.orders[one["id"]] = body
        elif body["code"] == "order_already_dispatched":
            self.orders[one["id"]] = {**one, "status": "dispatched"}

    # --- looking ------------------------------------------------------------------------------

    async def check_balance(self) -> None:
        """What is there must be what they were told."""
        _, body = await self.look("balance", "/v1/points/balance")
        if (body["balance"], body["available"]) != (self.points, self.points):
            self.tally.violation(f"{self.email} has {self.points} points, and is shown {body}")

    async def check_order(self) -> None:
        if one := self._some(self.orders):
            await self.check_this_order(one)

    async def check_this_order(self, told: dict[str, Any]) -> None:
        status, body = await self.look("read order", f"/v1/orders/{told['id']}")
        same = all(told[name] == body.get(name) for name in ("number", "total_points", "placed_at", "lines"))
        if status != 200 or not same or (body["status"] == "cancelled") != (told["status"] == "cancelled"):
            self.tally.violation(f"{self.email} was told of the order {told}, and is shown {body}")

    async def check_investment(self) -> None:
        if one := self._some(self.investments):
            await self.check_this_investment(one)

    async def check_this_investment(self, told: dict[str, Any]) -> None:
        status, body = await self.look("read investment", f"/v1/investments/{told['id']}")
        names = ("state", "amount", "points", "project_id", "reserved_until")
        if status != 200 or any(told[name] != body.get(name) for name in names):
            self.tally.violation(f"{self.email} was told of the investment {told}, and is shown {body}")

    async def check_subscription(self) -> None:
        if one := self._some(self.subscriptions):
            await self.check_this_subscription(one)

    async def check_this_subscription(self, told: dict[str, Any]) -> None:
        status, body = await self.look("read subscription", f"/v1/subscriptions/{told['id']}")
        same = status == 200 and all(told[name] == body[name] for name in ("state", "plan", "period"))
        if not same or told["charge"]["state"] != body["charge"]["state"]:
            self.tally.violation(f"{self.email} was told of the subscription {told}, and is shown {body}")

    def _some(self, told: dict[str, dict[str, Any]], *states: str) -> dict[str, Any] | None:
        """One of what they have, in one of these states."""
        found = [one for one in told.values() if not states or one.get("state", one.get("status")) in states]
        return self.draw.choice(found) if found else None
