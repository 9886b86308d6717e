"""What signing in and up need of the outside, and what is done after the answer."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ...domain import identity, shared
from ..mail import Mailer, Message
from ..runner import Runner
from .records import Authenticator, Secrets

log = logging.getLogger("baobab.identity")


class Later:
    """What is done after the answer, so that the time that an answer takes tells nobody whether there was
    anything to do. So many wait at most; what is beyond is not done, and what fails is logged."""

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, work: Coroutine[Any, Any, object]) -> bool:
        """Whether it will be done."""
        if len(self._tasks) >= self._most:
            work.close()
            log.warning("%d letters and notes wait already: one more is not sent", self._most)
            return False
        task = asyncio.create_task(_tried(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def done(self) -> None:
        """Wait until all of it is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)


async def _tried(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except shared.DomainError as error:
        log.warning("what was to be done after an answer was refused: %s", error.code)
    except Exception:
        log.exception("what was to be done after an answer failed")


class Gate:
    """The Runner with what signing in needs beside it. `public_url` is where links in mails lead."""

    def __init__(
        self,
        run: Runner,
        secrets: Secrets,
        mailer: Mailer,
        authenticator: Authenticator,
        *,
        is_common: Callable[[str], bool],
        lasting: identity.Lasting = identity.USUAL,
        lifetimes: identity.Lifetimes | None = None,
        public_url: str = "",
    ) -> None:
        self.run, self.secrets, self.authenticator, self.lasting = run, secrets, authenticator, lasting
        self.lifetimes = lifetimes or identity.Lifetimes()
        self.is_common, self.public_url = is_common, public_url.rstrip("/")
        self.later = Later()
        self._mailer = mailer

    def write(self, message: Message) -> None:
        """Send a letter after the answer."""
        self.later(self._mailer.send(message))


def trusted(actor: shared.Actor) -> shared.Actor:
    """The actor as this context itself: what has checked a password may open a session."""
    return shared.evolve(actor, role="service", scopes=None)
