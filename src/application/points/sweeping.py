"""What falls due by itself: points that ended and holds past their limit are written down, and warnings are
said, for every account of a unit, batch by batch (ledger.md, invariants 8 and 9).

A batch is one command: it locks its accounts, decides on what stands under the lock, and commits. Run twice,
or on two workers at once, the second finds nothing left to do; a crash loses the two batches under way.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec

from ...domain import points, shared
from ...domain.points import POINTS, WARNING_DAYS, Account, Book, Movement
from ..runner import Runner
from ..work import ADMINS, Read, UseCase, Wanted, Work, query, use_case
from .book import keep, policy_of
from .commands import Unit
from .records import ACCOUNTS, HOLDS, LOTS, POLICIES
from .units import units
from .views import HasPoints, ListUnits

Task = Literal["expiry", "warning"]
BATCH = 250
"""Accounts in one command, whose locks others wait for."""
AT_ONCE = 2
"""Batches under way."""
PAGE = 20
"""Batches whose accounts are looked up at once."""
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)


class Settle(shared.Command, kw_only=True):
    """Write down what time already decided for some accounts of a unit."""

    unit: Unit = POINTS
    user_ids: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=500)]


class Warn(shared.Command, kw_only=True):
    """Say what some accounts of a unit are due to be warned of."""

    unit: Unit = POINTS
    user_ids: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=500)]


class DueOf(shared.Command, kw_only=True):
    """Which unit is meant (null: every one), and how many accounts at most."""

    unit: Unit | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = BATCH


class Tally(shared.Record):
    """How much is due, or was done: accounts, lots, their points, and holds past their limit."""

    accounts: int = 0
    lots: int = 0
    points: int = 0
    holds: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Batch(shared.Record):
    """What one batch did, and how many accounts are left to do."""

    accounts: int
    lots: int
    points: int
    holds: int
    left: int


class FindDue(shared.Query, kw_only=True):
    """The accounts of a unit that are due behind a place, in the order of their owners."""

    task: Task
    unit: str
    after: UUID = FIRST
    limit: int
    skip: int = 0


class CountDue(shared.Query, kw_only=True):
    task: Task
    unit: str


class PointsDue(Protocol):
    """Where it is looked up what is due. What a live hold keeps alive is not."""

    async def find(
        self, task: Task, unit: str, at: datetime, after: UUID, limit: int, skip: int
    ) -> list[UUID]:
        """Owners with something due at an instant, in order, behind a place and `skip` more."""
        ...

    async def count(self, task: Task, unit: str, at: datetime) -> Tally: ...


class HasPointsDue(HasPoints, Protocol):
    @property
    def points_due(self) -> PointsDue: ...


# --- one batch ----------------------------------------------------------------------------------


def due_keys(user_id: UUID, unit: str) -> tuple[Wanted, ...]:
    """What to lock in order to look at what ended, or soon will."""
    return (ACCOUNTS.key(user_id, unit), LOTS.group("front", user_id, unit))


def _locks(command: Settle | Warn, work: Work) -> tuple[Wanted, ...]:
    accounts = (key for user_id in command.user_ids for key in due_keys(user_id, command.unit))
    return (POLICIES.group("unit", command.unit), *accounts)


async def open_books(work: Work, accounts: Sequence[Account], until: datetime) -> list[Book]:
    """The books of accounts whose `due_keys` are locked, with at least every lot that ends until then: the
    first lots, and for who has more that end, or a debt to repay, all of them. One look-up for the lots of
    all of these, one for the holds of who has any."""
    whole = {one for one in accounts if _has_more(work, one, until)}
    await work.load(
        *(HOLDS.group("account", one.user_id, one.unit) for one in accounts if one.held),
        *(LOTS.group("account", one.user_id, one.unit) for one in whole),
    )
    return [_book(work, one, "account" if one in whole else "front") for one in accounts]


def _has_more(work: Work, account: Account, until: datetime) -> bool:
    edge = work.edge(LOTS.group("front", account.user_id, account.unit))
    return edge is not None and (edge.expires_at <= until or account.debt > 0)


def _book(work: Work, account: Account, group: str) -> Book:
    owner = (account.user_id, account.unit)
    lots = LOTS.group(group, *owner)
    holds = work.list(HOLDS.group("account", *owner)) if account.held else ()
    policy = policy_of(work, account.unit)
    return Book(account, tuple(work.list(lots)), tuple(holds), policy, work.edge(lots) is None)


def _open_accounts(command: Settle | Warn, work: Work) -> list[Account]:
    """The accounts of a command that are there and may move; each once."""
    found = (work.find(ACCOUNTS.key(one, command.unit)) for one in dict.fromkeys(command.user_ids))
    return [one for one in found if one is not None and one.closed_at is None]


@use_case(allow=ADMINS, locks=_locks)
async def settle(command: Settle, work: Work) -> Tally:
    """Write down what time decided for some accounts. What may be spent does not change."""
    books = await open_books(work, _open_accounts(command, work), work.now)
    return _kept(work, [points.settle(book, work.now, work.new_id) for book in books])


@use_case(allow=ADMINS, locks=_locks)
async def warn(command: Warn, work: Work) -> Tally:
    """Say what some accounts are due to be warned of, with what is left now."""
    until = work.now + timedelta(days=max(WARNING_DAYS))
    books = await open_books(work, _open_accounts(command, work), until)
    return _kept(work, [points.warn(book, work.now) for book in books])


def _kept(work: Work, movements: Iterable[Movement]) -> Tally:
    moved = [one for one in movements if one.changed]
    keep(work, *moved)
    said = [event for one in moved for event in one.events]
    lots = {event.lot_id: 0 for event in said if isinstance(event, points.PointsExpired)}
    lots |= {lot.lot_id: 0 for one in said if isinstance(one, points.PointsExpiringSoon) for lot in one.lots}
    amounts = (
        one.amount for one in said if isinstance(one, (points.PointsExpired, points.PointsExpiringSoon))
    )
    holds = sum(isinstance(event, points.HoldChanged) for event in said)
    return Tally(len(moved), len(lots), sum(amounts), holds)


# --- everything that is due -----------------------------------------------------------------------


@query(allow=ADMINS)
async def find_due(question: FindDue, read: Read[HasPointsDue]) -> list[UUID]:
    """Whose accounts are due, in the order of owners."""
    return await read.ports.points_due.find(
        question.task, question.unit, read.now, question.after, question.limit, question.skip
    )


@query(allow=ADMINS)
async def count_due(question: CountDue, read: Read[HasPointsDue]) -> Tally:
    """How much is due in a unit."""
    return await read.ports.points_due.count(question.task, question.unit, read.now)


class _Step(NamedTuple):
    """What is run for a task."""

    use_case: UseCase[Any, Tally]
    command: Callable[..., Settle | Warn]


_STEPS: dict[Task, _Step] = {"expiry": _Step(settle, Settle), "warning": _Step(warn, Warn)}
Watch = Callable[[int, int], None]
"""Is told how many accounts were gone through, and of how many."""


async def run_due(
    run: Runner,
    task: Task,
    *,
    actor: shared.Actor,
    unit: str | None = None,
    share: float = 0.0,
    batch: int = BATCH,
    watch: Watch = lambda looked, total: None,
) -> Tally:
    """Do everything that is due in a unit, or in all, one batch of accounts after another; what falls due
    behind the place that was reached waits for the next time.

    `share` (0 to 1) is how far into the due accounts to begin: from there it goes on to the end, and round
    from the first. Workers with shares of their own rarely meet. Raises UnknownUnit.
    """
    names = await _units(run, unit, actor)
    due = {name: (await _count(run, task, name, actor)).accounts for name in names}
    done, looked, total, step = Tally(), 0, sum(due.values()), _STEPS[task]

    async def do(name: str, owners: Sequence[UUID]) -> None:
        nonlocal done, looked
        answer = await run(step.use_case, step.command(unit=name, user_ids=tuple(owners)), actor=actor)
        done, looked = done + answer, looked + len(owners)
        watch(looked, max(total, looked))

    for name in (one for one in names if due[one]):
        wanted = FindDue(task=task, unit=name, limit=batch * PAGE)
        async for page in _round(run, wanted, int(due[name] * share), actor):
            await _staggered(do(name, page[first : first + batch]) for first in range(0, len(page), batch))
    return done


async def _staggered(batches: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run one after another, each begun while the one before is under way: of two that a Runner has, it
    decides the second while it writes the first."""
    under_way: deque[asyncio.Task[None]] = deque()
    try:
        for one in batches:
            under_way.append(asyncio.create_task(one))
            await asyncio.sleep(0)  # so that it comes before the next, and not with it
            if len(under_way) == AT_ONCE:
                await under_way.popleft()
        while under_way:
            await under_way.popleft()
    finally:
        await asyncio.gather(*under_way, return_exceptions=True)


async def tally_due(run: Runner, task: Task, *, actor: shared.Actor, unit: str | None = None) -> Tally:
    """How much is due in a unit, or in all. Raises UnknownUnit."""
    total = Tally()
    for name in await _units(run, unit, actor):
        total += await _count(run, task, name, actor)
    return total


async def run_batch(run: Runner, task: Task, which: DueOf, *, actor: shared.Actor) -> Batch:
    """Do one batch of what is due, and say how many accounts are left. Raises UnknownUnit."""
    done, step = Tally(), _STEPS[task]
    for name in await _units(run, which.unit, actor):
        wanted = FindDue(task=task, unit=name, limit=which.limit)
        if found := await run.read(find_due, wanted, actor=actor):
            done = await run(step.use_case, step.command(unit=name, user_ids=tuple(found)), actor=actor)
            break
    left = await tally_due(run, task, actor=actor, unit=which.unit)
    return shared.recast(Batch, done, left=left.accounts)


async def _units(run: Runner, unit: str | None, actor: shared.Actor) -> list[str]:
    """The units that are meant, of those that are in force. Raises UnknownUnit."""
    known = await run.read(units, ListUnits(), actor=actor)
    now = run.clock()
    names = sorted({one.unit for one in known.policies if one.in_force_at <= now})
    if unit is not None and unit not in names:
        raise points.UnknownUnit(unit=unit)
    return names if unit is None else [unit]


async def _count(run: Runner, task: Task, unit: str, actor: shared.Actor) -> Tally:
    return await run.read(count_due, CountDue(task=task, unit=unit), actor=actor)


async def _round(run: Runner, wanted: FindDue, skip: int, actor: shared.Actor) -> AsyncIterator[list[UUID]]:
    """The due accounts page by page: from the one after `skip` to the last, then from the first to there."""
    place = shared.evolve(wanted, limit=1, skip=skip)
    start = (await run.read(find_due, place, actor=actor) or [FIRST])[0]
    for first, last in ((start, LAST), (FIRST, start)):
        after = UUID(int=max(first.int - 1, 0))
        while after < last:
            found = await run.read(find_due, shared.evolve(wanted, after=after), actor=actor)
            page = [one for one in found if one < last]
            yield page
            after = page[-1] if len(page) == wanted.limit else last
