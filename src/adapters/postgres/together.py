"""Look-ups that arrive together share one statement, as commands share a transaction.

While a statement is under way, arriving look-ups wait for the next one; none waits for company, and none
joins a statement that was sent before it came, so that everybody reads what was committed before they asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """`await together.find(key)`: what `look_up` finds for it, None where it finds nothing."""

    def __init__(self, look_up: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], most: int = 256) -> None:
        self._look_up, self._most = look_up, most
        self._waiting: list[tuple[K, asyncio.Future[V | None]]] = []
        self._driver: asyncio.Task[None] | None = None

    async def find(self, key: K) -> V | None:
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._driver is None:
            self._driver = asyncio.create_task(self._drive())
        return await answer

    async def _drive(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer([one for one in asked if not one[1].done()])
        finally:
            self._driver = None

    async def _answer(self, asked: Sequence[tuple[K, asyncio.Future[V | None]]]) -> None:
        try:
            found = await self._look_up(list({key: None for key, _ in asked}))
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for key, answer in asked:
                if not answer.done():
                    answer.set_result(found.get(key))
