"""What is killed when, drawn from the seed; and how long it takes until somebody is answered again."""

import asyncio
import time
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Literal, NamedTuple

from .asking import Tally
from .town import Town

Target = Literal["server", "database"]
EARLY = 0.2
"""How often the same is killed again while it starts or recovers."""
LONGEST = 90.0
"""Seconds in which a town is itself again."""


class Kill(NamedTuple):
    """So many seconds after somebody was answered again; or, `early`, after the kill before, whatever is
    starting or recovering then."""

    target: Target
    pause: float
    early: bool


def plan(draw: Random, kills: int, *, longest_pause: float = 3.0) -> list[Kill]:
    """So many kills of the server and of the database: one after the other, now and then the same again
    while it starts."""
    left: dict[Target, int] = {"server": kills, "database": kills}
    planned: list[Kill] = []
    turns = cycle((target, early) for target in left for early in (False, True))
    while any(left.values()):
        target, early = next(turns)
        if left[target] and not (early and draw.random() > EARLY):
            left[target] -= 1
            pause = draw.uniform(0, 1.2) if early else draw.uniform(0.3, longest_pause)
            planned.append(Kill(target, pause, early))
    return planned


@dataclass
class Killer:
    """Kills by a plan, until it is done or the deadline (by `time.monotonic`) is near."""

    town: Town
    tally: Tally
    planned: list[Kill]
    deadline: float
    done: list[Kill] = field(default_factory=list)
    recovered: dict[Target, list[float]] = field(default_factory=lambda: {"server": [], "database": []})
    _open: list[tuple[Target, float]] = field(default_factory=list)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        self.tally.heard = self._hear
        for number, kill in enumerate(self.planned):
            if time.monotonic() > self.deadline:
                break
            await asyncio.sleep(kill.pause)
            await self._kill(kill)
            if number + 1 == len(self.planned) or not self.planned[number + 1].early:
                await self._until_answered(kill)

    async def _kill(self, kill: Kill) -> None:
        self._answered.clear()
        if kill.target == "server":
            await self.town.kill_server()
        else:
            await self.town.kill_database()
        self.done.append(kill)
        self._open.append((kill.target, time.monotonic()))

    def _hear(self, begun: float) -> None:
        """Somebody was answered: does it say that the town is itself again?"""
        if self._open and begun > self._open[-1][1]:
            if len(self._open) == 1:
                [(target, since)] = self._open
                self.recovered[target].append(time.monotonic() - since)
            self._open.clear()
            self._answered.set()

    async def _until_answered(self, kill: Kill) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                await self._answered.wait()
        except TimeoutError:
            self.tally.violation(f"nobody was answered for {LONGEST:.0f} seconds after {kill}")
