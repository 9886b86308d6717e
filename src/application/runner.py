"""The Runner: commands that arrive together share one transaction (group commit).

    run = Runner(storage, queries, clock)
    balance = await run(points.spend, points.Spend(...), actor=actor)
    page = await run.read(points.statement, points.GetStatement(...), actor=actor)

While a batch is loaded and decided, arriving commands wait in a queue; the next one takes them all, as soon
as the batch before it has only to be written and committed. None waits for company: a lone command is a batch
of one. Each gets its own result or its own error.

Decisions: docs/decisions/0003-work-and-runner.md, 0004-idempotency.md.
"""

import asyncio
import hashlib
import operator
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
import uuid_utils
from uuid_utils.compat import uuid7

from ..domain import shared
from .trail import AnswerErased, Performed, left_by
from .work import (
    PRIVATE_PARTS,
    RUNS,
    Conflict,
    ConnectionLost,
    IdentityMap,
    Kept,
    Key,
    Locked,
    PrivatePart,
    QueryCase,
    Read,
    Run,
    Step,
    Storage,
    Undeclared,
    UseCase,
    Wanted,
    Work,
)

C = TypeVar("C", bound=shared.Record)
V = TypeVar("V")

_this_task = asyncio.current_task
_encode = msgspec.json.Encoder().encode
PIECE = 64
"""Commands. A longer batch is written in pieces: the storage writes one while the next is run."""
BREATH = 8
"""Commands. After so many, whatever arrived meanwhile has its turn: no other batch is kept waiting."""
AT_ONCE = 2
"""Batches. The first has its locks before the second begins, and what wants one of them is put back."""
LOOKS = 3
"""How often a command looks again, where others changed what it saw before it had its locks."""
FREE: frozenset[Wanted] = frozenset()
HOPELESS = (Locked, ConnectionLost, shared.Unavailable)
"""Why a batch failed that is no fault of a command of it: who waited for long already hears so at once."""


class InvalidCommand(shared.Malformed):
    message = "The request is not valid: {reason}."
    reason: str


class ScopeMissing(shared.Forbidden):
    message = "This API key is not good for {scope}."
    scope: str


class InvalidIdempotencyKey(shared.Malformed):
    message = "An idempotency key has 1 to 255 visible ASCII characters."


class IdempotencyKeyReused(shared.RuleForbids):
    message = "The idempotency key {key} was used before with another command."
    key: str


class Overloaded(shared.Unavailable):
    message = "Too many commands are waiting; nothing was changed. Try again in a moment."


class Busy(shared.Unavailable):
    message = "Others are changing the same records; nothing was changed. Try again."


class OutcomeUnknown(shared.Unavailable):
    message = "The connection was lost; whether the change was made is not known. Look before you try again."


class Outcome(msgspec.Struct, Generic[V], frozen=True):
    """A result, and whether it is the stored answer of an earlier run with the same key."""

    result: V
    replayed: bool = False


class _Job:
    """One command on its way through the Runner."""

    __slots__ = (
        "actor",
        "chosen_key",
        "command",
        "digest",
        "dry_run",
        "error",
        "future",
        "key",
        "run_key",
        "sent",
        "since",
        "tries",
        "use_case",
    )

    def __init__(
        self,
        use_case: UseCase[Any, Any],
        command: Any,
        digest: bytes,
        actor: shared.Actor,
        key: str | None,
        dry_run: bool,
    ) -> None:
        self.use_case, self.command, self.digest, self.actor = use_case, command, digest, actor
        self.chosen_key = key is not None
        self.key = key or str(uuid_utils.uuid7())
        self.run_key = RUNS.key(actor.user_id, self.key)
        self.dry_run = dry_run
        self.tries = 0
        self.sent = False
        self.error: Exception | None = None
        loop = asyncio.get_running_loop()
        self.since = loop.time()
        self.future: asyncio.Future[Outcome[Any]] = loop.create_future()

    @property
    def private_key(self) -> Key[PrivatePart]:
        return PRIVATE_PARTS.key(self.actor.user_id, self.key)

    @property
    def may_have_run(self) -> bool:
        """Whether its row may stand in the command log: a chosen key, or a second try."""
        return (self.chosen_key or self.tries > 1) and not self.dry_run


def utc_now() -> datetime:
    return datetime.now(UTC)


class Runner:
    """Runs use cases against one storage, grouped, idempotent, each in a transaction.

    `most_waiting` bounds the queue (beyond it Overloaded is raised at once), `most_grouped` one
    transaction, `tries` how often a command that met a conflict is run again alone, `patience` for how
    many seconds: where the storage falls silent, everybody hears so in time. Who was in the queue for longer
    than `longest_wait` seconds hears Overloaded.
    """

    def __init__(
        self,
        storage: Storage,
        queries: Any,
        clock: Callable[[], datetime] = utc_now,
        *,
        ids: Callable[[], UUID] = uuid7,
        most_grouped: int = 256,
        most_waiting: int = 10_000,
        tries: int = 5,
        patience: float = 15.0,
        longest_wait: float = 10.0,
    ) -> None:
        self._storage, self._queries, self.clock, self.new_id = storage, queries, clock, ids
        self._most_grouped, self._most_waiting = most_grouped, most_waiting
        self._tries, self._patience, self._longest_wait = tries, patience, longest_wait
        self._queue: deque[_Job] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._loading: asyncio.Task[None] | None = None
        self._locked: dict[asyncio.Task[None] | None, frozenset[Wanted]] = {}
        self._contended = False
        self._running = 0
        self._kept = Kept()
        self.batches = self.attempts = 0

    async def __call__(
        self,
        use_case: UseCase[C, V],
        command: C,
        *,
        actor: shared.Actor,
        key: str | None = None,
        dry_run: bool = False,
    ) -> V:
        """The result of a use case, committed. With `dry_run` nothing is changed.

        `key` is the idempotency key: run again with the same key, actor and command, it answers what
        it answered the first time; with another command it raises IdempotencyKeyReused.
        """
        return (await self._enqueue(use_case, command, actor, key, dry_run)).result

    async def submit(
        self,
        use_case: UseCase[C, V],
        command: C,
        *,
        actor: shared.Actor,
        key: str | None = None,
        dry_run: bool = False,
    ) -> Outcome[V]:
        """The same, saying too whether the answer is a replay."""
        return await self._enqueue(use_case, command, actor, key, dry_run)

    def _enqueue(
        self, use_case: UseCase[C, V], command: C, actor: shared.Actor, key: str | None, dry_run: bool
    ) -> asyncio.Future[Outcome[V]]:
        authorize(use_case.allow, actor, use_case.scope)
        command, encoded = _validated(use_case.decode_command, command)
        if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
            raise InvalidIdempotencyKey
        if len(self._queue) >= self._most_waiting:
            raise Overloaded
        digest = b"" if use_case.secret else _digest(use_case.name, encoded)
        job = _Job(use_case, command, digest, actor, None if use_case.secret else key, dry_run)
        self._queue.append(job)
        self._begin()
        return job.future

    async def read(self, query: QueryCase[C, V], question: C, *, actor: shared.Actor) -> V:
        """The answer of a use case that only reads."""
        authorize(query.allow, actor, query.scope)
        question, _ = _validated(query.decode, question)
        return await query.run(question, Read(self._queries, self.clock(), actor))

    @property
    def waiting(self) -> int:
        """Commands that are in no batch yet."""
        return len(self._queue)

    @property
    def under_way(self) -> int:
        """Batches that are loaded, decided or written."""
        return len(self._batches)

    async def close(self) -> None:
        """Wait until every accepted command has its answer."""
        while self._batches:
            await asyncio.wait(self._batches)

    def _begin(self) -> None:
        """Begin a batch of what waits, unless one is being loaded or too many are under way: one, where all
        want the same records."""
        most = 1 if self._contended else AT_ONCE
        if self._queue and self._loading is None and len(self._batches) < most:
            self._loading = asyncio.create_task(self._run_batch())
            self._batches.add(self._loading)

    async def _run_batch(self) -> None:
        try:
            size = min(self._share(), self._most_grouped)
            jobs = [job for job in (self._queue.popleft() for _ in range(size)) if self._is_awaited(job)]
            self._running += size
            if jobs:
                await self._together(jobs)
        finally:
            self._running -= size
            self._batches.discard(_this_task())
            self._locked.pop(_this_task(), None)
            self._loaded()

    def _share(self) -> int:
        """How many commands the next batch takes: all that wait, but where very many are here at most half of
        them, so that one half is decided while the other is committed."""
        waiting = len(self._queue)
        here = waiting + self._running
        return waiting if self._contended or here < 2 * PIECE else min(waiting, (here + 1) // 2)

    def _loaded(self) -> None:
        """This batch has its locks, or is over: the next one may begin."""
        if self._loading is _this_task():
            self._loading = None
        self._begin()

    async def _together(self, jobs: list[_Job]) -> None:
        others = FREE.union(*self._locked.values())
        try:
            outcomes = await self._attempt(jobs, others)
        except Exception as error:
            for job in jobs:
                hopeless = isinstance(error, HOPELESS) and self._is_late(job)
                await self._alone(job, error if hopeless or len(jobs) == 1 else None)
        else:
            _answer(jobs, outcomes)

    async def _alone(self, job: _Job, error: Exception | None) -> None:
        """Run one command by itself until it is answered, `tries` times at most."""
        while error is None or (
            isinstance(error, (Conflict, ConnectionLost))
            and job.tries < self._tries
            and not self._is_late(job)
        ):
            try:
                return _answer([job], await self._attempt([job]))
            except Exception as failure:
                error = failure
        if not job.future.done():
            job.future.set_exception(_as_refusal(error, job.sent))

    def _is_awaited(self, job: _Job) -> bool:
        """Whether somebody still wants the answer; who waited for too long is told so instead."""
        waited = asyncio.get_running_loop().time() - job.since
        if waited > self._longest_wait and not job.future.done():
            job.future.set_exception(Overloaded())
        return not job.future.done()

    def _is_late(self, job: _Job) -> bool:
        return asyncio.get_running_loop().time() - job.since > self._patience

    async def _attempt(
        self, jobs: list[_Job], others: frozenset[Wanted] = FREE
    ) -> list[Outcome[Any] | Exception]:
        """One transaction: load, lock, run each command in turn, write, commit. Commands that want what
        `others` have locked are taken out of `jobs`, to wait where they stood."""
        self.batches += 1
        self.attempts += len(jobs)
        for job in jobs:
            job.tries += 1
            job.error = None
        now = self.clock()
        self._kept.look_at(now)
        async with self._storage.begin() as transaction:
            records = IdentityMap(transaction, self._kept)
            works = [Work(records, now, job.actor, job.key, self.new_id) for job in jobs]
            await self._load(records, jobs, works, others)
            self._loaded()
            outcomes: list[Outcome[Any] | Exception] = []
            for first in range(0, len(jobs), PIECE):
                await records.write()
                for place in range(first, min(first + PIECE, len(jobs))):
                    outcomes.append(await _perform(jobs[place], works[place], records))
                    if place % BREATH == BREATH - 1:
                        await asyncio.sleep(0)
                if records.failure is not None and len(jobs) > 1:
                    raise records.failure
            await records.write()
            await records.written()
            for job in jobs:
                job.sent |= records.has_written
        if records.has_changed_kept:
            self._kept.forget()
        return outcomes

    async def _load(
        self, records: IdentityMap, jobs: list[_Job], works: list[Work], others: frozenset[Wanted]
    ) -> None:
        """Earlier runs are looked for under the locks: where another process ran a command with the same key,
        whoever sees what that changed, having waited for a lock, sees its answer too, and is not refused."""
        pairs = list(zip(jobs, works, strict=True))
        for step in range(max(len(job.use_case.loads) for job in jobs)):
            looking = [(job, work) for job, work in pairs if step < len(job.use_case.loads)]
            await records.load(
                one for job, work in looking for one in _asked(job, work, job.use_case.loads[step])
            )
        asked = [_asked(job, work, job.use_case.locks) for job, work in pairs]
        if others:
            asked = self._hold_back(jobs, works, asked, others)
        wanted = [one for some in asked for one in some]
        roots = frozenset(one for one in wanted if type(one) is Key and one.kind.root)
        self._contended = 2 * len(roots) < len(jobs) or not jobs
        self._locked[_this_task()] = roots
        tried = [job for job in jobs if job.may_have_run]
        runs = [job.run_key for job in tried]
        private = [job.private_key for job in tried if job.use_case.leaves_private]
        await records.load((*wanted, *runs, *private), lock=True)

    def _hold_back(
        self,
        jobs: list[_Job],
        works: list[Work],
        asked: Sequence[Sequence[Wanted]],
        others: frozenset[Wanted],
    ) -> list[Sequence[Wanted]]:
        """Put back who would only wait for the other batch; what the rest ask for."""
        free = [others.isdisjoint(one) for one in asked]
        back = list(compress(jobs, map(operator.not_, free)))
        for job in back:
            job.tries -= 1
        self._queue.extendleft(reversed(back))
        jobs[:], works[:] = list(compress(jobs, free)), list(compress(works, free))
        return list(compress(asked, free))


def authorize(allow: frozenset[shared.Role], actor: shared.Actor, scope: str = "") -> None:
    """Raise unless the actor's role and credential allow it: Unauthenticated for strangers, else Forbidden or
    ScopeMissing. What everybody may do needs no scope, and an edge asks for none."""
    if actor.role not in allow:
        raise shared.Unauthenticated if actor.role == "anonymous" else shared.Forbidden
    if scope and actor.scopes is not None and scope not in actor.scopes and "anonymous" not in allow:
        raise ScopeMissing(scope=scope)


def _validated(decode: Callable[[bytes], C], wish: C) -> tuple[C, bytes]:
    """A command or query whose fields have their types and keep their constraints, as a record and as
    JSON. Raises InvalidCommand."""
    try:
        encoded = _encode(wish)
        return decode(encoded), encoded
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise InvalidCommand(reason=str(error)) from None


def _digest(name: str, encoded: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + encoded).digest()


def _asked(job: _Job, work: Work, ask: Step) -> Sequence[Wanted]:
    """What a command asks for at a step; one that is refused here is set aside."""
    if job.error is None:
        try:
            return tuple(ask(job.command, work))
        except Exception as error:  # the command's own error, never its neighbours'
            job.error = error
    return ()


async def _perform(job: _Job, work: Work, records: IdentityMap) -> Outcome[Any] | Exception:
    """Run one command on the map; a refused one leaves no trace."""
    mark = records.mark()
    try:
        if job.may_have_run and (run := work.find(job.run_key)) is not None:
            return _replay(job, run, work.find(job.private_key) if job.use_case.leaves_private else None)
        if job.error is not None:
            return job.error
        result = await job.use_case.run(job.command, work)
        if job.dry_run:
            records.undo(mark)
        else:
            done = Performed(
                job.use_case, job.actor, job.key, job.digest, result, records.since(mark), work.now
            )
            work.save(*left_by(done))
        return Outcome(result)
    except (Conflict, ConnectionLost):
        raise
    except Undeclared as error:
        records.undo(mark)
        if job.tries < LOOKS:
            raise Conflict("what was found under the lock is not what was looked at before") from error
        return error
    except Exception as error:  # the command's own error, never its neighbours'
        records.undo(mark)
        return error


def _replay(job: _Job, run: Run, private: PrivatePart | None) -> Outcome[Any] | Exception:
    case = job.use_case
    if case.secret:  # it was made, and nobody knows the answer any more
        return OutcomeUnknown()
    digest = run.digest or (private.digest if private else b"")
    if not digest:
        return AnswerErased(key=job.key)
    if digest != job.digest:
        return IdempotencyKeyReused(key=job.key)
    result = run.result or (private.result if private else b"")
    try:
        return Outcome(case.decode_result(result), replayed=job.chosen_key)
    except msgspec.MsgspecError:  # it was erased, or is of before the answer had the form that it has
        return AnswerErased(key=job.key)


def _answer(jobs: Sequence[_Job], outcomes: Sequence[Outcome[Any] | Exception]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.future.done():  # its caller went away
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)


def _as_refusal(error: Exception, sent: bool) -> Exception:
    if isinstance(error, ConnectionLost):
        return OutcomeUnknown() if sent else shared.Unavailable()
    return Busy() if isinstance(error, Conflict) else error
