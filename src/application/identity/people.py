"""What is kept of people beside their account, and what can be asked of it (M2, M3, M4, M6).

All of it is changed under the lock of its member.
"""

from typing import Any, Protocol
from uuid import UUID

from ...domain import shared
from ...domain.identity import LevelChange, Member
from ...domain.identity.checks import Check
from ...domain.identity.consent import Consent
from ...domain.identity.profile import Profile
from ..work import Kind, Read
from .records import MEMBERS, HasIdentity

PROFILES = Kind(Profile, "profile", ("user_id",), guard=lambda one: MEMBERS.key(one.user_id))
CHECKS = Kind(
    Check,
    "kyc_check",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    changes=(
        "status",
        "provider",
        "evidence",
        "expires_at",
        "decided_at",
        "decided_by",
        "reason",
        "revoked_at",
        "revoked_by",
        "revoked_reason",
    ),
    guard=lambda one: MEMBERS.key(one.user_id),
)
CONSENTS = Kind(Consent, "consent", ("user_id", "id"), {"purpose": ("user_id", "purpose")}, changes=())
KINDS: tuple[Kind[Any], ...] = (PROFILES, CHECKS, CONSENTS)


class ProfileOf(shared.Record):
    """A member with their profile, where they have written one."""

    member: Member
    profile: Profile | None


class PeopleQueries(Protocol):
    """The read side of what is kept of people."""

    async def profile(self, user_id: UUID) -> ProfileOf | None: ...

    async def level_changes(self, user_id: UUID, limit: int, before: UUID | None) -> list[LevelChange]:
        """The changes of a member's level, newest first."""
        ...

    async def checks(self, user_id: UUID) -> list[Check]:
        """The checks of a member's identity, oldest first."""
        ...

    async def pending_checks(self, limit: int, after: UUID | None) -> list[Check]:
        """Everybody's checks that were not decided yet, those that waited too long included, oldest first."""
        ...

    async def consents(self, user_id: UUID, limit: int, before: UUID | None) -> list[Consent]:
        """What a member said, newest first."""
        ...

    async def last_consents(self, user_id: UUID) -> list[Consent]:
        """What a member said last for each purpose."""
        ...


class HasPeople(HasIdentity, Protocol):
    @property
    def people(self) -> PeopleQueries: ...


async def whose(user_id: UUID, read: Read[HasIdentity]) -> Member:
    """The member whose things are asked for: oneself, or anybody for an admin. Raises NotFound."""
    read.actor.must_own(user_id, "member", user_id)
    member = await read.ports.identity.member(user_id)
    if member is None:
        raise shared.NotFound(kind="member", id=str(user_id))
    return member
