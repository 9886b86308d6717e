"""People: who they are, how they sign in, what they may do, and the level they reached (M1, M3, M5)."""

from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from ..shared import Event, Record, Role, RuleForbids, StateForbids, Unauthenticated, evolve

Level = Literal["explorateur", "protecteur", "ambassadeur"]
MemberRole = Literal["member", "partner_staff", "partner_owner", "admin"]
MemberStatus = Literal["active", "suspended"]

LEVELS: tuple[Level, ...] = get_args(Level)
"""From the lowest to the highest."""

SESSION_DAYS = 30
LEAST_PASSWORD = 10
MOST_PASSWORD = 200


class EmailTaken(StateForbids):
    message = "There is already an account for {email}."
    email: str


class InvalidEmail(RuleForbids):
    message = "{email} is not an e-mail address."
    email: str


class PasswordTooShort(RuleForbids):
    message = "A password has at least {least} characters."
    least: int


class WrongCredentials(Unauthenticated):
    message = "The e-mail or the password is wrong."


class MemberSuspended(StateForbids):
    message = "This account is suspended."


class ProducerNeeded(RuleForbids):
    message = "A partner acts for a producer: name it."


class Login(Record):
    """How somebody signs in: the one row for an e-mail, in lower case, that names its owner."""

    email: str
    user_id: UUID
    password_hash: str
    created_at: datetime


class Member(Record):
    """A person with an account. `level` is computed from facts, never written by hand."""

    user_id: UUID
    email: str
    name: str
    role: MemberRole
    level: Level
    status: MemberStatus
    producer_id: UUID | None
    created_at: datetime


class LevelChange(Record):
    """When a member came to a level, and why."""

    user_id: UUID
    id: UUID
    level: Level
    reason: str
    at: datetime


class Session(Record):
    """A sign-in that lasts until it expires or is revoked. Only the hash of its token is stored."""

    user_id: UUID
    id: UUID
    token_hash: bytes
    device: str
    address: str
    expires_at: datetime
    created_at: datetime
    revoked_at: datetime | None = None


class MemberEnrolled(Event, tag="identity.member_enrolled"):
    user_id: UUID
    email: str


class RoleChanged(Event, tag="identity.role_changed"):
    user_id: UUID
    role: Role
    producer_id: UUID | None


class LevelReached(Event, tag="identity.level_reached"):
    user_id: UUID
    level: Level


def at_least(level: Level, needed: Level) -> bool:
    """Whether `level` is `needed` or higher."""
    return LEVELS.index(level) >= LEVELS.index(needed)


def level_for(active_investments: int, active_subscriptions: int) -> Level:
    """The level that the facts give: an active subscription, else an active investment."""
    if active_subscriptions:
        return "ambassadeur"
    return "protecteur" if active_investments else "explorateur"


def email_of(text: str) -> str:
    """An e-mail in the form in which it is unique: trimmed, lower case. Raises InvalidEmail."""
    email = text.strip().lower()
    name, at, host = email.partition("@")
    well_formed = (
        name and at and "." in host.strip(".") and host[0] != "." and host[-1] != "." and "@" not in host
    )
    if not well_formed or ".." in email or not email.isprintable() or " " in email or len(email) > 254:
        raise InvalidEmail(email=text)
    return email


def check_password(password: str) -> str:
    """The password, or PasswordTooShort."""
    if len(password) < LEAST_PASSWORD:
        raise PasswordTooShort(least=LEAST_PASSWORD)
    return password


def open_session(
    member: Member, *, id: UUID, token_hash: bytes, device: str, address: str, at: datetime
) -> Session:
    """A new session of an active member. Raises MemberSuspended."""
    if member.status != "active":
        raise MemberSuspended
    return Session(member.user_id, id, token_hash, device, address, at + timedelta(days=SESSION_DAYS), at)


def is_open(session: Session, at: datetime) -> bool:
    """Whether a session still lets its owner in."""
    return session.revoked_at is None and session.expires_at > at


def revoke(session: Session, at: datetime) -> Session:
    """The session closed; one that is closed already stays as it was."""
    return evolve(session, revoked_at=at) if session.revoked_at is None else session


def with_role(member: Member, role: MemberRole, producer_id: UUID | None) -> tuple[Member, RoleChanged]:
    """The member in another role. A partner acts for a producer; nobody else does."""
    is_partner = role in ("partner_staff", "partner_owner")
    if is_partner and producer_id is None:
        raise ProducerNeeded
    changed = evolve(member, role=role, producer_id=producer_id if is_partner else None)
    return changed, RoleChanged(member.user_id, role, changed.producer_id)


def with_level(
    member: Member, level: Level, *, id: UUID, reason: str, at: datetime
) -> tuple[Member, LevelChange, LevelReached] | None:
    """The member at the level that the facts give, with its line of history; None if that is no change."""
    if member.level == level:
        return None
    change = LevelChange(member.user_id, id, level, reason, at)
    return evolve(member, level=level), change, LevelReached(member.user_id, level)
