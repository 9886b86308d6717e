"""A world is played: rounds of clients at once, the clock jumping between them, the server killed among them.

Each client has members of its own; what they are answered must be the oracle's answer, to the last fact,
whoever else acts. All clients move the hot members, too: those are replayed in the oracle in the order in
which the database took them, and what was refused must have been refusable at some point of the round.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.points import auditing, reports, sweeping
from baobab.domain import shared

from . import chance
from .asking import PROCESSES, Asking, Clock
from .chaining import check_chain
from .chance import Drawing, at_seed
from .checking import check_invariants, check_state
from .house import Server
from .oracle import Oracle
from .report import Failure, Report
from .rules import Refused, Wish
from .sending import Names, Violation, compare, compare_balance

OWN, HOT = 2, 2
"""Members of each client, and members of all."""
MEMBER = """insert into baobab.member (user_id, email, name, role, level, status, created_at)
    values ($1, $2, $3, 'member', 'explorateur', 'active', $4)"""
Expected = dict[str, Any] | Refused


@dataclass(frozen=True)
class Size:
    """How much of a world is played: rounds, wishes of each client in a round, the share of rounds in which
    the server is killed, how often the clients are in the seeds where they are, and how many there are."""

    rounds: int = 14
    steps: int = 10
    kills: float = 0.03
    crashes: int = 3
    clients: int = 4


@dataclass
class Step:
    """A wish of a hot member: when it was heard, and what was said."""

    wish: Wish
    now: datetime
    answers: list[Any] = field(default_factory=list)

    @property
    def accepted(self) -> list[Any]:
        return [one for one in self.answers if not isinstance(one, shared.DomainError)]


class World:
    """A world of one seed. Between two rounds it can be set aside and taken up again by another process."""

    def __init__(self, seed: int, server: Server, oracle: type[Oracle], size: Size) -> None:
        self.seed, self.server, self.size, self.name = seed, server, size, f"world_{seed}"
        self.said = deque[str](maxlen=25)
        draw = at_seed(seed, "people")
        admin = shared.Actor(chance.new_id(draw), "admin")
        self.own = [[chance.new_id(draw) for _ in range(OWN)] for _ in range(size.clients)]
        self.hot = [chance.new_id(draw) for _ in range(HOT)]
        self.members = [*(one for mine in self.own for one in mine), *self.hot]
        self.oracle, self.names = oracle(set(self.members), admin.user_id), Names()
        self.clock, self.round = Clock(chance.start_of(seed)), -1
        self.asking = Asking(server, admin, self.clock, self.names)
        self.past: list[list[tuple[Wish, Any]]] = [[] for _ in range(size.clients)]
        self.midway = False

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "server": None}

    def take_up(self, server: Server) -> None:
        """Go on in another process."""
        self.server = self.asking.server = server

    async def play(self, begin: Callable[["World"], Any] = lambda world: None) -> None:
        """Play every round that is left; `begin` hears of each before. Raises Violation."""
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(self.server.database(self.name))
            pools = [Database(url, connections=4) for _ in range(PROCESSES)]
            self.asking.open([await stack.enter_async_context(one) for one in pools])
            while self.round < self.size.rounds:
                begin(self)
                self.round += 1
                await (self._play_round() if self.round else self._settle_in())

    # --- rounds -------------------------------------------------------------------------------------

    async def _settle_in(self) -> None:
        """The members are there, and the units have rules."""
        async with self.server.connection(self.name) as connection:
            people = ((one, f"member-{n}@example.org", f"Member {n}") for n, one in enumerate(self.members))
            await connection.execute("delete from baobab.member")
            await connection.executemany(MEMBER, [(*one, self.clock.now) for one in people])
        draw = at_seed(self.seed, "units")
        for unit in chance.OWN_UNITS:
            await self._set_policy(chance.policy_of(draw, unit))
        self.clock.now += timedelta(hours=1)
        for unit, to_unit in (("points", "tokens"), ("tokens", "pearls"), ("pearls", "points")):
            await self._set_rate(unit, to_unit, *draw.choice(((1, 1), (2, 1), (3, 2), (1, 5), (10, 4))))

    async def _play_round(self) -> None:
        draw, asking = at_seed(self.seed, self.round), self.asking
        own = [one for mine in self.own for one in mine]
        self.clock.now = chance.next_instant(draw, self.oracle, own, self.clock.now)
        self.clock.differ(timedelta(milliseconds=draw.choice((0, 0, 0, 400))))
        self.note(f"round {self.round} at {self.clock.now.isoformat()}, agreed: {self.clock.agrees}")
        asking.plan_kill(draw, self.size.kills, self.size.clients * self.size.steps)
        await self._keep_books(draw)
        self.midway = self.clock.agrees and draw.random() < 0.3
        hot: list[Step] = []
        async with asyncio.TaskGroup() as group:
            for client in range(self.size.clients):
                group.create_task(self._client(client, hot))
            if self.midway:
                group.create_task(self._workers("expiry", draw))
        async with self.server.connection(self.name) as connection:
            await self._replay(connection, hot)
        self.clock.agree()
        await self._fall_due(draw)
        await self._read(draw)
        await self._verify(draw)
        await self._compare()

    async def _compare(self) -> None:
        """What stands in the database is the oracle's, and nothing is missing that was answered."""
        async with self.server.connection(self.name) as connection:
            await check_state(connection, self.oracle, self.names)
            await check_invariants(connection)
            await check_chain(connection)
            await self.asking.check_kept(connection)
        self.asking.totals.checks += 1

    def note(self, line: str) -> None:
        """Remember a step, with members by their place in the world."""
        for number, member in enumerate(self.members):
            line = line.replace(repr(member), f"member-{number}")
        self.said.append(line)

    # --- wishes that nobody else interferes with ----------------------------------------------------

    def expect(self, now: datetime, wish: Wish) -> Expected:
        try:
            return self.oracle.ask(now, wish)
        except Refused as refused:
            return refused

    def check(self, wish: Wish, now: datetime, expected: Expected, answer: Any) -> None:
        account = self.oracle.accounts.get((wish.facts.get("user"), wish.facts.get("unit")))
        try:
            compare(wish, expected, answer, self.names, len(account.lots) if account else 0)
        except Violation as violation:
            raise Violation(f"{wish} at {now.isoformat()}: {violation}") from violation

    async def do(self, wish: Wish, *processes: int) -> Any:
        """Wish something of one process, or of several at once. A refusal that was heard before the process
        crashed is not asked for again: what came after it may have made it possible."""
        now = self.clock.at(processes[0])
        expected = self.expect(now, wish)
        done = expected if isinstance(expected, Refused) else "done"
        self.note(f"{wish.key} {wish.kind} {wish.facts} -> {done}")
        answer = None
        if wish.key not in self.asking.refusals:
            for answer in await asyncio.gather(*(self.asking.ask(one, wish) for one in processes)):
                self.check(wish, now, expected, answer)
        return None if isinstance(expected, Refused) else answer

    async def _set_policy(self, rules: dict[str, Any]) -> None:
        facts = {**rules, "in_force_at": self.clock.now + timedelta(minutes=1)}
        await self.do(Wish(f"policy-{len(self.oracle.policies)}", "set_policy", facts), 0)

    async def _set_rate(self, unit: str, to_unit: str, give: int, get: int) -> None:
        facts = {"unit": unit, "to_unit": to_unit, "give": give, "get": get}
        facts["in_force_at"] = self.clock.now + timedelta(minutes=1)
        await self.do(Wish(f"rate-{len(self.oracle.rates)}", "set_rate", facts), 0)

    async def _keep_books(self, draw: Random) -> None:
        """Now and then a new version of a policy or a rate, or a month closed."""
        if draw.random() < 0.15:
            await self._set_policy(chance.policy_of(draw, draw.choice(chance.OWN_UNITS)))
        if draw.random() < 0.1:
            await self._set_rate("points", "tokens", draw.choice((1, 2, 3)), draw.choice((1, 2, 3)))
        if draw.random() < 0.2:
            day = self.clock.now.date() - timedelta(days=draw.choice((0, 31, 62)))
            facts = {"unit": draw.choice(("points", *chance.OWN_UNITS)), "month": f"{day:%Y-%m}"}
            await self.do(Wish(f"close-{self.round}", "close_period", facts), 0)

    # --- clients ------------------------------------------------------------------------------------

    async def _client(self, client: int, hot: list[Step]) -> None:
        process = client % PROCESSES
        async with asyncio.TaskGroup() as group:
            for number in range(self.size.steps):
                draw = at_seed(self.seed, self.round, client, number)
                key = f"{self.seed}-{self.round}-{client}-{number}"
                if draw.random() >= 0.3:
                    await self._own(client, process, draw, key)
                    continue
                wish = Drawing(draw, key, self.oracle, self.clock.now, self.hot, hot=True).wish()
                if self._is_known(wish) and wish.key not in self.asking.refusals:
                    hot.append(step := Step(wish, self.clock.at(process)))
                    group.create_task(self._ask_hot(self._asked(draw, process, 0.2), step))

    def _is_known(self, wish: Wish) -> bool:
        """Whether what a wish names has an id by now; what others make in this round has none yet."""
        named = (wish.facts[name] for name in ("hold", "debit", "grant") if name in wish.facts)
        return all(name in self.names or name[0] == "absent" for name in named)

    def _asked(self, draw: Random, process: int, share: float) -> tuple[int, ...]:
        """Whom a wish goes to: one process, or two at once under the same key."""
        twin = (process + 1) % PROCESSES if self.clock.agrees else process
        return (process, twin) if draw.random() < share else (process,)

    async def _ask_hot(self, processes: tuple[int, ...], step: Step) -> None:
        step.answers += await asyncio.gather(*(self.asking.ask(one, step.wish) for one in processes))

    async def _own(self, client: int, process: int, draw: Random, key: str) -> None:
        """One wish about members that nobody else moves: new, or one of the past again."""
        past = self.past[client]
        if past and draw.random() < 0.08:
            await self._again(process, draw, *draw.choice(past))
            return
        wish = Drawing(draw, key, self.oracle, self.clock.at(process), self.own[client]).wish()
        if self._is_known(wish):
            answer = await self.do(wish, *self._asked(draw, process, 0.12))
            if answer is not None:
                past.append((wish, answer))

    async def _again(self, process: int, draw: Random, wish: Wish, answer: Any) -> None:
        """A key of the past: the same command is answered as it was, another one is refused."""
        if draw.random() < 0.5:
            again = await self.asking.ask(process, wish)
            if again != answer:
                raise Violation(f"{wish} again: {again} instead of {answer}")
            return
        facts = {"user": wish.user, "unit": wish.unit, "amount": 1, "reason": f"another {draw.random()}"}
        other = Wish(wish.key, "adjust", {**facts, "effective_at": None})
        refused = await self.asking.ask(process, other, kept=False)
        if getattr(refused, "code", "") != "idempotency_key_reused":
            raise Violation(f"{other} under a key that was used: {refused!r}")

    # --- what all clients move ----------------------------------------------------------------------

    async def _replay(self, connection: Any, steps: list[Step]) -> None:
        """Do in the oracle what was accepted, in the order of the ids that were given under the locks; every
        answer must be right, and every refusal possible somewhere on the way."""
        keys = [step.wish.key for step in steps]
        sql = "select run_key, min(id::text) from baobab.event where run_key = any($1) group by 1"
        order = dict(await connection.fetch(sql, keys))
        silent = [one.wish for one in steps if one.accepted and one.wish.key not in order]
        if order.keys() - {one.wish.key for one in steps if one.accepted} or any(
            one.kind != "expire" for one in silent
        ):
            raise Violation(f"what was answered is not what happened: {order} {silent}")
        refused = [(one, error) for one in steps for error in one.answers if error not in one.accepted]
        refused = self._impossible(refused)
        for step in sorted(
            (one for one in steps if one.wish.key in order), key=lambda one: order[one.wish.key]
        ):
            expected = self.expect(step.now, step.wish)
            self.note(f"hot {step.wish.kind} {step.wish.facts} -> {step.accepted[0]}")
            for answer in step.accepted:
                self.check(step.wish, step.now, expected, answer)
            refused = self._impossible(refused)
        for step, error in refused:
            raise Violation(f"{step.wish} was refused, {error!r}, which it never was to be in this round")

    def _impossible(self, refused: list[tuple[Step, Any]]) -> list[tuple[Step, Any]]:
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

    async def _fall_due(self, draw: Random) -> None:
        """Time's decisions are written down and warnings said, or not; by two workers at once. A round that
        was swept midway is swept again, so that it does not matter whom the first sweep came before."""
        if self.midway or draw.random() < 0.3:
            self.note("sweep")
            await self._workers("expiry", draw)
            self.oracle.sweep(self.clock.now)
        if draw.random() < 0.5:
            self.note("warn")
            await self._workers("warning", draw)
            self.oracle.warn(self.clock.now)

    async def _workers(self, task: sweeping.Task, draw: Random) -> None:
        shares = [draw.choice((0.0, 0.5)) for _ in range(PROCESSES)]
        await asyncio.gather(*(self._work(task, process, shares[process]) for process in range(PROCESSES)))

    async def _work(self, task: sweeping.Task, process: int, share: float) -> None:
        runner, actor = self.asking.runners[process], self.asking.actor
        run = partial(sweeping.run_due, runner, task, actor=actor, share=share)
        await self.asking.until_answered(run, task)

    async def _read(self, draw: Random) -> None:
        """What a reader is told of some accounts, now and as of then, and of what is owed to all."""
        now, known = self.clock.now, sorted(self.oracle.accounts)
        for user, unit in draw.sample(known, min(4, len(known))):
            told = await self._told(points.balance, points.GetBalance(user_id=user, unit=unit))
            compare_balance(self.oracle.balance(user, unit, now), told, self.names)
            then = chance.some_instant(draw, self.oracle.accounts[user, unit], now)
            told = await self._told(reports.as_of, reports.GetAsOf(user_id=user, unit=unit, at=then))
            due = self.oracle.as_of(user, unit, then, now), self.oracle.debt_of(user, unit, then, now)
            if (told.balance, told.debt) != due:
                raise Violation(f"{user} {unit} as of {then.isoformat()}: {told} instead of {due}")
        unit = draw.choice(("points", *chance.OWN_UNITS))
        told = await self._told(reports.liability, reports.GetLiability(unit=unit))
        owed = {one.month: [one.funded, one.bonus] for whole in told.units for one in whole.months}
        if owed != self.oracle.owed(unit, now):
            raise Violation(f"owed in {unit}: {owed} instead of {self.oracle.owed(unit, now)}")

    async def _verify(self, draw: Random) -> None:
        """What the product finds of itself: nothing, in all or in what moved since it looked last."""
        question = auditing.Verify(since_last=draw.random() < 0.8)
        runner, actor = self.asking.runners[0], self.asking.actor
        verify = partial(auditing.verify, question, runner, actor=actor)
        found = await self.asking.until_answered(verify, question)
        if found.broken:
            raise Violation(f"verify finds {found.findings[0]}")

    async def _told(self, query: Any, question: Any) -> Any:
        runner, actor = self.asking.runners[0], self.asking.actor
        return await self.asking.until_answered(lambda: runner.read(query, question, actor=actor), question)


async def played(world: World, begin: Callable[[World], Any] = lambda world: None) -> Report:
    """What came of a world."""
    failures = []
    try:
        await world.play(begin)
    except* Violation as group:
        failures.append(Failure(world.seed, str(_first(group)), list(world.said)))
    return Report(1, world.asking.totals, failures)


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
