"""The long run: until so many requests were made, as people of every role. Exit code 1 where any answer was
not as the document promises."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from baobab.adapters.postgres import migrate, roles
from baobab.adapters.postgres.server import EmbeddedServer

sys.path.append(str(Path(__file__).parents[1]))  # the builders that the tests share

from besieged import Town, besieged

from .running import ROLES, Count, fuzz, give_roles


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="At least so many.")
    parser.add_argument("--seconds", type=int, default=120, help="How long each role asks in a round.")
    parser.add_argument("--rounds", type=int, default=20, help="At most so many.")
    parser.add_argument("--seed", type=int, default=1, help="Of the first round; the next has the next.")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="baobab-fuzz-") as name,
        EmbeddedServer.start(Path(name)) as server,
    ):
        server.ensure_database("fuzz")
        url = server.url("fuzz")
        migrate.upgrade(url)
        asyncio.run(roles.apply(url))
        with besieged(url) as town:
            asyncio.run(give_roles(url))
            return _rounds(town, options)


def _rounds(town: Town, options: argparse.Namespace) -> int:
    total, wrong = Counter[int](), 0
    for seed in range(options.seed, options.seed + options.rounds):
        with ThreadPoolExecutor(len(ROLES)) as pool:
            for count in pool.map(partial(_one, town, seed, options.seconds), ROLES):
                total += count.statuses
                wrong += bool(count.wrong)
        if total.total() >= options.requests:
            break
    sys.stdout.write(f"{total.total()} requests, {wrong} runs with answers outside of the document\n")
    return 1 if wrong or total.total() < options.requests else 0


def _one(town: Town, seed: int, seconds: int, role: str) -> Count:
    count = fuzz(town, role, seed=seed, examples=50, seconds=seconds)
    sys.stdout.write(f"{count}\n{count.wrong}")
    sys.stdout.flush()
    return count


if __name__ == "__main__":
    sys.exit(main())
