"""The door of the application: who comes too often, too many at once or while it closes is sent away.

What it refuses costs little: nothing is routed, read or looked up. Health and metrics always pass.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from litestar import Litestar

from ...application.work import Crowded
from ...domain import shared
from ..logs import REQUEST
from ..settings import Settings
from .addresses import Addresses, network_of
from .errors import document, status_of
from .headers import Headers, request_id_of
from .limits import Limits
from .watch import Watch

ALWAYS = frozenset(("/health/live", "/health/ready", "/metrics"))
"""Where programs look that watch over this one."""


class Leaving(shared.Unavailable):
    message = "This server is about to stop; nothing was changed. Try again."


class Door:
    """Who is let in. `inside` counts the requests that are being answered, `telling` those of them whose body
    still comes: whoever is slow with it keeps nobody out."""

    def __init__(self, settings: Settings) -> None:
        self.limits = Limits(settings)
        self.addresses = Addresses(settings)
        self.watch = Watch(logs=settings.log_requests)
        self.inside = self.telling = 0
        self.is_leaving = self.is_closed = False
        self._most = settings.most_requests
        self._empty = asyncio.Event()

    def check(self, scope: Any) -> None:
        """Let a request in, or raise Leaving, Crowded or RateLimited."""
        state = scope["state"]
        address = state["address"]
        if self.is_closed:
            raise Leaving
        if self.inside - self.telling >= self._most:
            raise Crowded
        state["network"] = network = network_of(address)
        state["standing"] = self.limits.by_address(network, scope["method"])

    def leave(self) -> None:
        """From now on the service is not ready; who comes is still served."""
        self.is_leaving = True

    async def close(self, seconds: float) -> bool:
        """Refuse whoever comes; whether everybody inside had their answer within so many seconds."""
        self.is_leaving = self.is_closed = True
        if self.inside:
            try:
                await asyncio.wait_for(self._empty.wait(), seconds)
            except TimeoutError:
                return False
        return True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the body of somebody inside comes. Raises Crowded where there is no room once it has come."""
        self.telling += 1
        try:
            yield
        finally:
            self.telling -= 1
        if self.inside - self.telling > self._most:
            raise Crowded

    def enter(self) -> None:
        self.inside += 1

    def go(self) -> None:
        self.inside -= 1
        if self.is_closed and not self.inside:
            self._empty.set()


class Application(Litestar):
    """Litestar behind the door, every request counted and timed."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began = perf_counter()
        door: Door = self.state.door
        scope.setdefault("state", {})["address"] = door.addresses.of(scope)
        REQUEST.set(lambda: request_id_of(scope))
        try:
            if scope["path"] in ALWAYS:
                await super().__call__(scope, receive, send)
            else:
                await self._through(door, scope, receive, send)
        finally:
            door.watch.see(scope, perf_counter() - began)

    async def _through(self, door: Door, scope: Any, receive: Any, send: Any) -> None:
        try:
            door.check(scope)
        except shared.DomainError as refusal:
            await self._refuse(refusal, scope, send)
            return
        door.enter()
        try:
            await super().__call__(scope, receive, send)
        finally:
            door.go()

    async def _refuse(self, refusal: shared.DomainError, scope: Any, send: Any) -> None:
        """Answer with a problem document, without a request or response of Litestar's: half of the work."""
        kind = type(refusal)
        status = status_of(kind)
        body = document(scope["path"], status, kind.code, str(refusal), refusal.facts())
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"%d" % getattr(refusal, "retry_after", 1)),
            *([(b"connection", b"close")] if kind is Leaving else ()),
            *self._cross_origin(scope["headers"]),
        ]
        tell: Any = self._wrap_send(send, scope)
        await tell({"type": "http.response.start", "status": status, "headers": headers})
        await tell({"type": "http.response.body", "body": body, "more_body": False})

    def _cross_origin(self, headers: Headers) -> Headers:
        """What lets a page that may read answers read a refusal too."""
        cors = self.cors_config
        origin = next((value for name, value in headers if name == b"origin"), b"") if cors else b""
        if not (cors and origin and cors.is_origin_allowed(origin.decode("latin-1"))):
            return []
        return [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
