"""What each problem document means: the registry behind `GET /problems/{code}` and its reference page."""

from collections.abc import Iterator

import litestar
from litestar.params import FromPath

from ...domain import shared
from .errors import CODES, STATUS, status_of

_TOP = __name__.partition(".")[0]
ANSWERED_BY = (f"{_TOP}.domain.", f"{_TOP}.application.", f"{_TOP}.entrypoints.http.")
"""Where the errors come from that the API answers; what a test or a command of the terminal adds is not."""


class Meaning(shared.Record):
    """A kind of problem: its code, its status, its sentence (facts in braces) and the facts' names."""

    code: str
    title: str
    status: int
    meaning: str
    facts: tuple[str, ...] = ()


def meanings() -> list[Meaning]:
    """Every problem that the API can answer, by status and code."""
    found = {code: Meaning(code, _title(code), status, _title(code) + ".") for status, code in CODES.items()}
    for error in _errors(shared.DomainError):
        facts = tuple(error.__annotations__) if "__annotations__" in vars(error) else ()
        found[error.code] = Meaning(error.code, _title(error.code), status_of(error), error.message, facts)
    return sorted(found.values(), key=lambda one: (one.status, one.code))


def _errors(kind: type[shared.DomainError]) -> Iterator[type[shared.DomainError]]:
    for error in (one for one in kind.__subclasses__() if one.__module__.startswith(ANSWERED_BY)):
        if error not in STATUS or error.code in CODES.values():
            yield error
        yield from _errors(error)


def _title(code: str) -> str:
    return code.replace("_", " ").capitalize()


@litestar.get("/problems/{code:str}", include_in_schema=False, sync_to_thread=False)
def explain(code: FromPath[str]) -> Meaning:
    """What a problem's code means."""
    found = next((one for one in meanings() if one.code == code), None)
    if found is None:
        raise shared.NotFound(kind="problem", id=code)
    return found


def as_markdown() -> str:
    """The reference page of all problems."""
    lines = [
        "# Problems",
        "",
        "Every error is an RFC 9457 document whose `code` is one of these; names in braces are its facts.",
        "Written by `baobab reference problems`.",
        "",
        "| status | code | meaning |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {one.status} | `{one.code}` | {one.meaning.replace('|', '/')} |" for one in meanings()]
    return "\n".join(lines) + "\n"
