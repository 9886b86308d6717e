"""Configuration comes from the environment; a wrong value is named."""

import re
from pathlib import Path

import msgspec
import pytest

from baobab.entrypoints.secret import MOST_SECRET, kept_secret
from baobab.entrypoints.settings import (
    LEAST_KEY,
    PREFIX,
    SECRETS,
    InvalidSetting,
    Secret,
    Settings,
    from_environment,
    without_password,
)
from baobab.entrypoints.values import Rate, networks_of, origins_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
PLANTED = "planted-secret-0123456789-0123456789"


def test_nothing_set_means_the_defaults() -> None:
    assert from_environment({}) == Settings()
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8000)


def test_every_value_is_read() -> None:
    settings = from_environment(
        {"BAOBAB_PORT": "9000", "BAOBAB_SANDBOX": "false", "BAOBAB_DATA_DIR": "/srv/x"}
    )
    assert (settings.port, settings.sandbox, settings.data_path) == (9000, False, Path("/srv/x"))


def test_a_rate_is_so_many_in_so_many_seconds_or_off() -> None:
    settings = from_environment({"BAOBAB_RATE_READS": "7/2", "BAOBAB_RATE_WRITES": "off"})
    assert (settings.rate_reads, settings.rate_writes) == (Rate(7, 2), Rate(0, 0))


def test_lists_are_read_with_their_spaces() -> None:
    assert [str(one) for one in networks_of("10.0.0.0/8, ::1,")] == ["10.0.0.0/8", "::1/128"]
    assert origins_of("https://a.example.org, http://localhost:3000") == (
        "https://a.example.org",
        "http://localhost:3000",
    )


def test_the_embedded_server_s_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = kept_secret(tmp_path / "secret_key")
    assert made == kept_secret(tmp_path / "secret_key")
    assert len(made.reveal()) >= LEAST_KEY
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_an_empty_value_is_no_value() -> None:
    assert from_environment({"BAOBAB_PORT": "  "}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BAOBAB_PORT", "eighty"),
        ("BAOBAB_PORT", "70000"),
        ("BAOBAB_CONNECTIONS", "0"),
        ("BAOBAB_SANDBOX", "perhaps"),
        ("BAOBAB_LIMITED_NETWORK_CENTS", "0"),
        ("BAOBAB_PUBLIC_URL", "api.example.org"),
        ("BAOBAB_STRIPE_API_BASE", "ftp://stripe"),
        ("BAOBAB_SECRET_KEY", "too short"),
        ("BAOBAB_SECRET_KEY", "new,one that is old, long enough and good"),
        ("BAOBAB_SECRET_KEY", "a" * 64),
        ("BAOBAB_SMTP_URL", "smtp://"),
        ("BAOBAB_SMTP_URL", "http://mail.example.org"),
        ("BAOBAB_MAIL_FROM", "the house"),
        ("BAOBAB_MAIL_FROM", "a@example.org, b@example.org"),
        ("BAOBAB_MAIL_FROM", "a@example.org\nBcc: b@example.org"),
        ("BAOBAB_RATE_READS", "many"),
        ("BAOBAB_RATE_READS", "0/60"),
        ("BAOBAB_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("BAOBAB_METRICS_FROM", "everybody"),
        ("BAOBAB_CORS_ORIGINS", "*"),
        ("BAOBAB_CORS_ORIGINS", "https://*.example.org"),
        ("BAOBAB_CORS_ORIGINS", "https://example.org/shop"),
        ("BAOBAB_FORWARDED_HEADER", "x-real-ip"),
        ("BAOBAB_STATEMENT_TIMEOUT", "0"),
        ("BAOBAB_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=name):
        from_environment({name: value})


KEY = "a key that is for tests and nothing else"


def test_several_keys_are_separated_by_commas_and_the_first_seals() -> None:
    given = {"BAOBAB_SECRET_KEY": f" {KEY} 2, {KEY} 1,"}
    assert from_environment(given).secret_keys == (f"{KEY} 2", f"{KEY} 1")


def test_a_service_in_the_open_has_a_key_of_its_own() -> None:
    """Else the codes of its letters are kept under none, and read in any copy of the database."""
    given = {"BAOBAB_DATABASE_URL": "postgresql://u@h/n", "BAOBAB_PUBLIC_URL": "https://api.example.org"}
    with pytest.raises(InvalidSetting, match="BAOBAB_SECRET_KEY is needed"):
        from_environment(given)
    from_environment(given | {"BAOBAB_SECRET_KEY": KEY})
    from_environment(given | {"BAOBAB_PUBLIC_URL": "http://localhost:8000"})
    from_environment(given | {"BAOBAB_DATABASE_URL": ""})


def test_a_file_that_anybody_may_change_holds_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o602)
    with pytest.raises(InvalidSetting, match="can be changed by anybody"):
        from_environment({"BAOBAB_SECRET_KEY_FILE": str(file)})
    file.chmod(0o600)
    assert from_environment({"BAOBAB_SECRET_KEY_FILE": str(file)}).secret_keys == (KEY,)


def test_a_mail_server_that_is_none_is_named_without_its_password() -> None:
    with pytest.raises(InvalidSetting, match="BAOBAB_SMTP_URL") as refused:
        from_environment({"BAOBAB_SMTP_URL": f"smtp://u:{PLANTED}@"})
    assert PLANTED not in str(refused.value)
    given = {"BAOBAB_SMTP_URL": "smtp://u:p@h:587", "BAOBAB_MAIL_FROM": "The house <house@example.org>"}
    assert from_environment(given).mail_from == given["BAOBAB_MAIL_FROM"]


STRIPE = {
    "BAOBAB_SANDBOX": "false",
    "BAOBAB_STRIPE_KEY": f"sk_test_{PLANTED}",
    "BAOBAB_STRIPE_WEBHOOK_SECRET": f"whsec_{PLANTED}",
    "BAOBAB_STRIPE_PUBLIC_KEY": "pk_test_open",
}
BEGINS = {"stripe_key": "sk_test_", "stripe_webhook_secret": "whsec_", "smtp_url": "smtp://"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"SANDBOX": "true"}, "SANDBOX is on"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "without STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_KEY": ""}, "without STRIPE_KEY"),
        ({"STRIPE_KEY": f"pk_test_{PLANTED}"}, "no secret key"),
        ({"STRIPE_WEBHOOK_SECRET": PLANTED}, "no signing secret"),
        ({"STRIPE_PUBLIC_KEY": f"sk_test_{PLANTED}"}, "begins with pk_"),
        ({"STRIPE_PUBLIC_KEY": "pk_live_open"}, "one for real money"),
        ({"STRIPE_KEY": f"sk_live_{PLANTED}"}, "one for real money"),
        (
            {
                "STRIPE_KEY": f"sk_live_{PLANTED}",
                "STRIPE_PUBLIC_KEY": "",
                "STRIPE_API_BASE": "https://stripe.example.org",
            },
            "live key",
        ),
        ({"STRIPE_API_BASE": "http://stripe.example.org"}, "in clear"),
        ({"WEBHOOK_WINDOW": "0"}, "WINDOW"),
    ],
)
def test_settings_that_would_not_take_money_soundly_are_refused(changes: dict[str, str], why: str) -> None:
    from_environment(STRIPE)
    from_environment({**STRIPE, "BAOBAB_STRIPE_API_BASE": "http://127.0.0.1:8420"})
    with pytest.raises(InvalidSetting, match=why) as refused:
        from_environment({**STRIPE, **{PREFIX + name: value for name, value in changes.items()}})
    assert PLANTED not in str(refused.value)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_the_environment_or_from_a_file(name: str, tmp_path: Path) -> None:
    file, value = tmp_path / "secret", BEGINS.get(name, "") + PLANTED
    file.write_text(f"{value}\n")
    variable = PREFIX + name.upper()
    others = {one: given for one, given in STRIPE.items() if one != variable} if "stripe" in name else {}
    direct = getattr(from_environment({**others, variable: value}), name)
    assert direct == getattr(from_environment({**others, f"{variable}_FILE": str(file)}), name)
    assert (direct.reveal() if isinstance(direct, Secret) else direct) == value


def test_every_secret_can_be_given_as_a_file() -> None:
    kinds = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    assert {name for name, kind in kinds.items() if kind is Secret} | {"database_url"} == set(SECRETS)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\xff" + PLANTED.encode(), "not text"),
        (PLANTED.encode() * (MOST_SECRET // 8), "too long"),
    ],
)
def test_a_wrong_file_is_named_with_its_variable_and_its_content_is_not(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSetting, match=f"BAOBAB_STRIPE_KEY_FILE: .*{why}") as refused:
        from_environment({"BAOBAB_STRIPE_KEY_FILE": str(file)})
    assert PLANTED not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_secret_given_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="both set"):
        from_environment({"BAOBAB_SMTP_URL": "smtp://one", "BAOBAB_SMTP_URL_FILE": str(tmp_path)})


def test_settings_never_show_a_secret() -> None:
    url = f"postgresql://baobab:{PLANTED}@db.example.org/baobab?password={PLANTED}"
    settings = Settings(database_url=url, secret_key=Secret(PLANTED), stripe_key=Secret(PLANTED))
    for shown in (repr(settings), str(settings), f"{settings}", f"{settings.stripe_key}", f"{[settings]}"):
        assert PLANTED not in shown
    assert "db.example.org" in repr(settings)
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)


def test_a_secret_is_there_or_not_and_equals_its_like() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert {Secret("a"): 1}[Secret("a")] == 1
    assert Secret("a") != "a"
    assert (bool(Secret("a")), bool(Secret())) == (True, False)
    assert (repr(Secret()), str(Secret())) == ("Secret('')", "")


def test_an_address_that_is_none_is_not_shown() -> None:
    assert (without_password("nonsense"), without_password("")) == ("***", "")


def test_every_setting_is_in_the_reference() -> None:
    documented = set(re.findall(r"^\| `(BAOBAB_\w+)`", PAGE.read_text(), re.MULTILINE))
    assert documented == {PREFIX + name.upper() for name in Settings.__struct_fields__}
