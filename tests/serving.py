"""The program as its users run it: `baobab serve` in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from baobab.adapters.postgres import roles

PROGRAM = (sys.executable, "-c", "from baobab.entrypoints.cli import main; main()")
SAYS = "baobab serves at"
UNLIMITED = {"BAOBAB_RATE_LIMITS": "false", "BAOBAB_SECRET_KEY": "a key that is for tests and nothing else"}
"""Tests ask more often than people do."""


def unmeasured() -> dict[str, str]:
    """The environment without what makes a program count its branches: tests that only ask it, and see in
    memory what they cover, have it twice as quick."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@contextmanager
def serving(database_url: str, *options: str) -> Iterator[str]:
    """The address of a server on a database, on a port that was free; it ends with the block. It runs as the
    role of the service."""
    url = roles.as_role(database_url, roles.SERVICE)
    environment = unmeasured() | UNLIMITED | {"BAOBAB_DATABASE_URL": url, "BAOBAB_LOG_LEVEL": "warning"}
    command = (*PROGRAM, "serve", "--port", "0", *options)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = next((line for line in process.stdout if line.startswith(SAYS)), "")
        try:
            yield _ready(said.rpartition(" ")[2].strip())
        finally:
            process.terminate()
            process.communicate(timeout=120)


def _ready(address: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/health/ready").status_code == 200:
                return address
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError(address)
