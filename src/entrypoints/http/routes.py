"""The decorators of our routes: what every operation documents and needs, said once.

Each route says who may ask (`allow`), as its use cases do: there is no default, so that nothing is open by
oversight. The written truth is docs/reference/authorisation.md, and a test compares the three.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

import litestar
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, FromQuery, JSONBody

from ...application.work import ADMINS, ANYONE, PARTNERS, SIGNED_IN
from ...domain import shared
from .examples import example_of

__all__ = ["ADMINS", "ANYONE", "PARTNERS", "SIGNED_IN", "Problem", "delete", "get", "post", "put"]

Roles = frozenset[shared.Role]
Decorator = Callable[[Callable[..., Any]], Any]


class Problem(shared.Record):
    """A problem document (RFC 9457). The error's own facts stand beside these fields; `type` leads to
    a page that explains it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str


def _key_parameter() -> Parameter:
    return Parameter(
        name="Idempotency-Key",
        param_in="header",
        required=True,
        description="Chosen by the client: the same key and body answer as the first time.",
        schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255),
    )


def _signed_body() -> RequestBody:
    shown = Example(value={"id": "evt_1", "type": "payment_intent.succeeded"})
    media = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT), examples={"example": shown})
    return RequestBody(
        content={"application/json": media},
        description="What the provider signed, byte for byte; its signature stands in a header.",
        required=True,
    )


def _documented(handler: Callable[..., Any], *, allow: Roles, moves: bool, signed: bool) -> type[Operation]:
    """An operation that shows who may ask, an example of what it takes and answers, and the key it needs."""
    hints = get_type_hints(handler, include_extras=True)
    allowed = [role for role in get_args(shared.Role) if role in allow]

    @dataclass
    class Documented(Operation):
        roles: list[str] = field(default_factory=allowed.copy, metadata={"alias": "x-roles"})

        def __post_init__(self) -> None:
            if moves:
                self.parameters = [*(self.parameters or []), _key_parameter()]
            if signed:
                self.request_body = _signed_body()
            elif isinstance(self.request_body, RequestBody):
                _show(self.request_body.content, hints["data"])
            for status, response in (self.responses or {}).items():
                if status.startswith("2") and isinstance(response, OpenAPIResponse) and response.content:
                    response.description = "Done." if status == "201" else "The answer."
                    _show(response.content, hints["return"])

    return Documented


def _show(content: dict[str, OpenAPIMediaType], kind: Any) -> None:
    """An example of what is JSON; a file has none."""
    for media_type in (one for name, one in content.items() if name == "application/json"):
        media_type.examples = {"example": Example(value=example_of(kind))}


WORDS = {
    400: "The request is malformed; `errors` lists every fault.",
    401: "No credentials, or they are wrong.",
    403: "Not allowed for this role.",
    404: "Absent, or not yours.",
    408: "The body took too long to come.",
    409: "The state forbids it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A rule forbids it.",
    429: "Asked too often: wait as long as `Retry-After` says.",
    503: "Not available now; nothing was changed.",
}


REUSED = 422
"""Whatever changes something may come with an idempotency key that was used before, for something else."""


def _problems(statuses: Iterable[int]) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(
            Problem, description=WORDS[status], media_type="application/problem+json", generate_examples=False
        )
        for status in sorted(statuses)
    }


def _statuses(path: str, handler: Callable[..., Any], allow: Roles, more: Iterable[int]) -> set[int]:
    """What an operation can answer besides what it is for: wrong credentials are refused everywhere."""
    found = {400, 401, 429, 503, *more}
    if allow != ANYONE:
        found.add(403)
    if _path_parameters(path):
        found.add(404)
    parameters = inspect.signature(handler).parameters
    if "data" in parameters:
        found |= {408, 413, 415}
    if "request" in parameters:
        found |= {408, 413}
    if parameters.keys() - {"ask", "data", "request"} - _path_parameters(path):
        found.add(422)  # what a parameter asks for may break a rule
    return found


def _route(
    decorator: Any,
    path: str,
    *,
    allow: Roles,
    moves: bool,
    statuses: tuple[int, ...],
    signed: bool = False,
    **options: Any,
) -> Decorator:
    def declare(handler: Callable[..., Any]) -> Any:
        handler.__annotations__ = _marked(handler, path)
        summary = (inspect.getdoc(handler) or "").partition("\n")[0].rstrip(".")
        annotations = inspect.signature(handler).parameters
        known = frozenset(annotations) - {"ask", "data", "request"} - _path_parameters(path)
        return decorator(
            path,
            summary=summary,
            operation_class=_documented(handler, allow=allow, moves=moves, signed=signed),
            operation_id=f"{_context_of(handler)}_{handler.__name__}",
            responses=_problems(_statuses(path, handler, allow, statuses)),
            security=[{}, {"bearer": []}] if allow == ANYONE else [{"bearer": []}],
            opt={"allow": allow, "moves": moves, "signed": signed, "parameters": known},
            **options,
        )(handler)

    return declare


def _context_of(handler: Callable[..., Any]) -> str:
    """`points` of a handler in `http/points/moving.py`: where it stands there is not for clients to know."""
    return handler.__module__.removeprefix(f"{__package__}.").partition(".")[0]


def _marked(handler: Callable[..., Any], path: str) -> dict[str, Any]:
    """A handler's annotations, each saying where its value comes from, as Litestar 3 will ask."""
    in_path = _path_parameters(path)
    sources = {"ask": NamedDependency, "data": JSONBody, "request": None, "return": None}
    marked = {}
    for name, kind in get_type_hints(handler, include_extras=True).items():
        source: Any = sources.get(name, FromPath if name in in_path else FromQuery)
        marked[name] = kind if source is None else source[kind]
    return marked


def _path_parameters(path: str) -> frozenset[str]:
    return frozenset(part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{"))


def get(path: str, *, allow: Roles, statuses: tuple[int, ...] = (404,), **options: Any) -> Decorator:
    """A route that reads."""
    return _route(litestar.get, path, allow=allow, moves=False, statuses=statuses, **options)


def post(
    path: str,
    *,
    allow: Roles,
    moves: bool = False,
    signed: bool = False,
    statuses: tuple[int, ...] = (404, 409, 422),
    **options: Any,
) -> Decorator:
    """A route that makes or does something. `moves`: it needs an Idempotency-Key. `signed`: its body is read
    as it came, and checked by its signature."""
    found = statuses if signed else (*statuses, REUSED)
    return _route(litestar.post, path, allow=allow, moves=moves, signed=signed, statuses=found, **options)


def put(path: str, *, allow: Roles, statuses: tuple[int, ...] = (404, 409, 422), **options: Any) -> Decorator:
    """A route that replaces something."""
    return _route(litestar.put, path, allow=allow, moves=False, statuses=(*statuses, REUSED), **options)


def delete(path: str, *, allow: Roles, statuses: tuple[int, ...] = (404,), **options: Any) -> Decorator:
    """A route that ends something."""
    return _route(litestar.delete, path, allow=allow, moves=False, statuses=(*statuses, REUSED), **options)
