"""People: e-mails, sessions, roles and levels."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from baobab.domain import identity, shared

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
ID = UUID(int=7)


def member(**changes: object) -> identity.Member:
    plain = identity.Member(ID, "member-1@example.org", "Member", "member", "explorateur", "active", None, AT)
    return shared.evolve(plain, **changes)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Member-1@Example.ORG", "member-1@example.org"),
        ("  a@b.co ", "a@b.co"),
        ("first+tag@sub.example.org", "first+tag@sub.example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@bu\u0308cher.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@example\u3002org", "a@example.org"),
    ],
)
def test_an_email_is_unique_whatever_its_case(given: str, kept: str) -> None:
    assert identity.email_of(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a",
        "@b.co",
        "a@",
        "a@b",
        "a@@b.co",
        "a@.co",
        "a@b.",
        "a b@c.co",
        "a@b..co",
        "a\n@b.co",
        "a" * 250 + "@b.co",
        "a" * 65 + "@b.co",
        "a@" + "b" * 64 + ".co",
        "a@-b.co",
        "a@b_.co",
        "a@b.co.",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        ".a@b.co",
        "a..b@b.co",
    ],
)
def test_what_is_no_email_is_named(given: str) -> None:
    with pytest.raises(identity.InvalidEmail) as refused:
        identity.email_of(given)
    assert refused.value.email == given


@pytest.mark.parametrize(
    "given",
    [
        "=?utf-8?q?a=40evil.org=3E?=@b.co",
        "a,victim@b.co",
        "x<victim@b.co",
        "a:victim@b.co",
        "x(c)@b.co",
        '"x"@b.co',
        ";a@b.co",
        "a@b<c.co",
    ],
)
def test_what_a_mail_program_would_write_to_another_address_is_no_email(given: str) -> None:
    with pytest.raises(identity.InvalidEmail):
        identity.email_of(given)


@pytest.mark.parametrize(
    "given", ["caf\u00e9@b.co", "cafe\u0301@b.co", "\u0430@b.co", "\uff41@b.co", "\u212a@b.co"]
)
def test_what_only_looks_like_an_email_is_none(given: str) -> None:
    """Letters beyond ASCII before the @ look like others, and are written in several ways."""
    with pytest.raises(identity.InvalidEmail):
        identity.email_of(given)


def test_a_password_has_ten_characters() -> None:
    assert identity.check_password("0123456789") == "0123456789"
    with pytest.raises(identity.PasswordTooShort):
        identity.check_password("012345678")


def test_a_session_lasts_thirty_days_unless_it_is_revoked() -> None:
    session = identity.open_session(member(), id=ID, token_hash=b"", device="", address="", at=AT)
    assert identity.is_open(session, AT + timedelta(days=30) - timedelta(seconds=1))
    assert not identity.is_open(session, AT + timedelta(days=30))
    revoked = identity.revoke(session, AT)
    assert not identity.is_open(revoked, AT)
    assert identity.revoke(revoked, AT + timedelta(days=1)) == revoked


def test_a_suspended_member_opens_no_session() -> None:
    with pytest.raises(identity.MemberSuspended):
        identity.open_session(member(status="suspended"), id=ID, token_hash=b"", device="", address="", at=AT)


def test_a_partner_acts_for_a_producer_and_nobody_else_does() -> None:
    partner, event = identity.with_role(member(), "partner_owner", UUID(int=9))
    assert (partner.role, partner.producer_id, event.producer_id) == (
        "partner_owner",
        UUID(int=9),
        UUID(int=9),
    )
    admin, _ = identity.with_role(partner, "admin", UUID(int=9))
    assert admin.producer_id is None
    with pytest.raises(identity.ProducerNeeded):
        identity.with_role(member(), "partner_staff", None)


@pytest.mark.parametrize(
    ("investments", "subscriptions", "level"),
    [
        (0, 0, "explorateur"),
        (1, 0, "protecteur"),
        (3, 0, "protecteur"),
        (0, 1, "ambassadeur"),
        (2, 1, "ambassadeur"),
    ],
)
def test_the_level_follows_from_the_facts(investments: int, subscriptions: int, level: str) -> None:
    assert identity.level_for(investments, subscriptions) == level


def test_a_change_of_level_leaves_a_line_and_no_change_leaves_none() -> None:
    changed = identity.with_level(member(), 2, 0, id=ID, reason="invested", at=AT)
    assert changed is not None
    assert changed[0].level == "protecteur"
    assert changed[1] == identity.LevelChange(ID, ID, "protecteur", "invested", AT, 2, 0)
    assert identity.with_level(changed[0], 1, 0, id=ID, reason="withdrawn", at=AT) is None


def test_levels_are_ordered() -> None:
    assert identity.at_least("ambassadeur", "protecteur")
    assert identity.at_least("protecteur", "protecteur")
    assert not identity.at_least("explorateur", "protecteur")
