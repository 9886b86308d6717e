"""A load generator: `python -m bench.load`, a process of its own, so that it takes no time from the server's.

Each connection sends a request, reads the whole answer, and sends the next; nothing is pipelined. Its
orders come as JSON on standard input, its sample leaves as JSON on standard output.
"""

import asyncio
import sys
from time import perf_counter
from typing import Any

import msgspec
import uvloop

from .measure import Sample, sample_of


class Orders(msgspec.Struct):
    """Ask one path of a port for some seconds, one connection a token; no token goes without."""

    port: int
    path: str
    tokens: list[str]
    seconds: float


class UnexpectedAnswer(RuntimeError):
    """The head of an answer that is not 200."""


class Connection(asyncio.Protocol):
    """One keep-alive connection. `done` is set when the time is over or the server misbehaves."""

    def __init__(self, request: bytes, until: float) -> None:
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._request, self._until = request, until
        self._sent, self._missing, self._head = 0.0, 0, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            data = self._begin(self._head + data)
        self._missing -= len(data)
        if not self._missing and not self._head:
            self._end()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server closed the connection"))

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(self._request)

    def _begin(self, data: bytes) -> bytes:
        """Read the head, if it is whole; what is left belongs to the body."""
        head, end, body = data.partition(b"\r\n\r\n")
        if not end:
            self._head = data
            return b""
        self._head = b""
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnexpectedAnswer(head.decode())
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        self._missing = int(fields[b"content-length"])
        return body

    def _end(self) -> None:
        now = perf_counter()
        self.latencies.append(now - self._sent)
        if now < self._until:
            self._send()
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()


async def ask(orders: Orders) -> Sample:
    """Carry out the orders."""
    start = perf_counter()
    connections = [await _connect(orders, token, start + orders.seconds) for token in orders.tokens]
    await asyncio.gather(*(connection.done for connection in connections))
    latencies = [latency for connection in connections for latency in connection.latencies]
    return sample_of(latencies, len(latencies) / (perf_counter() - start))


async def _connect(orders: Orders, token: str, until: float) -> Connection:
    credentials = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {orders.path} HTTP/1.1\r\nHost: localhost\r\n{credentials}\r\n".encode()
    loop = asyncio.get_running_loop()
    made = await loop.create_connection(lambda: Connection(request, until), "127.0.0.1", orders.port)
    return made[1]


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    print(msgspec.json.encode(uvloop.run(ask(given))).decode())
