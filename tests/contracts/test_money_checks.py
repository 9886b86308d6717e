"""Verify the money, in memory and on PostgreSQL: what is in order is found in order, and whatever is changed
behind the back of the product is named."""

from typing import Any
from uuid import UUID

import pytest
from investing import HIVE, Away, Investor, hives, investor
from subscribing import STANDARD, Subscriber, subscriber

from baobab.adapters.postgres.database import Database
from baobab.application import investments, payments
from baobab.application.investments import attending, verifying
from baobab.application.investments.verifying import Totals, Verification
from baobab.application.payments import DisputeNews, PaymentView
from baobab.application.work import Changes
from baobab.domain import shared
from builders import World


async def verify(world: World) -> Verification:
    return await verifying.verify(world.run, world.admin)


async def give_back(world: World, payment: PaymentView, cents: int, gateway: Any) -> None:
    wish = payments.RefundPayment(
        user_id=payment.user_id, payment_id=payment.id, amount_cents=cents, reason="goodwill"
    )
    await payments.refund_now(
        await world.run(payments.refund, wish, actor=world.admin), world.run, gateway, world.admin
    )


async def lose(world: World, payment: PaymentView, cents: int) -> None:
    news = DisputeNews(payment.reference, "dp_1", cents, "lost", "fraudulent")
    await attending.book_dispute(news, payment, world.run, world.admin)


async def shares(world: World) -> UUID:
    """Shares that are not paid, paid, given back in part, thought better of, lost, and paid too late."""
    mine, project_id = await investor(world), await hives(world, 6)
    bought = [await mine.pay(await mine.invest(project_id)) for _ in range(5)]
    await give_back(world, bought[1].payment, 700, mine.gateway)
    await mine.spend(20)
    await mine.withdraw(bought[0])
    await lose(world, bought[3].payment, HIVE)
    await Investor(world, mine.actor, Away()).withdraw(bought[4])
    await mine.pay(await mine.invest(project_id), "fails")
    full = await hives(world, 1, "ruches-des-ecrins")
    late = await mine.invest(full)
    world.clock.advance(hours=1)
    other = await investor(world, 2, gateway=mine.gateway)
    await other.pay(await other.invest(full))
    await mine.hear(late, "succeeded")
    await mine.invest(project_id)
    return project_id


async def years(world: World, project_id: UUID) -> Subscriber:
    """A subscription whose money found no room for all of it, and one that was thought better of."""
    rich, other = await subscriber(world, 3), await subscriber(world, 4)
    await rich.begin(project_id)
    await other.withdraw(await other.begin())
    return rich


async def test_whatever_becomes_of_money_is_found_in_order_and_adds_up(any_world: World) -> None:
    await years(any_world, await shares(any_world))
    found = await verify(any_world)
    assert found.findings == ()
    assert found.checks[0] == "purchase"
    assert shared.recast(Totals, found) == Totals(
        payments=11,
        received=7 * HIVE + 2 * STANDARD,
        placed=3 * HIVE + 15_000,
        waiting=5_000,
        refunded=700 + 3_500 + HIVE + STANDARD,
        refunds_due=HIVE,
        charged_back=HIVE,
        kept=1_500,
        conceded=700,
    )
    sums = found.placed + found.waiting + found.refunded + found.refunds_due + found.charged_back
    assert found.received == sums + found.kept - found.conceded


async def test_every_page_is_looked_at(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    for _ in range(3):
        await mine.pay(await mine.invest(project_id))
    ports, seen, after = any_world.queries.money_checks, list[UUID](), None
    while page := await ports.accounts(after, 2):
        seen += [one.payment.id for one in page]
        after = page[-1].payment.user_id, page[-1].payment.id
    assert (len(seen), len(set(seen))) == (3, 3)


async def test_who_is_no_administrator_verifies_nothing(any_world: World) -> None:
    mine = await investor(any_world)
    with pytest.raises(shared.Forbidden):
        await verifying.verify(any_world.run, mine.actor)


async def test_money_without_what_it_bought_is_found_in_memory_and_on_postgresql(any_world: World) -> None:
    mine = await investor(any_world)
    one = await mine.pay(await mine.invest(await hives(any_world)))
    key = investments.INVESTMENTS.key(one.user_id, one.id)
    async with any_world.storage.begin() as transaction:
        share = (await transaction.load((key,), lock=False)).records[key]
        gone = shared.evolve(share, state="cancelled")
        await transaction.write(Changes({}, {investments.INVESTMENTS: [gone]}))
    found = (await verify(any_world)).findings
    assert [(finding.check, finding.table) for finding in found] == [
        ("identity", "payment"),
        ("projects", "project"),
    ]
    assert found[0].row == f"{one.user_id}/{one.payment.id}"
    assert "5000 cents came, and 0 stand for what is cancelled" in found[0].says


TAMPERING = {
    "a receipt that is changed": (
        "update receipt set amount_cents = 4999 where kind = 'payment'",
        "receipts",
    ),
    "a receipt that is gone": ("delete from receipt where kind = 'refund'", "receipts"),
    "a receipt too many": (
        "insert into receipt select user_id, payment_id, payment_id, kind, amount_cents, issued_at, "
        "currency, reason from receipt where kind = 'payment'",
        "receipts",
    ),
    "a refund that is forgotten": ("update payment set refunded_cents = 0, state = 'succeeded'", "receipts"),
    "a refund that was not": ("update payment set refunded_cents = 800", "receipts"),
    "a refund row that says otherwise": ("update refund set state = 'failed'", "refunds"),
    "a refund that is not due any more": ("update payment set state = 'succeeded'", "state"),
    "money that never came": ("update payment set state = 'failed', refunded_cents = 0", "receipts"),
    "another amount": ("update payment set amount_cents = 6000", "purchase"),
    "another purchase": ("update payment set purpose_id = id", "purchase"),
    "a share that costs less": ("update investment set amount_cents = 4000", "purchase"),
    "a share that is not there": ("update investment set state = 'expired'", "identity"),
    "a share in another state": ("update investment set state = 'refunded'", "identity"),
    "a project that counts more": ("update funding set taken_cents = taken_cents + 1", "projects"),
    "an entry that is gone": ("update funding_entry set state = 'returned'", "projects"),
    "a dispute that was lost": (
        "insert into dispute select user_id, id, 'dp_1', 100, 'lost', '', created_at, created_at "
        "from payment",
        "disputes",
    ),
    "money that the bank took": (
        "update payment set charged_back_cents = 1, state = 'charged_back'",
        "receipts",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_what_is_changed_by_sql_is_found_and_the_row_is_named(database: Database, what: str) -> None:
    world = World.on(database)
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    await give_back(world, one.payment, 700, mine.gateway)
    assert (await verify(world)).findings == ()
    sql, check = TAMPERING[what]
    await by_hand(database, sql)
    first = (await verify(world)).findings[0]
    assert first.check == check
    row = f"{one.user_id}/{one.payment.id}" if first.table == "payment" else str(one.project_id)
    assert first.row == row


YEARLY = {
    "a portion that is gone": ("update portion set state = 'returned'", ["identity", "projects"]),
    "money that waits for nothing": ("update subscription_charge set rest_cents = 1", ["identity"]),
    "a charge that is not paid": ("update subscription_charge set state = 'given_up'", ["identity"]),
}


@pytest.mark.parametrize("what", YEARLY)
async def test_what_is_changed_of_a_subscription_is_found(database: Database, what: str) -> None:
    world = World.on(database)
    await (await subscriber(world)).begin(await hives(world, 6))
    sql, checks = YEARLY[what]
    assert (await verify(world)).findings == ()
    await by_hand(database, sql)
    assert [one.check for one in (await verify(world)).findings] == checks


async def test_what_a_withdrawal_gave_back_must_have_gone_back(database: Database) -> None:
    world = World.on(database)
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    await mine.spend(20)
    await mine.withdraw(one)
    assert (await verify(world)).kept == 2_000
    await by_hand(database, "update withdrawal set refund_cents = 4000")
    (finding,) = (await verify(world)).findings
    assert (finding.check, "2000 are kept, where 1000 may be" in finding.says) == ("identity", True)


async def by_hand(database: Database, sql: str) -> None:
    async with database.connection() as connection:
        await connection.execute("set search_path = baobab")
        await connection.execute(sql)
        await connection.execute("reset search_path")
