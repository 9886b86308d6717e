"""The Litestar application: routes, errors, health, and the OpenAPI document with its page."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import HttpMethod, Litestar, Request, Router, route
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide

from ... import __version__
from ...application.payments import disconnect
from ..container import Container
from ..logs import on_loop_error
from ..settings import Settings, from_environment
from ..values import origins_of
from . import (
    audit,
    catalog,
    fulfillment,
    identity,
    inventory,
    investments,
    orders,
    partners,
    payments,
    points,
    privacy,
    projects,
)
from .ask import provide_ask
from .bodies import WholeBody
from .door import Application, Door, Leaving
from .errors import HANDLERS
from .headers import Finish
from .identity import send, show
from .openapi import asset, document
from .problems import explain
from .watch import metrics

CONTEXTS = (
    identity,
    points,
    payments,
    partners,
    projects,
    investments,
    catalog,
    inventory,
    orders,
    fulfillment,
    audit,
    privacy,
)
MOST_BODY = 256 * 1024
"""Bytes. No request of ours comes near it."""
EXPOSED = ["Idempotent-Replayed", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]
"""Headers that a page of another origin may read."""
LOOKING = (HttpMethod.GET, HttpMethod.HEAD)
"""How the programs that watch others look at their health."""


@route("/health/live", http_method=LOOKING, include_in_schema=False)
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "version": __version__}


@route("/health/ready", http_method=LOOKING, include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The database answers, its schema is current, and the server is not about to stop. Raises Unavailable,
    which says what is wrong."""
    if request.app.state.door.is_leaving:
        raise Leaving
    await request.app.state.database.check()
    return {"status": "ready", "version": __version__}


def build(container: Any) -> Litestar:
    """The application on the adapters of a container."""
    settings: Settings = container.settings()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with container.database() as database:
            app.state.database = database
            app.state.runner = container.runner()
            app.state.queries = container.queries()
            app.state.secrets = container.secrets()
            app.state.gate, app.state.porter = container.gate(), container.porter()
            app.state.gateway = container.gateway()
            asyncio.get_running_loop().set_exception_handler(on_loop_error)
            gc.freeze()  # what is there now stays: collecting need not look at it again
            gc.set_threshold(20_000)  # records are in no cycle: hardly anything waits to be collected
            yield
            await app.state.gate.later.done()
            await app.state.porter.later.done()
            await app.state.runner.close()
            await disconnect(app.state.gateway)

    api = Router(
        "/v1",
        route_handlers=[handler for context in CONTEXTS for handler in context.HANDLERS],
        dependencies={"ask": Provide(provide_ask)},
    )
    return Application(
        [api, live, ready, metrics, explain, asset, show, send],
        lifespan=[lifespan],
        exception_handlers=HANDLERS,
        before_send=[Finish(settings)],
        cors_config=_cors(settings),
        state=State({"settings": settings, "door": Door(settings)}),
        openapi_config=document(),
        request_class=WholeBody,
        request_max_body_size=MOST_BODY,
        logging_config=None,
    )


def _cors(settings: Settings) -> CORSConfig | None:
    """Which pages of other origins may read answers: those that are listed, exactly. Cookies are
    never taken along: who asks shows a token."""
    origins = list(origins_of(settings.cors_origins))
    return CORSConfig(origins, expose_headers=EXPOSED, allow_credentials=False) if origins else None


def create() -> Litestar:
    """What the server runs: everything on PostgreSQL, configured by the environment."""
    return build(Container(settings=from_environment()))
