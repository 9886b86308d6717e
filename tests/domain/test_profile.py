"""What a member says of themselves: what can be true, and what is refused."""

from datetime import UTC, date, datetime
from typing import get_args
from uuid import UUID

import pytest

from baobab.domain import shared
from baobab.domain.identity import profile
from baobab.domain.identity.profile import Profile, SocialLink

ID = UUID(int=7)
AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


def test_a_profile_is_replaced_as_a_whole_and_gets_the_next_version() -> None:
    before = Profile(ID, given_name="A", bio="Grows thyme.", version=3)
    wished = Profile(UUID(int=8), family_name="B", version=99)
    after, event = profile.replace(before, wished, 3, AT)
    assert after == Profile(ID, family_name="B", version=4)
    assert event == profile.ProfileReplaced(ID, 4)


def test_who_read_an_older_version_replaces_nothing() -> None:
    with pytest.raises(shared.StaleVersion) as refused:
        profile.replace(Profile(ID, version=3), Profile(ID), 2, AT)
    assert (refused.value.given, refused.value.current) == (2, 3)


@pytest.mark.parametrize("born", [date(1899, 12, 31), date(2026, 3, 3)])
def test_nobody_was_born_before_1900_or_after_today(born: date) -> None:
    with pytest.raises(profile.BirthDateImplausible):
        profile.replace(Profile(ID), Profile(ID, birth_date=born), 1, AT)


@pytest.mark.parametrize("born", [None, date(1900, 1, 1), date(2026, 3, 2)])
def test_every_day_between_can_be_a_birth_date(born: date | None) -> None:
    after, _ = profile.replace(Profile(ID), Profile(ID, birth_date=born), 1, AT)
    assert after.birth_date == born


def test_there_is_one_link_to_a_network() -> None:
    twice = (SocialLink("website", "https://example.org"), SocialLink("website", "https://example.com"))
    with pytest.raises(profile.NetworkTwice) as refused:
        profile.check_links(twice)
    assert refused.value.network == "website"


@pytest.mark.parametrize(
    "url",
    [
        "https://instagram.com.example.org/olives",
        "https://notinstagram.com/olives",
        "https://example.org/instagram.com",
        "https://instagram.com@example.org/",
        "https://example.org\\@instagram.com/",
        "https://[instagram.com/",
        "https:///instagram.com",
    ],
)
def test_a_link_that_only_looks_like_the_network_is_refused(url: str) -> None:
    with pytest.raises(profile.LinkElsewhere):
        profile.check_links((SocialLink("instagram", url),))


def test_a_link_leads_to_its_network_or_to_wherever_the_member_has_a_page() -> None:
    profile.check_links(
        (
            SocialLink("instagram", "https://www.INSTAGRAM.com/olives"),
            SocialLink("youtube", "https://youtu.be?v=abc"),
            SocialLink("mastodon", "https://social.example.org/@olives"),
            SocialLink("website", "http://example.org"),
        )
    )
    assert set(profile.HOSTS) <= set(get_args(profile.Network))


def test_what_is_personal_is_marked_by_its_type() -> None:
    said = {name for name, hint in Profile.__annotations__.items() if personal(hint)}
    assert set(Profile.__struct_fields__) - said == {"user_id", "notifications", "preferences", "version"}


def personal(hint: object) -> bool:
    return any(
        (getattr(one, "extra", None) or {}).get("personal") for one in getattr(hint, "__metadata__", ())
    )
