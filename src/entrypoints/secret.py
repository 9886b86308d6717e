"""Values that never show themselves, and where they come from: the environment, or a file that it names."""

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

MOST_SECRET = 64 * 1024
"""Bytes that a file with a secret may have."""


class InvalidSetting(ValueError):
    """An environment variable that cannot be understood."""


class Secret:
    """A value that nobody reads by accident: printed, formatted or logged it is `***`, it cannot be
    encoded, and it is compared in constant time. False where there is none."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for whoever it is meant for."""
        return self._value

    def __bool__(self) -> bool:
        return self._value != ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')" if self else "Secret('')"

    def __str__(self) -> str:
        return "***" if self else ""


def secret_from(environment: Mapping[str, str], name: str) -> str:
    """What stands in the variable, or in the file that the variable with `_FILE` after its name names;
    empty where neither is set. Raises InvalidSetting, which never tells what was found."""
    value = environment.get(name, "").strip()
    path = environment.get(name + "_FILE", "").strip()
    if value and path:
        raise InvalidSetting(f"{name} and {name}_FILE are both set: which of the two is meant?")
    return _content(name + "_FILE", Path(path)) if path else value


def _content(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                raise InvalidSetting(f"{name}: {path} can be changed by anybody: chmod 600")
            found = file.read(MOST_SECRET + 1)
        text = found.decode().strip()
    except OSError as error:
        raise InvalidSetting(f"{name}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidSetting(f"{name}: {path} is not text in UTF-8") from None
    if not text or len(found) > MOST_SECRET:
        raise InvalidSetting(f"{name}: {path} is {'empty' if not text else 'too long for a secret'}")
    return text


def kept_secret(path: Path) -> Secret:
    """The secret of a file that only its owner reads; made where there is none, whoever comes first."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Secret(_content("The data folder", path))
