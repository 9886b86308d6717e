"""What administrators and operators do to others, and not to themselves."""

import pytest
from signing import Signing

from baobab.application import identity
from baobab.application.identity import ByMail
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World


async def test_nobody_suspends_themselves(world: World) -> None:
    wish = identity.Suspend(user_id=world.admin.user_id, reason="A slip of the mouse.")
    with pytest.raises(rules.NotYourself):
        await world.run(identity.suspend, wish, actor=world.admin)


async def test_nobody_changes_their_own_role(world: World) -> None:
    """So the last administrator stays one."""
    wish = identity.SetRole(user_id=world.admin.user_id, role="member")
    with pytest.raises(rules.NotYourself):
        await world.run(identity.set_role, wish, actor=world.admin)


async def test_an_operator_vouches_once_and_what_was_sent_is_void(world: World) -> None:
    signing = Signing(world)
    signed = await signing.sign_up()
    wish = identity.OfMember(user_id=signed.member.user_id)
    first = await world.run(identity.verify_member, wish, actor=world.admin)
    world.clock.advance(hours=1)
    assert await world.run(identity.verify_member, wish, actor=world.admin) == first
    code, actor = await signing.code(), await signing.actor(signed.token)
    with pytest.raises(rules.ProofRefused):
        await identity.verify_email(ByMail(code=code), signing.gate, actor)


async def test_an_operator_signs_a_member_out(world: World) -> None:
    signing = Signing(world)
    signed, _ = await signing.join()
    wish = identity.OfMember(user_id=signed.member.user_id)
    assert (await world.run(identity.sign_member_out, wish, actor=world.admin)).closed == 1
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(signed.token)
