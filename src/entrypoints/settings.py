"""Configuration, from the environment alone. A wrong value is named before anything starts."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ..domain import shared
from .secret import InvalidSetting, Secret, secret_from
from .tills import check_provider
from .values import ForwardedHeader, Rate, networks_of, origins_of

__all__ = ["PREFIX", "InvalidSetting", "Secret", "Settings", "from_environment"]

PREFIX = "BAOBAB_"
LEAST_KEY, LEAST_SIGNS = 32, 8
"""Characters of each key that other secrets are encrypted with, and how many different ones."""
SECRETS = ("database_url", "secret_key", "smtp_url", "stripe_key", "stripe_webhook_secret")
"""What may be given as a file, by the variable's name with `_FILE` after it."""

LISTS: dict[str, Callable[[str], tuple[Any, ...]]] = {
    "trusted_proxies": networks_of,
    "cors_origins": origins_of,
    "metrics_from": networks_of,
}
"""Settings that hold several values."""


class Settings(shared.Record):
    """What can be set, with its default.

    `database_url` empty means the embedded server in `data_dir`. `sandbox` offers payments that
    only pretend; turn it off where real money is taken. `limited_network_cents` is what may be redeemed in
    twelve months before a limited network must be notified.

    `secret_key` encrypts what must be read again (the secrets of second factors); the embedded server has
    one in `data_dir`. `smtp_url` empty: no mail leaves. `public_url` is where people reach the service: it
    stands in the links of mails. `stripe_api_base` empty: Stripe itself. What is left is explained in
    docs/reference/configuration.md.
    """

    database_url: str = ""
    data_dir: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    connections: int = 8
    sandbox: bool = True
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    limited_network_cents: int = 100_000_000
    secret_key: Secret = Secret()
    smtp_url: Secret = Secret()
    mail_from: str = ""
    public_url: str = ""
    stripe_key: Secret = Secret()
    stripe_webhook_secret: Secret = Secret()
    stripe_api_base: str = ""
    stripe_public_key: str = ""
    webhook_window: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 300
    database_wait: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 60.0
    statement_timeout: Annotated[float, msgspec.Meta(ge=0.1, le=3_600)] = 12.0
    lock_timeout: Annotated[float, msgspec.Meta(ge=0.1, le=3_600)] = 10.0
    most_waiting: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2_000
    most_requests: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 256
    notice_seconds: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 0.0
    drain_seconds: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 20.0
    rate_limits: bool = True
    rate_reads: Rate = Rate(1_200, 60)
    rate_writes: Rate = Rate(300, 60)
    rate_strangers: Rate = Rate(30, 60)
    rate_address_reads: Rate = Rate(6_000, 60)
    rate_address_writes: Rate = Rate(1_200, 60)
    trusted_proxies: str = ""
    forwarded_header: ForwardedHeader = "x-forwarded-for"
    cors_origins: str = ""
    metrics_from: str = "127.0.0.0/8, ::1"
    log_format: Literal["text", "json"] = "text"
    log_requests: bool = False
    session_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 30
    session_limit_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 180
    link_minutes: Annotated[int, msgspec.Meta(ge=1, le=1_440)] = 30
    verify_hours: Annotated[int, msgspec.Meta(ge=1, le=8_760)] = 48
    unverified_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 30
    require_second_factor: bool = False

    def __repr__(self) -> str:
        """Every setting, without what nobody should read: the password of the database neither."""
        shown = ((name, getattr(self, name)) for name in self.__struct_fields__ if name != "database_url")
        fields = ", ".join(f"{name}={value!r}" for name, value in shown)
        return f"Settings(database_url={without_password(self.database_url)!r}, {fields})"

    @property
    def data_path(self) -> Path:
        """Where the embedded server keeps its data: by default the user's data folder."""
        return Path(self.data_dir).expanduser() if self.data_dir else platformdirs.user_data_path("baobab")

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys of `secret_key`, the one that seals first."""
        return tuple(key for one in self.secret_key.reveal().split(",") if (key := one.strip()))

    @property
    def mail_path(self) -> Path:
        """Where letters are written as long as no mail server is named."""
        return self.data_path / "mail"


def without_password(url: str) -> str:
    """An address as it may be shown: the password is `***`, and options stay away."""
    if not url:
        return ""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "***"


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment. Raises InvalidSetting, naming the variable."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        name = PREFIX + field.name.upper()
        read = secret_from if field.name in SECRETS else _variable
        if value := read(environment, name):
            given[field.name] = _understood(name, value, field.type)
    settings = Settings(**given)
    _check(settings)
    return settings


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()


def _understood(name: str, value: str, kind: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    try:
        return Rate.of(value) if kind is Rate else msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise InvalidSetting(f"{name}={value!r} cannot be used: {error}") from None


def _check_keys(settings: Settings) -> None:
    if any(len(key) < LEAST_KEY or len(set(key)) < LEAST_SIGNS for key in settings.secret_keys):
        raise InvalidSetting(
            f"{PREFIX}SECRET_KEY has fewer than {LEAST_KEY} characters, or too few that differ"
        )
    is_public = settings.database_url and settings.public_url.startswith("https://")
    if is_public and not settings.secret_keys:
        raise InvalidSetting(f"{PREFIX}SECRET_KEY is needed beside {PREFIX}DATABASE_URL and an https address")


def _check_mail(settings: Settings) -> None:
    """That letters can be written and sent, where the settings say how."""
    if not (settings.smtp_url or settings.mail_from):
        return
    from ..adapters.mail import InvalidMailServer, is_sender, mailer_of  # noqa: PLC0415 (few commands send)

    try:
        mailer_of(settings.smtp_url.reveal(), settings.mail_from, settings.mail_path)
    except InvalidMailServer as error:
        raise InvalidSetting(f"{PREFIX}SMTP_URL cannot be used: {error}") from None
    if not is_sender(settings.mail_from):
        raise InvalidSetting(
            f"{PREFIX}MAIL_FROM={settings.mail_from!r} is no address such as The house <a@b.org>"
        )


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65_535:
        raise InvalidSetting(f"{PREFIX}PORT={settings.port} is not a port: 0 to 65535")
    if not 1 <= settings.connections <= 500:
        raise InvalidSetting(f"{PREFIX}CONNECTIONS={settings.connections} is not from 1 to 500")
    if not 1 <= settings.limited_network_cents <= shared.MOST:
        raise InvalidSetting(f"{PREFIX}LIMITED_NETWORK_CENTS={settings.limited_network_cents} is no amount")
    _check_keys(settings)
    _check_mail(settings)
    if settings.verify_hours > 24 * settings.unverified_days:
        raise InvalidSetting(f"{PREFIX}UNVERIFIED_DAYS is over before {PREFIX}VERIFY_HOURS are")
    for name, url in (("PUBLIC_URL", settings.public_url), ("STRIPE_API_BASE", settings.stripe_api_base)):
        if url and not url.startswith(("http://", "https://")):
            raise InvalidSetting(f"{PREFIX}{name}={url} is not an address: http:// or https:// and a host")
    check_provider(
        sandbox=settings.sandbox,
        key=settings.stripe_key.reveal(),
        webhook_secret=settings.stripe_webhook_secret.reveal(),
        public_key=settings.stripe_public_key,
        api_base=settings.stripe_api_base,
    )
    for name, read in LISTS.items():
        try:
            read(getattr(settings, name))
        except ValueError as error:
            raise InvalidSetting(f"{PREFIX}{name.upper()} cannot be used: {error}") from None
