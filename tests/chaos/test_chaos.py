"""A short chaos, and what a longer one would notice; `make chaos` is the long one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from random import Random

import asyncpg

from chaos.asking import Tally, Told
from chaos.books import examine
from chaos.keeping import Keeper
from chaos.killing import plan
from chaos.looking import compare
from chaos.playing import Size, play
from chaos.town import Town
from chaos.walking import Member

BROKEN = {
    "update baobab.account set balance = balance + 1": "a balance is the sum of its postings",
    "update baobab.order set debit_id = gen_random_uuid()": "a purchase is paid once",
    "update baobab.posting set source_id = gen_random_uuid() where kind = 'bonus'": "points of an investment",
    "delete from baobab.order_number": "an order has its number",
    "delete from baobab.shipment_line": "every line of an order is wholly in its shipments",
    "update baobab.order set status = 'cancelled'": "shipments are cancelled with their order",
    "update baobab.order_counter set last = last + 1": "numbers of orders leave no gap",
    "update baobab.batch set on_hand = on_hand + 1": "a batch is what its movements make",
    "update baobab.stock set on_hand = on_hand + 1": "a variant is the sum of its batches",
    "delete from baobab.movement where kind = 'allocated'": "an order took of each batch",
    "update baobab.funding set taken_cents = taken_cents + 1": "a project has taken the sum of its entries",
    "update baobab.project set target_cents = 1": "no project has taken more than it may",
    "update baobab.funding_entry set state = 'held'": "an investment and its share stand together",
    "update baobab.payment set state = 'failed' where state = 'succeeded'": "an investment and its payment",
    "delete from baobab.receipt": "what was paid has one receipt",
    "update baobab.payment set state = 'refund_due', refund_due_cents = 1 where state = 'succeeded'": "money",
    "delete from baobab.payment_reference": "a payment is known to its provider",
    "update baobab.withdrawal set returned_points = returned_points - 1": "what somebody gave back",
    "update baobab.refund set state = 'asked'": "every refund that was asked for",
    "update baobab.subscription_charge set amount_cents = 1, rest_cents = 0": "a charge and its payment",
    "update baobab.subscription_charge set grant_id = gen_random_uuid()": "a charge that was paid granted",
    "delete from baobab.portion": "the money of a charge is in projects",
    "update baobab.portion set state = 'returned'": "a portion and its share stand together",
    "update baobab.event set run_key = 'same' where type = 'orders.placed'": "one key placed one order",
    "delete from baobab.command_log": "what was said has its run in the command log",
}
"""What is done behind everybody's back, and the rule that notices."""


async def test_killed_server_and_database_lose_nothing_and_leave_nothing_half_done() -> None:
    size = Size(kills=2, clients=12, rest=0.1, longest_pause=0.6, hang=120, most_seconds=900)
    report = await play(1, size, look=look_closely)
    assert report.in_order, str(report)
    assert (report.kills["server"], report.kills["database"]) == (2, 2)
    assert report.tally.acknowledged > 12, str(report)
    assert report.repeated == sum(report.commands.values())


async def look_closely(town: Town, members: Sequence[Member], keeper: Keeper) -> None:
    """Whatever is broken on purpose is noticed."""
    await _do_everything_once(members[-1])
    connection = await asyncpg.connect(town.url)
    try:
        for sql, rule in BROKEN.items():
            broken = connection.transaction()
            await broken.start()
            await connection.execute(sql)
            assert await examine(connection.fetch, rule), f"{sql}: nobody says that it is not so that {rule}"
            await broken.rollback()
        assert await examine(connection.fetch) == []
    finally:
        await connection.close()
    await _notices_what_is_lost(town, members, keeper)


async def _do_everything_once(member: Member) -> None:
    """So that there is something to break, however short the chaos was."""
    [first, *_], [honey, *_] = member.shop.projects, member.shop.articles
    for reserved in [one for one in member.investments.values() if one["state"] == "pending"]:
        await member.pay_for(reserved, "succeeds")
    for _ in range(2):
        await member.pay_for(await member.invest_in(*first), "succeeds")
        await member.order_these({honey.variant_id: 1})
    await member.call_off(await member.order_these({honey.variant_id: 1}))
    await member.give_back(list(member.investments.values())[-1])
    while "paid" not in (one["charge"]["state"] for one in member.subscriptions.values()):
        await member.subscribe()
        await member.pay_subscription()


async def _notices_what_is_lost(town: Town, members: Sequence[Member], keeper: Keeper) -> None:
    tally, member = Tally(), members[0]
    member.told.append(Told("order", "a key that nobody knows", "/v1/orders", {}, 201, {}))
    member.points += 1
    member.orders["an order"] = {"total_points": 1, "status": "confirmed", "shipments": []}
    assert await compare(town, tally, members, keeper) == 1
    assert {one.partition(":")[0] for one in tally.wrong} == {"lost", "points", f"orders of {member.email}"}


def test_a_plan_is_drawn_from_its_seed_and_kills_as_often_as_is_asked() -> None:
    planned = plan(Random(7), 50)
    assert planned == plan(Random(7), 50)
    assert planned != plan(Random(8), 50)
    assert [sum(one.target == target for one in planned) for target in ("server", "database")] == [50, 50]
    assert 5 < sum(one.early for one in planned) < 40


def test_the_books_share_no_code_with_the_product() -> None:
    program = "import sys, chaos.books; sys.exit(any(name.startswith('baobab') for name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
