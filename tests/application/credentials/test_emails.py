"""Several e-mails of one account."""

import pytest
from signing import EMAIL, OTHER, Signing, token_in

from baobab.application import identity
from baobab.application.identity import ByMail
from baobab.domain import identity as rules
from builders import World


async def test_an_email_is_added_once_it_is_proved_and_then_signs_in(world: World) -> None:
    signing = Signing(world)
    owner, actor = await signing.join()
    await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    code = await signing.code(OTHER)
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in(OTHER)
    await identity.accept_added(ByMail(code=code), signing.gate, actor)
    assert (await signing.letter()).subject.endswith("An e-mail was added")
    assert (await signing.sign_in(OTHER)).member.user_id == owner.member.user_id
    listed = await world.run.read(identity.emails, identity.ListEmails(), actor=actor)
    assert [(one.email, one.primary) for one in listed.items] == [(EMAIL, True), (OTHER, False)]


async def test_an_address_of_another_account_cannot_be_added(world: World) -> None:
    signing = Signing(world)
    await signing.join(OTHER)
    _, actor = await signing.join()
    await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    with pytest.raises(rules.EmailTaken):
        await identity.accept_added(ByMail(code=await signing.code(OTHER)), signing.gate, actor)


async def test_an_account_has_only_so_many_addresses(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    for number in range(2, rules.MOST_EMAILS + 1):
        more = f"member-{number}@example.org"
        await identity.add_email(identity.AskByMail(email=more), signing.gate, actor)
        await identity.accept_added(ByMail(token=token_in(await signing.letter(more))), signing.gate, actor)
    last = "member-99@example.org"
    await identity.add_email(identity.AskByMail(email=last), signing.gate, actor)
    proof = ByMail(token=token_in(await signing.letter(last)))
    with pytest.raises(rules.TooManyEmails):
        await identity.accept_added(proof, signing.gate, actor)


async def test_choosing_the_address_that_one_has_already_tells_nobody(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    before = len(await signing.letters())
    await identity.change_email(identity.NameEmail(email=EMAIL), signing.gate, actor)
    assert len(await signing.letters()) == before
