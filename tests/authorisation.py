"""The written matrix of who may ask what, and what the code says of it.

`docs/reference/authorisation.md` is the truth: `written()` reads it. `declared()` reads the routes, and
`use_cases_of()` the use cases that a handler can reach, by the names that stand in it and in the functions of
the application that it calls.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from document import OPERATIONS
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from baobab.application.work import ADMINS, ANYONE, PARTNERS, SIGNED_IN, QueryCase, UseCase
from baobab.domain import shared
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.app import build
from baobab.entrypoints.settings import Settings

PAGE = Path(__file__).parents[1] / "docs/reference/authorisation.md"
WHO: dict[str, frozenset[shared.Role]] = {
    "anyone": ANYONE,
    "signed in": SIGNED_IN,
    "partners": PARTNERS,
    "administrators": ADMINS,
}
WHOSE = (
    "everybody's",
    "one's own",
    "one's own alone",
    "one's producer's",
    "one's own or one's producer's",
    "oneself",
    "a secret",
)
"""What the page says of whose things an operation is for; the page explains each."""
OURS = re.compile(r"\.(application|entrypoints\.http)\.")
"""The modules whose functions a handler may ask through."""
Asked = UseCase[Any, Any] | QueryCase[Any, Any]


class Line(NamedTuple):
    """An operation of the matrix."""

    operation: str
    request: str
    who: str
    whose: str
    thing: str
    scope: str

    @property
    def allow(self) -> frozenset[shared.Role]:
        return WHO[self.who]

    def __str__(self) -> str:
        return (
            f"| `{self.operation}` | `{self.request}` | {self.who} | {self.whose} | {self.thing} "
            f"| {self.scope} |"
        )


def written() -> dict[str, Line]:
    """The lines of the page's first table, by operation."""
    lines = [Line(*cells) for cells in _table("operation") if len(cells) == len(Line._fields)]
    return {line.operation: line for line in lines}


def written_outside() -> dict[str, str]:
    """What the page says is served outside of the operations, with the reason why anybody may ask."""
    return {row[0]: row[1] for row in _table("path")}


def written_raises() -> dict[str, str]:
    """The functions that the page says act with more rights than who asks, with the reason."""
    return {row[0]: row[1] for row in _table("function")}


def _table(first: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has this name."""
    inside = False
    for text in PAGE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in text.strip("|").split("|")]
        if not text.startswith("|"):
            inside = False
        elif cells[0] == first:
            inside = True
        elif inside and not cells[0].startswith("---"):
            yield cells


@cache
def app() -> Litestar:
    return build(MemoryContainer(settings=Settings()))


@cache
def handlers() -> dict[str, HTTPRouteHandler]:
    """The handler of every operation."""
    return {
        str(handler.operation_id): handler
        for route in app().routes
        for handler in getattr(route, "route_handlers", ())
        if handler.resolve_include_in_schema() and handler.operation_id
    }


@cache
def _nodes(function: Callable[..., Any]) -> list[ast.AST]:
    """Everything that stands in a function."""
    return list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))


def use_cases_of(handler: Callable[..., Any], seen: frozenset[Any] = frozenset()) -> set[Asked]:
    """Every use case and query that a handler, or a function of the application that it calls, names."""
    found: set[Asked] = set()
    for node in _nodes(handler):
        named = _named(node, handler)
        for one in named.values() if isinstance(named, dict) else (named,):
            if isinstance(one, (UseCase, QueryCase)):
                found.add(one)
            elif inspect.isfunction(one) and OURS.search(one.__module__) and one not in seen:
                found |= use_cases_of(one, seen | {handler, one})
    return found


def _named(node: ast.AST, where: Any) -> Any:
    """What a name or a dotted name stands for in the module of a function, unless it is a local one."""
    if isinstance(node, ast.Name):
        return None if node.id in where.__code__.co_varnames else where.__globals__.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _named(node.value, where)
        return None if owner is None else getattr(owner, node.attr, None)
    return None


def declared(operation: str) -> Line:
    """What the code says of an operation; whose it is, and of what, only the page can say."""
    method, path, _ = OPERATIONS[operation]
    handler = handlers()[operation]
    allow = handler.opt["allow"]
    who = next((name for name, roles in WHO.items() if roles == allow), ", ".join(sorted(allow)))
    asked = [one for one in use_cases_of(handler.fn) if one.allow == allow]
    scopes = sorted({one.scope for one in asked}) if allow != ANYONE else []
    return Line(operation, f"{method} {path}", who, "?", "?", ", ".join(scopes))
