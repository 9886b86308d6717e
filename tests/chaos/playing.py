"""A town, its people, its killer, and a look at everything when all is quiet again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from .asking import Tally
from .books import examine
from .keeping import Keeper
from .killing import Killer, plan
from .looking import ask_again, commands_of, compare, look_again, verify
from .opening import PASSWORD, member, open_shop
from .report import Report
from .town import Town, town
from .walking import Member

AT_THE_GATE = 4
"""So many sign in at once: a password is dear to check."""
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


class People(NamedTuple):
    members: Sequence[Member]
    keeper: Keeper

    @property
    def everybody(self) -> Sequence[Member | Keeper]:
        return (*self.members, self.keeper)


async def play(seed: int, size: Size, say: Say = lambda line: None, look: Look | None = None) -> Report:
    """Kill, under clients; then look whether anything is lost or half done. `look` may look further."""
    since, tally = time.monotonic(), Tally(size.hang)
    report = Report(seed, size.clients, size.kills, tally)
    async with town() as built:
        people = await _settled(built, tally, seed, size)
        say(f"{size.clients} members are signed in after {time.monotonic() - since:.0f} s")
        planned = plan(Random(f"{seed} kills"), size.kills, longest_pause=size.longest_pause)
        killer = Killer(built, tally, planned, since + size.most_seconds * 0.85)
        try:
            await _live(killer, people, size, say)
            report.note(killer)
            await _look(report, built, people, since + size.most_seconds * 0.95)
            if look is not None:
                await look(built, people.members, people.keeper)
        finally:
            for one in people.everybody:
                one.close()
            built.wrong += tally.wrong
    return _ended(report, built, since)


async def _settled(built: Town, tally: Tally, seed: int, size: Size) -> People:
    """A server that serves a shop, and everybody with a session."""
    shop = await open_shop(built.service_url, size.clients)
    await built.serve()
    members = [
        Member(built, tally, member(number), Random(f"{seed} {number}"), shop)
        for number in range(size.clients)
    ]
    people = People(members, Keeper(built, tally, Random(f"{seed} keeper"), shop))
    for first in range(0, len(people.everybody), AT_THE_GATE):
        together = people.everybody[first : first + AT_THE_GATE]
        await asyncio.gather(*(one.sign_in(PASSWORD) for one in together))
    return people


def _ended(report: Report, built: Town, since: float) -> Report:
    """The report, with what was wrong with the town itself."""
    for wrong in built.wrong:
        if wrong not in report.tally.wrong:
            report.tally.violation(wrong)
    report.folder = str(built.folder) if built.wrong else ""
    report.seconds = time.monotonic() - since
    return report


async def _live(killer: Killer, people: People, size: Size, say: Say) -> None:
    """Everybody walks until the killer is done, and ends what they began."""
    quiet = asyncio.Event()

    async def walk(client: Member | Keeper) -> None:
        while not quiet.is_set():
            await asyncio.sleep(client.waits.expovariate(1 / size.rest))
            await client.step()

    telling = asyncio.create_task(_tell(killer, say))
    walks = [asyncio.create_task(walk(client)) for client in people.everybody]
    try:
        await killer.run()
    finally:
        quiet.set()
        ended = await asyncio.gather(*walks, return_exceptions=True)
        telling.cancel()
    for client, end in zip(people.everybody, ended, strict=True):
        if end is not None:
            killer.tally.violation(f"{client.email} cannot go on: {end!r}")


async def _tell(killer: Killer, say: Say) -> None:
    """How far it is, now and then."""
    while True:
        await asyncio.sleep(30)
        kills, tally = f"{len(killer.done)} of {len(killer.planned)} kills", killer.tally
        say(f"{kills}, {tally.acknowledged:,} writes acknowledged, {tally.violations} violations")


async def _look(report: Report, built: Town, people: People, deadline: float) -> None:
    """All that was told stands, and nothing else; all that stands is whole."""
    await built.ready()
    tally = report.tally
    report.commands = commands_of(people.everybody)
    report.lost = await compare(built, tally, people.members, people.keeper)
    report.read_again = await look_again(people.members, deadline)
    report.repeated = await ask_again(people.everybody, deadline)
    for wrong in await examine(built.rows):
        tally.violation(wrong)
    await compare(built, tally, people.members, people.keeper)
    report.verified = await verify(built, tally)
