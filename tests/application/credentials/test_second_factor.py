"""Signing in in two steps."""

import pytest
from signing import Signing, ask, by_mail, challenge, code_at, reset, step, token_in, with_factor

from baobab.application import identity
from baobab.domain import identity as rules
from builders import World


async def test_who_has_a_second_factor_signs_in_in_two_steps(world: World) -> None:
    signing = Signing(world)
    actor, _ = await with_factor(signing)
    signed = await step(signing, await challenge(signing), code_at(world.clock()))
    assert (signed.member.user_id, signed.session.strong) == (actor.user_id, True)
    state = await signing.factor(actor)
    assert (state.on, state.recovery_codes) == (True, rules.RECOVERY_CODES)


async def test_a_recovery_code_lets_in_once_however_it_is_typed(world: World) -> None:
    signing = Signing(world)
    _, codes = await with_factor(signing)
    await step(signing, await challenge(signing), codes[0].lower().replace("-", " "))
    with pytest.raises(rules.CodeRefused):
        await step(signing, await challenge(signing), codes[0])
    await step(signing, await challenge(signing), codes[1])


async def test_a_link_by_mail_does_not_go_round_the_second_factor(world: World) -> None:
    signing = Signing(world)
    await with_factor(signing)
    await ask(signing, "sign_in")
    with pytest.raises(rules.SecondFactorNeeded) as needed:
        await by_mail(signing, token=token_in(await signing.letter()))
    await step(signing, needed.value.challenge, code_at(world.clock()))


async def test_a_challenge_ends_with_the_password_that_it_was_given_for(world: World) -> None:
    signing = Signing(world)
    await with_factor(signing)
    held = await challenge(signing)
    await ask(signing, "reset")
    await reset(signing, token=token_in(await signing.letter()))
    with pytest.raises(rules.ChallengeOver):
        await step(signing, held, code_at(world.clock()))
    with pytest.raises(rules.ChallengeOver):
        await step(signing, "no challenge", "123456")


async def test_who_guesses_codes_waits(world: World) -> None:
    signing = Signing(world)
    await with_factor(signing)
    held = await challenge(signing)
    for _ in range(rules.FREE["second_factor"] - 1):  # one was counted when the factor was confirmed
        with pytest.raises(rules.CodeRefused):
            await step(signing, held, "000001")
    with pytest.raises(rules.TooManyAttempts):
        await step(signing, held, code_at(world.clock()))


async def test_where_it_is_required_an_administrator_without_it_is_but_a_member(world: World) -> None:
    signing = Signing(world)
    signed, actor = await signing.join()
    role = identity.SetRole(user_id=actor.user_id, role="admin")
    await world.run(identity.set_role, role, actor=world.admin)
    assert (await signing.actor(signed.token)).role == "admin"
    assert (await signing.actor(signed.token, require_second_factor=True)).role == "member"
    await identity.begin_second_factor(signing.gate, actor)
    wish = identity.GiveCode(code=code_at(world.clock()))
    await identity.confirm_second_factor(wish, signing.gate, actor)
    assert (await signing.actor(signed.token, require_second_factor=True)).role == "admin"


async def test_a_code_of_no_factor_confirms_nothing(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    with pytest.raises(rules.NoSecondFactor):
        await identity.confirm_second_factor(identity.GiveCode(code="123456"), signing.gate, actor)
