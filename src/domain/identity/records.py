"""What identity keeps of people: members, how they sign in, what proves it, sessions, keys, levels."""

from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from ..shared import Event, Personal, Record, Role, Secret

Level = Literal["explorateur", "protecteur", "ambassadeur"]


MemberRole = Literal["member", "partner_staff", "partner_owner", "admin"]


MemberStatus = Literal["active", "suspended", "erased"]
LoginKind = Literal["email"]
KeyRole = Literal["owner", "service"]
Purpose = Literal["verify", "add_email", "sign_in", "reset"]
"""What something sent by mail is good for."""


LEVELS: tuple[Level, ...] = get_args(Level)
"""From the lowest to the highest."""


class Login(Record):
    """An address that its owner proved to have: the one row for it among all accounts. An e-mail is in lower
    case."""

    kind: LoginKind
    value: Personal[str]
    user_id: UUID
    created_at: datetime


class Password(Record):
    """The hash of a member's password. Who has none signs in by mail."""

    user_id: UUID
    hash: Secret[str]
    changed_at: datetime


class Member(Record):
    """A person with an account. `level` is computed from facts, never written by hand.

    `email` is where they are written to; it was proved to be theirs at `verified_at`, and until then it
    signs nobody in. `standing` says why somebody is suspended.
    """

    user_id: UUID
    email: Personal[str]
    name: Personal[str]
    role: MemberRole
    level: Level
    status: MemberStatus
    producer_id: UUID | None
    created_at: datetime
    verified_at: datetime | None = None
    standing: Personal[str] = ""


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
    """A sign-in that lasts until it expires or is revoked. Only the hash of its token is stored.

    Each use moves `expires_at`, up to `ends_at`. `strong` is one that was opened with a second factor.
    """

    user_id: UUID
    id: UUID
    token_hash: Secret[bytes]
    device: Personal[str]
    address: Personal[str]
    expires_at: datetime
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    strong: bool = False
    revoked_at: datetime | None = None


class ApiKey(Record):
    """A credential for a program: acts as its owner, or as a service, within its scopes. Only the hash of its
    token is stored."""

    user_id: UUID
    id: UUID
    token_hash: Secret[bytes]
    name: Personal[str]
    acts_as: KeyRole
    scopes: tuple[str, ...]
    strong: bool
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class Proof(Record):
    """What was sent to an address so that whoever reads it can show it: a link, and a code beside it. Only
    hashes are stored. There is one for a member and a purpose, and it is gone once it was shown."""

    user_id: UUID
    purpose: Purpose
    address: Personal[str]
    token_hash: Secret[bytes]
    code_hash: Secret[bytes]
    expires_at: datetime
    created_at: datetime
    wrong: int = 0


class SecondFactor(Record):
    """The secret that a member's telephone counts codes from, sealed. `last_step` is the time step of the
    last code that was taken: none is taken twice. `recovery` are hashes of codes for whoever lost the
    telephone."""

    user_id: UUID
    sealed: Secret[str]
    created_at: datetime
    confirmed_at: datetime | None = None
    last_step: int = 0
    recovery: Secret[tuple[str, ...]] = ()


class Attempts(Record):
    """How often somebody tried in vain of late. `who` is the hash of an account or an address; `last_at` the
    last time, or for what fades the time since which nothing did."""

    who: str
    count: int
    last_at: datetime
    until: datetime


class MemberEvent(Event):
    """What happened to a member."""

    user_id: UUID


class MemberEnrolled(MemberEvent, tag="identity.member_enrolled"): ...


class EmailVerified(MemberEvent, tag="identity.email_verified"): ...


class EmailRemoved(MemberEvent, tag="identity.email_removed"): ...


class EmailChanged(MemberEvent, tag="identity.email_changed"):
    """Another of their addresses is the one that they are written to."""


class PasswordChanged(MemberEvent, tag="identity.password_changed"): ...


class SecondFactorOn(MemberEvent, tag="identity.second_factor_on"): ...


class SecondFactorOff(MemberEvent, tag="identity.second_factor_off"): ...


class KeyMade(MemberEvent, tag="identity.key_made"):
    key_id: UUID


class KeyRevoked(MemberEvent, tag="identity.key_revoked"):
    key_id: UUID


class Suspended(MemberEvent, tag="identity.suspended"): ...


class Reinstated(MemberEvent, tag="identity.reinstated"): ...


class RoleChanged(MemberEvent, tag="identity.role_changed"):
    role: Role
    producer_id: UUID | None


class LevelReached(MemberEvent, tag="identity.level_reached"):
    level: Level
