"""Passwords, sealed secrets, common words and the codes of telephones."""

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from baobab.adapters.common_passwords import is_common
from baobab.adapters.second_factor import Totp
from baobab.adapters.secrets import Argon2Secrets
from baobab.application.identity import NoSecretKey

OLD, NEW = "an old key of some length, at least", "a new key of some length, at least"
AT = datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)
"""1234567890 seconds: a vector of RFC 6238, whose SHA-1 code ends in 005924."""
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""`12345678901234567890`, as RFC 6238 has it."""


def test_what_is_sealed_is_read_with_any_of_the_keys_and_with_no_other() -> None:
    sealed = Argon2Secrets([OLD]).seal("BAOBAB")
    assert "BAOBAB" not in sealed
    assert Argon2Secrets([NEW, OLD]).unseal(sealed) == "BAOBAB"
    assert Argon2Secrets([NEW]).unseal(sealed) is None
    assert Argon2Secrets([OLD]).unseal(Argon2Secrets([NEW, OLD]).seal("BAOBAB")) is None
    assert Argon2Secrets([OLD]).unseal("é no seal") is None


def test_a_seal_has_a_time() -> None:
    secrets = Argon2Secrets([OLD])
    sealed = secrets.seal("BAOBAB")
    assert secrets.unseal(sealed, 60) == "BAOBAB"
    assert secrets.unseal(sealed, -1) is None


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(NoSecretKey):
        Argon2Secrets().seal("BAOBAB")
    assert Argon2Secrets().unseal(Argon2Secrets([OLD]).seal("BAOBAB")) is None


def test_a_digest_is_the_same_in_every_process_that_has_the_key() -> None:
    assert Argon2Secrets([OLD]).digest("12345678") == Argon2Secrets([OLD, NEW]).digest("12345678")
    assert Argon2Secrets([OLD]).digest("12345678") != Argon2Secrets([NEW]).digest("12345678")
    assert len(Argon2Secrets().digest("12345678")) == 32


async def test_a_password_is_the_same_however_a_keyboard_composes_its_letters() -> None:
    secrets = Argon2Secrets()
    composed, apart = "m\u00e9lilot en for\u00eat", "me\u0301lilot en fore\u0302t"
    assert await secrets.matches(await secrets.hash(composed), apart)
    assert await secrets.matches(await secrets.hash(apart), composed)
    assert not await secrets.matches(await secrets.hash(composed), "melilot en foret")


async def test_a_hash_of_weaker_parameters_is_outdated_and_still_right() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")
    secrets = Argon2Secrets([OLD])
    assert await secrets.matches(weak, "correct horse")
    assert secrets.is_outdated(weak)
    assert not secrets.is_outdated(await secrets.hash("correct horse"))


@pytest.mark.parametrize(
    "password", ["password123", "Basketball1", "1234567890", "QWERTYUIOP", "dragondragon"]
)
def test_what_many_use_is_common_whatever_its_case_and_the_digits_around_it(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize("password", ["correct horse", "écorce et feuilles", "9#x!Qz7-wv"])
def test_what_few_use_is_not_common(password: str) -> None:
    assert not is_common(password)


def test_a_telephone_counts_as_the_standard_says() -> None:
    step = Totp().step(SECRET, "005924", AT)
    assert step == 1234567890 // 30
    assert Totp().step(SECRET, "005925", AT) == 0


@pytest.mark.parametrize(
    ("seconds", "known"), [(-30, True), (0, True), (30, True), (-60, False), (60, False)]
)
def test_clocks_may_differ_by_a_step(seconds: int, known: bool) -> None:
    assert bool(Totp().step(SECRET, "005924", AT + timedelta(seconds=seconds))) == known


def test_a_secret_is_chance_and_its_link_names_the_house_and_the_member() -> None:
    totp = Totp()
    assert (len(totp.secret()), totp.secret() == totp.secret()) == (32, False)
    link = totp.link(SECRET, "member-1@example.org")
    assert link.startswith("otpauth://totp/baobab:member-1%40example.org?secret=GEZDGNBV")
