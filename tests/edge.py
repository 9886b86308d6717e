"""What tests of the HTTP edge are made with: a client in memory, and people who are signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from litestar import Litestar
from litestar.testing import TestClient

from baobab.application import identity
from baobab.domain import shared
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.app import build
from baobab.entrypoints.settings import Settings

Client = TestClient[Litestar]
Headers = dict[str, str]
UNKNOWN = "01a1fe03-aa47-77f7-a8ae-7c75fabce465"
"""An id that nothing has."""


@contextmanager
def memory_client() -> Iterator[Client]:
    with TestClient(build(MemoryContainer(settings=Settings()))) as client:
        yield client


def signed_in(client: Client, email: str, **role: Any) -> Headers:
    """The headers of a new member, with another role where one is named."""
    wish = {"email": email, "password": "correct horse", "name": "Member"}
    answer = client.post("/v1/members", json=wish).json()
    if role:
        command = identity.SetRole(user_id=UUID(answer["member"]["user_id"]), **role)
        operator = shared.Actor(role="service")
        client.blocking_portal.call(
            lambda: client.app.state.runner(identity.set_role, command, actor=operator)
        )
    return {"Authorization": f"Bearer {answer['token']}"}
