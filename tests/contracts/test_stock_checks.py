"""Verify the stock, in memory and on PostgreSQL: what is in order is found in order, and whatever is changed
behind the back of the product is named."""

from typing import Any
from uuid import UUID

import pytest
from ordering import Market

from baobab.adapters.postgres.database import Database
from baobab.application import fulfillment
from baobab.application.fulfillment import SHIPMENTS, checking
from baobab.application.fulfillment.checking import Verification, VerifyStock
from baobab.application.inventory import BATCHES, MOVEMENTS, STOCKS
from baobab.application.work import Changes, Read
from baobab.domain import shared
from baobab.domain.inventory import Batch, Movement, Stock
from builders import World


class Shelf:
    """A market of which some honey is ordered, some cancelled and some has left; and a way to its rows."""

    def __init__(self, market: Market) -> None:
        self.market, self.world = market, market.world

    @classmethod
    async def open(cls, world: World) -> "Shelf":
        market = await Market.open(world)
        await market.shop.receive(market.honey, 5, number="L2")
        await market.shop.on_shelf(3, "miel-de-thym", "MIEL-THYM")
        member = await market.member(200)
        gone, off, _ = [
            await market.place(member, (market.honey, pieces), (market.soap, 1)) for pieces in (2, 1, 4)
        ]
        await market.cancel(member, off)
        await market.dispatch(world.admin, next(one for one in gone.shipments if one.source == "stock"))
        return cls(market)

    async def verify(self) -> Verification:
        return await self.world.run.read(checking.verify, VerifyStock(), actor=self.world.admin)

    async def found(self) -> list[tuple[str, str, str]]:
        """The check, the table and the end of the key of each finding."""
        found = (await self.verify()).findings
        return [(one.check, one.table, one.row.rpartition("/")[2]) for one in found]

    async def stock(self) -> Stock:
        return await self._kept(STOCKS.key(self.market.honey.product_id, self.market.honey.id))

    async def batch(self) -> Batch:
        shown = await self.market.shop.stock(self.market.honey)
        return await self._kept(BATCHES.key(self.market.honey.product_id, shown.batches[0].id))

    async def _kept(self, key: Any) -> Any:
        async with self.world.storage.begin() as transaction:
            return (await transaction.load((key,), lock=False)).records[key]

    async def tamper(self, *changed: shared.Record, added: tuple[Movement, ...] = ()) -> None:
        changes = Changes({MOVEMENTS: list(added)} if added else {}, {})
        for one in changed:
            kind: Any = {Batch: BATCHES, Stock: STOCKS}.get(type(one), SHIPMENTS)
            changes.changed.setdefault(kind, []).append(one)
        async with self.world.storage.begin() as transaction:
            await transaction.write(changes)


@pytest.fixture
async def shelf(any_world: World) -> Shelf:
    return await Shelf.open(any_world)


async def test_a_shelf_that_was_only_moved_by_the_product_is_in_order(shelf: Shelf) -> None:
    verified = await shelf.verify()
    assert verified.findings == ()
    assert verified.checks == ("movements", "totals", "bounds", "promises")
    assert (verified.variants, verified.batches, verified.movements) == (2, 3, 8)


async def test_a_batch_that_counts_other_than_its_movements_is_found_with_its_total(shelf: Shelf) -> None:
    batch = await shelf.batch()
    await shelf.tamper(shared.evolve(batch, on_hand=batch.on_hand + 1))
    assert await shelf.found() == [
        ("movements", "batch", str(batch.id)),
        ("totals", "stock", str(batch.variant_id)),
    ]
    assert f"has {batch.on_hand + 1} on hand" in (await shelf.verify()).findings[0].says


async def test_a_total_that_is_not_that_of_its_batches_is_found(shelf: Shelf) -> None:
    stock = await shelf.stock()
    await shelf.tamper(shared.evolve(stock, allocated=stock.allocated - 1))
    assert await shelf.found() == [("totals", "stock", str(stock.variant_id))]


async def test_a_movement_of_a_batch_that_is_not_there_is_found(shelf: Shelf) -> None:
    batch, ghost = await shelf.batch(), UUID(int=7)
    place: dict[str, Any] = {
        "product_id": batch.product_id,
        "variant_id": batch.variant_id,
        "batch_id": ghost,
    }
    facts: dict[str, Any] = {"id": ghost, "cause_id": ghost, "recorded_at": shelf.world.clock.now}
    came = Movement(**place, **facts, kind="received", quantity=1, cause="receipt")
    went = shared.evolve(came, id=UUID(int=8), kind="damaged", quantity=-1, cause="correction")
    await shelf.tamper(added=(came, went))
    assert await shelf.found() == [("movements", "batch", str(ghost))]


async def test_pieces_that_are_promised_to_an_order_which_does_not_hold_them_are_found(shelf: Shelf) -> None:
    batch, stock, order = await shelf.batch(), await shelf.stock(), UUID(int=9)
    place: dict[str, Any] = {
        "product_id": batch.product_id,
        "variant_id": batch.variant_id,
        "batch_id": batch.id,
    }
    facts: dict[str, Any] = {"id": order, "cause_id": order, "recorded_at": shelf.world.clock.now}
    await shelf.tamper(
        shared.evolve(batch, allocated=batch.allocated + 1),
        shared.evolve(stock, allocated=stock.allocated + 1),
        added=(Movement(**place, **facts, kind="allocated", quantity=1, cause="order"),),
    )
    assert await shelf.found() == [("promises", "batch", str(batch.id))]
    [finding] = (await shelf.verify()).findings
    assert finding.says == f"promises 1 to the order {order}, whose shipments hold 0 of it."


async def test_a_shipment_that_left_without_its_pieces_is_found(shelf: Shelf) -> None:
    admin = shelf.world.admin
    page = await shelf.world.run.read(
        fulfillment.shipments, fulfillment.SearchShipments(status="pending", source="stock"), actor=admin
    )
    [waiting] = page.items
    group = SHIPMENTS.group("id", waiting.id)
    async with shelf.world.storage.begin() as transaction:
        found: list[Any] = (await transaction.load((group,), lock=False)).groups[group]
    [shipment] = found
    await shelf.tamper(shared.evolve(shipment, state="shipped"))
    [finding] = (await shelf.verify()).findings
    assert finding.check == "promises"
    assert finding.says == f"promises 4 to the order {shipment.order_id}, whose shipments hold 0 of it."


async def test_only_administrators_and_the_program_verify(shelf: Shelf) -> None:
    for actor in (shared.Actor(), shelf.world.member(), shelf.world.member("partner_owner")):
        with pytest.raises((shared.Unauthenticated, shared.Forbidden)):
            await shelf.world.run.read(checking.verify, VerifyStock(), actor=actor)


class OneLookBehind:
    """What is read of stock, where an order arrives after the first look at what is promised."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._is_first = shelf, True
        self.stock_checks, self.promise_checks = self, shelf.world.queries.promise_checks
        self.size = shelf.world.queries.stock_checks.size
        self.miscounts = shelf.world.queries.stock_checks.miscounts

    async def promised(self) -> Any:
        found, market = await self._shelf.world.queries.stock_checks.promised(), self._shelf.market
        if self._is_first:
            self._is_first = False
            await market.place(await market.member(50), (market.honey, 1))
        return found


async def test_an_order_that_arrives_between_two_looks_is_not_taken_for_a_fault(shelf: Shelf) -> None:
    read: Any = Read(OneLookBehind(shelf), shelf.world.clock.now, shelf.world.admin)
    assert (await checking.verify.run(VerifyStock(), read)).findings == ()


async def test_counts_below_zero_are_found_though_the_database_takes_none(
    database: Database,
) -> None:
    shelf = await Shelf.open(World.on(database))
    batch = await shelf.batch()
    async with database.connection() as connection:
        name = await connection.fetchval(_CONSTRAINT)
        await connection.execute(f"alter table baobab.batch drop constraint {name}")
        await connection.execute("update baobab.batch set allocated = -1 where id = $1", batch.id)
    try:
        found = (await shelf.verify()).findings
    finally:
        async with database.connection() as connection:
            await connection.execute("update baobab.batch set allocated = 0")
            await connection.execute(f"alter table baobab.batch add constraint {name} {_WITHIN}")
    assert ("bounds", str(batch.id)) in [(one.check, one.row.rpartition("/")[2]) for one in found]


_CONSTRAINT = """select conname from pg_constraint
    where conrelid = 'baobab.batch'::regclass and pg_get_constraintdef(oid) like '%allocated%'"""
_WITHIN = "check (allocated >= 0 and allocated <= on_hand)"
