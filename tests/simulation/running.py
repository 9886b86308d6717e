"""Seeds are played, one after the other, in a house of their own."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from .house import House, house
from .oracle import Oracle
from .playing import Size, World
from .report import Failure, Report
from .sending import Violation

Say = Callable[[str], Any]


def run(seeds: Iterable[int], size: Size, oracle: type[Oracle] = Oracle, say: Say = str) -> Report:
    """Play every seed in a house of its own, and say what went wrong."""
    with house() as built:
        return play(built, seeds, size, oracle, say)


def play(
    built: House, seeds: Iterable[int], size: Size, oracle: type[Oracle] = Oracle, say: Say = str
) -> Report:
    """The same in a house that is there."""
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)  # it tells of every killed connection
    began = time.monotonic()
    report = Report()
    for seed in seeds:
        played = asyncio.run(_play(seed, built, size, oracle))
        say(f"seed {seed}: {'VIOLATION' if played.failures else 'ok'}")
        report.add(played)
    report.seconds = time.monotonic() - began
    return report


async def _play(seed: int, built: House, size: Size, oracle: type[Oracle]) -> Report:
    built.begin()
    world = World(seed, built, oracle, size)
    failures = []
    try:
        await world.play()
    except* Violation as group:
        failures.append(Failure(seed, str(_first(group)), list(world.said)))
    finally:
        await built.repaired()
    return Report(1, world.totals, failures)


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
