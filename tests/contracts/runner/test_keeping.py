"""What is kept in a process is read again in time, and whenever somebody writes."""

import pytest
from coins import RATES, Rate

from baobab.application.runner import Runner
from baobab.application.work import ADMINS, Wanted, Work, use_case
from baobab.domain import shared
from builders import World


class Ask(shared.Command, kw_only=True):
    """Look at a rate, by its name and with the others of its area; with `value`, set it."""

    name: str = "points"
    value: int | None = None


def rate_keys(command: Ask, work: Work) -> tuple[Wanted, ...]:
    return (RATES.key(command.name), RATES.group("area", "here"))


@use_case(allow=ADMINS, loads=[rate_keys])
async def ask_rate(command: Ask, work: Work) -> tuple[int | None, int]:
    """The value of the rate, and how many there are."""
    rate = work.find(RATES.key(command.name))
    return rate and rate.value, len(work.list(RATES.group("area", "here")))


@use_case(allow=ADMINS, locks=rate_keys)
async def set_rate(command: Ask, work: Work) -> None:
    if command.value is not None:
        work.save(Rate(command.name, command.value))


@pytest.fixture
async def other(coin_world: World) -> Runner:
    """Another process, which has set the rate of points to 1; the world has asked for it since."""
    other = coin_world.runner()
    await other(set_rate, Ask(value=1), actor=coin_world.admin)
    assert await asked(coin_world) == (1, 1)
    return other


async def asked(world: World, name: str = "points") -> tuple[int | None, int]:
    return await world.run(ask_rate, Ask(name=name), actor=world.admin)


async def test_what_is_kept_is_read_again_when_it_is_half_a_minute_old(
    coin_world: World, other: Runner
) -> None:
    coin_world.clock.advance(seconds=10)
    await other(set_rate, Ask(value=2), actor=coin_world.admin)
    coin_world.clock.advance(seconds=19.9)
    assert await asked(coin_world) == (1, 1)
    coin_world.clock.advance(seconds=0.1)
    assert await asked(coin_world) == (2, 1)


async def test_what_is_kept_is_read_again_when_the_clock_is_turned_back(
    coin_world: World, other: Runner
) -> None:
    await other(set_rate, Ask(value=2), actor=coin_world.admin)
    coin_world.clock.advance(seconds=-1)
    assert await asked(coin_world) == (2, 1)


async def test_who_writes_reads_again(coin_world: World, other: Runner) -> None:
    await other(set_rate, Ask(name="pearls", value=2), actor=coin_world.admin)
    await coin_world.run(set_rate, Ask(value=3), actor=coin_world.admin)
    assert await asked(coin_world) == (3, 2)


async def test_that_there_is_nothing_is_kept_too(coin_world: World, other: Runner) -> None:
    assert await asked(coin_world, "pearls") == (None, 1)
    await other(set_rate, Ask(name="pearls", value=2), actor=coin_world.admin)
    assert await asked(coin_world, "pearls") == (None, 1)
    coin_world.clock.advance(seconds=30)
    assert await asked(coin_world, "pearls") == (2, 2)


async def test_who_writes_what_is_kept_from_an_old_look_meets_the_other_and_reads_again(
    coin_world: World, other: Runner
) -> None:
    assert await asked(coin_world, "pearls") == (None, 1)
    await other(set_rate, Ask(name="pearls", value=2), actor=coin_world.admin)
    await coin_world.run(set_rate, Ask(name="pearls", value=3), actor=coin_world.admin)
    assert await asked(coin_world, "pearls") == (3, 2)
