"""Rounds and figures: contenders take turns, so that a busy machine slows all of them alike."""

import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple


class Sample(NamedTuple):
    """What one contender did in one round: how many a second, and how long one took (milliseconds)."""

    rate: float
    p50: float
    p99: float


class Figure(NamedTuple):
    """The median of all rounds, and the slowest and fastest round."""

    rate: float
    least: float
    most: float
    p50: float
    p99: float


class Effort(NamedTuple):
    """How long to measure: rounds of some seconds, after a warm-up that is not counted; how many times less
    than promised is filled in for what grows."""

    rounds: int
    seconds: float
    warm_up: float
    shrunk: int = 1


Contender = Callable[[float], Awaitable[Sample]]
"""Works for some seconds."""


def sample_of(latencies: Sequence[float], rate: float) -> Sample:
    """The sample of a rate and of single latencies in seconds."""
    ordered = sorted(latencies) or [0.0]
    p50, p99 = (ordered[int(len(ordered) * part)] * 1_000 for part in (0.50, 0.99))
    return Sample(rate, p50, p99)


async def in_turn(contenders: Mapping[str, Contender], effort: Effort) -> dict[str, Figure]:
    """The figure of each contender; every round runs all of them, one after the other."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    if effort.warm_up:
        for contender in contenders.values():
            await contender(effort.warm_up)
    for turn in range(effort.rounds):
        for name, contender in contenders.items():
            samples[name].append(await contender(effort.seconds))
            print(f"round {turn + 1}: {name}: {samples[name][-1].rate:,.0f}/s", file=sys.stderr)
    return {name: _figure_of(some) for name, some in samples.items()}


def _figure_of(samples: Sequence[Sample]) -> Figure:
    rates = [sample.rate for sample in samples]
    p50, p99 = (statistics.median(getattr(one, name) for one in samples) for name in ("p50", "p99"))
    return Figure(statistics.median(rates), min(rates), max(rates), p50, p99)


async def closed_loop(clients: Iterable[Callable[[], Awaitable[object]]], seconds: float) -> Sample:
    """Each client asks again as soon as it has its answer, for some seconds."""
    latencies: list[float] = []
    start = perf_counter()

    async def insist(once: Callable[[], Awaitable[object]]) -> None:
        before = perf_counter()
        while before < start + seconds:
            await once()
            after = perf_counter()
            latencies.append(after - before)
            before = after

    await asyncio.gather(*(insist(once) for once in clients))
    return sample_of(latencies, len(latencies) / (perf_counter() - start))
