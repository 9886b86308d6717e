"""Checks of who a member is: asked for, decided, revoked (M4)."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.identity import checks as rules
from ...domain.identity.checks import (
    Check,
    CheckedLevel,
    CheckPolicy,
    CheckStatus,
    Decision,
    KycLevel,
    Verdict,
)
from ..pages import Limit, Page, page_of, uuid_of
from ..work import ADMINS, SIGNED_IN, Read, Wanted, Work, query, use_case
from .people import CHECKS, HasPeople, whose
from .records import MEMBERS

POLICY = CheckPolicy()
Evidence = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="How whoever checks knows the documents; never the documents themselves.",
    ),
]


class AskedCheck(shared.Command, kw_only=True):
    """A level to be checked for, and where the documents are."""

    level: CheckedLevel
    evidence: shared.Personal[Evidence] = ""


class AskCheck(AskedCheck, kw_only=True):
    """Ask for a check of a member."""

    user_id: UUID


class Decided(shared.Command, kw_only=True):
    """What was found, and why. `provider` and `evidence` replace what was known; without `valid_until` a
    verified check holds for as long as one may."""

    verdict: Verdict
    reason: shared.Personal[shared.Reason]
    provider: shared.Code | None = None
    evidence: shared.Personal[Evidence] = ""
    valid_until: date | None = None


class DecideCheck(Decided, kw_only=True):
    """Decide a check of a member."""

    user_id: UUID
    check_id: UUID


class Revoked(shared.Command, kw_only=True):
    """Why a check no longer holds."""

    reason: shared.Personal[shared.Reason]


class RevokeCheck(Revoked, kw_only=True):
    """Revoke a verified check of a member."""

    user_id: UUID
    check_id: UUID


class CheckView(shared.Record):
    """A check of a member's identity. Its `status` holds until `expires_at`."""

    id: UUID
    user_id: UUID
    level: CheckedLevel
    status: CheckStatus
    provider: str
    evidence: shared.Personal[str]
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None
    reason: shared.Personal[str]
    revoked_at: datetime | None
    revoked_by: UUID | None
    revoked_reason: shared.Personal[str]


class ChecksView(shared.Record):
    """The level that a member's verified checks give now, and all of their checks, newest first."""

    user_id: UUID
    level: KycLevel
    checks: tuple[CheckView, ...]


class GetChecks(shared.Query, kw_only=True):
    user_id: UUID


class ListPending(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None


def _locks(command: AskCheck | DecideCheck | RevokeCheck, work: Work) -> tuple[Wanted, ...]:
    """A member's checks hold still under the lock of the member."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    return (MEMBERS.key(command.user_id), *keys(command.user_id))


def keys(user_id: UUID) -> tuple[Wanted, ...]:
    """What to load in order to know the `level` of a member, who is locked beside it."""
    return (CHECKS.group("owner", user_id),)


def level(work: Work, user_id: UUID) -> KycLevel:
    """The level that a member's verified checks give now, where its `keys` were loaded."""
    return rules.level_of(work.list(CHECKS.group("owner", user_id)), work.now)


@use_case(allow=SIGNED_IN, locks=_locks)
async def ask(command: AskCheck, work: Work) -> CheckView:
    """Ask for a check of oneself, or of anybody as an admin. Raises CheckUnderWay."""
    work.get(MEMBERS.key(command.user_id))
    others = work.list(CHECKS.group("owner", command.user_id))
    wished = Check(
        command.user_id,
        work.new_id(),
        command.level,
        "pending",
        POLICY.provider,
        command.evidence,
        asked_at=work.now,
        expires_at=work.now,
    )
    return _keep(work, *rules.ask(wished, others, POLICY, work.now))


@use_case(allow=ADMINS, locks=_locks)
async def decide(command: DecideCheck, work: Work) -> CheckView:
    """Decide a pending check. Raises OwnCheck, CheckNotPending, ValidityImplausible."""
    given = Decision(
        verdict=command.verdict,
        by=work.actor.user_id,
        reason=command.reason,
        provider=command.provider or "",
        evidence=command.evidence,
        valid_until=command.valid_until,
    )
    return _keep(work, *rules.decide(_found(command, work), given, POLICY, work.now))


@use_case(allow=ADMINS, locks=_locks)
async def revoke(command: RevokeCheck, work: Work) -> CheckView:
    """Revoke a verified check. Raises OwnCheck, CheckNotVerified."""
    check = _found(command, work)
    return _keep(work, *rules.revoke(check, work.actor.user_id, command.reason, work.now))


def _found(command: DecideCheck | RevokeCheck, work: Work) -> Check:
    """One of the member's checks. Raises NotFound."""
    for check in work.list(CHECKS.group("owner", command.user_id)):
        if check.id == command.check_id:
            return check
    raise shared.NotFound(kind="check", id=str(command.check_id))


def _keep(work: Work, check: Check, event: shared.Event) -> CheckView:
    work.save(check)
    work.record(event)
    return _view(check, work.now)


@query(allow=SIGNED_IN)
async def checks(question: GetChecks, read: Read[HasPeople]) -> ChecksView:
    """One's own level and checks; anybody's for an admin."""
    member = await whose(question.user_id, read)
    found = await read.ports.people.checks(member.user_id)
    views = tuple(_view(one, read.now) for one in reversed(found))
    return ChecksView(member.user_id, rules.level_of(found, read.now), views)


@query(allow=ADMINS)
async def pending(question: ListPending, read: Read[HasPeople]) -> Page[CheckView]:
    """Everybody's checks that were not decided yet, oldest first; those that waited too long are expired."""
    found = await read.ports.people.pending_checks(question.limit + 1, uuid_of(question.cursor))
    return page_of([_view(one, read.now) for one in found], question.limit, lambda one: one.id)


def _view(check: Check, at: datetime) -> CheckView:
    return shared.recast(CheckView, check, status=rules.status_at(check, at))
