"""What identity keeps, shows and asks of its ports."""

from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import identity, shared
from ...domain.identity import (
    ApiKey,
    Attempts,
    Level,
    LevelChange,
    Login,
    Member,
    MemberRole,
    Password,
    Proof,
    SecondFactor,
    Session,
)
from ..work import Key, Kind, Listed

LOGINS = Kind(Login, "login", ("kind", "value"), {"owner": ("user_id",)}, root=True, removable=True)
MEMBERS = Kind(Member, "member", ("user_id",), root=True)
LEVEL_CHANGES = Kind(
    LevelChange, "level_change", ("user_id", "id"), changes=(), unaudited="it says itself when and why"
)
PASSWORDS = Kind(Password, "password", ("user_id",), removable=True)
PROOFS = Kind(Proof, "proof", ("user_id", "purpose"), removable=True)
SECOND_FACTORS = Kind(SecondFactor, "second_factor", ("user_id",), removable=True)
"""Passwords, proofs and second factors are guarded by the lock of their member."""
SESSIONS = Kind(
    Session,
    "session",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    root=True,
    removable=True,
    changes=("device", "address", "expires_at", "last_seen_at", "strong", "revoked_at"),
)
API_KEYS = Kind(
    ApiKey,
    "api_key",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    root=True,
    removable=True,
    changes=("name", "expires_at", "last_used_at", "revoked_at"),
)
ATTEMPTS = Kind(
    Attempts,
    "attempts",
    ("who",),
    {"oldest": Listed(by=(), order=("last_at",), most=4)},
    root=True,
    removable=True,
    unaudited="it counts tries, and is forgotten by itself",
)
KINDS: tuple[Kind[Any], ...] = (
    LOGINS,
    MEMBERS,
    LEVEL_CHANGES,
    PASSWORDS,
    PROOFS,
    SECOND_FACTORS,
    SESSIONS,
    API_KEYS,
    ATTEMPTS,
)


def email_key(email: str) -> Key[Login]:
    """The login of an e-mail. Raises InvalidEmail."""
    return LOGINS.key("email", identity.email_of(email))


Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, examples=["member-1@example.org"])]


Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=identity.MOST_PASSWORD)]


MOST_DEVICE = 200
Device = Annotated[str, msgspec.Meta(max_length=MOST_DEVICE, pattern=r"^[^\x00]*\Z")]


Scope = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:(read|write)\Z", examples=["points:read"])]
ShortCode = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{8}\Z", description="The code of a mail.", examples=["40718263"])
]
LinkText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+\Z", description="Of a link.")
]


class TooManyPasswords(shared.Unavailable):
    message = "Too many people sign up or in at this moment; nothing was changed. Try again."


class NoSecretKey(shared.Unavailable):
    message = "This service has no key to keep secrets with: its operator must set one."


class Secrets(Protocol):
    """What makes, checks and keeps secrets. Passwords are slow on purpose, so never inside a transaction.

    Hashing and matching raise TooManyPasswords where too many wait already; sealing raises NoSecretKey.
    """

    async def hash(self, password: str) -> str: ...

    async def matches(self, password_hash: str, password: str) -> bool: ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than one of today."""
        ...

    def random(self, size: int) -> bytes: ...

    def digest(self, text: str) -> bytes:
        """A hash that nobody without the key can make: for what is short enough to be guessed."""
        ...

    def seal(self, text: str) -> str:
        """Encrypted, so that `unseal` reads it, and nobody else; with the time."""
        ...

    def unseal(self, sealed: str, most_seconds: int | None = None) -> str | None:
        """What was sealed; None where it was not sealed here, or too long ago."""
        ...


class Authenticator(Protocol):
    """What counts the codes of a second factor, as a telephone does."""

    def secret(self) -> str: ...

    def link(self, secret: str, email: str) -> str:
        """What a telephone reads as a QR code."""
        ...

    def step(self, secret: str, code: str, at: datetime) -> int:
        """The time step that a code belongs to, if it is about now; 0 for a wrong one."""
        ...


class MemberView(shared.Record):
    """A member as they and administrators see them. Until `verified_at` the e-mail signs nobody in."""

    user_id: UUID
    email: shared.Personal[str]
    name: shared.Personal[str]
    role: MemberRole
    level: Level
    status: identity.MemberStatus
    producer_id: UUID | None
    created_at: datetime
    verified_at: datetime | None
    standing: shared.Personal[str]


class Account(shared.Record):
    """What signing in looks at."""

    member: Member
    password: Password | None
    factor: SecondFactor | None


class SessionView(shared.Record):
    """A session: where it was opened, and when and from where it was used last. `current` is the one that
    asks; `strong` one that was opened with a second factor."""

    id: UUID
    device: shared.Personal[str]
    address: shared.Personal[str]
    expires_at: datetime
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    strong: bool
    revoked_at: datetime | None
    current: bool = False


class SignedIn(shared.Record):
    """A fresh session. The token is shown this once: send it as `Authorization: Bearer <token>`."""

    token: str
    session: SessionView
    member: MemberView


class IdentityQueries(Protocol):
    """The read side of identity."""

    async def account(self, email: str) -> Account | None:
        """The account that an e-mail signs in to."""
        ...

    async def account_of(self, user_id: UUID) -> Account | None: ...

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None: ...

    async def key(self, user_id: UUID, key_id: UUID) -> tuple[ApiKey, Member] | None: ...

    async def member(self, user_id: UUID) -> Member | None: ...

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        """Members, newest first. Of those who wished for an e-mail the one who proved it comes first."""
        ...

    async def logins(self, user_id: UUID) -> list[Login]:
        """A member's addresses, oldest first."""
        ...


class CredentialQueries(Protocol):
    """What members see of their own credentials, and who has none."""

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        """A member's sessions, newest first, the closed ones included."""
        ...

    async def keys(self, user_id: UUID, limit: int, before: UUID | None) -> list[ApiKey]:
        """A member's API keys, newest first, those that are good no more included."""
        ...

    async def unclaimed(
        self, signed_up_before: datetime, at: datetime, after: UUID, limit: int
    ) -> list[UUID]:
        """Active members behind an id, by id, who verified nothing and are signed in nowhere."""
        ...


class HasIdentity(Protocol):
    @property
    def identity(self) -> IdentityQueries: ...


class HasCredentials(Protocol):
    @property
    def credentials(self) -> CredentialQueries: ...


def member_view(member: Member) -> MemberView:
    return MemberView(*(getattr(member, name) for name in MemberView.__struct_fields__))


def session_view(session: Session, current: UUID | None) -> SessionView:
    return shared.recast(SessionView, session, current=session.id == current)
