"""How the steps of the story are played: through the use cases that every edge calls."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from ...application import fulfillment, inventory, investments
from ...application.fulfillment import DispatchShipment, MoveShipment, ShipmentView
from ...application.identity import checks
from ...application.orders import PlaceOrder, WishedLine
from ...application.payments import PlayPayment
from ...domain import shared
from ...domain.investments.subscriptions import Choice
from ...domain.projects import INVESTMENT_TYPES
from .people import ADDRESSES, ADMIN, PARTNER
from .places import SITES
from .stage import Act, Stage
from .story import (
    HUB,
    STORY,
    Arrives,
    Cancels,
    Checked,
    Damaged,
    Invests,
    Leaves,
    Miscounted,
    Orders,
    Scanned,
    Step,
    Subscribes,
    Troubled,
    Withdraws,
)

OFFERS = {site.slug: INVESTMENT_TYPES[site.type] for site in SITES}
CARRIER = "demo parcels"


def acts(stage: Stage) -> Iterator[Act]:
    """Every step of the story, on its day."""
    return ((step.day, partial(PLAYS[type(step)], stage, step)) for step in STORY)


# --- members ------------------------------------------------------------------------------------


async def _invests(stage: Stage, step: Invests) -> None:
    who, key = stage.people[step.who], f"demo-invest-{step.day}"
    wish = investments.Invest(
        project_id=stage.projects[step.project], offer=OFFERS[step.project], notes=step.notes
    )
    asked = await investments.invest(wish, stage.run, stage.sandbox, actor=who, key=key)
    how = PlayPayment(payment_id=asked.payment.id, behaviour=step.goes)
    paid = await investments.pay(how, stage.run, stage.sandbox, actor=who, key=f"{key}-pay")
    stage.shares[step.who, step.day] = paid


async def _checked(stage: Stage, step: Checked) -> None:
    who, admin, key = stage.people[step.who], stage.people[ADMIN], f"check-{step.who}-{step.day}"
    wish = checks.AskCheck(user_id=who.user_id, level=1, evidence="demo")
    asked = await stage.do(checks.ask, wish, f"{key}-ask", who)
    found = checks.DecideCheck(
        user_id=who.user_id, check_id=asked.id, verdict="verified", reason="Seen at the market."
    )
    await stage.do(checks.decide, found, f"{key}-decide", admin)


async def _withdraws(stage: Stage, step: Withdraws) -> None:
    share, who = stage.shares[step.who, step.bought], stage.people[step.who]
    wish = investments.Withdraw(kind="investment", contribution_id=share.id)
    key = f"demo-withdraw-{step.day}"
    await investments.withdraw_and_refund(wish, stage.run, stage.sandbox, actor=who, key=key)


async def _subscribes(stage: Stage, step: Subscribes) -> None:
    who, key = stage.people[step.who], f"demo-subscribe-{step.day}"
    wish = investments.Subscribe(
        plan=step.plan, projects=tuple(Choice(stage.projects[slug]) for slug in step.projects)
    )
    asked = await investments.subscribe_and_open(wish, stage.run, stage.sandbox, actor=who, key=key)
    how = PlayPayment(payment_id=asked.payment.id, behaviour="succeeds")
    paid = await investments.pay(how, stage.run, stage.sandbox, actor=who, key=f"{key}-pay")
    stage.subscriptions[step.who] = paid


async def _orders(stage: Stage, step: Orders) -> None:
    lines = tuple(WishedLine(stage.variants[sku].id, pieces) for sku, pieces in step.wants.items())
    command = PlaceOrder(
        lines=lines,
        shipping_method=step.method,
        shipping_address=None if step.method == "pickup" else ADDRESSES[step.to],
        gift_message=step.gift,
    )
    stage.orders[step.name] = await stage.do(
        fulfillment.place, command, f"order-{step.name}", stage.people[step.who]
    )


async def _cancels(stage: Stage, step: Cancels) -> None:
    order = stage.orders[step.order]
    command = fulfillment.CancelOrder(order_id=order.id, reason=step.reason)
    await stage.do(fulfillment.cancel, command, f"cancel-{step.order}", stage.buyer_of(order))


# --- who sends ----------------------------------------------------------------------------------


async def _leaves(stage: Stage, step: Leaves) -> None:
    sender = None if step.sender == HUB else stage.producers.get(step.sender)
    shipments = stage.orders[step.order].shipments
    parts = [one for one in shipments if not step.sender or one.producer_id == sender]
    await asyncio.gather(*(_leave(stage, one) for one in parts))
    stage.left.setdefault(step.order, []).extend(parts)


async def _leave(stage: Stage, part: ShipmentView) -> None:
    """A producer accepts and sends; the hub picks and sends."""
    sender = _sender(stage, part)
    ready = MoveShipment(shipment_id=part.id, status="picked" if part.producer_id is None else "accepted")
    await stage.do(fulfillment.move, ready, f"ready-{part.number}", sender)
    parcel = DispatchShipment(
        shipment_id=part.id,
        carrier=CARRIER,
        tracking_number=f"DEMO-{part.number}",
        packaging="box",
        cost_cents=450 + part.weight_grams // 10,
    )
    await stage.do(fulfillment.dispatch, parcel, f"dispatch-{part.number}", sender)


async def _scanned(stage: Stage, step: Scanned) -> None:
    for part in stage.left[step.order]:
        command = fulfillment.ScanShipment(
            shipment_id=part.id, carrier_state=step.says, scanned_at=stage.clock.now
        )
        await stage.do(fulfillment.scan, command, f"scan-{step.day}-{part.number}", _sender(stage, part))


async def _troubled(stage: Stage, step: Troubled) -> None:
    for part in stage.left[step.order]:
        command = fulfillment.ReportTrouble(shipment_id=part.id, reason=step.reason)
        await stage.do(fulfillment.report, command, f"trouble-{part.number}", _sender(stage, part))


async def _arrives(stage: Stage, step: Arrives) -> None:
    buyer = stage.buyer_of(stage.orders[step.order])
    for part in stage.left[step.order]:
        command = fulfillment.DeliverShipment(shipment_id=part.id)
        await stage.do(fulfillment.deliver, command, f"deliver-{part.number}", _sender(stage, part))
        if step.stars is not None:
            word = fulfillment.RateShipment(shipment_id=part.id, rating=step.stars, feedback=step.feedback)
            await stage.do(fulfillment.rate, word, f"rate-{part.number}", buyer)


def _sender(stage: Stage, part: ShipmentView) -> shared.Actor:
    """The partner sends what is their producer's, the administrator everything else."""
    partner = stage.people[PARTNER]
    return partner if part.producer_id == partner.producer_id else stage.people[ADMIN]


async def _miscounted(stage: Stage, step: Miscounted) -> None:
    variant, batch = stage.variants[step.sku], stage.batches[step.sku][0]
    command = inventory.CorrectStock(
        product_id=variant.product_id,
        variant_id=variant.id,
        batch_id=batch.id,
        difference=step.difference,
        reason=step.reason,
    )
    await stage.do(inventory.correct, command, f"correct-{step.sku}", stage.people[ADMIN])


async def _damaged(stage: Stage, step: Damaged) -> None:
    variant, batch = stage.variants[step.sku], stage.batches[step.sku][0]
    command = inventory.WriteOff(
        product_id=variant.product_id,
        variant_id=variant.id,
        batch_id=batch.id,
        quantity=step.pieces,
        reason=step.reason,
    )
    await stage.do(inventory.write_off, command, f"write-off-{step.sku}", stage.people[ADMIN])


PLAYS: dict[type[Step], Callable[[Stage, Any], Awaitable[None]]] = {
    Checked: _checked,
    Invests: _invests,
    Withdraws: _withdraws,
    Subscribes: _subscribes,
    Orders: _orders,
    Cancels: _cancels,
    Leaves: _leaves,
    Scanned: _scanned,
    Troubled: _troubled,
    Arrives: _arrives,
    Miscounted: _miscounted,
    Damaged: _damaged,
}
