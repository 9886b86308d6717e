"""Histories of the ledger: commands drawn by chance, run through a Runner, and what is stored afterwards.

play = await Play.begin(world)        some members, two units of this play alone
await play.take(step)                 what came of it: an answer or a refusal, without its ids
kept = await play.kept()              the rows, read back from the storage as plain dictionaries
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from hypothesis import strategies as st
from ledgers import Ledger, set_policy, set_rate

from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.points import sweeping
from baobab.application.runner import Outcome, Runner
from baobab.application.work import HAPPENINGS
from baobab.domain import shared
from builders import World

Step = tuple[Any, ...]
Row = dict[str, Any]
KINDS = {
    "account": points.ACCOUNTS,
    "lot": points.LOTS,
    "posting": points.POSTINGS,
    "allocation": points.ALLOCATIONS,
    "hold": points.HOLDS,
    "event": HAPPENINGS,
}
SOURCE = UUID(int=5)

amounts = st.integers(1, 15)
whose = st.integers(0, 3)
places = st.integers(0, 7)
ago = st.sampled_from((0, 0, 0, 3, 20))
movements = st.one_of(
    st.tuples(
        st.just("earn"), whose, st.integers(0, 60), st.integers(1, 20), st.sampled_from((100, 150, 333)), ago
    ),
    st.tuples(st.just("spend"), whose, amounts, ago),
    st.tuples(st.just("hold"), whose, amounts, st.sampled_from((30, 7_200, 44_640))),
    st.tuples(st.just("capture"), places, st.integers(1, 20)),
    st.tuples(st.just("release"), places),
    st.tuples(st.just("refund"), places, st.none() | st.integers(1, 20)),
    st.tuples(st.just("adjust"), whose, st.integers(-30, 30).filter(bool), ago),
    st.tuples(st.just("claw_back"), places),
    st.tuples(st.just("give"), whose, amounts),
    st.tuples(st.just("convert"), st.integers(0, 20)),
)
steps = st.one_of(
    movements,
    movements,
    st.tuples(st.just("together"), st.lists(movements, min_size=2, max_size=4)),
    st.tuples(st.just("wait"), st.sampled_from((0, 1, 9, 20, 31, 31, 62))),
    st.tuples(st.just("sweep")),
)


BEGINNING: tuple[Step, ...] = (
    ("earn", 0, 50, 15, 100, 0),
    ("earn", 1, 30, 5, 100, 0),
    ("wait", 6),
    ("earn", 2, 20, 20, 150, 3),
    ("spend", 0, 9, 0),
    ("hold", 0, 6, 7_200),
    ("spend", 0, 3, 0),
    ("hold", 1, 8, 44_640),
)
"""Some points are given, spent and held."""
TOUR: tuple[Step, ...] = (
    *BEGINNING,
    ("capture", 0, 4),
    ("together", [("spend", 0, 3, 0), ("give", 0, 7)]),
    ("refund", 0, 5),
    ("convert", 9),
    ("claw_back", 0),
    ("adjust", 0, 12, 0),
    ("earn", 0, 20, 3, 100, 0),
    ("earn", 2, 9, 1, 100, 0),
    ("wait", 28),
    ("release", 1),
    ("wait", 31),
    ("spend", 2, 3, 0),
    ("earn", 1, 30, 5, 100, 0),
)
"""Everything happens once: also a debt, what a hold kept beyond its end, points that have ended unswept."""


def histories(most: int, first: tuple[Step, ...]) -> st.SearchStrategy[list[Step]]:
    """So many steps at most after some that always are the same."""
    return st.lists(steps, min_size=most // 2, max_size=most).map(lambda some: [*first, *some])


class Play:
    """Two members with an account in each of two units, and what was asked of them so far.

    Points of the first unit last two months and may be given; those of the second ripen for 5 days, last
    one, and the oldest go first. `keyed` names every command with an idempotency key.
    """

    def __init__(self, world: World, keyed: str = "") -> None:
        self.world, self.keyed = world, keyed
        name = uuid4().hex[:12]
        self.units = (f"a_{name}", f"b_{name}")
        members = world.member(), world.member()
        self.ledgers = [Ledger(world, member, unit) for member in members for unit in self.units]
        self.holds: list[tuple[UUID, UUID]] = []
        self.debits: list[tuple[UUID, UUID]] = []
        self.credits: list[tuple[UUID, UUID]] = []
        self.sent: list[tuple[Any, Any, str, Any]] = []
        self.runners: Sequence[Runner] = (world.run,)
        self.workers = (world.run, world.runner())

    @classmethod
    async def begin(cls, world: World, **options: Any) -> "Play":
        play = cls(world, **options)
        await set_policy(world, play.units[0], validity_months=2)
        await set_policy(world, play.units[1], validity_months=1, maturity_days=5, consumption="oldest_first")
        await set_rate(world, *play.units, 2, 3)
        world.clock.advance(days=25)
        return play

    async def take(self, step: Step) -> Any:
        """Take a step: what was answered, or why it was refused."""
        name, *wish = step
        match name:
            case "wait":
                return self.world.clock.advance(days=wish[0])
            case "sweep":
                return await self.sweep()
            case "together":
                return await asyncio.gather(*(self._take(one) for one in wish[0]))
        return await self._take(step)

    async def sweep(self) -> None:
        """Write down what ended, in every account, twice."""
        for unit in self.units * 2:
            owners = tuple({ledger.member.user_id for ledger in self.ledgers})
            command = sweeping.Settle(unit=unit, user_ids=owners)
            await self.world.run(sweeping.settle, command, actor=self.world.admin)

    async def _take(self, step: Step) -> Any:
        made = self._command(step)
        return "nothing to do it with" if made is None else await self._send(step[0], *made)

    async def _send(self, name: str, which: Any, command: Any) -> Any:
        key = f"{self.keyed}{len(self.sent)}" if self.keyed else None
        self.sent.append((which, command, key or "", None))
        place = len(self.sent) - 1
        asked = (one.submit(which, command, actor=self.world.admin, key=key) for one in self.runners)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert len({said(one) for one in outcomes}) == 1, "twins are told the same"
        [outcome, *_] = outcomes
        if isinstance(outcome, Outcome):
            self.sent[place] = (which, command, key or "", outcome.result)
            await self._remember(name, command, outcome.result)
        return said(outcome)

    async def _remember(self, name: str, command: Any, answer: Any) -> None:
        user_id = command.user_id
        if name == "hold":
            self.holds.append((user_id, answer.hold_id))
        elif name in ("spend", "capture"):
            self.debits.append((user_id, answer.posting_id))
        elif name == "earn" or (name == "adjust" and command.amount > 0):
            key = points.LOTS.key(user_id, answer.posting_id)
            async with self.world.storage.begin() as transaction:
                made = (await transaction.load([key], lock=False)).records[key]
            self.credits.append((user_id, made.grant_id))  # type: ignore[attr-defined]

    def _command(self, step: Step) -> Any:
        """The use case and the command of a step; None where there is nothing to take it with."""
        name, *wish = step
        match name:
            case "capture" | "release" | "refund" | "claw_back":
                known = {"refund": self.debits, "claw_back": self.credits}.get(name, self.holds)
                return self._about(name, known[wish[0] % len(known)], wish[1:]) if known else None
            case "convert":
                of = self.ledgers[wish[0] % 2 * 2]
                facts = {"to_unit": self.units[1], "amount": wish[0] + 1}
                return points.convert, self._on(points.Convert, of, **facts)
        of = self.ledgers[wish[0]]
        match name:
            case "earn":
                facts = {"funded": wish[1], "bonus": wish[2], "multiplier": wish[3], "source_id": SOURCE}
                return points.earn, self._on(points.Earn, of, **facts, **self._then(wish[4]))
            case "spend":
                facts = {"amount": wish[1], "source_id": SOURCE}
                return points.spend, self._on(points.Spend, of, **facts, **self._then(wish[2]))
            case "hold":
                facts = {"amount": wish[1], "minutes": wish[2], "source_id": SOURCE}
                return points.hold, self._on(points.PlaceHold, of, **facts)
            case "adjust":
                facts = {"amount": wish[1], "reason": "counted again"}
                return points.adjust, self._on(points.Adjust, of, **facts, **self._then(wish[2]))
        assert name == "give"
        other = self.ledgers[(wish[0] + 2) % 4].member.user_id
        return points.give, self._on(points.Give, of, recipient=str(other), amount=wish[1], message="yours")

    def _about(self, name: str, known: tuple[UUID, UUID], wish: list[Any]) -> Any:
        user_id, id = known
        match name:
            case "capture":
                return points.capture, points.CaptureHold(user_id=user_id, hold_id=id, amount=wish[0])
            case "release":
                return points.release, points.ReleaseHold(user_id=user_id, hold_id=id)
            case "refund":
                return points.refund, points.Refund(user_id=user_id, debit_id=id, amount=wish[0])
        return points.claw_back, points.ClawBack(user_id=user_id, grant_id=id, reason="never paid")

    def _on(self, command: Any, of: Ledger, **facts: Any) -> Any:
        return command(user_id=of.member.user_id, unit=of.unit, **facts)

    def _then(self, days: int) -> dict[str, datetime]:
        return {"effective_at": self.world.clock.now - timedelta(days=days)} if days else {}

    # --- what is there ---

    async def balances(self, days: int = 0) -> list[Any]:
        """What every account would answer in some days."""
        now = self.world.clock.now
        self.world.clock.advance(days=days)
        found = await asyncio.gather(*(one.balance() for one in self.ledgers))
        self.world.clock.at(now)
        return [said(one) for one in found]

    async def kept(self, *tables: str) -> dict[str, list[Row]]:
        """What is stored of this play's accounts, by table; all of it where none is named."""
        tables = tables or tuple(KINDS)
        owners = [one.member.user_id for one in self.ledgers]
        storage: Any = self.world.storage
        if isinstance(storage, MemoryStorage):
            return {
                name: [msgspec.structs.asdict(one) for one in storage.all(kind) if one.user_id in owners]
                for name, kind in KINDS.items()
                if name in tables
            }
        return await rows_of(storage._database, tables, owners)


async def rows_of(database: Database, tables: Sequence[str], owners: list[UUID]) -> dict[str, list[Row]]:
    """The same from PostgreSQL, by plain SQL."""
    found: dict[str, list[Row]] = {}
    async with database.connection() as connection:
        for name in tables:
            rows = await connection.fetch(f"select * from baobab.{name} where user_id = any($1)", owners)
            found[name] = sorted((dict(row) for row in rows), key=str)
    return found


def parts_of(hold: Row) -> list[tuple[UUID, int]]:
    """The lots that a stored hold set aside, and how much of each."""
    if isinstance(hold["parts"], str):
        return [(UUID(one["lot_id"]), one["amount"]) for one in json.loads(hold["parts"])]
    return [(one.lot_id, one.amount) for one in hold["parts"]]


def said(outcome: Any) -> Any:
    """An answer or a refusal without the ids of its world."""
    match outcome:
        case Outcome():
            return said(outcome.result)
        case shared.DomainError():
            facts = {
                name: value for name, value in outcome.facts().items() if isinstance(value, int | datetime)
            }
            return (outcome.code, *facts.items())
        case points.Balance():
            numbers = (outcome.balance, outcome.available, outcome.pending, outcome.held, outcome.debt)
            return (*numbers, outcome.next_expiry, outcome.next_expiring)
        case points.Given():
            return outcome.amount, said(outcome.balance)
        case points.Converted():
            return outcome.amount, outcome.to_amount, said(outcome.balance), said(outcome.to_balance)
    raise outcome
