"""Keys of programs: their scopes, their owners, their ends."""

from datetime import timedelta

import pytest
from signing import NEW, PASSWORD, Signing, key

from baobab.application import identity
from baobab.application.identity import ByMail
from baobab.application.points import GetBalance, balance
from baobab.application.runner import ScopeMissing
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World


async def test_a_key_acts_as_its_owner_within_its_scopes(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    made = await key(signing, actor, "points:read")
    assert made.token.startswith("baobab_key_")
    program = await signing.actor(made.token)
    assert (program.user_id, program.role, program.credential_id) == (actor.user_id, "member", made.key.id)
    found = await world.run.read(balance, GetBalance(user_id=actor.user_id), actor=program)
    assert found.balance == 0
    with pytest.raises(ScopeMissing):
        await world.run.read(identity.sessions, identity.ListSessions(), actor=program)


async def test_a_key_makes_keys_and_changes_credentials_only_where_its_scopes_say_so(
    world: World,
) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    reader = await signing.actor((await key(signing, actor, "points:read")).token)
    wish = identity.ChangePassword(old_password=PASSWORD, password=NEW)
    for refused in (
        key(signing, reader, "points:read"),
        identity.change_password(wish, signing.gate, reader),
        identity.begin_second_factor(signing.gate, reader),
        identity.resend(signing.gate, reader),
        signing.factor(reader),
        identity.verify_email(ByMail(code="12345678"), signing.gate, reader),
    ):
        with pytest.raises(ScopeMissing):
            await refused
    writer = await signing.actor((await key(signing, actor, "identity:write", "points:read")).token)
    await key(signing, writer, "points:read")
    with pytest.raises(rules.ScopeNotYours):
        await key(signing, writer, "points:write")


async def test_signing_in_with_a_key_in_hand_is_signing_in(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    reader = await signing.actor((await key(signing, actor, "points:read")).token)
    assert (await signing.sign_in(actor=reader)).member.user_id == actor.user_id


async def test_a_key_that_was_revoked_or_has_ended_opens_nothing(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    made = await key(signing, actor, "points:read")
    with pytest.raises(shared.NotFound):
        await world.run(identity.revoke_key, identity.RevokeKey(key_id=made.key.id), actor=world.member())
    await world.run(identity.revoke_key, identity.RevokeKey(key_id=made.key.id), actor=actor)
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(made.token)
    with pytest.raises(rules.KeyEnds):
        await key(signing, actor, "points:read", expires_at=world.clock())
    soon = world.clock() + timedelta(minutes=5)
    short = await key(signing, actor, "points:read", expires_at=soon)
    await signing.actor(short.token)
    world.clock.at(soon)
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(short.token)


async def test_an_administrator_s_key_may_act_as_a_service_as_long_as_they_are_one(world: World) -> None:
    signing = Signing(world)
    signed, member = await signing.join()
    with pytest.raises(rules.NotForServices):
        await key(signing, member, "points:write", acts_as="service")
    role = identity.SetRole(user_id=member.user_id, role="admin")
    await world.run(identity.set_role, role, actor=world.admin)
    made = await key(signing, await signing.actor(signed.token), "points:write", acts_as="service")
    assert (await signing.actor(made.token)).role == "service"
    assert (await signing.actor(made.token)).is_admin
    await world.run(identity.set_role, shared.evolve(role, role="member"), actor=world.admin)
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(made.token)


@pytest.mark.parametrize("token", ["baobab_key_", "baobab_key_abc", "baobab_key_" + "A" * 88])
async def test_what_is_no_key_lets_nobody_in(world: World, token: str) -> None:
    with pytest.raises(shared.Unauthenticated):
        await Signing(world).actor(token)


async def test_an_owner_has_only_so_many_keys(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    for _ in range(rules.MOST_KEYS):
        await key(signing, actor, "points:read")
    with pytest.raises(rules.TooManyKeys):
        await key(signing, actor, "points:read")
