"""`python -m bench`: run every benchmark on one server; print the figures, their ratios and the machine."""

import argparse
import gc
import json
import sys
from typing import Any, NamedTuple

import uvloop

from . import http, orders, pgbench, spends, world
from .measure import Effort, Figure, in_turn

FULL = Effort(rounds=3, seconds=4, warm_up=1)
QUICK = Effort(rounds=1, seconds=0.3, warm_up=0)


class Promise(NamedTuple):
    """That one contender is at least so many times as fast as another (0: it is only shown)."""

    one: str
    other: str
    least: float = 0


PROMISES = (
    Promise("spends, grouped, spread", "pgbench, as an application, spread", 2),
    Promise("spends, grouped, hot", "pgbench, as an application, hot", 8),
    Promise("spends, grouped, spread", "pgbench, one statement, spread"),
    Promise("spends, grouped, hot", "pgbench, one statement, hot"),
    Promise("balance read", "bare handler", 0.25),
)


async def measure(there: world.World, effort: Effort) -> dict[str, Any]:
    """Every figure, ratio and fact. The books are added up at the end."""
    await world.fill(there)
    gc.freeze()  # as the server does once it has started
    async with spends.contenders(there) as ours:
        figures = await in_turn({**ours, **pgbench.contenders(there)}, effort)
    async with orders.contenders(there) as shop:
        figures |= await in_turn(shop, effort)
    async with http.contenders(there) as edge:
        figures |= await in_turn(edge, effort)
    return {
        "machine": await world.machine(there),
        "accounts": there.accounts,
        "effort": effort._asdict(),
        "figures": {name: figure._asdict() for name, figure in figures.items()},
        "ratios": [
            {**promise._asdict(), "is": figures[promise.one].rate / figures[promise.other].rate}
            for promise in PROMISES
        ],
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
    print("\n| ratio | measured | at least |\n| --- | ---: | ---: |")
    for ratio in found["ratios"]:
        print(f"| {ratio['one']} / {ratio['other']} | {ratio['is']:.2f} | {ratio['least'] or ''} |")
    books = world.Books(**found["books"])
    print(f"\nThe books of {books.accounts:,} accounts and {books.postings:,} postings ", end="")
    print("add up." if books.add_up else f"DO NOT add up: {books}.")


def _row(figure: Figure) -> str:
    rounds = f"{figure.least:,.0f} to {figure.most:,.0f}"
    return f"{figure.rate:,.0f} | {rounds} | {figure.p50:.2f} | {figure.p99:.2f}"


def main() -> int:
    """Exit code 1 when the books do not add up; a ratio below its promise is shown, and is no failure."""
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
