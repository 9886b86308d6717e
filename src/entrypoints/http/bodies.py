"""A request's body: it comes whole and in time, or the request is refused."""

import asyncio
import re
from collections.abc import Awaitable
from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import ClientException, HTTPException, InternalServerException

MOST_SECONDS = 30.0
"""What a client has to send a body; whoever is slower would keep a connection for as long as they like."""


JSON = re.compile(r"application/(json|[a-z0-9!#$&^_.+-]+\+json)", re.IGNORECASE)
"""What says of itself that it is JSON. A page of another origin sends that only where CORS lets it."""


class WholeBody(Request[Any, Any, State]):
    """A request whose body is waited for, but not for ever."""

    async def body(self) -> bytes:
        with self.app.state.door.listening():
            return await whole(super().body(), MOST_SECONDS)

    async def json(self) -> Any:
        """The body decoded; 415 where it does not say that it is JSON, 400 where it is no text."""
        if not JSON.fullmatch(self.content_type[0]):
            raise HTTPException(status_code=415, detail="Send JSON, as Content-Type: application/json")
        try:
            return await super().json()
        except UnicodeDecodeError:
            raise ClientException(detail="The body is not text in UTF-8") from None


async def whole(body: Awaitable[bytes], seconds: float) -> bytes:
    """The body, or a refusal: 408 when it takes longer, 400 when it ends before it was whole."""
    try:
        async with asyncio.timeout(seconds):
            return await body
    except TimeoutError:
        raise HTTPException(status_code=408, detail=f"The body took longer than {seconds} seconds") from None
    except InternalServerException:  # a client that left, or chunks that are none
        raise ClientException(detail="The body ended before it was whole") from None
