"""Passwords, whoever guesses at them, and how few mails there are."""

import pytest
from signing import EMAIL, NEW, PASSWORD, Signing, ask, reset, token_in

from baobab.application import identity
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World


async def test_a_password_is_changed_by_who_knows_the_old_one_and_other_sessions_are_closed(
    world: World,
) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    other = await signing.sign_in()
    wish = identity.ChangePassword(old_password="wrong", password=NEW)
    with pytest.raises(rules.WrongCredentials):
        await identity.change_password(wish, signing.gate, actor)
    wish = identity.ChangePassword(old_password=PASSWORD, password=NEW)
    assert (await identity.change_password(wish, signing.gate, actor)).closed == 1
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(other.token)
    assert (await signing.letter()).subject.endswith("Your password has changed")
    await signing.sign_in(password=NEW)


async def test_a_session_that_is_opened_while_the_password_changes_does_not_outlive_it(
    world: World,
) -> None:
    signing = Signing(world)
    owner, _ = await signing.join()
    stale = identity.OpenSession(
        user_id=owner.member.user_id,
        session_id=world.run.new_id(),
        token_hash=b"",
        grounds=identity.Grounds(password_at=world.clock()),
    )
    await ask(signing, "reset")
    world.clock.advance(seconds=1)
    await reset(signing, token=token_in(await signing.letter()))
    with pytest.raises(rules.WrongCredentials):
        await world.run(identity.open_session, stale, actor=world.admin)


async def test_who_is_kept_waiting_by_somebody_else_still_comes_in_by_mail_and_stays_in(
    world: World,
) -> None:
    signing = Signing(world)
    first, _ = await signing.join()
    for _ in range(5):
        with pytest.raises(rules.WrongCredentials):
            await signing.sign_in(password="wrong horse")
    assert (await signing.actor(first.token)).user_id == first.member.user_id
    with pytest.raises(rules.TooManyAttempts):
        await signing.sign_in()
    await ask(signing, "reset")
    await reset(signing, token=token_in(await signing.letter()))
    await signing.sign_in(password=NEW)


async def test_signing_in_forgets_what_was_counted_against_the_account(world: World) -> None:
    signing = Signing(world)
    await signing.join()
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(rules.WrongCredentials):
                await signing.sign_in(password="wrong horse")
        await signing.sign_in()


async def test_one_address_that_tries_many_accounts_waits_too(world: World) -> None:
    signing = Signing(world)
    for number in range(rules.FREE["address"]):
        with pytest.raises(rules.WrongCredentials):
            await signing.sign_in(f"nobody-{number}@example.org")
    with pytest.raises(rules.TooManyAttempts):
        await signing.sign_in("somebody@example.org")
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in("somebody@example.org", actor=shared.Actor(address="192.0.2.8"))


async def test_mails_to_one_address_are_few(world: World) -> None:
    signing = Signing(world)
    for _ in range(rules.FREE["mail"]):
        await ask(signing, "reset", "nobody@example.org")
    with pytest.raises(rules.TooManyAttempts):
        await ask(signing, "reset", "nobody@example.org")


async def test_who_has_no_password_cannot_change_it(world: World) -> None:
    signing = Signing(world)
    wish = identity.Enrol(user_id=world.run.new_id(), email=EMAIL, name="Member")
    member = await world.run(identity.enrol, wish, actor=world.admin)
    change = identity.ChangePassword(old_password=PASSWORD, password=NEW)
    with pytest.raises(rules.NoPassword):
        await identity.change_password(change, signing.gate, shared.Actor(member.user_id, "member"))
    with pytest.raises(shared.NotFound):
        await identity.change_password(change, signing.gate, shared.Actor(world.run.new_id(), "member"))
