"""Accounts that nobody claimed: an e-mail was named and never verified, and nobody is signed in there now.

Nobody can come in again by what there is, so nothing is kept of who signed up: they are erased as members
are. Each is looked at again under its lock; done again, a sweep goes on with what was interrupted.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from ...domain import identity, privacy, shared
from ..identity import MEMBERS, SESSIONS, HasCredentials
from ..runner import Runner
from ..work import ADMINS, Read, Work, query, use_case
from .erasing import begin, go_on, unfinished
from .records import Erase, ErasureView, Unfinished

PAGE = 100
"""So many are looked up and erased at once."""


class Unclaimed(shared.Query, kw_only=True):
    """Who signed up before a time and never verified an e-mail; those behind an id."""

    signed_up_before: datetime
    after: UUID = shared.NOBODY


class EraseUnclaimed(Erase, kw_only=True):
    """Erase somebody, if they signed up before a time and nobody claimed the account since."""

    signed_up_before: datetime


class SweptAccounts(shared.Record):
    """How many were erased, or would be; and how many stay as something stands against it."""

    erased: int
    kept: int


@query(allow=ADMINS)
async def unclaimed(question: Unclaimed, read: Read[HasCredentials]) -> tuple[UUID, ...]:
    """Some accounts that nobody claimed, by id."""
    find = read.ports.credentials.unclaimed
    return tuple(await find(question.signed_up_before, read.now, question.after, PAGE))


@use_case(allow=ADMINS, loads=begin.loads, locks=begin.locks, forgets=True)
async def begin_unclaimed(command: EraseUnclaimed, work: Work) -> ErasureView | None:
    """Begin to erase an account that nobody claimed; None where somebody has by now. Raises MemberBound."""
    owner = command.user_id
    member, sessions = work.get(MEMBERS.key(owner)), work.list(SESSIONS.group("owner", owner))
    if not identity.is_unclaimed(member, sessions, command.signed_up_before, work.now):
        return None
    return await begin(command, work)


async def sweep_unclaimed(
    run: Runner,
    signed_up_before: datetime,
    *,
    actor: shared.Actor,
    dry_run: bool = False,
    watch: Callable[[int], None] = lambda done: None,
) -> SweptAccounts:
    """Erase every account that nobody claimed, and finish what was begun before."""
    if not dry_run:
        begun: tuple[UUID, ...] = await run.read(unfinished, Unfinished(), actor=actor)
        for user_id in begun:
            await go_on(user_id, run)
    question, erased, kept = Unclaimed(signed_up_before=signed_up_before), 0, 0
    while found := await run.read(unclaimed, question, actor=actor):
        done = await asyncio.gather(*(_erase(one, question, run, actor, dry_run=dry_run) for one in found))
        erased, kept = erased + done.count(True), kept + done.count(False)
        watch(erased + kept)
        question = shared.evolve(question, after=found[-1])
    return SweptAccounts(erased, kept)


async def _erase(
    user_id: UUID, question: Unclaimed, run: Runner, actor: shared.Actor, *, dry_run: bool
) -> bool | None:
    """Whether an account was erased; None where it was claimed meanwhile."""
    before = question.signed_up_before
    wish = EraseUnclaimed(user_id=user_id, grounds="law", signed_up_before=before)
    try:
        begun = await run(begin_unclaimed, wish, actor=actor, dry_run=dry_run)
    except privacy.MemberBound:
        return False
    if begun is None:
        return None
    if not dry_run:
        await go_on(user_id, run)
    return True
