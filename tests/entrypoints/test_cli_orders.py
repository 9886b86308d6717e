"""`baobab orders`: orders for people and for programs."""

import asyncio
import json
from typing import Any

from click.testing import CliRunner, Result
from ordering import Market

from baobab.adapters.postgres.database import Database
from baobab.application import identity
from baobab.domain import shared
from baobab.entrypoints.cli.orders import command
from builders import World


async def orders(database: Database, *words: str) -> Result:
    """What `baobab orders WORDS` prints, in a terminal wide enough for a table."""
    environment = {"BAOBAB_DATABASE_URL": database.url, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner(env=environment).invoke, command, words)


async def as_json(database: Database, *words: str) -> Any:
    result = await orders(database, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_orders_are_listed_for_people_and_for_programs(database: Database) -> None:
    world = World.on(database)
    market = await Market.open(world)
    member, other = await market.member(), await market.member()
    first = await market.place(member, (market.honey, 1))
    second = await market.place(other, (market.soap, 1), shipping_method="pickup")
    shown = await orders(database, "list")
    for word in (first.number, second.number, "pickup", "2026-03-02 10:30 UTC"):
        assert word in shown.stdout
    assert (shown.exit_code, "More:" in shown.stdout) == (0, False)
    page = await as_json(database, "list")
    assert [one["number"] for one in page["items"]] == [second.number, first.number]
    first_page = await orders(database, "list", "--limit", "1")
    cursor = first_page.stdout.rpartition("--cursor ")[2].strip()
    rest = await as_json(database, "list", "--cursor", cursor)
    assert [one["number"] for one in rest["items"]] == [first.number]


async def test_orders_are_found_by_what_they_are(database: Database) -> None:
    world = World.on(database)
    market = await Market.open(world)
    member = await market.member()
    order = await market.place(member, (market.honey, 1))
    await market.place(await market.member(), (market.soap, 1), shipping_method="pickup")
    profile = identity.GetMember(user_id=member.user_id)
    email = (await world.run.read(identity.member, profile, actor=member)).email
    for filters in (
        ("--member", email),
        ("--member", str(member.user_id)),
        ("--number", order.number),
        ("--method", "standard", "--status", "confirmed"),
        ("--method", "standard", "--from", "2026-03-02", "--to", "2026-03-02"),
    ):
        page = await as_json(database, "list", *filters)
        assert [one["number"] for one in page["items"]] == [order.number], filters
    assert (await as_json(database, "list", "--from", "2026-03-03"))["items"] == []


async def test_one_order_is_shown_by_number_or_id(database: Database) -> None:
    market = await Market.open(World.on(database))
    order = await market.place(await market.member(), (market.honey, 1), (market.soap, 2))
    shown = (await orders(database, "show", order.number)).stdout
    for word in ("confirmed", "MIEL-LAV-250", "SAVON-100", "dropship", f"{order.number}-2", "History"):
        assert word in shown
    by_id = await as_json(database, "show", str(order.id))
    assert by_id == await as_json(database, "show", order.number)
    assert (by_id["total_points"], len(by_id["shipments"])) == (27, 2)


async def test_an_order_that_is_not_there_is_an_error(database: Database) -> None:
    result = await orders(database, "show", "MTC-2026-000009")
    assert isinstance(result.exception, shared.NotFound)
    assert str(result.exception) == "There is no order MTC-2026-000009."
