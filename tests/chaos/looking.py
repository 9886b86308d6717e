"""When all is quiet again: everything that was told is asked for again, and compared with what stands in the
database."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .asking import Client, Tally, Told
from .keeping import Keeper
from .town import Town
from .walking import Member

VERIFY = (("points", "verify"), ("payments", "verify"), ("stock", "verify"))
"""Commands of the product that must find nothing."""


async def ask_again(clients: Sequence[Client], deadline: float) -> int:
    """Repeat every acknowledged command, newest first, until the deadline; how many were repeated."""

    async def repeat(client: Client) -> int:
        done = 0
        for told in reversed(client.told):
            if time.monotonic() > deadline:
                break
            await client.again(told)
            done += 1
        return done

    return sum(await asyncio.gather(*map(repeat, clients)))


async def look_again(members: Sequence[Member], deadline: float) -> int:
    """Read everything that anybody was told of, and every balance; how many were read."""

    async def read(member: Member) -> int:
        done = 0
        for check, told in (
            (member.check_this_investment, member.investments),
            (member.check_this_subscription, member.subscriptions),
            (member.check_this_order, member.orders),
        ):
            for one in told.values():
                if time.monotonic() < deadline:
                    await check(one)
                    done += 1
        await member.check_balance()
        return done

    return sum(await asyncio.gather(*map(read, members)))


async def verify(town: Town, tally: Tally) -> list[str]:
    """What the product itself finds."""
    said = []
    found = await asyncio.gather(*(town.command(*words) for words in VERIFY))
    for words, (code, printed) in zip(VERIFY, found, strict=True):
        said.append(f"{' '.join(words)}: {printed}")
        if code:
            tally.violation(f"baobab {' '.join(words)} exits with {code}: {printed}")
    return said


# --- what was told, beside what stands in the database ----------------------------------------------


async def compare(town: Town, tally: Tally, members: Sequence[Member], keeper: Keeper) -> int:
    """Find every acknowledged answer in the rows, and nothing else there; how many are lost."""
    users = {
        row["email"]: row["user_id"] for row in await town.rows("select email, user_id from baobab.member")
    }
    lost = await _lost(town, tally, (*members, keeper))
    for member in members:
        await _compare_member(town, tally, member, str(users[member.email]))
    await _compare_shelves(town, tally, members, keeper)
    await _compare_funding(town, tally, members)
    return lost


async def _lost(town: Town, tally: Tally, clients: Iterable[Client]) -> int:
    """How many acknowledged commands are not in the command log."""
    kept = Counter(row["key"] for row in await town.rows("select key from baobab.command_log"))
    told = [one for client in clients for one in client.told]
    lost = [one for one in told if not kept[one.key]]
    for one in lost:
        tally.violation(f"lost: {one}")
    return len(lost)


async def _compare_member(town: Town, tally: Tally, member: Member, user_id: str) -> None:
    mine = f"where user_id = '{user_id}'"
    rows = await town.rows(f"select id::text, state from baobab.investment {mine}")
    told = {id: one["state"] for id, one in member.investments.items()}
    _same(tally, f"investments of {member.email}", told, dict(map(tuple, rows)))
    rows = await town.rows(f"""select s.id::text, s.state, c.state from baobab.subscription s
        join baobab.subscription_charge c using (user_id, payment_id) where user_id = '{user_id}'""")
    charged = {id: (one["state"], one["charge"]["state"]) for id, one in member.subscriptions.items()}
    _same(tally, f"subscriptions of {member.email}", charged, {row[0]: (row[1], row[2]) for row in rows})
    rows = await town.rows(f"select id::text, total_points, status = 'cancelled' from baobab.order {mine}")
    due = {id: (one["total_points"], one["status"] == "cancelled") for id, one in member.orders.items()}
    _same(tally, f"orders of {member.email}", due, {row[0]: (row[1], row[2]) for row in rows})
    rows = await town.rows(f"select balance from baobab.account {mine} and unit = 'points'")
    _same(tally, "points", {member.email: member.points}, {member.email: rows[0][0] if rows else 0})


async def _compare_shelves(town: Town, tally: Tally, members: Iterable[Member], keeper: Keeper) -> None:
    """Each batch holds what was delivered and counted less what was sent, and promises what is ordered."""
    promised = Counter[str]()
    for shipment in _waiting(members, keeper.sent):
        for line in shipment["lines"]:
            if line["batch_id"] is not None:
                promised[line["batch_id"]] += line["quantity"]
    due = {batch: (pieces, promised[batch]) for batch, pieces in keeper.shelves.items()}
    rows = await town.rows("select id::text, on_hand, allocated from baobab.batch")
    _same(tally, "batches", due, {row[0]: (row[1], row[2]) for row in rows})


def _waiting(members: Iterable[Member], sent: set[str]) -> Iterator[dict[str, Any]]:
    for member in members:
        for order in member.orders.values():
            if order["status"] != "cancelled":
                yield from (one for one in order["shipments"] if one["id"] not in sent)


async def _compare_funding(town: Town, tally: Tally, members: Iterable[Member]) -> None:
    """Each project has taken what the active investments in it cost, and its part of what was subscribed."""
    due = Counter[str]()
    for member in members:
        for one in member.investments.values():
            due[one["project_id"]] += one["amount"]["amount"] if one["state"] == "active" else 0
        for one in member.subscriptions.values():
            if one["charge"]["state"] == "paid":
                parts = [part["project_id"] for part in one["projects"]]
                due.update(dict.fromkeys(parts, one["charge"]["amount"]["amount"] // len(parts)))
    rows = await town.rows("select project_id::text, taken_cents from baobab.funding")
    _same(tally, "funding", {row[0]: due[row[0]] for row in rows}, dict(map(tuple, rows)))


def _same(tally: Tally, what: str, told: dict[str, Any], found: dict[str, Any]) -> None:
    differs = {key for key in {*told, *found} if told.get(key) != found.get(key)}
    if not differs:
        return
    told, found = ({key: one[key] for key in differs if key in one} for one in (told, found))
    tally.violation(f"{what}: told {told}, found {found}")


def commands_of(clients: Iterable[Client]) -> Counter[str]:
    """How many of each were acknowledged."""
    told: Iterator[Told] = (one for client in clients for one in client.told)
    return Counter(one.action for one in told)
