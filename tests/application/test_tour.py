"""The main job from end to end, in memory: invest, earn, order, receive; and change one's mind."""

import pytest
from investing import Investor, hives
from ordering import Market

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import identity, points
from baobab.domain import shared
from builders import World


@pytest.fixture
async def market(world: World) -> Market:
    return await Market.open(world)


async def balance_of(world: World, member: shared.Actor) -> points.Balance:
    return await world.run.read(points.balance, points.GetBalance(user_id=member.user_id), actor=member)


async def test_a_member_invests_earns_orders_and_receives(world: World, market: Market) -> None:
    member = await market.member(0, 0)
    investor = Investor(world, member, SandboxGateway())
    reserved = await investor.invest(await hives(world))
    paid = await investor.pay(reserved, "succeeds")
    assert (paid.state, paid.granted_points) == ("active", 65)
    assert paid.tracking_id.startswith("RUCHE-")
    me = await world.run.read(identity.member, identity.GetMember(user_id=member.user_id), actor=member)
    assert me.level == "protecteur"

    order = await market.place(member, (market.honey, 2), (market.soap, 1))
    assert [shipment.source for shipment in order.shipments] == ["stock", "dropship"]
    assert (await balance_of(world, member)).available == 65 - order.total_points

    hub, maker = order.shipments
    await market.dispatch(world.admin, hub)
    await market.move(market.partner(), maker, "accepted")
    await market.dispatch(market.partner(), maker)
    assert (await market.show(member, order)).status == "shipped"
    await market.deliver(world.admin, hub)
    assert (await market.show(member, order)).status == "partly_delivered"
    await market.deliver(market.partner(), maker)
    assert (await market.show(member, order)).status == "delivered"


async def test_a_cancelled_order_gives_every_lot_back_what_it_gave(world: World, market: Market) -> None:
    member = await market.member(30, 10)
    before = await world.run.read(
        points.expiring, points.GetExpiring(user_id=member.user_id, days=800), actor=member
    )
    order = await market.place(member, (market.honey, 3), (market.soap, 1))
    await market.cancel(member, order)
    after = await world.run.read(
        points.expiring, points.GetExpiring(user_id=member.user_id, days=800), actor=member
    )
    assert len(before.lots) == 2
    assert after == before
    assert (await market.shop.stock(market.honey)).allocated == 0
