"""Verify: every invariant over one account, a range or everything, or from where it was verified last."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.points import audit
from ...domain.points.audit import Checkpoint, Dossier, Finding, Gift
from ...domain.points.checks import CHECKS
from ...domain.points.tracing import examine
from ..runner import Runner
from ..work import ADMINS, SIGNED_IN, Kind, Read, Wanted, Work, query, use_case

CHECKPOINTS = Kind(
    Checkpoint, "checkpoint", ("user_id", "unit"), root=True, unaudited="how far a proof has come"
)
KINDS: tuple[Kind[Any], ...] = (CHECKPOINTS,)

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
MOST_SHOWN = 100
"""Findings. The others are counted."""


class AuditPage(shared.Record):
    """The accounts of a range of owners as one snapshot has them, up to `through`; None at the end."""

    dossiers: tuple[Dossier, ...]
    through: UUID | None


class Size(shared.Record):
    """How much there is to verify."""

    accounts: int
    postings: int


class Verify(shared.Query, kw_only=True):
    """Verify the accounts of owners from `first` to `last`; with `since_last` only those that moved since
    they were verified, from there on."""

    first: UUID = FIRST
    last: UUID = LAST
    since_last: bool = False
    lines: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    """How many postings are read at once, unless one member has more."""

    @property
    def is_everything(self) -> bool:
        return (self.first, self.last, self.since_last) == (FIRST, LAST, False)


class GetVerification(shared.Query, kw_only=True):
    user_id: UUID


class KeepCheckpoints(shared.Command, kw_only=True):
    """Note up to where accounts were found in order."""

    checkpoints: Annotated[tuple[Checkpoint, ...], msgspec.Meta(max_length=10_000)]


class Verdict(shared.Record):
    """What was verified of a page, up to `through`; None at the end."""

    accounts: int
    postings: int
    findings: tuple[Finding, ...]
    checkpoints: tuple[Checkpoint, ...]
    through: UUID | None


class Verification(shared.Record):
    """What was verified and what was found, causes first: the first of `findings` (at most 100 are shown)
    names the first bad row. Of `broken` 0 all is in order."""

    accounts: int
    postings: int
    broken: int
    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    as_of: datetime


class AuditQueries(Protocol):
    """What is stored of accounts, as it is."""

    async def page(self, first: UUID, last: UUID, lines: int) -> AuditPage:
        """All that is stored of some owners, from `first` on: one at least, about `lines` postings."""
        ...

    async def moved(self, first: UUID, last: UUID, lines: int) -> AuditPage:
        """The same of accounts that are not where their checkpoint is, from there on."""
        ...

    async def gifts(self, limit: int) -> list[Gift]:
        """Gifts whose lines do not add up."""
        ...

    async def size(self, first: UUID, last: UUID) -> Size: ...


class HasAudit(Protocol):
    @property
    def audit(self) -> AuditQueries: ...


@query(allow=ADMINS)
async def size(question: Verify, read: Read[HasAudit]) -> Size:
    """How many accounts and postings there are in a range of owners."""
    return await read.ports.audit.size(question.first, question.last)


@query(allow=ADMINS)
async def read_page(question: Verify, read: Read[HasAudit]) -> AuditPage:
    """The first accounts of a range, as they are stored."""
    look = read.ports.audit.moved if question.since_last else read.ports.audit.page
    return await look(question.first, question.last, question.lines)


@query(allow=ADMINS)
async def verify_gifts(question: Verify, read: Read[HasAudit]) -> tuple[Finding, ...]:
    """The invariants between members: what one gave another got."""
    return tuple(map(audit.gift, await read.ports.audit.gifts(MOST_SHOWN)))


@query(allow=SIGNED_IN)
async def verification(question: GetVerification, read: Read[HasAudit]) -> Verification:
    """Every invariant over the accounts of one member. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    page = await read.ports.audit.page(question.user_id, question.user_id, 1)
    verdict = verdict_of(page, read.now)
    return _summed([verdict], verdict.findings, read.now)


def verdict_of(page: AuditPage, now: datetime, *, closely: bool = True) -> Verdict:
    """Every invariant over the accounts of a page."""
    findings, checkpoints, postings = list[Finding](), list[Checkpoint](), 0
    for _, of_owner in groupby(page.dossiers, key=lambda one: one.user_id):
        dossiers = list(of_owner)
        said = [finding for one in dossiers for finding in examine(one, now, closely=closely)]
        if not any(one.checkpoint for one in dossiers):
            said += audit.conversions(dossiers)
        if not said:
            checkpoints += filter(None, (audit.checkpoint_of(one, now) for one in dossiers))
        findings += said
        postings += sum(len(one.postings) for one in dossiers)
    return Verdict(len(page.dossiers), postings, tuple(findings), tuple(checkpoints), page.through)


def _summed(verdicts: Sequence[Verdict], findings: Sequence[Finding], now: datetime) -> Verification:
    return Verification(
        sum(one.accounts for one in verdicts),
        sum(one.postings for one in verdicts),
        len(findings),
        tuple(findings[:MOST_SHOWN]),
        ("chain", *(check.__name__ for check in CHECKS), "conversions", "gifts"),
        now,
    )


def _checkpoints(command: KeepCheckpoints, work: Work) -> tuple[Wanted, ...]:
    return tuple(CHECKPOINTS.key(one.user_id, one.unit) for one in command.checkpoints)


@use_case(allow=ADMINS, locks=_checkpoints)
async def keep_checkpoints(command: KeepCheckpoints, work: Work) -> int:
    """Note up to where accounts were found in order, never back to where they were before; how many."""
    kept = 0
    for one in command.checkpoints:
        before = work.find(CHECKPOINTS.key(one.user_id, one.unit))
        if before is None or before.sequence <= one.sequence:
            work.save(one)
            kept += 1
    return kept


async def verify(
    question: Verify,
    run: Runner,
    *,
    actor: shared.Actor,
    keep: bool = True,
    tell: Callable[[Verdict], None] = lambda verdict: None,
) -> Verification:
    """Every invariant over a range of accounts, page by page, each of one snapshot; two are in memory: the
    next is read while one is looked at, and the first findings are looked at closely.

    With `keep`, where accounts stand that are in order is noted for the next time. `tell` hears of each page.
    """
    verdicts, findings = list[Verdict](), list[Finding]()
    async with aclosing(_pages(question, run, actor)) as pages:
        async for page in pages:
            closely = len(findings) < MOST_SHOWN
            verdict = await asyncio.to_thread(verdict_of, page, run.clock(), closely=closely)
            if keep and verdict.checkpoints:
                await run(keep_checkpoints, KeepCheckpoints(checkpoints=verdict.checkpoints), actor=actor)
            findings += verdict.findings
            verdicts.append(shared.evolve(verdict, findings=(), checkpoints=()))
            tell(verdict)
    if question.is_everything:
        between = await run.read(verify_gifts, question, actor=actor)
        findings += between
    return _summed(verdicts, findings, run.clock())


async def _pages(question: Verify, run: Runner, actor: shared.Actor) -> AsyncGenerator[AuditPage, None]:
    """The pages of a range, each read while the one before is looked at."""
    coming: asyncio.Task[AuditPage] | None = asyncio.create_task(run.read(read_page, question, actor=actor))
    try:
        while coming is not None:
            page, coming = await coming, None
            if page.through is not None:
                ahead = shared.evolve(question, first=UUID(int=page.through.int + 1))
                coming = asyncio.create_task(run.read(read_page, ahead, actor=actor))
            yield page
    finally:
        if coming is not None:
            coming.cancel()
