"""How the clients of a world ask: the same key again and again until there is an answer, which is kept."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.storage import PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application.runner import Outcome, Runner
from baobab.domain import shared

from .house import Server
from .rules import Wish
from .sending import Names, Violation, command_of

PROCESSES = 2
"""Each with a Runner, a pool and a clock of its own."""
PATIENCE = 60
"""Seconds in which every command is answered, whatever is killed."""
Told = tuple[UUID | None, ...]
"""What an answer named: the posting and the hold."""


@dataclass
class Totals:
    """What was done, and what came of it."""

    commands: int = 0
    refused: int = 0
    retried: int = 0
    recovered: int = 0
    replayed: int = 0
    kills: int = 0
    crashes: int = 0
    acknowledged: int = 0
    lost: int = 0
    checks: int = 0

    def add(self, other: "Totals") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Clock:
    """What time it is in a round: the same for everybody, or a little later on the clocks of some."""

    def __init__(self, now: datetime) -> None:
        self.now, self._skew = now, [timedelta(0)] * PROCESSES

    def at(self, process: int) -> datetime:
        return self.now + self._skew[process]

    def agree(self) -> None:
        self._skew = [timedelta(0)] * PROCESSES

    def differ(self, by: timedelta) -> None:
        self._skew = [by * number for number in range(PROCESSES)]

    @property
    def agrees(self) -> bool:
        return not any(self._skew)


class Asking:
    """The Runners of some processes, and every answer that they gave.

    `answers` has what was acknowledged, by key; `refusals` the keys that were refused. `tell` hears of every
    answer before anybody acts on it: (key, what was named) or (key, None).
    """

    def __init__(self, server: Server, actor: shared.Actor, clock: Clock, names: Names) -> None:
        self.server, self.actor, self.clock, self.names = server, actor, clock, names
        self.totals = Totals()
        self.answers: dict[str, Told] = {}
        self.refusals: set[str] = set()
        self.tell: Callable[[str, Told | None], Any] = lambda key, told: None
        self.runners: list[Runner] = []
        self.ids = Ids()
        self._until_kill: int | None = None
        self._turns = 0

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to go on; it has a server and Runners of its own."""
        return {**vars(self), "server": None, "runners": [], "tell": None}

    def open(self, databases: list[Database]) -> None:
        self.runners = [self._runner(number, one) for number, one in enumerate(databases)]

    def _runner(self, process: int, database: Database) -> Runner:
        storage, queries = PostgresStorage(database, STORED), PostgresQueries(database)
        return Runner(storage, queries, lambda: self.clock.at(process), ids=self.ids.__next__)

    def plan_kill(self, draw: Random, share: float, answers: int) -> None:
        """With so much chance, the server is killed after some of the next answers."""
        self._until_kill = draw.randrange(1, answers) if draw.random() < share else None
        self._turns = draw.randrange(12)

    async def ask(self, process: int, wish: Wish, *, kept: bool = True) -> Any:
        """What the product answers. Raises Violation where it fails, or falls silent."""
        use_case, command = command_of(wish, self.names)

        async def run() -> Outcome[Any]:
            return await self.runners[process].submit(use_case, command, actor=self.actor, key=wish.key)

        before = self.totals.retried
        try:
            outcome = await self.until_answered(run, wish)
        except shared.DomainError as error:
            self.totals.refused += 1
            if kept:
                self.refusals.add(wish.key)
                self.tell(wish.key, None)
            self._answered()
            return error
        self.totals.recovered += outcome.replayed and self.totals.retried > before
        self._acknowledge(wish, outcome)
        self._answered()
        return outcome.result

    async def until_answered(self, run: Callable[[], Any], what: object) -> Any:
        """The result of what is run again as long as nobody can say whether it was done."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            await self.server.is_up.wait()
            self.totals.commands += 1
            try:
                return await run()
            except shared.Unavailable as error:
                self.totals.retried += 1
                if asyncio.get_running_loop().time() > deadline:
                    raise Violation(f"no answer to {what} in {PATIENCE} seconds: {error!r}") from error
            except shared.DomainError:
                raise
            except Exception as error:
                raise Violation(f"{what} was answered by a failure: {error!r}") from error

    def _acknowledge(self, wish: Wish, outcome: Outcome[Any]) -> None:
        self.totals.replayed += outcome.replayed
        told = getattr(outcome.result, "balance", None)
        balance = told if hasattr(told, "posting_id") else outcome.result
        ids = tuple(getattr(balance, name, None) for name in ("posting_id", "hold_id"))
        before = self.answers.setdefault(wish.key, ids)
        if before != ids:
            raise Violation(f"{wish} was answered {before}, and now {ids}")
        self.tell(wish.key, ids)

    def _answered(self) -> None:
        if self._until_kill is not None:
            self._until_kill -= 1
            if self._until_kill <= 0:
                self._until_kill = None
                self.totals.kills += 1
                self.server.kill(after=self._turns)

    async def check_kept(self, connection: Any) -> None:
        """Raise Violation unless every answer that was given stands in the database."""
        keys = await connection.fetch("select key from baobab.command_log")
        ids = await connection.fetch("select id from baobab.posting union all select id from baobab.hold")
        known_keys, known_ids = {row[0] for row in keys}, {row[0] for row in ids} | {None}
        lost = [
            key
            for key, told in self.answers.items()
            if key not in known_keys or not known_ids.issuperset(told)
        ]
        self.totals.acknowledged, self.totals.lost = len(self.answers), len(lost)
        if lost:
            raise Violation(f"{len(lost)} acknowledged writes are lost: {lost[:5]}")


class Ids(Iterator[UUID]):
    """Ids as the product makes them (UUIDv7), in the order in which they are asked for."""

    def __init__(self) -> None:
        self.number = 0

    def __next__(self) -> UUID:
        self.number += 1
        return UUID(int=(self.number << 80) | (7 << 76) | (2 << 62))
