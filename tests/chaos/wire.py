"""HTTP/1.1 over a socket: as little as a client needs, and nothing that asks again by itself."""

import asyncio
from typing import NamedTuple


class Lost(Exception):
    """The connection ended before the answer did: nobody knows what was done."""


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection, kept as long as the server keeps it."""

    def __init__(self) -> None:
        self._port = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, port: int, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Reply:
        """What the server of a port answers. Raises ConnectionError where nobody listens, Lost where the
        answer does not come."""
        try:
            reader, writer = await self._connected(port)
            lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            try:
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
                return await self._read(reader)
            except (OSError, EOFError, ValueError) as error:
                raise Lost(str(error)) from error
        except BaseException:
            self.close()
            raise

    async def _connected(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or port != self._port:
            self.close()
            self._port, self._streams = port, await asyncio.open_connection("127.0.0.1", port)
        return self._streams

    async def _read(self, reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(head[0].split()[1]), headers, body)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
