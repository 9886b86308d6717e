"""A member's profile: read and replaced by themselves or an administrator (M2)."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.identity import check_there
from ...domain.identity import profile as rules
from ...domain.identity.profile import Notifications, Preferences, Profile, SocialLink
from ..work import SIGNED_IN, Read, Wanted, Work, query, use_case
from .people import PROFILES, HasPeople, ProfileOf
from .records import MEMBERS

PartOfName = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Links = Annotated[tuple[SocialLink, ...], msgspec.Meta(max_length=10)]


class ProfileBody(shared.Command, kw_only=True):
    """A whole profile, in place of the one that was read at `version`; what is left out is empty then.

    `display_name` is what others see.
    """

    version: shared.Version
    display_name: shared.Personal[shared.Name]
    given_name: shared.Personal[PartOfName] = ""
    family_name: shared.Personal[PartOfName] = ""
    birth_date: shared.Personal[date | None] = None
    phone: shared.Personal[shared.Phone | None] = None
    address: shared.Personal[shared.Address | None] = None
    bio: shared.Personal[shared.Note] = ""
    avatar_url: shared.Personal[shared.Url | None] = None
    links: shared.Personal[Links] = ()
    notifications: Notifications = Notifications()
    preferences: Preferences = Preferences()


class ReplaceProfile(ProfileBody, kw_only=True):
    """Replace a member's profile."""

    user_id: UUID


class GetProfile(shared.Query, kw_only=True):
    user_id: UUID


class ProfileView(shared.Record):
    """What a member says of themselves."""

    user_id: UUID
    version: int
    display_name: shared.Personal[str]
    given_name: shared.Personal[str]
    family_name: shared.Personal[str]
    birth_date: shared.Personal[date | None]
    phone: shared.Personal[str | None]
    address: shared.Personal[shared.Address | None]
    bio: shared.Personal[str]
    avatar_url: shared.Personal[str | None]
    links: shared.Personal[tuple[SocialLink, ...]]
    notifications: Notifications
    preferences: Preferences


def _locks(command: ReplaceProfile, work: Work) -> tuple[Wanted, ...]:
    work.actor.must_own(command.user_id, "member", command.user_id)
    return (MEMBERS.key(command.user_id), PROFILES.key(command.user_id))


@use_case(allow=SIGNED_IN, locks=_locks)
async def replace(command: ReplaceProfile, work: Work) -> ProfileView:
    """Replace one's own profile, or any as an admin: the name that others see, too.

    Raises StaleVersion, BirthDateImplausible, NetworkTwice, LinkElsewhere, MemberGone.
    """
    member = check_there(work.get(MEMBERS.key(command.user_id)))
    before = work.find(PROFILES.key(command.user_id)) or Profile(command.user_id)
    wished = shared.recast(Profile, command)
    after, replaced = rules.replace(before, wished, command.version, work.now)
    named = shared.evolve(member, name=command.display_name)
    work.save(after, *([named] if named != member else []))
    work.record(replaced)
    return _view(ProfileOf(named, after))


@query(allow=SIGNED_IN)
async def profile(question: GetProfile, read: Read[HasPeople]) -> ProfileView:
    """One's own profile; any for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    found = await read.ports.people.profile(question.user_id)
    if found is None:
        raise shared.NotFound(kind="member", id=str(question.user_id))
    return _view(found)


def _view(found: ProfileOf) -> ProfileView:
    profile = found.profile or Profile(found.member.user_id)
    return shared.recast(ProfileView, profile, display_name=found.member.name)
