"""Who may not is refused, and so is what is made of wrong values."""

from typing import Any

import pytest
from touching import SHOP, Touch, funded, spend, stumble

from baobab.application import points
from baobab.application.points import GetBalance, GetStatement
from baobab.application.runner import InvalidCommand
from baobab.application.work import ADMINS, ANYONE, SIGNED_IN, Work, query, use_case
from baobab.domain import shared
from builders import World


@use_case(allow=ANYONE)
async def knock(command: Touch, work: Work) -> shared.Role:
    return work.actor.role


@use_case(allow=SIGNED_IN)
async def enter(command: Touch, work: Work) -> shared.Role:
    return work.actor.role


@query(allow=ADMINS)
async def look(question: GetBalance, read: Any) -> shared.Role:
    role: shared.Role = read.actor.role
    return role


async def test_a_stranger_is_asked_to_sign_in_and_others_are_refused(world: World) -> None:
    wish, question, stranger = Touch(user_id=SHOP), GetBalance(user_id=SHOP), shared.Actor()
    assert await world.run(knock, wish, actor=stranger) == "anonymous"
    assert await world.run(enter, wish, actor=world.member("partner_staff")) == "partner_staff"
    assert await world.run.read(look, question, actor=world.member("service")) == "service"
    for attempt in (world.run(enter, wish, actor=stranger), world.run.read(look, question, actor=stranger)):
        with pytest.raises(shared.Unauthenticated):
            await attempt
    for attempt in (
        world.run(stumble, wish, actor=world.member()),
        world.run.read(look, question, actor=world.member("partner_owner")),
    ):
        with pytest.raises(shared.Forbidden):
            await attempt


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 5.5},
        {"amount": "5"},
        {"amount": True},
        {"amount": None},
        {"amount": 2**70},
        {"user_id": "nobody"},
        {"user_id": 1j},
        {"unit": ""},
        {"source_type": "theft"},
    ],
    ids=str,
)
async def test_a_command_made_of_wrong_values_is_refused_before_it_is_run(
    world: World, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        await world.run(points.spend, shared.evolve(spend(SHOP), **wrong), actor=world.admin)
    assert caught.value.reason


async def test_a_question_made_of_wrong_values_is_refused(world: World) -> None:
    with pytest.raises(InvalidCommand, match="limit"):
        await world.run.read(points.statement, GetStatement(user_id=SHOP, limit=0), actor=world.admin)


async def test_a_command_is_what_its_json_says(any_world: World) -> None:
    """An id that came as text is the id: it finds the account that is there."""
    member = await funded(any_world)
    wish: Any = spend(member)
    found = await any_world.run(points.spend, shared.evolve(wish, user_id=str(member)), actor=any_world.admin)
    assert found.user_id == member
    assert found.balance == 99
