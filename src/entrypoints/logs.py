"""Logs: a line for people or a JSON object for programs, with the request id, and no value of anybody's.

The text of an exception is never written: it may hold what somebody sent or what a row holds (PostgreSQL
says `Key (email)=(…) already exists`). Its type is, its SQLSTATE and constraint, and where it came from.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from traceback import extract_tb
from typing import Any, TextIO

import msgspec

from .settings import Settings

OURS = ("baobab", "_granian")
"""Whose messages are written out. Of others only the template is, as their values may be anything."""
SPEAKS_OF_CODE = (AttributeError, ImportError, NameError)
"""Errors whose text names parts of a program and no value."""
FACTS = ("sqlstate", "constraint_name", "table_name", "errno")
MOST_FRAMES = 30
REQUEST: ContextVar[Callable[[], str] | None] = ContextVar("request", default=None)
"""Finds the id of the request that is being answered."""


def trace_of(error: BaseException) -> str:
    """What kind of error, from where, and from what errors it came: no text of any."""
    return "\ncaused by ".join(_one(one) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _one(error: BaseException) -> str:
    facts = [f"{name}={value}" for name in FACTS if (value := getattr(error, name, None))]
    if isinstance(error, SPEAKS_OF_CODE):
        facts.append(str(error))
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    frames = extract_tb(error.__traceback__)[-MOST_FRAMES:]
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([" ".join((kind, *facts)), *lines])


class Line(logging.Formatter):
    """One record, for people."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        trace = facts.pop("trace", "")
        words = [facts.pop("time"), facts.pop("level"), facts.pop("logger"), facts.pop("message")]
        words += [f"{name}={value}" for name, value in facts.items()]
        return " ".join(map(str, words)) + (f"\n{trace}" if trace else "")


class Json(logging.Formatter):
    """One record, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        return msgspec.json.encode(_facts(record)).decode()


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC)
    ours = record.name.partition(".")[0] in OURS
    facts: dict[str, Any] = {
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage() if ours else str(record.msg),
    }
    if request := REQUEST.get():
        facts["request_id"] = request()
    facts |= getattr(record, "facts", {})
    if record.exc_info and record.exc_info[1]:
        facts["trace"] = trace_of(record.exc_info[1])
    return facts


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log of the process to standard error, in the chosen form, from the chosen level up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Json() if settings.log_format == "json" else Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(settings.log_level.upper())
    if settings.log_level != "debug":
        logging.getLogger("_granian").setLevel(logging.ERROR)  # that it listens is said by us
    logging.captureWarnings(True)


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody caught, in a task or a callback: asyncio would write down the error's text."""
    error = context.get("exception")
    logging.getLogger("baobab.loop").error("%s", context.get("message", "an error"), exc_info=error)
