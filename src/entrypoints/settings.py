"""Configuration, from the environment alone. A wrong value is named before anything starts."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from ..domain import shared

PREFIX = "BAOBAB_"


class InvalidSetting(ValueError):
    """An environment variable that cannot be understood."""


class Settings(shared.Record):
    """What can be set, with its default.

    `database_url` empty means the embedded server in `data_dir`. `sandbox` offers payments that
    only pretend; turn it off where real money is taken. `limited_network_cents` is what may be redeemed in
    twelve months before a limited network must be notified.
    """

    database_url: str = ""
    data_dir: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    connections: int = 8
    sandbox: bool = True
    log_level: str = "info"
    limited_network_cents: int = 100_000_000

    @property
    def data_path(self) -> Path:
        """Where the embedded server keeps its data: by default the user's data folder."""
        return Path(self.data_dir).expanduser() if self.data_dir else platformdirs.user_data_path("baobab")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment. Raises InvalidSetting, naming the variable."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        name = PREFIX + field.name.upper()
        if value := environment.get(name, "").strip():
            try:
                given[field.name] = msgspec.convert(value, field.type, strict=False)
            except msgspec.ValidationError as error:
                raise InvalidSetting(f"{name}={value!r} cannot be used: {error}") from None
    settings = Settings(**given)
    if not 0 <= settings.port <= 65_535:
        raise InvalidSetting(f"{PREFIX}PORT={settings.port} is not a port: 0 to 65535")
    if not 1 <= settings.connections <= 500:
        raise InvalidSetting(f"{PREFIX}CONNECTIONS={settings.connections} is not from 1 to 500")
    if not 1 <= settings.limited_network_cents <= shared.MOST:
        raise InvalidSetting(f"{PREFIX}LIMITED_NETWORK_CENTS={settings.limited_network_cents} is no amount")
    return settings
