"""What a handler works with: the Runner as one request uses it, with its actor and its key."""

from collections.abc import Mapping
from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import State

from ...application import identity, payments
from ...application.runner import Runner, authorize
from ...application.work import QueryCase, UseCase
from ...domain import shared
from ..settings import Settings
from .errors import IdempotencyKeyMissing, UnknownParameter
from .headers import request_id_of
from .limits import Limits

C = TypeVar("C", bound=shared.Record)
V = TypeVar("V")
AnyRequest = Request[Any, Any, State]


class Ask:
    """Runs use cases for one request. `await ask(use_case, command)`, `await ask.read(query, question)`."""

    __slots__ = ("_key", "_scope", "actor", "device", "gate", "gateway", "runner", "settings")

    def __init__(
        self, state: State, scope: Any, actor: shared.Actor, key: str | None, device: str = ""
    ) -> None:
        self.runner: Runner = state.runner
        self.gate: identity.Gate = state.gate
        self.gateway: payments.Gateway = state.gateway
        self.settings: Settings = state.settings
        self.actor, self._scope, self._key = actor, scope, key
        self.device = device

    async def __call__(
        self,
        use_case: UseCase[C, V],
        command: C,
        *,
        actor: shared.Actor | None = None,
        dry_run: bool = False,
    ) -> V:
        """The result of a use case; a replay is marked on the response."""
        outcome = await self.runner.submit(
            use_case, command, actor=actor or self.actor, key=self._key, dry_run=dry_run
        )
        if outcome.replayed:
            self._scope["state"]["replayed"] = True
        return outcome.result

    async def read(self, query: QueryCase[C, V], question: C) -> V:
        """The answer of a query."""
        return await self.runner.read(query, question, actor=self.actor)


async def provide_ask(request: AnyRequest) -> Ask:
    """The Ask of a request: its actor by the bearer token, its idempotency key where one is needed.

    Who may not ask is told so before anything else of the request is looked at.
    """
    scope, state, opt = request.scope, request.app.state, request.route_handler.opt
    headers = dict(scope["headers"])
    actor = shared.Actor()
    if header := _text(headers.get(b"authorization")):
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise shared.Unauthenticated
        actor = await state.porter.actor_of(token.strip(), scope["state"]["address"])
    _count(scope, state.door.limits, actor, opt)
    authorize(opt["allow"], actor)
    if scope["query_string"]:
        _check_parameters(request)
    key = _text(headers.get(b"idempotency-key"))
    if key is None and opt["moves"]:
        raise IdempotencyKeyMissing
    actor = shared.evolve(actor, address=scope["state"]["address"], request_id=request_id_of(scope))
    return Ask(state, scope, actor, key, device_of(headers.get(b"user-agent")))


def device_of(agent: bytes | None) -> str:
    """What a program calls itself, as far as it is kept with a session."""
    return "" if agent is None else agent.decode("latin-1")[: identity.MOST_DEVICE]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _count(scope: Any, limits: Limits, actor: shared.Actor, opt: Mapping[str, Any]) -> None:
    """Count the request for who signed in, or for the address of a stranger. What is signed by a provider is
    only limited by address. Raises RateLimited."""
    found = scope["state"]
    found["signed_in"] = actor.role != "anonymous"
    if not opt.get("signed"):
        credential = actor.credential_id if found["signed_in"] else None
        standing = limits.by_credential(credential, found["network"], scope["method"])
        found["standing"] = standing or found["standing"]


def _check_parameters(request: AnyRequest) -> None:
    """An unknown query parameter is an error, not ignored."""
    known = request.route_handler.opt["parameters"]
    for name in request.query_params:
        if name not in known:
            raise UnknownParameter(name=name, known=", ".join(sorted(known)) or "none")
