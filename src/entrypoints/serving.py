"""The HTTP server's life: it listens, and when it is asked to stop, everybody inside gets their answer first.

Granian runs inside our own event loop, in one process: signals come to us, nothing secret goes through
another process' environment, and who ends the process ends all of it.
"""

import asyncio
import signal
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.errors import FatalError
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from ..domain import shared
from . import logs
from .container import Container
from .http.app import build
from .http.door import Door
from .settings import Settings

MOST_SILENCE = 15_000
"""Milliseconds that a connection may take for the head of a request, and be idle between two."""
MOST_HEAD = 64 * 1024
"""Bytes that the head of a request may have: its line and its headers."""
LAST_WORDS = 2.0
"""Seconds for the server to close when nobody is inside any more, or time is over."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class DidNotStart(shared.Unavailable):
    message = "The server did not start: look at its log."


async def serve(settings: Settings, port: int) -> None:
    """Serve until a signal; a second one hurries. Raises DidNotStart."""
    app = build(Container(settings=settings))
    server = _server(app, settings, port)
    logs.configure(settings)  # Granian has just configured its own
    serving = asyncio.create_task(server.serve())
    stopping = _on_signals(serving, server, app.state.door, settings)
    try:
        await serving
    except asyncio.CancelledError:
        if not stopping.asked:
            raise
    except FatalError:  # it was logged
        raise DidNotStart from None
    if not stopping.asked:
        raise DidNotStart


def _server(app: Any, settings: Settings, port: int) -> Server:
    """HTTP/1 alone: who connects and says nothing is sent away, which the guessing of a version prevents."""
    return Server(
        app,
        address=settings.host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=MOST_SILENCE, max_buffer_size=MOST_HEAD),
        websockets=False,
        backlog=1024,
        backpressure=2 * settings.most_requests,
        log_level=LogLevels(settings.log_level),
    )


def _on_signals(serving: asyncio.Task[None], server: Server, door: Door, settings: Settings) -> "Stopping":
    stopping = Stopping(serving, server, door, settings)
    for one in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(one, stopping.ask)
    return stopping


class Stopping:
    """How the server stops: it says that it is not ready, refuses who comes while it answers who is inside,
    and closes. Asked a second time, it closes at once."""

    def __init__(self, serving: asyncio.Task[None], server: Server, door: Door, settings: Settings) -> None:
        self._serving, self._server, self._door, self._settings = serving, server, door, settings
        self._task: asyncio.Task[None] | None = None

    @property
    def asked(self) -> bool:
        return self._task is not None

    def ask(self) -> None:
        if self._task is not None:
            self._task.cancel()  # in a hurry
        else:
            self._door.leave()
            self._task = asyncio.create_task(self._stop())

    async def _stop(self) -> None:
        try:
            await asyncio.sleep(self._settings.notice_seconds)
            await self._door.close(self._settings.drain_seconds)
        except asyncio.CancelledError:
            await self._door.close(0)
        self._server.stop()  # type: ignore[no-untyped-call]
        try:
            await asyncio.wait([self._serving], timeout=LAST_WORDS)
        finally:
            self._serving.cancel()
