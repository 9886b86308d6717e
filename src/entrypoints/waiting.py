"""A database that is named may start later than we do: it is waited for, and what is waited for is said.

Waiting helps where nobody answers yet. A wrong password or a database that is missing is said at once.
"""

import asyncio
import math
import sys
import time
from collections.abc import Callable

import asyncpg

from ..domain import shared
from .settings import PREFIX, Settings, without_password

NOT_YET = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
)
"""Nobody listens, no such host (yet), or the server starts, recovers, stops or is full."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
EACH_TRY = 5.0
SAID_EVERY = 5.0
FOR_A_COMMAND = 3.0
"""Seconds. Whoever types a command hears soon that the database is away."""


class DatabaseNotThere(shared.Unavailable):
    message = "{url} did not answer within {seconds} seconds: {reason}. Start it, or look at {variable}."
    url: str
    seconds: float
    reason: str
    variable: str = PREFIX + "DATABASE_URL"


class DatabaseRefuses(shared.Unavailable):
    message = "{url} refuses us: {reason}. Look at {variable}."
    url: str
    reason: str
    variable: str = PREFIX + "DATABASE_URL"


def say(text: str) -> None:
    """To whoever watches the start."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def until_it_answers(settings: Settings, say: Callable[[str], None] = say, *, most: float = math.inf) -> None:
    """Return as soon as the database takes a connection. It is waited for as long as the settings say, or so
    many seconds at most. Raises DatabaseNotThere and DatabaseRefuses."""
    seconds = min(settings.database_wait, most)
    deadline = time.monotonic() + seconds
    pause, spoken, shown = FIRST_PAUSE, -SAID_EVERY, without_password(settings.database_url)
    while reason := asyncio.run(_why_not(settings.database_url, shown, seconds)):
        now = time.monotonic()
        if now >= deadline:
            raise DatabaseNotThere(url=shown, seconds=seconds, reason=reason)
        if now - spoken >= SAID_EVERY:
            say(f"Waiting for {shown}, {deadline - now:.0f} seconds more: {reason}.")
            spoken = now
        time.sleep(min(pause, deadline - now))
        pause = min(2 * pause, LONGEST_PAUSE)


async def _why_not(url: str, shown: str, seconds: float) -> str:
    """Why it takes no connection yet; empty when it does. Raises DatabaseRefuses."""
    try:
        connection = await asyncpg.connect(url, timeout=min(EACH_TRY, max(seconds, 1.0)))
    except NOT_YET as error:
        return _reason(error)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OverflowError) as error:
        raise DatabaseRefuses(url=shown, reason=_reason(error)) from None
    await connection.close()
    return ""


def _reason(error: Exception) -> str:
    """The error in a line."""
    text = "no answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
    return text.partition("\n")[0].rstrip(".")
