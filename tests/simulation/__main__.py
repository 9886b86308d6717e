"""The simulation from the command line: exit code 1 where any seed went wrong."""

import argparse
import os
import signal
import subprocess
import sys

from .playing import Size
from .report import Report
from .running import run


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its server ends with it
    options = _parser().parse_args()
    first, _, last = options.seeds.partition("..")
    seeds = range(int(first), int(last or first) + 1)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    if options.jobs > 1:
        report = _share(options.jobs, seeds)
    else:
        size = Size(options.rounds, options.steps, options.kills, options.crashes)
        report = run(seeds[options.job :: options.of], size, say=lambda line: sys.stderr.write(f"{line}\n"))
    if options.line:
        sys.stdout.write(report.as_line())
    else:
        sys.stdout.write(f"{report.as_json() if options.json else report}\n")
    return 1 if report.failures or report.totals.lost else 0


def _share(jobs: int, seeds: range) -> Report:
    """The same by several processes, each with a server of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = (
        sys.executable,
        "-m",
        str(__package__),
        *sys.argv[1:],
        "--line",
        "--jobs",
        "1",
        "--of",
        str(jobs),
    )
    children = [
        subprocess.Popen((*command, "--job", str(job)), stdout=subprocess.PIPE, text=True, env=environment)
        for job in range(jobs)
    ]
    report = Report()
    try:
        for child in children:
            said, _ = child.communicate()
            report.add(Report.from_line(said))
    finally:
        for child in children:
            child.terminate()
            child.wait()
    if report.seeds != len(seeds):
        raise SystemExit(f"{report.seeds} of {len(seeds)} seeds were played")
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
    parser.add_argument("--job", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--of", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--line", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="the totals for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
