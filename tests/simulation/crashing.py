"""The process of the clients is killed, and another takes its place with the same keys.

The child plays a world, and says every answer on its standard output before it acts on it; what this process
heard is acknowledged. Before every round it sets its world aside in a file. After a SIGKILL the next child
takes the world up where its round began, and asks again whatever was not refused.
"""

import asyncio
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from .chance import at_seed
from .house import House, Server
from .oracle import Oracle
from .playing import Size, World, played
from .report import Failure, Report

SKIP = 1_000_000
"""A process begins with ids that the one before cannot have given."""


class Visitor(Server):
    """The server of another process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_up = asyncio.Event()
        self.is_up.set()

    def url(self, database: str) -> str:
        return self._url

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[str]:
        yield self._url


def crash(built: House, seed: int, size: Size) -> Report:
    """Play a seed whose clients crash; the server stays."""
    return asyncio.run(_crash(built, seed, replace(size, kills=0)))


async def _crash(built: House, seed: int, size: Size) -> Report:
    built.begin()
    world = World(seed, built, Oracle, size)
    draw, crashes = at_seed(seed, "crashes"), size.crashes
    each = size.rounds * size.clients * size.steps // (crashes + 1)
    async with built.database(world.name) as url:
        with tempfile.TemporaryDirectory(prefix="baobab-simulation-") as folder:
            place, heard = Path(folder), list[str]()
            (place / "world").write_bytes(pickle.dumps(world))
            for number in range(crashes + 1):
                (place / "heard").write_text("".join(heard))
                limit = draw.randrange(each // 2, each) if number < crashes else None
                report = _report_of(_child(place, url, limit, heard), seed)
            report.totals.crashes = crashes
            return report


def _child(place: Path, url: str, limit: int | None, heard: list[str]) -> str:
    """What a child said at last, or before it was killed after so many answers."""
    command = (sys.executable, "-m", __name__, str(place), url)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {**ours, "PYTHONPATH": os.pathsep.join(sys.path)}
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout, 1):
            if number == limit:
                child.kill()
            if line.startswith("["):
                heard.append(line)
            last = line
    return last


def _report_of(line: str, seed: int) -> Report:
    if line.startswith("{"):
        return Report.from_line(line)
    return Report(1, failures=[Failure(seed, "the clients ended without a word", [])])


# --- the child ----------------------------------------------------------------------------------


def main() -> None:
    place, url = Path(sys.argv[1]), sys.argv[2]
    world: World = pickle.loads((place / "world").read_bytes())
    for key, told in map(json.loads, (place / "heard").read_text().splitlines()):
        _remember(world, key, told)
    asking = world.asking
    asking.ids.number += SKIP
    asking.tell = lambda key, told: _say(json.dumps([key, told and [one and str(one) for one in told]]))
    report = asyncio.run(_play(world, url, place))
    _say(report.as_line())


async def _play(world: World, url: str, place: Path) -> Report:
    world.take_up(Visitor(url))
    return await played(world, lambda one: _set_aside(one, place))


def _remember(world: World, key: str, told: list[str | None] | None) -> None:
    if told is None:
        world.asking.refusals.add(key)
    else:
        world.asking.answers[key] = tuple(one and UUID(one) for one in told)


def _set_aside(world: World, place: Path) -> None:
    """Whole or not at all."""
    (place / "world.new").write_bytes(pickle.dumps(world))
    (place / "world.new").replace(place / "world")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main()
