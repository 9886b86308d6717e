"""Nobody reads in a log what somebody sent, who they are, or what a row holds; and who looks into a failure
finds where it was."""

import asyncio
import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest
from besieged import body_of
from document import OPERATIONS
from edge import signed_in
from litestar.testing import TestClient

from baobab.adapters.postgres.database import Database
from baobab.entrypoints import logs
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.app import build
from baobab.entrypoints.settings import Secret, Settings

PLANTED = "planted-4711"
"""Stands in everything that is sent, or kept."""
EMAIL = f"{PLANTED}@example.org"
TOKEN = f"{PLANTED}-token"
NOTHING = "01a1fe03-aa47-77f7-a8ae-7c75fabce465"


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging as it was before a test configured it."""
    named = [logging.getLogger(name) for name in ("", *logs.OURS, "py.warnings")]
    before = [(one, one.handlers[:], one.level, one.propagate) for one in named]
    yield
    logging.captureWarnings(False)
    for one, handlers, level, propagate in before:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)


@pytest.fixture
def log(restored: None) -> Callable[[Settings], io.StringIO]:
    """`log(settings)` is what is written from now on."""

    def configure(settings: Settings) -> io.StringIO:
        stream = io.StringIO()
        logs.configure(settings, stream)
        return stream

    return configure


Log = Callable[[Settings], io.StringIO]


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as found:
        return found


# --- a line -------------------------------------------------------------------------------------


def test_of_an_error_its_kind_and_place_are_told_and_never_its_text() -> None:
    trace = logs.trace_of(raised(ValueError(PLANTED), raised(KeyError(PLANTED))))
    assert PLANTED not in trace
    assert trace.startswith("builtins.ValueError\n  ")
    assert "\ncaused by builtins.KeyError\n" in trace
    assert trace.count(f"{__file__}:") == 2
    assert " in raised" in trace


def test_what_postgresql_says_of_a_row_stays_away_and_its_state_is_told() -> None:
    error = asyncpg.UniqueViolationError(f"duplicate key (email)=({PLANTED})")
    error.detail, error.constraint_name = PLANTED, "login_pkey"
    trace = logs.trace_of(raised(error))
    assert PLANTED not in trace
    assert "asyncpg.exceptions.UniqueViolationError sqlstate=23505 constraint_name=login_pkey" in trace


def test_an_error_that_speaks_of_code_says_all() -> None:
    assert "has no attribute 'x'" in logs.trace_of(raised(AttributeError("'int' has no attribute 'x'")))


def test_errors_that_cause_each_other_end() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert logs.trace_of(first).count("caused by") == 1


def test_a_line_is_for_people_or_for_programs(log: Log) -> None:
    ours = logging.getLogger("baobab.test")
    text = log(Settings())
    ours.info("it %s", "goes", extra={"facts": {"status": 200}})
    assert text.getvalue().rstrip().endswith(" info baobab.test it goes status=200")
    programs = log(Settings(log_format="json"))
    ours.error("it fails", exc_info=raised(ValueError(PLANTED)))
    found = json.loads(programs.getvalue())
    assert (found["level"], found["logger"], found["message"]) == ("error", "baobab.test", "it fails")
    assert found["trace"].startswith("builtins.ValueError")
    assert found["time"].endswith("Z")


def test_of_what_others_log_only_the_template_is_written(log: Log) -> None:
    """A library may write down any value: a query, an address, a header."""
    text = log(Settings(log_level="debug"))
    logging.getLogger("stripe").warning("a request with %s failed", PLANTED)
    logging.getLogger("stripe").info("not even that")
    assert text.getvalue().rstrip().endswith(" warning stripe a request with %s failed")


def test_a_level_leaves_out_what_is_below(log: Log) -> None:
    text = log(Settings(log_level="error"))
    logging.getLogger("baobab.test").warning("it goes")
    assert text.getvalue() == ""


async def test_what_nobody_caught_is_told_without_its_text(log: Log) -> None:
    text = log(Settings())
    loop = asyncio.get_running_loop()
    logs.on_loop_error(
        loop, {"message": "Task exception was never retrieved", "exception": ValueError(PLANTED)}
    )
    logs.on_loop_error(loop, {})
    assert "Task exception was never retrieved" in text.getvalue()
    assert PLANTED not in text.getvalue()


# --- the service --------------------------------------------------------------------------------


def planted(value: Any) -> Any:
    """A body with something planted wherever a text is."""
    if isinstance(value, dict):
        return {key: planted(part) for key, part in value.items()}
    if isinstance(value, list):
        return [planted(part) for part in value]
    return EMAIL if isinstance(value, str) and "@" in value else PLANTED if isinstance(value, str) else value


class Broken:
    """Queries and storage of which everything fails, each with what a row holds."""

    def __getattr__(self, name: str) -> Any:
        error = asyncpg.DataError(f"invalid input for query argument $1: {PLANTED!r}")
        error.detail = f"Key (email)=({EMAIL}) already exists."
        raise error


def ask_everything(client: Any, headers: dict[str, str], wish: Callable[[Any], Any]) -> Counter[int]:
    """Every operation, with something planted in its parameters and headers; how often each status came."""
    found: Counter[int] = Counter()
    more = {"Cookie": PLANTED, "X-Request-Id": "of-the-client"}
    stays = (one for name, one in OPERATIONS.items() if "sign_out" not in name)
    for number, (method, path, operation) in enumerate(stays):
        place = "/".join(NOTHING if part.startswith("{") else part for part in path.split("/"))
        asked = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        answer = client.request(
            method,
            place,
            params={name: PLANTED for name in ("email", "q", "cursor", "token") if name in asked},
            json=wish(body_of(operation, {})),
            headers=headers | more | {"Idempotency-Key": f"{PLANTED}-{number}"},
        )
        found[answer.status_code] += 1
    return found


def test_whatever_is_asked_and_however_it_fails_no_log_tells_what_was_sent(log: Log) -> None:
    settings = Settings(
        log_level="debug", log_requests=True, rate_limits=False, secret_key=Secret(PLANTED * 5)
    )
    text = log(settings)
    with TestClient(build(MemoryContainer(settings=settings)), raise_server_exceptions=False) as client:
        admin = signed_in(client, "member-1@example.org", role="admin")
        assert ask_everything(client, {"Authorization": f"Bearer {TOKEN}"}, planted)[401] > 50
        refused = ask_everything(client, admin, planted)
        assert refused[400] > 20
        assert refused[404] > 20
        runner = client.app.state.runner
        whole = runner._storage, runner._queries
        runner._storage = runner._queries = Broken()
        assert ask_everything(client, admin, lambda body: body)[500] > 50
        runner._storage, runner._queries = whole
    written = text.getvalue()
    assert written.count("asyncpg.exceptions.DataError sqlstate=22000") > 50
    assert written.count("request_id=of-the-client") > 200
    for secret in (PLANTED, EMAIL, "example.org", "correct horse", admin["Authorization"].split()[1]):
        assert secret not in written, next(line for line in written.splitlines() if secret in line)


async def test_an_error_of_postgresql_itself_is_logged_without_the_row(database: Database, log: Log) -> None:
    text = log(Settings())
    async with database.connection() as connection:
        with pytest.raises(asyncpg.UniqueViolationError, match=PLANTED) as caught:
            await connection.execute(
                "create temporary table person (email text primary key);"
                f"insert into person values ('{EMAIL}'); insert into person values ('{EMAIL}')"
            )
    logging.getLogger("baobab.test").error("it failed", exc_info=caught.value)
    assert "UniqueViolationError sqlstate=23505 constraint_name=person_pkey" in text.getvalue()
    assert PLANTED not in text.getvalue()
