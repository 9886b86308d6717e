"""What identity keeps of people: members, how they sign in, sessions, levels."""

from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from ..shared import Event, Record, Role

Level = Literal["explorateur", "protecteur", "ambassadeur"]


MemberRole = Literal["member", "partner_staff", "partner_owner", "admin"]


MemberStatus = Literal["active", "suspended"]


LEVELS: tuple[Level, ...] = get_args(Level)
"""From the lowest to the highest."""


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
    """When a member came to a level, what changed, and of how many active investments and subscriptions the
    level follows."""

    user_id: UUID
    id: UUID
    level: Level
    reason: str
    at: datetime
    investments: int
    subscriptions: int


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
