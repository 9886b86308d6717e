"""An open-loop load: `python -m bench.storm`, a process of its own, that sends so many requests a second,
whether or not the answers come.

A request that is due takes a connection on which nobody waits, or opens one for the next; where all that may
be there wait for an answer, it is counted as late and not sent. Orders come as a line of JSON on standard
input, a line for each `Second` leaves on standard output.
"""

import asyncio
import itertools
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import msgspec
import uvloop

TICK = 0.005
"""Seconds between two looks at what is due."""


class Orders(msgspec.Struct):
    """Phases of (seconds, requests a second), one after the other. Of a hundred requests, `writes` spend a
    point. Each reader has a credential, and one there is that may spend for anybody."""

    port: int
    phases: list[tuple[float, float]]
    readers: list[str]
    writer: str
    owners: list[str]
    writes: int = 20
    connections: int = 2_000
    keys_from: int = 0


class Second(msgspec.Struct):
    """What was answered in a second of a phase: how many by status, the seconds that each took which was
    served, and each which was refused, how many said not when to come again, how many got no answer."""

    phase: int
    sent: int = 0
    late: int = 0
    lost: int = 0
    without_retry_after: int = 0
    statuses: dict[int, int] = {}
    served: list[float] = []
    refused: list[float] = []


class Wire(asyncio.Protocol):
    """One keep-alive connection: a request, its whole answer, and it is free again."""

    def __init__(self, storm: "Storm") -> None:
        self._storm = storm
        self._sent_at = 0.0
        self._buffer = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._storm.opening -= 1
        self._storm.free.append(self)

    def send(self, request: bytes) -> None:
        self._sent_at = perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        fields = head.lower()
        length = fields.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(length):
            return
        self._buffer = b""
        self._storm.heard(int(head[9:12]), b"\nretry-after: " in fields, perf_counter() - self._sent_at)
        self._sent_at = 0.0
        self._storm.free.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._storm.gone(self, waiting=self._sent_at != 0.0)


class Storm:
    """Everybody who asks."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._requests = _requests(orders)
        self.free: list[Wire] = []
        self.opening = self.open = 0
        self.now = Second(0)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def blow(self) -> None:
        for phase, (seconds, rate) in enumerate(self._orders.phases):
            await self._phase(phase, seconds, rate)
        await asyncio.sleep(1)

    async def _phase(self, phase: int, seconds: float, rate: float) -> None:
        start, due, told = perf_counter(), 0, 0
        while (passed := perf_counter() - start) < seconds:
            if int(passed) > told:
                told = int(passed)
                self._tell(phase)
            for _ in range(int(passed * rate) - due):
                self._ask()
            due = int(passed * rate)
            await asyncio.sleep(TICK)
        self._tell(phase)

    def _ask(self) -> None:
        while self.free:
            wire = self.free.pop()
            if not wire.transport.is_closing():
                wire.send(next(self._requests))
                self.now.sent += 1
                return
        self.now.late += 1
        if self.open + self.opening < self._orders.connections:
            self.opening += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: Wire(self), "127.0.0.1", self._orders.port
            )
            self.open += 1
        except OSError:
            self.opening -= 1
            self.now.lost += 1

    def heard(self, status: int, says_when: bool, seconds: float) -> None:
        now = self.now
        now.statuses[status] = now.statuses.get(status, 0) + 1
        if status < 400:
            now.served.append(seconds)
        else:
            now.refused.append(seconds)
            now.without_retry_after += not says_when

    def gone(self, wire: Wire, *, waiting: bool) -> None:
        self.open -= 1
        self.now.lost += waiting
        if wire in self.free:
            self.free.remove(wire)

    def _tell(self, phase: int) -> None:
        self.now.phase = phase
        sys.stdout.buffer.write(msgspec.json.encode(self.now) + b"\n")
        sys.stdout.buffer.flush()
        self.now = Second(phase, statuses={}, served=[], refused=[])


def _requests(orders: Orders) -> Iterator[bytes]:
    """Balances of the readers in turn, and points spent of the owners in turn, each with a key of its own."""
    reading = itertools.cycle(
        f"GET /v1/points/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {one}\r\n\r\n".encode()
        for one in orders.readers
    )
    writing = _spends(orders)
    for number in itertools.count():
        yield next(writing) if number % 100 < orders.writes else next(reading)


def _spends(orders: Orders) -> Iterator[bytes]:
    head = (
        f"POST /v1/points/spends HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {orders.writer}\r\n"
        "Content-Type: application/json\r\n"
    )
    for number, owner in enumerate(itertools.cycle(orders.owners), orders.keys_from):
        source = f"01a1fe03-aa47-77f7-a8ae-{number:012x}"
        body = f'{{"user_id":"{owner}","amount":1,"source_id":"{source}"}}'
        yield f"{head}Idempotency-Key: {number}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    uvloop.run(Storm(given).blow())
