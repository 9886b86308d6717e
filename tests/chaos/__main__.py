"""The chaos from the command line: exit code 1 where anything is lost, half done or cannot be explained."""

import argparse
import asyncio
import signal
import sys

from .playing import Size, play


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # all that was started ends with it
    options = _parser().parse_args()
    size = Size(
        kills=options.kills, clients=options.clients, rest=options.rest, most_seconds=60 * options.minutes
    )
    report = asyncio.run(play(options.seed, size, say=lambda line: sys.stderr.write(f"{line}\n")))
    sys.stdout.write(f"{report.as_json() if options.json else report}\n")
    return 0 if report.in_order else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tests.chaos", description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=Size.kills, help="of the server, and as many of the database"
    )
    parser.add_argument("--clients", type=int, default=Size.clients, help="members who act at once")
    parser.add_argument(
        "--seed", type=int, default=1, help="what is wished and killed; what is met then differs"
    )
    parser.add_argument(
        "--rest", type=float, default=Size.rest, help="seconds between two wishes of a member"
    )
    parser.add_argument("--minutes", type=float, default=15, help="after which it ends, whatever is left")
    parser.add_argument("--json", action="store_true", help="the figures for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
