"""What tests of the HTTP edge are made with: a client in memory, and people who are signed in."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from dependency_injector import providers
from litestar import Litestar
from litestar.testing import TestClient

from baobab.adapters.memory.storage import MemoryStorage
from baobab.application import identity
from baobab.domain import shared
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.app import build
from baobab.entrypoints.http.door import Door
from baobab.entrypoints.settings import Settings

Client = TestClient[Litestar]
Headers = dict[str, str]
UNKNOWN = "01a1fe03-aa47-77f7-a8ae-7c75fabce465"
"""An id that nothing has."""


@contextmanager
def memory_client(storage: MemoryStorage | None = None) -> Iterator[Client]:
    """An application that counts no requests: tests of limits have their own."""
    container = MemoryContainer(settings=Settings(rate_limits=False))
    if storage is not None:
        container.storage.override(providers.Object(storage))
    with client_on(container) as client:
        yield client


class _Stage:
    """What an application is made on: the container of whichever test has it now."""

    def __init__(self) -> None:
        self.container: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.container, name)


_free: dict[Settings, list[tuple[_Stage, Litestar]]] = defaultdict(list)
"""Applications that no test has now. To make one takes longer than most tests."""


@contextmanager
def client_on(container: Any) -> Iterator[Client]:
    """A client of an application on a container, with a door through which nobody came before."""
    settings = container.settings()
    stage, app = _free[settings].pop() if _free[settings] else (_Stage(), None)
    stage.container = container
    app = app or build(stage)
    app.state.door = Door(settings)
    with TestClient(app) as client:
        yield client
    _free[settings].append((stage, app))


def as_operator(client: Client, use_case: Any, command: shared.Command) -> Any:
    """What a use case answers an operator."""
    operator = shared.Actor(role="service")
    return client.blocking_portal.call(lambda: client.app.state.runner(use_case, command, actor=operator))


def session_of(client: Client, user_id: UUID) -> Headers:
    """The headers of one more session of somebody."""
    runner = client.app.state.runner
    token = identity.Token(user_id, runner.new_id(), user_id.bytes * 2)
    command = identity.OpenSession(user_id=user_id, session_id=token.session_id, token_hash=token.digest())
    as_operator(client, identity.open_session, command)
    return {"Authorization": f"Bearer {token.text()}"}


def signed_in(client: Client, email: str, **role: Any) -> Headers:
    """The headers of a new member whose e-mail is verified, with another role where one is named."""
    wish = {"email": email, "password": "correct horse", "name": "Member"}
    answer = client.post("/v1/members", json=wish).json()
    user_id = UUID(answer["member"]["user_id"])
    as_operator(client, identity.verify_member, identity.OfMember(user_id=user_id))
    if role:
        as_operator(client, identity.set_role, identity.SetRole(user_id=user_id, **role))
    return {"Authorization": f"Bearer {answer['token']}"}
