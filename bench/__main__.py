"""`python -m bench`: run every benchmark on one server; print the figures, their ratios and the machine."""

import argparse
import gc
import json
import sys
from typing import Any, Literal, NamedTuple

import uvloop

from . import chores, history, http, orders, pgbench, spends, world
from .measure import Effort, Figure, in_turn

FULL = Effort(rounds=5, seconds=4, warm_up=1)
QUICK = Effort(rounds=1, seconds=0.3, warm_up=0, shrunk=200)


class Promise(NamedTuple):
    """That a figure of one contender is so many times that of another, at least or `at most`."""

    one: str
    other: str
    bound: float
    limit: Literal["at least", "at most"] = "at least"
    of: Literal["rate", "p50"] = "rate"

    def kept_by(self, figures: dict[str, Figure]) -> dict[str, Any]:
        ratio = getattr(figures[self.one], self.of) / getattr(figures[self.other], self.of)
        return {**self._asdict(), "is": ratio}


SPREAD, HOT = (spends.named(256, case) for case in ("spread", "hot"))
PROMISES = (
    Promise(SPREAD, "pgbench, as an application, spread", 3),
    Promise(HOT, "pgbench, as an application, hot", 12),
    Promise(SPREAD, "pgbench, one statement, spread", 1),
    Promise(HOT, "pgbench, one statement, hot", 1),
    Promise(spends.named(1, "spread"), pgbench.LONE, 1.5, "at most", "p50"),
    Promise("balance read", "bare handler", 0.25),
    *(
        Promise(history.named(what, history.SIZES[0]), history.named(what, size), 1.3, "at most")
        for what in history.WHAT
        for size in history.SIZES[1:]
    ),
    Promise(*(history.of_lots(lots) for lots in reversed(history.LOTS)), 3, "at most", "p50"),
)


async def measure(there: world.World, effort: Effort) -> dict[str, Any]:
    """Every figure, ratio and fact. The books are added up at the end."""
    await world.fill(there)
    gc.freeze()  # both as the server does once it has started
    gc.set_threshold(20_000)
    async with spends.contenders(there) as ours:
        figures = await in_turn({**ours, **pgbench.contenders(there)}, effort)
    async with orders.contenders(there) as shop:
        figures |= await in_turn(shop, effort)
    async with http.contenders(there) as edge:
        figures |= await in_turn(edge, effort)
    async with history.contenders(there, effort.shrunk) as long:
        figures |= await in_turn(long, effort)
    return {
        "machine": await world.machine(there),
        "accounts": there.accounts,
        "effort": effort._asdict(),
        "figures": {name: figure._asdict() for name, figure in figures.items()},
        "ratios": [promise.kept_by(figures) for promise in PROMISES],
        "chores": [one._asdict() for one in await chores.done(there, effort.shrunk)],
        "books": (await world.add_up(there))._asdict(),
    }


def show(found: dict[str, Any]) -> None:
    """The figures as Markdown, to be pasted in the README."""
    effort = Effort(**found["effort"])
    print("; ".join(f"{name} {value}" for name, value in found["machine"].items()) + ".")
    print(f"{found['accounts']:,} accounts; the median of {effort.rounds} rounds of {effort.seconds} s.\n")
    print("| | a second | slowest to fastest round | p50 ms | p99 ms |\n| --- | ---: | ---: | ---: | ---: |")
    for name, figure in found["figures"].items():
        print(f"| {name} | {_row(Figure(**figure))} |")
    print("\n| ratio | of | measured | promised |\n| --- | --- | ---: | ---: |")
    for ratio in found["ratios"]:
        promised = f"{ratio['limit']} {ratio['bound']}"
        print(f"| {ratio['one']} / {ratio['other']} | {ratio['of']} | {ratio['is']:.2f} | {promised} |")
    print("\n| chore | done | seconds | at most |\n| --- | --- | ---: | ---: |")
    for chore in (chores.Chore(**one) for one in found["chores"]):
        print(f"| {chore.name} | {chore.done} | {chore.seconds:.1f} | {chore.at_most} |")
    books = world.Books(**found["books"])
    print(f"\nThe books of {books.accounts:,} accounts and {books.postings:,} postings ", end="")
    print("add up." if books.add_up else f"DO NOT add up: {books}.")


def _row(figure: Figure) -> str:
    rounds = f"{figure.least:,.0f} to {figure.most:,.0f}"
    return f"{figure.rate:,.0f} | {rounds} | {figure.p50:.2f} | {figure.p99:.2f}"


def main() -> int:
    """Exit code 1 when the books do not add up; a ratio beyond its promise is shown, and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round each: does it run?")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    arguments = parser.parse_args()
    with world.opened(200 if arguments.quick else 20_000) as there:
        found = uvloop.run(measure(there, QUICK if arguments.quick else FULL))
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if world.Books(**found["books"]).add_up else 1


if __name__ == "__main__":
    sys.exit(main())
