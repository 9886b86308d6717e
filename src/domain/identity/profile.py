"""What a member says of themselves: names, birth date, phone, address, bio, links, wishes (M2).

The name that others see is `Member.name` and nothing else: a profile shows it and replaces it, but has
no copy of it. Every member has a profile from the beginning, empty and at version 1.

    RuleForbids
    ├── BirthDateImplausible   nobody was born then
    ├── NetworkTwice           one link to a network
    └── LinkElsewhere          a link leads to the network that it names
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal, get_args
from uuid import UUID

from .. import shared

Language = Literal["fr", "en"]
Network = Literal[
    "website", "mastodon", "facebook", "instagram", "linkedin", "pinterest", "tiktok", "youtube"
]

LANGUAGES: tuple[Language, ...] = get_args(Language)
EARLIEST_BIRTH = date(1900, 1, 1)
HOSTS: dict[Network, tuple[str, ...]] = {
    "facebook": ("facebook.com",),
    "instagram": ("instagram.com",),
    "linkedin": ("linkedin.com",),
    "pinterest": ("pinterest.com", "pinterest.fr"),
    "tiktok": ("tiktok.com",),
    "youtube": ("youtube.com", "youtu.be"),
}
"""Where the pages of a network are; those of the others may be anywhere."""
PLAIN_URL = re.compile(r"https?://([a-z0-9.-]+)(?:[/?#][^\\]*)?\Z")


class BirthDateImplausible(shared.RuleForbids):
    message = "A birth date lies from {earliest} to {latest}."
    earliest: date
    latest: date


class NetworkTwice(shared.RuleForbids):
    message = "There are two links to {network}: give one."
    network: Network


class LinkElsewhere(shared.RuleForbids):
    message = "{url} is no page of {network}."
    network: Network
    url: str


class SocialLink(shared.Record, forbid_unknown_fields=True):
    """A page of a member on a network."""

    network: Network
    url: shared.Url


class Notifications(shared.Record, forbid_unknown_fields=True):
    """How a member wants to be told, and of which topics not."""

    by_email: bool = True
    in_app: bool = True
    muted: shared.Codes = ()


class Preferences(shared.Record, forbid_unknown_fields=True):
    """How a member wants things to be."""

    language: Language = "fr"


class Profile(shared.Record):
    """What a member says of themselves; what is not said is empty. `phone` is in the form of E.164."""

    user_id: UUID
    given_name: shared.Personal[str] = ""
    family_name: shared.Personal[str] = ""
    birth_date: shared.Personal[date | None] = None
    phone: shared.Personal[str | None] = None
    address: shared.Personal[shared.Address | None] = None
    bio: shared.Personal[str] = ""
    avatar_url: shared.Personal[str | None] = None
    links: shared.Personal[tuple[SocialLink, ...]] = ()
    notifications: Notifications = Notifications()
    preferences: Preferences = Preferences()
    version: int = 1


class ProfileReplaced(shared.Event, tag="identity.profile_replaced"):
    user_id: UUID
    version: int


def replace(before: Profile, wished: Profile, given: int, at: datetime) -> tuple[Profile, ProfileReplaced]:
    """The profile as it is wished by who read version `given`, as the next version.

    Raises StaleVersion, BirthDateImplausible, NetworkTwice, LinkElsewhere.
    """
    shared.check_version("profile", given, before.version)
    check_birth_date(wished.birth_date, at)
    check_links(wished.links)
    after = shared.evolve(wished, user_id=before.user_id, version=before.version + 1)
    return after, ProfileReplaced(after.user_id, after.version)


def check_birth_date(born: date | None, at: datetime) -> None:
    """Raise BirthDateImplausible for a day after the one of `at` (UTC), or before everybody's birth."""
    if born is not None and not EARLIEST_BIRTH <= born <= at.date():
        raise BirthDateImplausible(earliest=EARLIEST_BIRTH, latest=at.date())


def check_links(links: Iterable[SocialLink]) -> None:
    """Raise NetworkTwice or LinkElsewhere unless each network is named once and led to."""
    seen: set[Network] = set()
    for link in links:
        if link.network in seen:
            raise NetworkTwice(network=link.network)
        if link.network in HOSTS and not _is_at(link.url, HOSTS[link.network]):
            raise LinkElsewhere(network=link.network, url=link.url)
        seen.add(link.network)


def _is_at(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether a browser would go to one of these hosts, or to a part of one: an address that can be read in
    two ways leads nowhere."""
    plain = PLAIN_URL.match(url.lower())
    host = plain[1] if plain else ""
    return any(host == one or host.endswith(f".{one}") for one in hosts)
