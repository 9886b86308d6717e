"""A town, its people, its killer, and a look at everything when all is quiet again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from .asking import Client, Tally
from .books import examine
from .keeping import Keeper
from .killing import Killer, plan
from .looking import ask_again, commands_of, compare, look_again, verify
from .opening import PASSWORD, member, open_shop
from .report import Report
from .town import Town, town
from .walking import Member

Say = Callable[[str], object]
Look = Callable[[Town, Sequence[Member], Keeper], Awaitable[None]]


@dataclass(frozen=True)
class Size:
    """How much is killed under how many clients, who rest so many seconds between two wishes; after how many
    seconds a request hangs, and how many all of it may take."""

    kills: int = 50
    clients: int = 64
    rest: float = 0.5
    longest_pause: float = 3.0
    hang: float = 30.0
    most_seconds: float = 900.0


async def play(seed: int, size: Size, say: Say = lambda line: None, look: Look | None = None) -> Report:
    """Kill, under clients; then look whether anything is lost or half done. `look` may look further."""
    since, tally = time.monotonic(), Tally(size.hang)
    report = Report(seed, size.clients, size.kills, tally)
    async with town() as built:
        shop = await open_shop(built.service_url, size.clients)
        await built.serve()
        members = [
            Member(built, tally, member(number), Random(f"{seed} {number}"), shop)
            for number in range(size.clients)
        ]
        keeper = Keeper(built, tally, Random(f"{seed} keeper"), shop)
        try:
            for one in (*members, keeper):
                await one.sign_in(PASSWORD)
            say(f"{len(members)} members are signed in after {time.monotonic() - since:.0f} s")
            killer = Killer(
                built,
                tally,
                plan(Random(f"{seed} kills"), size.kills, longest_pause=size.longest_pause),
                since + size.most_seconds * 0.8,
            )
            await _live(killer, (*members, keeper), size, say)
            report.note(killer)
            await _look(report, built, members, keeper, since + size.most_seconds * 0.95)
            if look is not None:
                await look(built, members, keeper)
        finally:
            for one in (*members, keeper):
                one.close()
            built.wrong += tally.wrong
    for wrong in built.wrong:
        if wrong not in tally.wrong:
            tally.violation(wrong)
    report.folder = str(built.folder) if built.wrong else ""
    report.seconds = time.monotonic() - since
    return report


async def _live(killer: Killer, clients: Sequence[Client], size: Size, say: Say) -> None:
    """Everybody walks until the killer is done, and ends what they began."""
    quiet = asyncio.Event()

    async def walk(client: Member | Keeper) -> None:
        while not quiet.is_set():
            await asyncio.sleep(client.waits.expovariate(1 / size.rest))
            await client.step()

    async def tell() -> None:
        while True:
            await asyncio.sleep(30)
            say(f"{len(killer.done)} of {len(killer.planned)} kills, {killer.tally.acknowledged:,} writes "
                f"acknowledged, {killer.tally.violations} violations")  # fmt: skip

    telling = asyncio.create_task(tell())
    walks = [asyncio.create_task(walk(client)) for client in clients]  # type: ignore[arg-type]
    try:
        await killer.run()
    finally:
        quiet.set()
        for client, ended in zip(clients, await asyncio.gather(*walks, return_exceptions=True), strict=True):
            if isinstance(ended, BaseException):
                killer.tally.violation(f"{client.email} cannot go on: {ended!r}")
        telling.cancel()


async def _look(
    report: Report, built: Town, members: Sequence[Member], keeper: Keeper, deadline: float
) -> None:
    """All that was told stands, and nothing else; all that stands is whole."""
    await built.ready()
    tally = report.tally
    report.commands = commands_of((*members, keeper))
    report.lost = await compare(built, tally, members, keeper)
    report.read_again = await look_again(members, deadline)
    report.repeated = await ask_again((*members, keeper), deadline)
    for wrong in await examine(built.rows):
        tally.violation(wrong)
    await compare(built, tally, members, keeper)
    report.verified = await verify(built, tally)
