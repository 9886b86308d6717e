"""`baobab stock`: the exit code and the words of a verification."""

import asyncio
import json

from click.testing import CliRunner, Result
from ordering import Market

from baobab.adapters.postgres.database import Database
from baobab.entrypoints.cli.inventory import command
from builders import World


async def stock(database: Database, *words: str) -> Result:
    """What `baobab stock WORDS` prints, in a terminal wide enough for a table."""
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "250"}
    return await asyncio.to_thread(CliRunner(env=environment).invoke, command, words)


async def test_counts_in_order_exit_with_0_and_say_how_much_was_verified(database: Database) -> None:
    market = await Market.open(World.on(database))
    await market.place(await market.member(), (market.honey, 2))
    verified = await stock(database, "verify")
    assert verified.exit_code == 0, verified.output
    assert "1 variants in 1 batches with 2 movements are in order (movements, totals" in verified.stdout


async def test_a_changed_count_exits_with_1_and_is_named_with_its_check(database: Database) -> None:
    market = await Market.open(World.on(database))
    async with database.connection() as connection:
        await connection.execute("update baobab.stock set on_hand = on_hand + 1")
    shown, told = await stock(database, "verify"), await stock(database, "verify", "--json")
    row = f"{market.honey.product_id}/{market.honey.id}"
    assert (shown.exit_code, told.exit_code) == (1, 1)
    assert f"The first bad row: stock {row} has 11 on hand" in shown.stdout
    assert "1 findings in 1 variants" in shown.stdout
    [finding] = json.loads(told.stdout)["findings"]
    assert (finding["check"], finding["table"], finding["row"]) == ("totals", "stock", row)
