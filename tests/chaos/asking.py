"""How a good client asks: the same key again and again until there is an answer, and the answer is kept."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from .town import Town
from .wire import Lost, Reply, Wire

PATIENCE = 240.0
"""Seconds in which every command has an answer, however often it must be asked for."""
MOST_TOLD = 50
"""Violations that are told; the others are counted."""
ANSWERED = range(200, 500)


class Told(NamedTuple):
    """What was asked for under a key, and what was answered."""

    action: str
    key: str
    path: str
    wish: dict[str, Any]
    status: int
    body: dict[str, Any]


@dataclass
class Tally:
    """What was done, and what came of it. A request that has no answer after `hang` seconds hangs: the server
    gives up after 15 by itself."""

    hang: float = 30.0
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    acknowledged: int = 0
    asked_again: int = 0
    found_done: int = 0
    twins: int = 0
    longest: float = 0.0
    wrong: list[str] = field(default_factory=list)
    violations: int = 0
    heard: Callable[[float], None] = lambda begun: None
    """Hears of every success, and when its request began."""

    def violation(self, what: str) -> None:
        self.violations += 1
        if len(self.wrong) < MOST_TOLD:
            self.wrong.append(what)

    def count(self, action: str, outcome: str, begun: float) -> None:
        self.requests[action, outcome] += 1
        self.longest = max(self.longest, time.monotonic() - begun)


class Client:
    """Somebody with a session, or who is about to open one. `told` are all acknowledged commands."""

    def __init__(self, town: Town, tally: Tally, email: str, draw: Random) -> None:
        self.town, self.tally, self.email, self.draw = town, tally, email, draw
        self.waits = Random(f"{email} waits")  # apart, so that waiting changes no wish
        self.told: list[Told] = []
        self._wires = Wire(), Wire()
        self._headers = {"content-type": "application/json"}

    async def sign_in(self, password: str) -> None:
        wish = {"email": self.email, "password": password}
        status, body = await self.command("sign in", "/v1/sessions", wish, keyed=False)
        if status != 201:
            raise RuntimeError(f"{self.email} cannot sign in: {status} {body}")
        self._headers["authorization"] = f"Bearer {body['token']}"

    async def command(
        self, action: str, path: str, wish: dict[str, Any], *, keyed: bool = True
    ) -> tuple[int, dict[str, Any]]:
        """The answer to a command, which is done once, however often it must be sent. Some are sent twice at
        once."""
        key = str(UUID(int=self.draw.getrandbits(128), version=4))
        twice = keyed and self.draw.random() < 0.08
        replies = await asyncio.gather(
            *(self._answered(action, "POST", path, wish, key, wire) for wire in self._wires[: 1 + twice])
        )
        self.tally.twins += twice
        done = [reply for reply in replies if reply.status < 300]  # what was refused may be tried again
        status, body = self._read(action, (done or replies)[0])
        told = Told(action, key, path, wish, status, body)
        for reply in done[1:]:
            self.compare(told, reply)
        if status < 300 and keyed:
            self.tally.acknowledged += 1
            self.told.append(told)
        elif status >= 300:
            self.tally.refusals[action, body.get("code", str(status))] += 1
        return status, body

    async def look(self, action: str, path: str) -> tuple[int, dict[str, Any]]:
        """What is there."""
        return self._read(action, await self._answered(action, "GET", path, {}, "", self._wires[0]))

    async def again(self, told: Told) -> None:
        """Ask again for what was answered: it must be the same answer, marked as a replay."""
        reply = await self._answered("again", "POST", told.path, told.wish, told.key, self._wires[0])
        self.compare(told, reply)
        if reply.headers.get("idempotent-replayed") != "true":
            self.tally.violation(f"{told.action} {told.key} was done, and is done again: {reply}")

    def compare(self, told: Told, reply: Reply) -> None:
        """Whether two answers under one key are one."""
        status, body = self._read(told.action, reply)
        if status != told.status or not _same(told.action, told.body, body):
            self.tally.violation(
                f"{told.action} {told.key} was answered {told.status} {told.body}, and {status} {body}"
            )

    def close(self) -> None:
        for wire in self._wires:
            wire.close()

    # --- until there is an answer -------------------------------------------------------------

    async def _answered(
        self, action: str, method: str, path: str, wish: dict[str, Any], key: str, wire: Wire
    ) -> Reply:
        """What is answered at last. Raises TimeoutError."""
        deadline, tries = time.monotonic() + PATIENCE, 0
        while time.monotonic() < deadline:
            tries += 1
            begun = time.monotonic()
            reply = await self._try(action, method, path, wish, key, wire, min(1.0, 0.05 * 2**tries))
            if reply is not None:
                self.tally.asked_again += tries > 1
                self.tally.found_done += tries > 1 and "idempotent-replayed" in reply.headers
                if reply.status < 300:
                    self.tally.heard(begun)
                return reply
        self.tally.violation(f"{action} {path} {key} of {self.email}: no answer in {PATIENCE:.0f} seconds")
        raise TimeoutError(path)

    async def _try(
        self, action: str, method: str, path: str, wish: dict[str, Any], key: str, wire: Wire, pause: float
    ) -> Reply | None:
        """An answer; None where it is to be asked for again, after a pause, or as long as the server says."""
        reply = await self._reply(action, method, path, wish, key, wire)
        if reply is None:
            await asyncio.sleep(pause * self.waits.uniform(0.5, 1))
        elif "retry-after" in reply.headers:
            await asyncio.sleep(float(reply.headers["retry-after"]) * self.waits.uniform(0.5, 1))
        elif reply.status in ANSWERED and reply.status != 429:
            return reply
        else:
            self.tally.violation(f"{action} {path} of {self.email} is answered {reply}")
            await asyncio.sleep(1)
        return None

    async def _reply(
        self, action: str, method: str, path: str, wish: dict[str, Any], key: str, wire: Wire
    ) -> Reply | None:
        """What the server says, once; None where it says nothing."""
        begun, body = time.monotonic(), json.dumps(wish).encode() if method == "POST" else b""
        headers = self._headers | ({"idempotency-key": key} if key else {})
        reply: Reply | None = None
        try:
            async with asyncio.timeout(self.tally.hang):
                reply = await wire.ask(self.town.port, method, path, headers, body)
            outcome = str(reply.status)
        except TimeoutError:
            outcome = "hangs"
            self.tally.violation(f"{action} {path} of {self.email} hangs for {self.tally.hang:.0f} seconds")
        except Lost:
            outcome = "answer lost"
        except OSError:
            outcome = "no connection"
        self.tally.count(action, outcome, begun)
        return reply

    def _read(self, action: str, reply: Reply) -> tuple[int, dict[str, Any]]:
        body = json.loads(reply.body)
        if reply.status in (400, 401, 403, 404):
            self.tally.violation(f"{action} of {self.email} is answered {reply.status}: {body}")
        return reply.status, body


# --- one answer or two ------------------------------------------------------------------------------

MOVES_ON = frozenset(("pay", "withdraw"))
"""These answer how things stand by now, so that a replay may tell of what came later."""
STANDS = (
    *("id", "user_id", "project_id", "type", "amount", "points", "plan"),
    *("contribution_id", "payment_id", "at", "paid", "deducted", "refund", "returned_points"),
)


def _same(action: str, told: dict[str, Any], again: dict[str, Any]) -> bool:
    if action not in MOVES_ON:
        return told == again
    return all(told.get(name) == again.get(name) for name in STANDS)


Act = Callable[[], Awaitable[None]]
