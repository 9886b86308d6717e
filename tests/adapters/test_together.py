"""Look-ups that arrive together share one statement."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from baobab.adapters.postgres.together import Together


class Shelf:
    """Finds the square of a small number; each statement waits until it is let go."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()

    async def look_up(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.asked.append(list(keys))
        await self.gate.wait()
        if 13 in keys:
            raise RuntimeError("unlucky")
        return {key: key * key for key in keys if key < 100}


async def settle() -> None:
    """Let every task go on until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_goes_at_once_and_those_behind_it_share_the_next_statement() -> None:
    shelf = Shelf()
    together = Together(shelf.look_up)
    first = asyncio.create_task(together.find(1))
    await settle()
    others = [asyncio.create_task(together.find(key)) for key in (2, 3, 2, 500)]
    await settle()
    shelf.gate.set()
    assert [await first, *[await one for one in others]] == [1, 4, 9, 4, None]
    assert shelf.asked == [[1], [2, 3, 500]]


async def test_one_who_comes_while_a_statement_runs_does_not_join_it() -> None:
    shelf = Shelf()
    together = Together(shelf.look_up)
    before = asyncio.create_task(together.find(7))
    await settle()
    after = asyncio.create_task(together.find(7))
    await settle()
    shelf.gate.set()
    assert (await before, await after) == (49, 49)
    assert shelf.asked == [[7], [7]]


async def test_no_statement_asks_for_more_than_its_most() -> None:
    shelf = Shelf()
    shelf.gate.set()
    together = Together(shelf.look_up, most=2)
    assert await asyncio.gather(*map(together.find, range(5))) == [0, 1, 4, 9, 16]
    assert [len(keys) for keys in shelf.asked] == [2, 2, 1]


async def test_a_failure_is_everybodys_and_the_next_statement_is_sound() -> None:
    shelf = Shelf()
    shelf.gate.set()
    together = Together(shelf.look_up)
    failed = await asyncio.gather(together.find(12), together.find(13), return_exceptions=True)
    assert [type(one) for one in failed] == [RuntimeError, RuntimeError]
    assert await together.find(12) == 144


async def test_one_who_goes_away_disturbs_nobody() -> None:
    shelf = Shelf()
    together = Together(shelf.look_up)
    leaving, staying = (asyncio.create_task(together.find(key)) for key in (4, 5))
    await settle()
    leaving.cancel()
    shelf.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == 25
