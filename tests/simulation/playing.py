"""A world is played: rounds of clients at once, the clock jumping between them, the server killed among them.

Each client has members of its own; what they are answered must be the oracle's answer, to the last fact,
whoever else acts. All clients move the hot members, too: those are replayed in the oracle in the order in
which the database took them, and what was refused must have been refusable at some point of the round.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.queries import PostgresQueries
from baobab.adapters.postgres.storage import PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application import points
from baobab.application.runner import Outcome, OutcomeUnknown, Runner
from baobab.domain import shared

from . import chance
from .chance import Drawing, at_seed
from .checking import check_invariants, check_state
from .house import House
from .oracle import Oracle, Refused, Wish
from .sending import Names, Violation, command_of, compare, compare_balance

PROCESSES = 2
OWN, HOT = 2, 2
"""Members of each client, and members of all."""
PATIENCE = 60
"""Seconds in which every command is answered, whatever is killed."""
MEMBER = """insert into baobab.member (user_id, email, name, role, level, status, created_at)
    values ($1, $2, $3, 'member', 'explorateur', 'active', $4)"""


@dataclass(frozen=True)
class Size:
    """How much of a world is played: rounds, wishes of each client in a round, the share of rounds in which
    the server is killed, and how many clients there are."""

    rounds: int = 14
    steps: int = 8
    kills: float = 0.03
    clients: int = 4


@dataclass
class Totals:
    """What was done, and what came of it."""

    commands: int = 0
    refused: int = 0
    retried: int = 0
    recovered: int = 0
    replayed: int = 0
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    checks: int = 0

    def add(self, other: "Totals") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Step:
    """A wish of a hot member that was answered: when it was heard, and what was said."""

    wish: Wish
    now: datetime
    answers: list[Any] = field(default_factory=list)

    @property
    def accepted(self) -> Any:
        return next((one for one in self.answers if not isinstance(one, shared.DomainError)), None)


class World:
    """A world of one seed, between its rounds."""

    def __init__(self, seed: int, house: House, oracle: type[Oracle], size: Size) -> None:
        self.seed, self.house, self.size, self.name = seed, house, size, f"world_{seed}"
        self.totals, self.said = Totals(), deque[str](maxlen=25)
        draw = at_seed(seed, "people")
        self.admin = shared.Actor(chance.new_id(draw), "admin")
        self.own = [[chance.new_id(draw) for _ in range(OWN)] for _ in range(size.clients)]
        self.hot = [chance.new_id(draw) for _ in range(HOT)]
        self.members = [*(one for mine in self.own for one in mine), *self.hot]
        self.oracle, self.names = oracle(set(self.members), self.admin.user_id), Names()
        self.now, self.round = chance.start_of(seed), 0
        self.skew = [timedelta(0)] * PROCESSES
        self.past: list[list[tuple[Wish, int, Any]]] = [[] for _ in range(size.clients)]
        self.acknowledged: dict[str, tuple[UUID | None, ...]] = {}
        self._answers_to_kill: int | None = None
        self._turns_to_kill = 0
        self._ids = _ids()

    # --- one run ------------------------------------------------------------------------------------

    async def play(self) -> None:
        """Play every round. Raises Violation."""
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(self.house.database(self.name))
            databases = [
                await stack.enter_async_context(Database(url, connections=4)) for _ in range(PROCESSES)
            ]
            self.runners = [self._runner(number, one) for number, one in enumerate(databases)]
            await self._make_members()
            await self._make_units()
            while self.round < self.size.rounds:
                self.round += 1
                await self._play_round()

    def _runner(self, number: int, database: Database) -> Runner:
        """What one process has: a pool, and a clock that may be a little off."""
        storage, queries = PostgresStorage(database, STORED), PostgresQueries(database)
        return Runner(storage, queries, lambda: self.now + self.skew[number], ids=lambda: next(self._ids))

    async def _make_members(self) -> None:
        async with self.house.connection(self.name) as connection:
            facts = [
                (one, f"member-{n}@example.org", f"Member {n}", self.now)
                for n, one in enumerate(self.members)
            ]
            await connection.executemany(MEMBER, facts)

    async def _make_units(self) -> None:
        draw = at_seed(self.seed, "units")
        for unit in chance.OWN_UNITS:
            await self._set_policy(chance.policy_of(draw, unit))
        self.now += timedelta(hours=1)
        for unit, to_unit in (("points", "tokens"), ("tokens", "pearls"), ("pearls", "points")):
            give, get = draw.choice(((1, 1), (2, 1), (3, 2), (1, 5), (10, 4)))
            await self._set_rate(unit, to_unit, give, get)

    async def _set_policy(self, rules: dict[str, Any]) -> None:
        facts = {**rules, "in_force_at": self.now + timedelta(minutes=1)}
        await self._do(Wish(f"policy-{len(self.oracle.policies)}", "set_policy", facts))

    async def _set_rate(self, unit: str, to_unit: str, give: int, get: int) -> None:
        facts = {"unit": unit, "to_unit": to_unit, "give": give, "get": get}
        facts["in_force_at"] = self.now + timedelta(minutes=1)
        await self._do(Wish(f"rate-{len(self.oracle.rates)}", "set_rate", facts))

    async def _play_round(self) -> None:
        draw = at_seed(self.seed, self.round)
        own = [one for mine in self.own for one in mine]
        self.now = chance.next_instant(draw, self.oracle, own, self.now)
        self.skew = [timedelta(milliseconds=draw.choice((0, 0, 0, 400)) * n) for n in range(PROCESSES)]
        self.note(f"round {self.round} at {self.now.isoformat()}, skew {self.skew[1]}")
        self._plan_kill(draw)
        await self._keep_books(draw)
        sweeping, warning = draw.random() < 0.4, draw.random() < 0.5
        hot: list[Step] = []
        async with asyncio.TaskGroup() as group:
            for client in range(self.size.clients):
                group.create_task(self._client(client, hot))
        await self.house.repaired()
        async with self.house.connection(self.name) as connection:
            await self._replay(connection, hot)
        self.skew = [timedelta(0)] * PROCESSES
        if sweeping:
            await self._sweep()
        if warning:
            await self._warn()
        await self._ask_balances(draw)
        await self.house.repaired()
        async with self.house.connection(self.name) as connection:
            await check_state(connection, self.oracle, self.names)
            await check_invariants(connection)
            await self._check_acknowledged(connection)
        self.totals.checks += 1

    def _plan_kill(self, draw: Any) -> None:
        """After how many answers of this round the server is killed, if it is."""
        hit = draw.random() < self.size.kills
        self._answers_to_kill = draw.randrange(1, self.size.clients * self.size.steps) if hit else None
        self._turns_to_kill = draw.randrange(12)

    def note(self, line: str) -> None:
        """Remember a step, with members by their place in the world."""
        for number, member in enumerate(self.members):
            line = line.replace(repr(member), f"member-{number}")
        self.said.append(line)

    # --- asking -------------------------------------------------------------------------------------

    def now_of(self, process: int) -> datetime:
        return self.now + self.skew[process]

    async def ask(self, process: int, wish: Wish) -> Any:
        """What the product answers: the same key again and again, until it does."""
        use_case, command = command_of(wish, self.names)
        deadline, unknown = asyncio.get_running_loop().time() + PATIENCE, False
        while True:
            await self.house.is_up.wait()
            self.totals.commands += 1
            try:
                outcome = await self.runners[process].submit(
                    use_case, command, actor=self.admin, key=wish.key
                )
            except shared.Unavailable as error:
                self.totals.retried += 1
                unknown |= isinstance(error, OutcomeUnknown)
                if asyncio.get_running_loop().time() > deadline:
                    raise Violation(f"no answer to {wish} in {PATIENCE} seconds: {error!r}") from error
                continue
            except shared.DomainError as error:
                self.totals.refused += 1
                self._answered()
                return error
            except Exception as error:
                raise Violation(f"{wish} was answered by a failure: {error!r}") from error
            self.totals.recovered += unknown and outcome.replayed
            self._acknowledge(wish, outcome)
            self._answered()
            return outcome.result

    def _acknowledge(self, wish: Wish, outcome: Outcome[Any]) -> None:
        self.totals.acknowledged += not outcome.replayed
        self.totals.replayed += outcome.replayed
        told = getattr(outcome.result, "balance", None)
        balance = told if hasattr(told, "posting_id") else outcome.result
        ids = tuple(getattr(balance, name, None) for name in ("posting_id", "hold_id"))
        before = self.acknowledged.setdefault(wish.key, ids)
        if before != ids:
            raise Violation(f"{wish} was answered {before}, and now {ids}")

    def _answered(self) -> None:
        if self._answers_to_kill is not None:
            self._answers_to_kill -= 1
            if self._answers_to_kill <= 0:
                self._answers_to_kill = None
                self.totals.kills += 1
                self.note("the server is killed")
                self.house.kill(after=self._turns_to_kill)

    def expect(self, now: datetime, wish: Wish) -> dict[str, Any] | Refused:
        try:
            return self.oracle.ask(now, wish)
        except Refused as refused:
            return refused

    def check(self, wish: Wish, now: datetime, expected: dict[str, Any] | Refused, answer: Any) -> None:
        account = self.oracle.accounts.get((wish.facts.get("user"), wish.facts.get("unit")))
        try:
            compare(wish, expected, answer, self.names, len(account.lots) if account else 0)
        except Violation as violation:
            raise Violation(f"{wish} at {now.isoformat()}: {violation}") from violation

    async def _do(self, wish: Wish, process: int = 0) -> Any:
        """Wish something that nobody else interferes with."""
        now = self.now_of(process)
        expected = self.expect(now, wish)
        self.note(f"{wish.kind} {wish.facts} -> {expected if isinstance(expected, Refused) else 'done'}")
        answer = await self.ask(process, wish)
        self.check(wish, now, expected, answer)
        return answer

    # --- clients ------------------------------------------------------------------------------------

    async def _client(self, client: int, hot: list[Step]) -> None:
        process = client % PROCESSES
        async with asyncio.TaskGroup() as group:
            for number in range(self.size.steps):
                draw = at_seed(self.seed, self.round, client, number)
                key = f"{self.seed}-{self.round}-{client}-{number}"
                if draw.random() < 0.3:
                    wish = Drawing(draw, key, self.oracle, self.now, self.hot).wish()
                    if self._is_known(wish):
                        step = Step(wish, self.now_of(process))
                        hot.append(step)
                        group.create_task(self._ask_hot(process, step, twice=draw.random() < 0.2))
                    continue
                await self._own(client, process, draw, key)

    def _is_known(self, wish: Wish) -> bool:
        """Whether what a wish names has an id by now; what others make in this round has none yet."""
        named = (wish.facts[name] for name in ("hold", "debit", "grant") if name in wish.facts)
        return all(name in self.names or name[0] == "absent" for name in named)

    async def _ask_hot(self, process: int, step: Step, *, twice: bool) -> None:
        twin = (process + 1) % PROCESSES if not any(self.skew) else process
        asked = (process, twin) if twice else (process,)
        step.answers += await asyncio.gather(*(self.ask(one, step.wish) for one in asked))

    async def _own(self, client: int, process: int, draw: Any, key: str) -> None:
        """One wish about members that nobody else moves: new, a twin, or one of the past again."""
        now, past = self.now_of(process), self.past[client]
        if past and draw.random() < 0.08:
            await self._again(process, draw, *draw.choice(past))
            return
        wish = Drawing(draw, key, self.oracle, now, self.own[client]).wish()
        if not self._is_known(wish):
            return
        expected = self.expect(now, wish)
        self.note(
            f"{key} {wish.kind} {wish.facts} -> {expected if isinstance(expected, Refused) else 'done'}"
        )
        twin = (process + 1) % PROCESSES if not any(self.skew) else process
        asked = (process, twin) if draw.random() < 0.12 else (process,)
        for answer in await asyncio.gather(*(self.ask(one, wish) for one in asked)):
            self.check(wish, now, expected, answer)
        if not isinstance(expected, Refused):
            past.append((wish, process, answer))

    async def _again(self, process: int, draw: Any, wish: Wish, _: int, answer: Any) -> None:
        """A key of the past: the same command is answered as it was, another one is refused."""
        if draw.random() < 0.5:
            again = await self.ask(process, wish)
            if again != answer:
                raise Violation(f"{wish} again: {again} instead of {answer}")
            return
        facts = {"user": wish.user, "unit": wish.unit, "amount": 1, "reason": f"another {draw.random()}"}
        other = Wish(wish.key, "adjust", {**facts, "effective_at": None})
        refused = await self.ask(process, other)
        if getattr(refused, "code", "") != "idempotency_key_reused":
            raise Violation(f"{other} under a key that was used: {refused!r}")

    # --- what all clients move ----------------------------------------------------------------------

    async def _replay(self, connection: Any, steps: list[Step]) -> None:
        """Do in the oracle what was accepted, in the order of the ids that were given under the locks; every
        answer must be right, and every refusal possible somewhere on the way."""
        keys = [step.wish.key for step in steps]
        sql = "select run_key, min(id::text) from baobab.event where run_key = any($1) group by 1 order by 2"
        order = {row[0]: place for place, row in enumerate(await connection.fetch(sql, keys))}
        accepted = [step for step in steps if step.accepted is not None]
        traced = sorted(
            (one for one in accepted if one.wish.key in order), key=lambda one: order[one.wish.key]
        )
        silent = [one.wish for one in accepted if one.wish.key not in order and one.wish.kind != "expire"]
        if silent or len(order) != len(traced):
            raise Violation(f"accepted without a trace: {silent}; {len(order)} traces of {len(traced)}")
        refused = [
            (step, one) for step in steps for one in step.answers if isinstance(one, shared.DomainError)
        ]
        refused = self._possible(refused)
        for step in traced:
            expected = self.expect(step.now, step.wish)
            self.note(f"hot {step.wish.kind} {step.wish.facts} -> {step.accepted}")
            for answer in step.answers:
                if not isinstance(answer, shared.DomainError):
                    self.check(step.wish, step.now, expected, answer)
            refused = self._possible(refused)
        for step, error in refused:
            raise Violation(
                f"{step.wish} was refused, {error!r}, which it never was to be in round {self.round}"
            )

    def _possible(self, refused: list[tuple[Step, Any]]) -> list[tuple[Step, Any]]:
        """Those refusals that the oracle would not give now."""
        return [(step, error) for step, error in refused if not self._would_refuse(step, error)]

    def _would_refuse(self, step: Step, error: Any) -> bool:
        accounts = dict(self.oracle.accounts)
        expected = self.expect(step.now, step.wish)
        self.oracle.accounts = accounts
        try:
            compare(step.wish, expected, error, self.names, 0)
        except Violation:
            return False
        return True

    # --- the house's own work -----------------------------------------------------------------------

    async def _keep_books(self, draw: Any) -> None:
        """Now and then a new version of a policy or a rate, or a month closed."""
        if draw.random() < 0.15:
            await self._set_policy(chance.policy_of(draw, draw.choice(chance.OWN_UNITS)))
        if draw.random() < 0.1:
            await self._set_rate("points", "tokens", draw.choice((1, 2, 3)), draw.choice((1, 2, 3)))
        if draw.random() < 0.2:
            day = self.now.date() - timedelta(days=draw.choice((0, 31, 62)))
            facts = {"unit": draw.choice(("points", *chance.OWN_UNITS)), "month": f"{day:%Y-%m}"}
            await self._do(Wish(f"close-{self.seed}-{self.round}", "close_period", facts))

    async def _sweep(self) -> None:
        """Two workers write down what time decided, both of everything."""
        self.note("sweep")
        wishes = [
            Wish(f"sweep-{self.round}-{worker}-{number}", "expire", {"user": user, "unit": unit})
            for number, ((user, unit), account) in enumerate(self.oracle.accounts.items())
            for worker in range(PROCESSES)
            if account.closed_at is None
        ]
        await asyncio.gather(*(self.ask(number % PROCESSES, wish) for number, wish in enumerate(wishes)))
        self.oracle.sweep(self.now)

    async def _warn(self) -> None:
        """Two workers warn of what ends soon."""

    async def _ask_balances(self, draw: Any) -> None:
        """What a reader is told, of some accounts."""
        known = sorted(self.oracle.accounts)
        for user, unit in draw.sample(known, min(4, len(known))):
            await self.house.repaired()
            question = points.GetBalance(user_id=user, unit=unit)
            told = await self.runners[0].read(points.balance, question, actor=self.admin)
            try:
                compare_balance(self.oracle.balance(user, unit, self.now_of(0)), told, self.names)
            except Violation as violation:
                raise Violation(f"balance of {user} {unit}: {violation}") from violation

    async def _check_acknowledged(self, connection: Any) -> None:
        """Every answer that was given stands in the database."""
        keys = await connection.fetch("select key from baobab.command_log")
        ids = await connection.fetch("select id from baobab.posting union all select id from baobab.hold")
        known_keys, known_ids = {row[0] for row in keys}, {row[0] for row in ids}
        lost = [
            key
            for key, told in self.acknowledged.items()
            if key not in known_keys or any(one is not None and one not in known_ids for one in told)
        ]
        self.totals.lost = len(lost)
        if lost:
            raise Violation(f"{len(lost)} acknowledged writes are lost: {lost[:5]}")


def _ids() -> Iterator[UUID]:
    """Ids as the product makes them (UUIDv7), in the order in which they are asked for."""
    number = 0
    while True:
        number += 1
        yield UUID(int=(number << 80) | (7 << 76) | (2 << 62))
