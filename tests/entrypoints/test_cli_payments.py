"""`baobab payments`: money through a provider, from the command line."""

import asyncio
import json
from typing import Any

from click.testing import CliRunner, Result
from investing import Away, Investor, hives, investor

from baobab.adapters.postgres.database import Database
from baobab.application import payments
from baobab.application.payments import inbox
from baobab.domain.payments import RefundExceedsPayment
from baobab.entrypoints.cli.payments import command
from builders import World


async def till(database: Database, *words: str) -> Result:
    """What `baobab payments WORDS` prints, in a terminal wide enough for a table."""
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "240"}
    return await asyncio.to_thread(CliRunner(env=environment).invoke, command, words)


async def as_json(database: Database, *words: str) -> Any:
    result = await till(database, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_payments_are_listed_shown_and_given_back_in_part(database: Database) -> None:
    world = World.on(database)
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    member, id = str(one.user_id), str(one.payment.id)
    for filters in (("--member", member), ("--status", "succeeded", "--provider", "sandbox")):
        page = await as_json(database, "list", *filters)
        assert [found["id"] for found in page["items"]] == [id]
    assert "50.00 EUR" in (await till(database, "list")).stdout
    wish = ("refund", member, id, "700", "--reason", "goodwill", "--key", "k")
    for _ in range(2):
        assert (await as_json(database, *wish))["refunded"]["amount"] == 700
    shown = await till(database, "show", member, id)
    for word in ("Receipts", "Refunds", "Disputes", "goodwill", "7.00 EUR"):
        assert word in shown.stdout
    assert len((await as_json(database, "show", member, id))["receipts"]) == 2
    too_much = await till(database, "refund", member, id, "4301", "--reason", "goodwill")
    assert isinstance(too_much.exception, RefundExceedsPayment)


async def test_the_provider_is_asked_about_what_is_open(database: Database) -> None:
    world = World.on(database)
    await (await investor(world)).invest(await hives(world))
    dry = await till(database, "reconcile", "--dry-run")
    assert (dry.exit_code, "expired" in dry.stdout, "Nothing was changed." in dry.stderr) == (0, True, True)
    done = await as_json(database, "reconcile")
    assert [one["what"] for one in done["settled"]] == ["expired"]
    assert (await as_json(database, "reconcile"))["looked"] == 0


async def test_messages_are_listed_shown_replayed_dismissed_and_forgotten(database: Database) -> None:
    world = World.on(database)
    given = {"provider": "stripe", "event_id": "evt_1"}
    letter = payments.ReceiveEvent(**given, type="ping", reference="", body="what it said")
    await world.run(inbox.receive, letter, actor=world.admin)
    close = payments.CloseEvent(**given, outcome="set_aside", why="amount_differs: 1")
    await world.run(inbox.close, close, actor=world.admin)
    listed = await till(database, "events", "list", "--status", "set_aside")
    assert ("evt_1" in listed.stdout, "amount_differs" in listed.stdout) == (True, True)
    assert (await as_json(database, "events", "show", "stripe", "evt_1"))["body"] == "what it said"
    assert (await as_json(database, "events", "replay", "stripe", "evt_1"))["state"] == "received"
    assert (await as_json(database, "process")) == {"handled": 0, "ignored": 0, "failed": 0, "set_aside": 0}
    gone = await as_json(database, "events", "dismiss", "stripe", "evt_1", "--reason", "given back by hand")
    assert (gone["state"], gone["last_error"]) == ("ignored", "given back by hand")
    assert await as_json(database, "events", "forget") == {"events": 1}
    assert (await as_json(database, "events", "show", "stripe", "evt_1"))["body"] == ""


async def test_money_in_order_exits_with_0_and_money_that_is_missing_with_1(database: Database) -> None:
    world = World.on(database)
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    fine = await till(database, "verify")
    assert (fine.exit_code, "All payments are in order (purchase, state" in fine.stdout) == (0, True)
    assert (await as_json(database, "verify"))["received"] == 5_000
    async with database.connection() as connection:
        await connection.execute("delete from baobab.receipt")
    shown, told = await till(database, "verify"), await till(database, "verify", "--json")
    assert (shown.exit_code, told.exit_code) == (1, 1)
    row = f"{one.user_id}/{one.payment.id}"
    assert f"The first bad row: payment {row} 0 cents came" in shown.stdout
    (finding,) = json.loads(told.stdout)["findings"]
    assert (finding["check"], finding["table"], finding["row"]) == ("receipts", "payment", row)


async def test_money_that_was_given_back_by_other_means_is_not_due_any_more(database: Database) -> None:
    world = World.on(database)
    mine = await investor(world)
    paid = await mine.pay(await mine.invest(await hives(world)))
    one = await Investor(world, mine.actor, Away()).withdraw(paid)
    wish = ("returned", str(one.user_id), str(one.payment.id), "5000", "--reference", "transfer 17")
    for _ in range(2):
        noted = await as_json(database, *wish, "--reason", "card closed")
        assert (noted["state"], noted["refund_due"]["amount"]) == ("refunded", 0)
    slips = (await mine.payment(one)).receipts
    assert [(slip.kind, slip.amount.amount, slip.reason) for slip in slips] == [
        ("payment", 5_000, ""),
        ("refund", 5_000, "card closed"),
    ]
    nameless = await till(database, *wish[:-1], " ", "--reason", "card closed")
    assert (nameless.exit_code, len((await mine.payment(one)).refunds)) == (2, 2)
    assert (await as_json(database, "reconcile"))["looked"] == 0
    assert (await as_json(database, "verify"))["findings"] == []
