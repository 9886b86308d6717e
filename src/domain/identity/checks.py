"""Whether a member is who they say: checks of their identity, and the level that follows (M4).

Level 0 is a verified e-mail, 1 a light check, 2 a complete one. A check is asked for, decided once by
an administrator or a provider, and may be revoked: nothing that was said of it is overwritten, and who
asks again has another one. What ran out has run out, whether or not anybody wrote it down.

    Forbidden
    └── OwnCheck            nobody decides on their own
    StateForbids
    ├── CheckUnderWay       one at a time
    ├── CheckNotPending     it is decided already
    └── CheckNotVerified    only a verified one can be revoked
    RuleForbids
    └── ValidityImplausible a check holds for some time, and not for ever
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from .. import shared

KycLevel = Literal[0, 1, 2]
CheckedLevel = Literal[1, 2]
CheckStatus = Literal["pending", "verified", "failed", "revoked", "expired"]
Verdict = Literal["verified", "failed", "expired"]


class CheckPolicy(shared.Record):
    """How many days a check waits for its decision, how many months a verified one holds at most, and who
    checks where nobody else is named. Days are those of `zone`."""

    pending_days: int = 30
    valid_months: int = 24
    provider: str = "manual"
    zone: str = "Europe/Paris"


class OwnCheck(shared.Forbidden):
    message = "Nobody decides on their own verification."


class CheckUnderWay(shared.StateForbids):
    message = "A verification for level {level} waits for its decision until {until}."
    level: int
    until: datetime


class CheckNotPending(shared.StateForbids):
    message = "The verification is {status}: only a pending one is decided."
    status: str


class CheckNotVerified(shared.StateForbids):
    message = "The verification is {status}: only a verified one is revoked."
    status: str


class ValidityImplausible(shared.RuleForbids):
    message = "A verification holds until a day from {earliest} to {latest}."
    earliest: date
    latest: date


class Check(shared.Record):
    """A check of a member's identity for a level.

    `evidence` is how the provider knows it, `status` what was last said of it, which holds until
    `expires_at`: see `status_at`.
    """

    user_id: UUID
    id: UUID
    level: CheckedLevel
    status: CheckStatus
    provider: str
    evidence: shared.Personal[str]
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: UUID | None = None
    reason: shared.Personal[str] = ""
    revoked_at: datetime | None = None
    revoked_by: UUID | None = None
    revoked_reason: shared.Personal[str] = ""


class Decision(shared.Record):
    """What is decided of a check, by whom, and why. Without a day it is valid for as long as it may be."""

    verdict: Verdict
    by: UUID
    reason: str
    provider: str = ""
    evidence: str = ""
    valid_until: date | None = None


class CheckAsked(shared.Event, tag="identity.check_asked"):
    user_id: UUID
    check_id: UUID
    level: CheckedLevel


class CheckDecided(shared.Event, tag="identity.check_decided"):
    user_id: UUID
    check_id: UUID
    level: CheckedLevel
    status: CheckStatus


class CheckRevoked(shared.Event, tag="identity.check_revoked"):
    user_id: UUID
    check_id: UUID
    level: CheckedLevel


def status_at(check: Check, at: datetime) -> CheckStatus:
    """What the status is at an instant: what waits too long or held long enough has expired."""
    runs = check.status in ("pending", "verified")
    return "expired" if runs and check.expires_at <= at else check.status


def level_of(checks: Iterable[Check], at: datetime) -> KycLevel:
    """The level that the checks of a member give at an instant."""
    levels: list[KycLevel] = [one.level for one in checks if status_at(one, at) == "verified"]
    return max(levels, default=0)


def ask(
    wished: Check, others: Iterable[Check], policy: CheckPolicy, at: datetime
) -> tuple[Check, CheckAsked]:
    """A check that waits for its decision. Raises CheckUnderWay where another one of the member does."""
    for other in others:
        if status_at(other, at) == "pending":
            raise CheckUnderWay(level=other.level, until=other.expires_at)
    last = shared.day_in(at, policy.zone) + timedelta(days=policy.pending_days)
    check = shared.evolve(wished, status="pending", expires_at=shared.end_of_day(last, policy.zone))
    return check, CheckAsked(check.user_id, check.id, check.level)


def decide(check: Check, given: Decision, policy: CheckPolicy, at: datetime) -> tuple[Check, CheckDecided]:
    """The check decided. Raises OwnCheck, CheckNotPending, ValidityImplausible."""
    if given.by == check.user_id:
        raise OwnCheck
    if (status := status_at(check, at)) != "pending":
        raise CheckNotPending(status=status)
    until = valid_until(given.valid_until, policy, at) if given.verdict == "verified" else check.expires_at
    decided = shared.evolve(
        check,
        status=given.verdict,
        provider=given.provider or check.provider,
        evidence=given.evidence or check.evidence,
        expires_at=until,
        decided_at=at,
        decided_by=given.by,
        reason=given.reason,
    )
    return decided, CheckDecided(decided.user_id, decided.id, decided.level, decided.status)


def valid_until(day: date | None, policy: CheckPolicy, at: datetime) -> datetime:
    """The instant at which the last valid day is over. Raises ValidityImplausible."""
    today = shared.day_in(at, policy.zone)
    latest = shared.add_months(today, policy.valid_months)
    if day is not None and not today <= day <= latest:
        raise ValidityImplausible(earliest=today, latest=latest)
    return shared.end_of_day(day or latest, policy.zone)


def revoke(check: Check, by: UUID, reason: str, at: datetime) -> tuple[Check, CheckRevoked]:
    """The check no longer holds. Raises OwnCheck, CheckNotVerified."""
    if by == check.user_id:
        raise OwnCheck
    if (status := status_at(check, at)) != "verified":
        raise CheckNotVerified(status=status)
    gone = shared.evolve(check, status="revoked", revoked_at=at, revoked_by=by, revoked_reason=reason)
    return gone, CheckRevoked(gone.user_id, gone.id, gone.level)
