"""What a session may change, and how it ends."""

import asyncio
from typing import Any

import pytest
from signing import OTHER, Signing

from baobab.application import identity
from baobab.application.identity import Porter, WishKey
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World


async def test_a_stolen_session_that_is_old_changes_nothing(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    world.clock.advance(minutes=16)
    with pytest.raises(rules.SignInAgain):
        await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    with pytest.raises(rules.SignInAgain):
        await identity.begin_second_factor(signing.gate, actor)
    with pytest.raises(rules.SignInAgain):
        await identity.new_key(WishKey(name="till", scopes=("points:read",)), signing.gate, actor)


async def test_signing_out_everywhere_may_keep_the_session_that_asks(world: World) -> None:
    signing = Signing(world)
    first, actor = await signing.join()
    second = await signing.sign_in()
    wish = identity.SignOut(user_id=actor.user_id, keep=actor.credential_id)
    assert (await world.run(identity.sign_out_everywhere, wish, actor=actor)).closed == 1
    await signing.actor(first.token)
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(second.token)
    with pytest.raises(shared.NotFound):
        await world.run(identity.sign_out_everywhere, wish, actor=world.member())


async def test_many_requests_of_a_session_write_down_once_that_it_is_in_use(world: World) -> None:
    signing = Signing(world)
    signed, actor = await signing.join()
    seen = []

    class Counted:
        clock = world.run.clock

        async def __call__(self, use_case: Any, command: Any, *, actor: shared.Actor) -> Any:
            seen.append(command.id)
            return await world.run(use_case, command, actor=actor)

    counted: Any = Counted()
    porter = Porter(counted, world.queries)
    await asyncio.gather(*(porter.actor_of(signed.token, "") for _ in range(5)))
    assert seen == []
    world.clock.advance(minutes=10)
    await asyncio.gather(*(porter.actor_of(signed.token, "") for _ in range(50)))
    await porter.later.done()
    await porter.actor_of(signed.token, "")
    await porter.later.done()
    assert seen == [actor.credential_id]
