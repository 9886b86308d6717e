"""The simulation from the command line: exit code 1 where any seed went wrong."""

import argparse
import signal
import sys
from concurrent.futures import ProcessPoolExecutor

from .playing import Size
from .report import Report
from .running import run


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its server ends with it
    options = _parser().parse_args()
    first, _, last = options.seeds.partition("..")
    seeds = [options.seed] if options.seed is not None else list(range(int(first), int(last or first) + 1))
    size = Size(options.rounds, options.steps, options.kills, options.crashes)
    report = _run_all(seeds, size, min(options.jobs, len(seeds)))
    sys.stdout.write(f"{report.as_json() if options.json else report}\n")
    return 1 if report.failures or report.totals.lost else 0


def _run_all(seeds: list[int], size: Size, jobs: int) -> Report:
    """Each process has a server of its own."""
    if jobs == 1:
        return run(seeds, size, say=lambda line: sys.stderr.write(f"{line}\n"))
    report = Report()
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(run, [seeds[job::jobs] for job in range(jobs)], [size] * jobs):
            report.add(part)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", default="1..20", help="a range, such as 1..200")
    parser.add_argument("--rounds", type=int, default=Size.rounds, help="rounds of each seed")
    parser.add_argument("--steps", type=int, default=Size.steps, help="wishes of each client in a round")
    parser.add_argument(
        "--kills", type=float, default=Size.kills, help="share of the rounds with a killed server"
    )
    parser.add_argument(
        "--crashes", type=int, default=Size.crashes, help="killed clients of every tenth seed"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a server of its own")
    parser.add_argument("--json", action="store_true", help="the totals for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
