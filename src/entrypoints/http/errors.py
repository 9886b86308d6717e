"""Errors as RFC 9457 problem documents. The one table from the branch of an error to its status."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.utils.scope.state import ScopeState

from ...domain import shared
from .faults import Fault, faults_of

AnyRequest = Request[Any, Any, Any]

log = logging.getLogger("baobab.http")

STATUS: dict[type[shared.DomainError], int] = {
    shared.Malformed: 400,
    shared.Unauthenticated: 401,
    shared.Forbidden: 403,
    shared.NotFound: 404,
    shared.StateForbids: 409,
    shared.RuleForbids: 422,
    shared.TooMany: 429,
    shared.Unavailable: 503,
}
HEADERS: dict[int, dict[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
CODES = {
    400: "malformed_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


class InvalidRequest(shared.Malformed):
    """A body or parameters that do not fit; `errors` lists every fault with its place."""

    message = "The request is not valid: {detail}"
    detail: str
    errors: tuple[Fault, ...]


class UnknownParameter(shared.Malformed):
    message = "There is no query parameter {name} here; known: {known}."
    name: str
    known: str


class IdempotencyKeyMissing(shared.Malformed):
    message = "This request moves points, money or stock: send an Idempotency-Key header."


def status_of(error: type[shared.DomainError]) -> int:
    """The status of an error: that of its branch of the tree."""
    return next((STATUS[branch] for branch in error.__mro__ if branch in STATUS), 500)


def document(path: str, status: int, code: str, detail: str, facts: dict[str, Any]) -> bytes:
    """A problem document."""
    title = code.replace("_", " ").capitalize()
    body = {**facts, "type": f"/problems/{code}", "title": title, "status": status}
    return msgspec.json.encode(body | {"detail": detail, "code": code, "instance": path})


def _problem(
    request: AnyRequest, status: int, code: str, detail: str, facts: dict[str, Any]
) -> Response[bytes]:
    return Response(
        document(request.scope["path"], status, code, detail, facts),
        status_code=status,
        media_type="application/problem+json",
        headers=HEADERS.get(status),
    )


def on_domain_error(request: AnyRequest, error: shared.DomainError) -> Response[bytes]:
    """A refusal of the application."""
    problem = _problem(request, status_of(type(error)), error.code, str(error), error.facts())
    if isinstance(error, shared.TooMany):
        problem.headers["Retry-After"] = str(error.retry_after)
    return problem


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """A refusal of the framework: no such route, a body that cannot be read, a bad parameter."""
    if error.status_code == 400:
        return on_domain_error(request, _invalid(request, error))
    if error.status_code >= 500:
        return on_bug(request, error)
    code = CODES.get(error.status_code, "refused")
    problem = _problem(request, error.status_code, code, f"{error.detail}.", {})
    problem.headers.update(error.headers or {})
    return problem


def on_too_deep(request: AnyRequest, error: RecursionError) -> Response[bytes]:
    """A body nested deeper than anything that we take."""
    return on_http_error(request, HTTPException(status_code=400, detail=f"nested too deep: {error}"))


def on_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Our own mistake: logged with its trace, answered without."""
    handler = request.scope.get("route_handler")
    log.error("%s failed", getattr(handler, "operation_id", None) or "a request", exc_info=error)
    return _problem(request, 500, CODES[500], "Something went wrong on our side.", {})


def _invalid(request: AnyRequest, error: HTTPException) -> InvalidRequest:
    handler = request.scope.get("route_handler")  # none yet where the Host is no host
    field = getattr(handler, "parsed_data_field", None)
    body = ScopeState.from_scope(request.scope).body
    found: tuple[Fault, ...] = ()
    if field is not None and isinstance(body, bytes):
        found = faults_of(body, field.annotation)
    if not found and isinstance(error, ValidationException) and isinstance(error.extra, list):
        found = tuple(
            Fault(detail=one.get("message", ""), parameter=one.get("key", "")) for one in error.extra
        )
    detail = "; ".join(f"{one.pointer or one.parameter}: {one.detail}" for one in found[:3])
    return InvalidRequest(detail=detail or error.detail, errors=found)


HANDLERS: dict[Any, Any] = {
    shared.DomainError: on_domain_error,
    HTTPException: on_http_error,
    RecursionError: on_too_deep,
    Exception: on_bug,
}
