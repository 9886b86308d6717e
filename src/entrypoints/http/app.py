"""The Litestar application: routes, errors, health, and the OpenAPI document with its page."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import HttpMethod, Litestar, Request, Router, route
from litestar.di import Provide
from litestar.types import Message, Scope

from ... import __version__
from ..container import Container
from ..settings import from_environment
from . import (
    catalog,
    fulfillment,
    identity,
    inventory,
    investments,
    orders,
    partners,
    payments,
    people,
    points,
    points_proof,
    points_reports,
    points_sweep,
    projects,
)
from .ask import provide_ask, request_id_of
from .bodies import WholeBody
from .errors import HANDLERS
from .openapi import asset, document
from .problems import explain

CONTEXTS = (
    identity,
    people,
    points,
    points_proof,
    points_reports,
    points_sweep,
    payments,
    partners,
    projects,
    investments,
    catalog,
    inventory,
    orders,
    fulfillment,
)
MOST_BODY = 256 * 1024
"""Bytes. No request of ours comes near it."""
LOOKING = (HttpMethod.GET, HttpMethod.HEAD)
"""How the programs that watch others look at their health."""


async def finish(message: Message, scope: Scope) -> None:
    """Give every answer its request id, and mark a replay."""
    if message["type"] == "http.response.start":
        headers = list(message.get("headers", ()))
        headers.append((b"x-request-id", request_id_of(scope).encode()))
        if scope["state"].get("replayed"):
            headers.append((b"idempotent-replayed", b"true"))
        message["headers"] = headers


@route("/health/live", http_method=LOOKING, include_in_schema=False)
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "version": __version__}


@route("/health/ready", http_method=LOOKING, include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The database answers and its schema is current. Raises Unavailable."""
    await request.app.state.database.check()
    return {"status": "ready", "version": __version__}


def build(container: Any) -> Litestar:
    """The application on the adapters of a container."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with container.database() as database:
            app.state.database = database
            app.state.runner = container.runner()
            app.state.queries = container.queries()
            app.state.secrets = container.secrets()
            app.state.gateway = container.gateway()
            app.state.settings = container.settings()
            gc.freeze()  # what is there now stays: collecting need not look at it again
            gc.set_threshold(20_000)  # records are in no cycle: hardly anything waits to be collected
            yield
            await app.state.runner.close()

    api = Router(
        "/v1",
        route_handlers=[handler for context in CONTEXTS for handler in context.HANDLERS],
        dependencies={"ask": Provide(provide_ask)},
    )
    return Litestar(
        [api, live, ready, explain, asset],
        lifespan=[lifespan],
        exception_handlers=HANDLERS,
        before_send=[finish],
        openapi_config=document(),
        request_class=WholeBody,
        request_max_body_size=MOST_BODY,
        logging_config=None,
    )


def create() -> Litestar:
    """What the server runs: everything on PostgreSQL, configured by the environment."""
    return build(Container(settings=from_environment()))
