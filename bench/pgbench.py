"""The writes of a spend by raw SQL: no Python, no rules, pgbench with eight connections or a single one."""

import asyncio
import re
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from .measure import Contender, Sample, sample_of
from .world import HOT, SCRIPTS, World

CLIENTS = 8
LONE = "pgbench, as an application, 1 client, spread"


class PgbenchFailed(RuntimeError):
    """What pgbench said when it did not do its work."""


def contenders(world: World) -> dict[str, Contender]:
    """By name and case: the same scripts, once over all accounts, once on the hot one; and a lone client,
    whose every statement is a round trip."""
    scripts = {"as an application": "application.sql", "one statement": "one_statement.sql"}
    cases = {"spread": (1, world.accounts), "hot": (HOT, HOT)}
    crowd = {
        f"pgbench, {name}, {case}": partial(_run, world, script, CLIENTS, *accounts)
        for case, accounts in cases.items()
        for name, script in scripts.items()
    }
    return {LONE: partial(_run, world, scripts["as an application"], 1, *cases["spread"]), **crowd}


async def _run(world: World, script: str, clients: int, first: int, last: int, seconds: float) -> Sample:
    """pgbench takes whole seconds, at least one."""
    with TemporaryDirectory(dir=world.folder) as folder:
        process = await asyncio.create_subprocess_exec(
            world.programs / "pgbench",
            *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"),
            *(f"--time={max(1, round(seconds))}", f"--define=first={first}", f"--define=last={last}"),
            *(f"--file={SCRIPTS / script}", "--log", f"--log-prefix={folder}/log", world.url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await process.communicate())[0].decode()
        rate = re.search(r"tps = ([\d.]+)", output)
        if process.returncode or rate is None or "failed transactions: 0 " not in output:
            raise PgbenchFailed(output)
        return sample_of(_latencies(Path(folder)), float(rate[1]))


def _latencies(folder: Path) -> list[float]:
    """Seconds: the third word of every line of the logs, one a thread, has them in millionths."""
    lines = (line for log in folder.iterdir() for line in log.read_text().splitlines())
    return [int(line.split()[2]) / 1e6 for line in lines]
