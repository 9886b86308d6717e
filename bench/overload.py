"""`python -m bench.overload`: what the server carries, ten times as much for a minute, and what is usual.

The server is `baobab serve` as it is, but for the rates of single clients, which would keep a storm from one
address away. Its memory is looked at every second.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import msgspec
import uvloop

from . import world
from .http import HOUSE, sign_in
from .storm import Orders, Second

ACCOUNTS = 2_000
FEW = 64
"""Connections that keep the server busy, and nobody waiting for long."""
KEYS = 10_000_000
"""Where the keys of a second storm begin: they are not those of the first."""
USUAL = 0.4
"""How much of what the server carries is asked of it before and after."""
PROGRAM = (sys.executable, "-c", "from baobab.entrypoints.cli import main; main()", "serve", "--port", "0")
SAYS = "baobab serves at"


class Effort(NamedTuple):
    """Seconds of each phase, and how many times too much is asked."""

    finding: float = 5.0
    usual: float = 15.0
    storm: float = 60.0
    factor: float = 10.0


@contextmanager
def served(there: world.World) -> Iterator[tuple[int, int]]:
    """The port and the process of a server."""
    environment = os.environ | {
        "BAOBAB_DATABASE_URL": there.url,
        "BAOBAB_RATE_LIMITS": "false",
        "BAOBAB_LOG_LEVEL": "error",
    }
    with subprocess.Popen(PROGRAM, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = next(line for line in process.stdout if line.startswith(SAYS))
        try:
            yield int(said.rpartition(":")[2]), process.pid
        finally:
            process.terminate()
            process.wait(60)


def memory_of(pid: int) -> float:
    """Resident memory of a process, in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def carried(orders: Orders, seconds: float) -> float:
    """What is served a second to a few clients who ask again as soon as they have their answer."""
    found = await storm(msgspec.structs.replace(orders, phases=[(seconds, 1e5)], connections=FEW))
    return sum(len(one.served) for one in found) / seconds


async def storm(orders: Orders) -> list[Second]:
    """What came of the orders, in a process that takes no time from ours."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.storm"),
        cwd=HOUSE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate(msgspec.json.encode(orders) + b"\n")
    if process.returncode:
        raise RuntimeError(f"the storm ended with {process.returncode}")
    return [msgspec.json.decode(line, type=Second) for line in answer.splitlines()]


@asynccontextmanager
async def watched(pid: int, interval: float = 1.0) -> AsyncIterator[list[float]]:
    """The memory of a process, looked at again and again while the block runs."""
    seen = [memory_of(pid)]

    async def look() -> None:
        while True:
            await asyncio.sleep(interval)
            seen.append(memory_of(pid))

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()


async def measure(there: world.World, effort: Effort) -> dict[str, Any]:
    """Every figure. The books are added up at the end."""
    await world.fill(there)
    tokens = await sign_in(there)
    await _make_admin(there)
    with served(there) as (port, pid):
        await _until_ready(port)
        owners = [str(world.user_id(number)) for number in range(1, there.accounts + 1)]
        orders = Orders(port, [], tokens[1:], tokens[0], owners)
        carries = await carried(orders, effort.finding)
        usual = (effort.usual, carries * USUAL)
        phases = [usual, (effort.storm, carries * effort.factor), usual]
        async with watched(pid) as memory:
            seconds = await storm(msgspec.structs.replace(orders, phases=phases, keys_from=KEYS))
    return {
        "machine": await world.machine(there),
        "carries": carries,
        "phases": [_summary(phase, seconds, phases) for phase in range(3)],
        "calm_after": _calm_after(seconds),
        "memory": [round(one, 1) for one in memory],
        "books": (await world.add_up(there))._asdict(),
    }


async def _make_admin(there: world.World) -> None:
    """The first of those who are signed in may spend for everybody."""
    connection = await asyncpg.connect(there.url)
    try:
        owner = world.user_id(1)
        await connection.execute("update baobab.member set role = 'admin' where user_id = $1", owner)
    finally:
        await connection.close()


async def _until_ready(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


def _summary(phase: int, seconds: list[Second], phases: list[tuple[float, float]]) -> dict[str, Any]:
    mine = [one for one in seconds if one.phase == phase]
    lasted, rate = phases[phase]
    statuses: dict[int, int] = {}
    for one in mine:
        for status, count in one.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    return {
        "seconds": lasted,
        "offered_a_second": rate,
        "sent": sum(one.sent for one in mine),
        "late": sum(one.late for one in mine),
        "lost": sum(one.lost for one in mine),
        "statuses": dict(sorted(statuses.items())),
        "without_retry_after": sum(one.without_retry_after for one in mine),
        "served": _spread([time for one in mine for time in one.served]),
        "refused": _spread([time for one in mine for time in one.refused]),
    }


def _spread(times: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(times) or [0.0]
    return {
        name: round(ordered[int((len(ordered) - 1) * part)] * 1_000, 1)
        for name, part in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0))
    }


def _calm_after(seconds: list[Second]) -> int | None:
    """How many seconds after the storm the p99 of a second is at most three times what it was before, with
    nobody refused; None where that never is."""
    before = _spread([time for one in seconds if one.phase == 0 for time in one.served])["p99"]
    after = [one for one in seconds if one.phase == 2]
    calm = (
        number
        for number, one in enumerate(after)
        if not one.refused and one.served and _spread(one.served)["p99"] <= 3 * before
    )
    return next(calm, None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=Effort().storm, help="how long the storm lasts")
    parser.add_argument("--usual", type=float, default=Effort().usual, help="before and after, each")
    parser.add_argument("--factor", type=float, default=Effort().factor)
    given = parser.parse_args()
    effort = Effort(min(given.usual, Effort().finding), given.usual, given.seconds, given.factor)
    with world.opened(ACCOUNTS) as there:
        found = uvloop.run(measure(there, effort))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
