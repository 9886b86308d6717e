"""Seeds are played, one after the other, in a house of their own."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from .crashing import crash
from .house import House, house
from .oracle import Oracle
from .playing import Size, World, played
from .report import Report

CRASHING = 10
"""Every so many seeds, the clients are killed instead of the server."""
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
        if size.crashes and seed % CRASHING == 0:
            one = crash(built, seed, size)
        else:
            one = asyncio.run(_play(seed, built, size, oracle))
        say(f"seed {seed}: {'VIOLATION' if one.failures else 'ok'}")
        report.add(one)
    report.seconds = time.monotonic() - began
    return report


async def _play(seed: int, built: House, size: Size, oracle: type[Oracle]) -> Report:
    built.begin()
    try:
        return await played(World(seed, built, oracle, size))
    finally:
        await built.repaired()
