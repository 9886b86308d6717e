"""How members sign in, where memory and PostgreSQL might differ: proofs, guessing, second factors, keys."""

import asyncio
from datetime import timedelta

import pytest
from signing import (
    EMAIL,
    NEW,
    PASSWORD,
    PlainSecrets,
    Signing,
    ask,
    by_mail,
    challenge,
    code_at,
    code_in,
    key,
    kinds_of,
    not_code_in,
    reset,
    step,
    token_in,
    with_factor,
)

from baobab.application import identity
from baobab.application.identity import ByMail, Porter, WishKey
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World

OTHER = "member-2@example.org"


async def test_an_email_signs_in_once_it_is_verified(any_world: World) -> None:
    signing = Signing(any_world)
    signed = await signing.sign_up()
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in()
    actor = await signing.actor(signed.token)
    member = await identity.verify_email(ByMail(code=await signing.code()), signing.gate, actor)
    assert member.verified_at == any_world.clock()
    assert (await signing.sign_in()).member == member


async def test_the_owner_of_an_address_has_it_whoever_signed_up_with_it_before(any_world: World) -> None:
    signing = Signing(any_world)
    squatter = await signing.actor((await signing.sign_up()).token)
    theirs = await signing.code()
    any_world.clock.advance(hours=1)
    owner, _ = await signing.join()
    with pytest.raises(rules.EmailTaken):
        await identity.verify_email(ByMail(code=theirs), signing.gate, squatter)
    assert (await signing.sign_in()).member.user_id == owner.member.user_id


async def test_a_newer_mail_takes_the_place_of_the_older(any_world: World) -> None:
    signing = Signing(any_world)
    actor = await signing.actor((await signing.sign_up()).token)
    old = await signing.code()
    assert (await identity.resend(signing.gate, actor)).email == EMAIL
    new = await signing.code()
    with pytest.raises(rules.ProofRefused):
        await identity.verify_email(ByMail(code=old), signing.gate, actor)
    await identity.verify_email(ByMail(code=new), signing.gate, actor)
    with pytest.raises(rules.EmailVerifiedAlready):
        await identity.resend(signing.gate, actor)


async def test_a_link_shown_many_times_at_once_in_two_processes_opens_one_session(any_world: World) -> None:
    signing, other = Signing(any_world), Signing(any_world, any_world.runner())
    await signing.join()
    await ask(signing, "sign_in")
    token = token_in(await signing.letter())
    tries = (by_mail(one, token=token) for one in (signing, other) for _ in range(8))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert kinds_of(results) == ["ProofRefused"] * 15 + ["SignedIn"]


async def test_after_five_wrong_codes_of_its_owner_a_proof_is_void(any_world: World) -> None:
    signing = Signing(any_world)
    actor = await signing.actor((await signing.sign_up()).token)
    letter = await signing.letter()
    for _ in range(rules.MOST_WRONG):
        with pytest.raises(rules.ProofRefused):
            await identity.verify_email(ByMail(code=not_code_in(letter)), signing.gate, actor)
    any_world.clock.advance(minutes=1)
    for proof in (ByMail(code=code_in(letter)), ByMail(token=token_in(letter))):
        with pytest.raises(rules.ProofRefused):
            await identity.verify_email(proof, signing.gate, actor)


async def test_whoever_guesses_codes_waits_and_the_letter_still_lets_its_owner_in(any_world: World) -> None:
    """Else a stranger who types wrong codes keeps a member out who waits for a letter."""
    signing = Signing(any_world)
    owner, _ = await signing.join()
    await ask(signing, "sign_in")
    letter = await signing.letter()
    for _ in range(rules.FREE["code"]):
        with pytest.raises(rules.ProofRefused):
            await by_mail(signing, email=EMAIL, code=not_code_in(letter))
    with pytest.raises(rules.TooManyAttempts):
        await by_mail(signing, email=EMAIL, code=code_in(letter))
    assert (await by_mail(signing, token=token_in(letter))).member.user_id == owner.member.user_id


async def test_once_a_password_is_chosen_no_link_of_before_lets_anybody_in(any_world: World) -> None:
    """Whoever has read the letters of before is out."""
    signing = Signing(any_world)
    _, actor = await signing.join()
    await ask(signing, "sign_in")
    sign_in = token_in(await signing.letter())
    await ask(signing, "reset")
    forgotten = token_in(await signing.letter())
    change = identity.ChangePassword(old_password=PASSWORD, password=NEW)
    await identity.change_password(change, signing.gate, actor)
    with pytest.raises(rules.ProofRefused):
        await by_mail(signing, token=sign_in)
    with pytest.raises(rules.ProofRefused):
        await reset(signing, token=forgotten)
    any_world.clock.advance(hours=1)
    await ask(signing, "sign_in")
    sign_in = token_in(await signing.letter())
    any_world.clock.advance(minutes=1)
    await ask(signing, "reset")
    await reset(signing, token=token_in(await signing.letter()))
    with pytest.raises(rules.ProofRefused):
        await by_mail(signing, token=sign_in)


async def test_who_reads_at_an_address_that_was_removed_comes_in_no_more(any_world: World) -> None:
    signing = Signing(any_world)
    owner, actor = await signing.join()
    await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    await identity.accept_added(ByMail(code=await signing.code(OTHER)), signing.gate, actor)
    await ask(signing, "reset", OTHER)
    lost = token_in(await signing.letter(OTHER))
    await ask(signing, "sign_in")
    kept = token_in(await signing.letter())
    await identity.remove_email(identity.NameEmail(email=OTHER), signing.gate, actor)
    with pytest.raises(rules.ProofRefused):
        await reset(signing, token=lost)
    assert (await by_mail(signing, token=kept)).member.user_id == owner.member.user_id


async def test_a_forgotten_password_is_chosen_anew_and_every_session_is_closed(any_world: World) -> None:
    signing = Signing(any_world)
    first, _ = await signing.join()
    await signing.sign_in()
    await ask(signing, "reset")
    token = token_in(await signing.letter())
    with pytest.raises(rules.PasswordTooShort):
        await reset(signing, "short", token=token)
    assert (await reset(signing, token=token)).closed == 2
    with pytest.raises(rules.ProofRefused):
        await reset(signing, token=token)
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(first.token)
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in()
    assert (await signing.sign_in(password=NEW)).member.user_id == first.member.user_id


async def test_a_reset_shown_twice_at_once_changes_the_password_once(any_world: World) -> None:
    signing, other = Signing(any_world), Signing(any_world, any_world.runner())
    await signing.join()
    await ask(signing, "reset")
    token = token_in(await signing.letter())
    tries = (reset(one, f"{NEW} {place}", token=token) for place, one in enumerate((signing, other)))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert kinds_of(results) == ["ProofRefused", "SignedOut"]


async def test_a_hash_of_other_parameters_is_made_anew_when_its_owner_signs_in(any_world: World) -> None:
    await Signing(any_world).join()
    later = Signing(any_world, secrets=PlainSecrets("stronger"))
    await later.sign_in()
    assert later.secrets.hashed == [PASSWORD]
    await later.sign_in()
    assert later.secrets.hashed == [PASSWORD]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_who_guesses_passwords_waits_in_whatever_process_and_from_wherever(
    any_world: World, email: str
) -> None:
    """Account or none: it is the same."""
    processes = Signing(any_world), Signing(any_world, any_world.runner())
    await processes[0].join()
    tries = (
        processes[place % 2].sign_in(email, "wrong horse", shared.Actor(address=f"192.0.2.{place}"))
        for place in range(20)
    )
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert kinds_of(results) == ["TooManyAttempts"] * 15 + ["WrongCredentials"] * 5
    with pytest.raises(rules.TooManyAttempts) as refused:
        await processes[0].sign_in(email)
    assert refused.value.retry_after == 1


async def test_what_was_tried_long_ago_is_removed_little_by_little(postgres_world: World) -> None:
    signing = Signing(postgres_world)
    for number in range(6):
        await ask(signing, "reset", f"nobody-{number}@example.org")
    postgres_world.clock.advance(days=2)
    for number in range(3):
        await ask(signing, "reset", f"somebody-{number}@example.org")
    async with postgres_world.queries.points._database.connection() as connection:
        old = await connection.fetchval(
            "select count(*) from baobab.attempts where last_at < $1", postgres_world.clock()
        )
        names = await connection.fetch("select who from baobab.attempts")
    assert old == 0
    assert not [row["who"] for row in names if "example" in row["who"] or "192" in row["who"]]


async def test_the_address_that_one_is_written_to_changes_and_the_old_one_is_told(any_world: World) -> None:
    signing = Signing(any_world)
    _, actor = await signing.join()
    other = identity.NameEmail(email=OTHER)
    with pytest.raises(rules.EmailNotYours):
        await identity.change_email(other, signing.gate, actor)
    await identity.add_email(identity.AskByMail(email=OTHER), signing.gate, actor)
    await identity.accept_added(ByMail(code=await signing.code(OTHER)), signing.gate, actor)
    member = await identity.change_email(other, signing.gate, actor)
    assert member.email == OTHER
    assert (await signing.letter(EMAIL)).subject.endswith("Your e-mail has changed")
    with pytest.raises(rules.EmailInUse):
        await identity.remove_email(other, signing.gate, actor)
    await identity.remove_email(identity.NameEmail(email=EMAIL), signing.gate, actor)
    assert (await signing.letter(OTHER)).subject.endswith("An e-mail was removed")
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in(EMAIL)
    await signing.sign_in(OTHER)


async def test_of_those_who_named_an_email_the_one_who_proved_it_is_listed_first(any_world: World) -> None:
    signing = Signing(any_world)
    owner, _ = await signing.join()
    any_world.clock.advance(hours=1)
    other = await signing.sign_up()
    page = await any_world.run.read(
        identity.members, identity.ListMembers(email=EMAIL), actor=any_world.admin
    )
    assert [one.user_id for one in page.items] == [owner.member.user_id, other.member.user_id]
    vouch = identity.OfMember(user_id=other.member.user_id)
    with pytest.raises(rules.EmailTaken):
        await any_world.run(identity.verify_member, vouch, actor=any_world.admin)


async def test_a_session_in_use_lasts_and_says_when_and_from_where(any_world: World) -> None:
    signing = Signing(any_world)
    signed, actor = await signing.join()
    porter = Porter(any_world.run, any_world.queries)
    for _ in range(5):
        any_world.clock.advance(days=29)
        assert (await porter.actor_of(signed.token, "192.0.2.99")).user_id == actor.user_id
        await porter.later.done()
    page = await any_world.run.read(identity.sessions, identity.ListSessions(), actor=actor)
    assert [(one.last_seen_at, one.address) for one in page.items] == [(any_world.clock(), "192.0.2.99")]
    any_world.clock.advance(days=36)
    with pytest.raises(shared.Unauthenticated):
        await porter.actor_of(signed.token, "192.0.2.99")


async def test_sessions_that_ended_long_ago_are_forgotten(any_world: World) -> None:
    signing = Signing(any_world)
    await signing.join()
    any_world.clock.advance(days=61)
    again = await signing.sign_in()
    actor = await signing.actor(again.token)
    page = await any_world.run.read(identity.sessions, identity.ListSessions(), actor=actor)
    assert [one.id for one in page.items] == [again.session.id]


async def test_who_is_suspended_is_out_at_once_and_comes_back_when_reinstated(any_world: World) -> None:
    signing = Signing(any_world)
    signed, actor = await signing.join()
    made = await identity.new_key(WishKey(name="till", scopes=("points:read",)), signing.gate, actor)
    out = identity.Suspend(user_id=actor.user_id, reason="Somebody else signed in.")
    with pytest.raises(shared.Forbidden):
        await any_world.run(identity.suspend, out, actor=actor)
    member = await any_world.run(identity.suspend, out, actor=any_world.admin)
    assert (member.status, member.standing) == ("suspended", "Somebody else signed in.")
    for token in (signed.token, made.token):
        with pytest.raises(shared.Unauthenticated):
            await signing.actor(token)
    with pytest.raises(rules.MemberSuspended):
        await signing.sign_in()
    back = identity.OfMember(user_id=actor.user_id)
    await any_world.run(identity.reinstate, back, actor=any_world.admin)
    await signing.sign_in()
    await signing.actor(made.token)


async def test_no_code_is_taken_twice_in_whatever_process(any_world: World) -> None:
    signing, other = Signing(any_world), Signing(any_world, any_world.runner())
    await with_factor(signing)
    held, code = await challenge(signing), code_at(any_world.clock())
    tries = (step(one, held, code) for one in (signing, other) for _ in range(2))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert kinds_of(results) == ["CodeRefused"] * 3 + ["SignedIn"]


async def test_the_second_factor_ends_by_a_code_or_by_an_administrator(any_world: World) -> None:
    signing = Signing(any_world)
    actor, codes = await with_factor(signing)
    with pytest.raises(rules.SecondFactorThere):
        await identity.begin_second_factor(signing.gate, actor)
    new = await identity.new_recovery_codes(identity.GiveCode(code=codes[0]), signing.gate, actor)
    with pytest.raises(rules.CodeRefused):
        await identity.end_second_factor(identity.GiveCode(code=codes[1]), signing.gate, actor)
    await identity.end_second_factor(identity.GiveCode(code=new.codes[0]), signing.gate, actor)
    assert (await signing.letter()).subject.endswith("Second factor off")
    await signing.sign_in()
    wish = identity.OfMember(user_id=actor.user_id)
    with pytest.raises(rules.NoSecondFactor):
        await any_world.run(identity.reset_second_factor, wish, actor=any_world.admin)
    await identity.begin_second_factor(signing.gate, actor)
    await any_world.run(identity.reset_second_factor, wish, actor=any_world.admin)
    assert not (await signing.factor(actor)).on


async def test_a_key_is_rotated_and_the_old_one_lives_on_for_as_long_as_one_says(any_world: World) -> None:
    signing = Signing(any_world)
    _, actor = await signing.join()
    old = await key(signing, actor, "points:read")
    new = await identity.rotate_key(old.key.id, identity.RotateKey(overlap_minutes=60), signing.gate, actor)
    assert (new.key.name, new.key.scopes, new.key.expires_at) == ("till", ("points:read",), None)
    any_world.clock.advance(minutes=59)
    await signing.actor(old.token)
    any_world.clock.advance(minutes=1)
    with pytest.raises(shared.Unauthenticated):
        await signing.actor(old.token)
    await signing.actor(new.token)
    actor = await signing.actor((await signing.sign_in()).token)
    with pytest.raises(rules.KeyRevokedAlready):
        await identity.rotate_key(old.key.id, identity.RotateKey(), signing.gate, actor)


async def test_a_key_that_ends_makes_and_rotates_none_that_lasts_longer(any_world: World) -> None:
    """Else whoever found one that is good for an hour has one that is good for ever."""
    signing = Signing(any_world)
    _, actor = await signing.join()
    lasting = await key(signing, actor, "points:read")
    soon, later = (any_world.clock() + timedelta(hours=one) for one in (1, 2))
    short = await key(signing, actor, "identity:write", "points:read", expires_at=soon)
    program = await signing.actor(short.token)
    for ends in (None, later):
        with pytest.raises(rules.KeyEnds) as refused:
            await key(signing, program, "points:read", expires_at=ends)
        assert refused.value.latest == soon
    with pytest.raises(rules.KeyEnds):
        await identity.rotate_key(lasting.key.id, identity.RotateKey(), signing.gate, program)
    await key(signing, program, "points:read", expires_at=soon)
    itself = await identity.rotate_key(short.key.id, identity.RotateKey(), signing.gate, program)
    assert itself.key.expires_at == soon


async def test_a_session_that_is_old_rotates_no_key(any_world: World) -> None:
    signing = Signing(any_world)
    _, actor = await signing.join()
    made = await key(signing, actor, "identity:write")
    program = await signing.actor(made.token)
    any_world.clock.advance(minutes=16)
    with pytest.raises(rules.SignInAgain):
        await identity.rotate_key(made.key.id, identity.RotateKey(), signing.gate, actor)
    await identity.rotate_key(made.key.id, identity.RotateKey(), signing.gate, program)


async def test_a_key_is_no_stronger_than_who_rotates_it(any_world: World) -> None:
    """A key that was made with a second factor is not had without one by rotating it."""
    signing = Signing(any_world)
    _, actor = await signing.join()
    role = identity.SetRole(user_id=actor.user_id, role="admin")
    await any_world.run(identity.set_role, role, actor=any_world.admin)
    operator = shared.Actor(role="service")
    wish = WishKey(name="till", scopes=("points:read",))
    strong = await identity.new_key(wish, signing.gate, operator, owner=actor.user_id)
    weak = await identity.rotate_key(strong.key.id, identity.RotateKey(), signing.gate, actor)
    assert (await signing.actor(strong.token, require_second_factor=True)).role == "admin"
    assert (await signing.actor(weak.token, require_second_factor=True)).role == "member"


async def test_an_account_makes_only_so_many_keys_a_day_however_many_it_revokes(any_world: World) -> None:
    signing = Signing(any_world)
    _, actor = await signing.join()
    made = await key(signing, actor, "identity:write")
    for _ in range(rules.MOST_KEYS - 1):
        wish = identity.RotateKey(overlap_minutes=0)
        made = await identity.rotate_key(made.key.id, wish, signing.gate, actor)
    with pytest.raises(rules.TooManyKeys):
        await identity.rotate_key(made.key.id, identity.RotateKey(), signing.gate, actor)
    any_world.clock.advance(days=1)
    program = await signing.actor(made.token)
    await identity.rotate_key(made.key.id, identity.RotateKey(), signing.gate, program)


async def test_an_operator_makes_a_key_for_a_member_and_sees_and_revokes_it(any_world: World) -> None:
    signing = Signing(any_world)
    _, actor = await signing.join()
    operator = shared.Actor(role="service")
    wish = WishKey(name="till", scopes=("points:read", "points:read"))
    made = await identity.new_key(wish, signing.gate, operator, owner=actor.user_id)
    assert made.key.scopes == ("points:read",)
    assert (await signing.letter()).subject.endswith("An API key was made")
    question = identity.ListKeys(user_id=actor.user_id)
    assert (await any_world.run.read(identity.api_keys, question, actor=operator)).items == (made.key,)
    with pytest.raises(shared.NotFound):
        await any_world.run.read(identity.api_keys, question, actor=any_world.member())
    gone = identity.RevokeKey(key_id=made.key.id, user_id=actor.user_id)
    assert (await any_world.run(identity.revoke_key, gone, actor=operator)).revoked_at
    with pytest.raises(rules.ScopeUnknown):
        await key(signing, actor, "everything:read")


async def test_the_use_of_a_key_is_written_down_now_and_then(any_world: World) -> None:
    signing = Signing(any_world)
    _, actor = await signing.join()
    made = await key(signing, actor, "points:read")
    porter = Porter(any_world.run, any_world.queries)
    await porter.actor_of(made.token, "192.0.2.5")
    await porter.later.done()
    page = await any_world.run.read(identity.api_keys, identity.ListKeys(), actor=actor)
    assert [one.last_used_at for one in page.items] == [any_world.clock()]
