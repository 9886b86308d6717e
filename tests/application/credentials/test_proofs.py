"""Links and codes by mail: what they prove, once, and what they do not tell."""

from typing import Any

import pytest
from signing import EMAIL, NEW, OTHER, PASSWORD, STRANGER, Signing, ask, by_mail, code_in, reset, token_in

from baobab.application import identity
from baobab.application.identity import ByMail, WishKey
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World


async def test_a_link_alone_does_not_verify_the_password_or_the_session_is_needed(world: World) -> None:
    """Else who signs up with somebody else's address would have it verified by its owner."""
    signing = Signing(world)
    signed = await signing.sign_up()
    token = token_in(await signing.letter())
    wish = identity.VerifyByPassword(token=token, password="not the password")
    with pytest.raises(rules.WrongCredentials):
        await identity.verify_by_password(wish, signing.gate, STRANGER)
    _, other = await signing.join(OTHER)
    with pytest.raises(shared.NotFound):
        await identity.verify_email(ByMail(token=token), signing.gate, other)
    wish = identity.VerifyByPassword(token=token, password=PASSWORD)
    member = await identity.verify_by_password(wish, signing.gate, STRANGER)
    assert (member.user_id, member.verified_at) == (signed.member.user_id, world.clock())


async def test_who_has_not_verified_changes_nothing_of_how_they_sign_in(world: World) -> None:
    signing = Signing(world)
    actor = await signing.actor((await signing.sign_up()).token)
    with pytest.raises(rules.EmailNotVerified):
        await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    with pytest.raises(rules.EmailNotVerified):
        await identity.begin_second_factor(signing.gate, actor)
    with pytest.raises(rules.EmailNotVerified):
        await identity.new_key(WishKey(name="till", scopes=("points:read",)), signing.gate, actor)


@pytest.mark.parametrize("purpose", ["sign_in", "reset"])
async def test_whether_there_is_an_account_is_not_told_and_only_its_owner_gets_mail(
    world: World, purpose: rules.Purpose
) -> None:
    signing = Signing(world)
    await signing.join()
    before = len(await signing.letters())
    known, unknown = await ask(signing, purpose), await ask(signing, purpose, "nobody@example.org")
    assert (known.email, unknown.email) == (EMAIL, "nobody@example.org")
    assert [one.to for one in (await signing.letters())[before:]] == [EMAIL]


async def test_a_link_signs_in_once_and_so_does_the_code_beside_it(world: World) -> None:
    signing = Signing(world)
    owner, _ = await signing.join()
    await ask(signing, "sign_in")
    letter = await signing.letter()
    token, code = token_in(letter), code_in(letter)
    signed = await by_mail(signing, token=token)
    assert signed.member.user_id == owner.member.user_id
    for again in ({"token": token}, {"email": EMAIL, "code": code}):
        with pytest.raises(rules.ProofRefused):
            await by_mail(signing, **again)
    await ask(signing, "sign_in")
    assert (await by_mail(signing, email=EMAIL, code=await signing.code())).member == signed.member


async def test_a_link_ends_and_is_good_for_its_purpose_alone(world: World) -> None:
    signing = Signing(world)
    await signing.join()
    await ask(signing, "sign_in")
    token = token_in(await signing.letter())
    with pytest.raises(rules.ProofRefused):
        await reset(signing, token=token)
    world.clock.advance(minutes=30)
    with pytest.raises(rules.ProofRefused):
        await by_mail(signing, token=token)


@pytest.mark.parametrize("token", ["x", "A" * 66, "é" * 3, "~" * 66])
async def test_what_is_no_link_is_refused(world: World, token: str) -> None:
    with pytest.raises((rules.ProofRefused, shared.Malformed)):
        await by_mail(Signing(world), token=token)


async def test_a_code_needs_the_address_that_it_was_sent_to(world: World) -> None:
    with pytest.raises(rules.ProofIncomplete):
        await by_mail(Signing(world), code="12345678")
    with pytest.raises(rules.ProofRefused):
        await by_mail(Signing(world), email="nobody@example.org", code="12345678")


async def test_who_was_enrolled_without_a_password_chooses_one_by_mail(world: World) -> None:
    signing = Signing(world)
    wish = identity.Enrol(user_id=world.run.new_id(), email=EMAIL, name="Member")
    await world.run(identity.enrol, wish, actor=world.admin)
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in()
    await ask(signing, "reset")
    await reset(signing, email=EMAIL, code=await signing.code())
    assert (await signing.sign_in(password=NEW)).member.email == EMAIL


async def test_who_has_not_verified_sees_the_address_that_they_named(world: World) -> None:
    signing = Signing(world)
    actor = await signing.actor((await signing.sign_up()).token)
    listed = await world.run.read(identity.emails, identity.ListEmails(), actor=actor)
    assert [(one.email, one.primary, one.verified_at) for one in listed.items] == [(EMAIL, True, None)]
    with pytest.raises(shared.NotFound):
        await world.run.read(identity.emails, identity.ListEmails(), actor=shared.Actor(role="service"))


async def test_an_added_address_is_proved_by_the_link_and_the_password_too(world: World) -> None:
    signing = Signing(world)
    owner, actor = await signing.join()
    await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    token = token_in(await signing.letter(OTHER))
    wish = identity.VerifyByPassword(token=token, password=PASSWORD)
    member = await identity.verify_by_password(wish, signing.gate, STRANGER)
    assert member.user_id == owner.member.user_id
    assert (await signing.letter()).subject.endswith("An e-mail was added")
    with pytest.raises(rules.ProofRefused):
        await identity.verify_by_password(wish, signing.gate, STRANGER)


async def test_without_a_link_that_was_sent_nobody_guesses_at_a_password(world: World) -> None:
    """A link that somebody made up is refused alike, whatever password stands beside it."""
    signing = Signing(world)
    owner, _ = await signing.join()
    token = identity.LinkToken(owner.member.user_id, "verify", bytes(32)).text()
    for password in (PASSWORD, "not the password"):
        wish = identity.VerifyByPassword(token=token, password=password)
        with pytest.raises(rules.ProofRefused):
            await identity.verify_by_password(wish, signing.gate, STRANGER)


async def test_guesses_beside_a_link_and_at_the_door_are_counted_together(world: World) -> None:
    signing = Signing(world)
    await signing.sign_up()
    token = token_in(await signing.letter())
    for _ in range(rules.FREE["password"]):
        wish = identity.VerifyByPassword(token=token, password="not the password")
        with pytest.raises(rules.WrongCredentials):
            await identity.verify_by_password(wish, signing.gate, STRANGER)
    with pytest.raises(rules.TooManyAttempts):
        await signing.sign_in()


@pytest.mark.parametrize("purpose", ["sign_in", "reset"])
async def test_a_wrong_code_asks_the_storage_the_same_with_and_without_an_account(
    world: World, purpose: rules.Purpose
) -> None:
    """Else the time that the answer takes says whether there is one."""
    signing = Signing(world)
    await signing.join()
    await ask(signing, purpose)
    await signing.letters()
    use: Any = by_mail if purpose == "sign_in" else reset
    commands = []
    for email in (EMAIL, "nobody@example.org"):
        before = world.run.attempts
        with pytest.raises(rules.ProofRefused):
            await use(signing, email=email, code="00000000")
        commands.append(world.run.attempts - before)
    assert commands == [2, 2]


async def test_a_link_of_nobody_is_refused(world: World) -> None:
    signing = Signing(world)
    token = identity.LinkToken(world.run.new_id(), "verify", bytes(32)).text()
    wish = identity.VerifyByPassword(token=token, password=PASSWORD)
    with pytest.raises(rules.ProofRefused):
        await identity.verify_by_password(wish, signing.gate, STRANGER)
