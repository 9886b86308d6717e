"""The rate of an authenticated balance read and of a bare handler, served and asked in the same way."""

import asyncio
import hashlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from uuid import UUID

import asyncpg
import msgspec

from baobab.application.identity import Token

from .load import Orders
from .measure import Contender, Sample
from .world import World, user_id

HOUSE = Path(__file__).parents[1]
CONNECTIONS = 32
PLENTY = {"BAOBAB_RATE_READS": "100000000/1", "BAOBAB_RATE_ADDRESS_READS": "100000000/1"}
"""Limits that are counted and never reached."""
PATIENCE = 60
"""Seconds to wait for what should long be there."""
SESSIONS = """
insert into baobab.session
    (user_id, id, token_hash, device, address, expires_at, created_at, last_seen_at, ends_at)
select user_id, id, sha256(secret), 'bench', '127.0.0.1',
    now() + interval '1 day', now(), now(), now() + interval '1 day'
from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as given(user_id, id, secret)
"""


class ServerFailed(RuntimeError):
    """What a server said that does not serve."""


@asynccontextmanager
async def contenders(world: World) -> AsyncIterator[dict[str, Contender]]:
    """By name. Each connection is another member with a session."""
    tokens = await sign_in(world)
    async with AsyncExitStack() as servers:
        app = await servers.enter_async_context(_served("baobab.entrypoints.http.app:create", world))
        bare = await servers.enter_async_context(_served("bench.bare:create", world))
        yield {
            "balance read": partial(_ask, app, "/v1/points/balance", tokens),
            "bare handler": partial(_ask, bare, "/", [""] * CONNECTIONS),
        }


async def sign_in(world: World) -> list[str]:
    """One session each of the first members, without the password hash that a sign-in costs."""
    members = [number % world.accounts + 1 for number in range(CONNECTIONS)]
    secrets = [hashlib.sha256(f"secret {number}".encode()).digest() for number in range(CONNECTIONS)]
    tokens = [
        Token(user_id(member), UUID(int=number), secret)
        for number, (member, secret) in enumerate(zip(members, secrets, strict=True))
    ]
    connection = await asyncpg.connect(world.url)
    try:
        columns = zip(*((token.user_id, token.session_id, token.secret) for token in tokens), strict=True)
        await connection.execute(SESSIONS, *columns)
    finally:
        await connection.close()
    return [token.text() for token in tokens]


async def _ask(port: int, path: str, tokens: list[str], seconds: float) -> Sample:
    generator = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load"),
        cwd=HOUSE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds + PATIENCE):
            answer, _ = await generator.communicate(msgspec.json.encode(Orders(port, path, tokens, seconds)))
    finally:
        if generator.returncode is None:
            generator.kill()
            await generator.wait()
    if generator.returncode:
        raise ServerFailed(f"{path} was not answered as expected")
    return msgspec.json.decode(answer, type=Sample)


@asynccontextmanager
async def _served(app: str, world: World) -> AsyncIterator[int]:
    """The port of an application that Granian serves as `baobab serve` has it do."""
    port, log = _free_port(), world.folder / f"{app.partition(':')[0]}.log"
    with log.open("wb") as output:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "granian", "--interface=asgi", "--factory", "--workers=1", "--no-ws"),
            *("--loop=uvloop", "--host=127.0.0.1", f"--port={port}", "--log-level=warning", app),
            cwd=HOUSE,
            env={**os.environ, **PLENTY, "BAOBAB_DATABASE_URL": world.url},
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        if not await _listens(server, port):
            raise ServerFailed(f"{app} does not listen:\n{log.read_text()}")
        yield port
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


async def _listens(server: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until the port answers. False where the server ends first, or takes too long."""
    deadline = monotonic() + PATIENCE
    while server.returncode is None and monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
