"""Passwords by Argon2id (argon2-cffi, its defaults: RFC 9106, low memory), in threads of their own."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..application.identity import TooManyPasswords

T = TypeVar("T")


class Argon2Secrets:
    """The real thing: some tens of milliseconds a password, off the event loop.

    A password takes 64 MiB and all that the processors have, so that few are hashed `at_once` (half as many
    as there are processors) and only so many wait; beyond, TooManyPasswords is raised.
    """

    def __init__(self, *, at_once: int | None = None, most_waiting: int = 32) -> None:
        self._hasher = PasswordHasher()
        at_once = at_once or max(1, (os.cpu_count() or 1) // 2)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="password")
        self._most = self._room = at_once + most_waiting

    @property
    def waiting(self) -> int:
        """Passwords that are hashed, or wait to be."""
        return self._most - self._room

    async def hash(self, password: str) -> str:
        return await self._apart(self._hasher.hash, password)

    async def matches(self, password_hash: str, password: str) -> bool:
        return await self._apart(self._matches, password_hash, password)

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

    def random(self, size: int) -> bytes:
        return os.urandom(size)
