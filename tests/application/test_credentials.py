"""How members sign in: proofs by mail, guessing, several e-mails, second factors, keys."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from signing import (
    EMAIL,
    NEW,
    PASSWORD,
    STRANGER,
    Signing,
    Telephone,
    ask,
    by_mail,
    challenge,
    code_at,
    code_in,
    key,
    reset,
    step,
    token_in,
    with_factor,
)

from baobab.application import identity
from baobab.application.identity import ByMail, Gate, Later, Porter, WishKey
from baobab.application.mail import MailNotSent, Message
from baobab.application.points import GetBalance, balance
from baobab.application.runner import ScopeMissing
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World

OTHER = "member-2@example.org"


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

    porter = Porter(Counted(), world.queries)  # type: ignore[arg-type]
    await asyncio.gather(*(porter.actor_of(signed.token, "") for _ in range(5)))
    assert seen == []
    world.clock.advance(minutes=10)
    await asyncio.gather(*(porter.actor_of(signed.token, "") for _ in range(50)))
    await porter.later.done()
    await porter.actor_of(signed.token, "")
    await porter.later.done()
    assert seen == [actor.credential_id]


async def test_nobody_suspends_themselves(world: World) -> None:
    wish = identity.Suspend(user_id=world.admin.user_id, reason="A slip of the mouse.")
    with pytest.raises(rules.NotYourself):
        await world.run(identity.suspend, wish, actor=world.admin)


async def test_nobody_changes_their_own_role(world: World) -> None:
    """So the last administrator stays one."""
    wish = identity.SetRole(user_id=world.admin.user_id, role="member")
    with pytest.raises(rules.NotYourself):
        await world.run(identity.set_role, wish, actor=world.admin)


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


async def test_who_has_no_password_cannot_change_it(world: World) -> None:
    signing = Signing(world)
    wish = identity.Enrol(user_id=world.run.new_id(), email=EMAIL, name="Member")
    member = await world.run(identity.enrol, wish, actor=world.admin)
    change = identity.ChangePassword(old_password=PASSWORD, password=NEW)
    with pytest.raises(rules.NoPassword):
        await identity.change_password(change, signing.gate, shared.Actor(member.user_id, "member"))
    with pytest.raises(shared.NotFound):
        await identity.change_password(change, signing.gate, shared.Actor(world.run.new_id(), "member"))


async def test_a_code_of_no_factor_confirms_nothing(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    with pytest.raises(rules.NoSecondFactor):
        await identity.confirm_second_factor(identity.GiveCode(code="123456"), signing.gate, actor)


async def test_an_owner_has_only_so_many_keys(world: World) -> None:
    signing = Signing(world)
    _, actor = await signing.join()
    for _ in range(rules.MOST_KEYS):
        await key(signing, actor, "points:read")
    with pytest.raises(rules.TooManyKeys):
        await key(signing, actor, "points:read")


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


async def test_a_letter_that_cannot_be_sent_does_not_undo_what_it_tells_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    signing = Signing(world)
    gate = Gate(world.run, signing.secrets, Away(), Telephone(), is_common=lambda word: False)
    wish = identity.SignUp(email=EMAIL, password=PASSWORD, name="Member")
    await identity.sign_up(wish, gate, STRANGER)
    await gate.later.done()
    assert [one.getMessage() for one in caplog.records] == [
        "what was to be done after an answer was refused: mail_not_sent"
    ]


async def test_what_is_done_after_answers_has_a_limit_and_its_failures_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    later = Later(most=1)
    assert [later(fail()), later(fail())] == [True, False]
    await later.done()
    assert [one.getMessage() for one in caplog.records] == [
        "1 letters and notes wait already: one more is not sent",
        "what was to be done after an answer failed",
    ]


class Away:
    """A mail server that is away."""

    async def send(self, message: Message) -> None:
        raise MailNotSent
