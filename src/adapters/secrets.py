"""Passwords by Argon2id (argon2-cffi, its defaults: RFC 9106, low memory), in threads of their own, and what
must be read again encrypted by Fernet (cryptography)."""

import asyncio
import hashlib
import hmac
import os
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..application.identity import NoSecretKey, TooManyPasswords

T = TypeVar("T")


class Argon2Secrets:
    """The real thing: some tens of milliseconds a password, off the event loop.

    A password takes 64 MiB and all that the processors have, so that few are hashed `at_once` (half as many
    as there are processors) and only so many wait; beyond, TooManyPasswords is raised.

    Of the `keys` the first seals, all unseal: to rotate, put a new one in front, and take the old one away
    when nothing is sealed with it any more. What was digested with the old first one is forgotten: counted
    attempts, and the codes of mails that are under way.
    """

    def __init__(
        self, keys: Sequence[str] = (), *, at_once: int | None = None, most_waiting: int = 32
    ) -> None:
        self._seals = MultiFernet([Fernet(_derived(key, b"seal")) for key in keys]) if keys else None
        self._digest_key = _derived(keys[0], b"digest") if keys else b""
        self._hasher = PasswordHasher()
        at_once = at_once or max(1, (os.cpu_count() or 1) // 2)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="password")
        self._most = self._room = at_once + most_waiting

    @property
    def waiting(self) -> int:
        """Passwords that are hashed, or wait to be."""
        return self._most - self._room

    async def hash(self, password: str) -> str:
        return await self._apart(self._hasher.hash, _composed(password))

    async def matches(self, password_hash: str, password: str) -> bool:
        return await self._apart(self._matches, password_hash, _composed(password))

    async def _apart(self, work: Callable[..., T], *args: str) -> T:
        if not self._room:
            raise TooManyPasswords
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._room += 1

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def digest(self, text: str) -> bytes:
        return hmac.digest(self._digest_key, text.encode(), hashlib.sha256)

    def seal(self, text: str) -> str:
        if self._seals is None:
            raise NoSecretKey
        return self._seals.encrypt(text.encode()).decode()

    def unseal(self, sealed: str, most_seconds: int | None = None) -> str | None:
        if self._seals is None:
            return None
        try:
            return self._seals.decrypt(sealed.encode(), most_seconds).decode()
        except (InvalidToken, ValueError):
            return None


def _composed(password: str) -> str:
    """The same text, however a keyboard put its letters together (é or e and ´): NFC, as NIST SP 800-63B asks
    for one form."""
    return unicodedata.normalize("NFC", password)


def _derived(key: str, purpose: bytes) -> bytes:
    """A key for one purpose, as Fernet takes it."""
    made = HKDF(SHA256(), length=32, salt=None, info=b"baobab " + purpose).derive(key.encode())
    return urlsafe_b64encode(made)
