"""Members and sessions, in memory and on PostgreSQL alike."""

import asyncio

import pytest
from signing import EMAIL, STRANGER, Signing

from baobab.application import identity
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World


async def test_who_signs_up_is_a_member_with_a_session(any_world: World) -> None:
    signing = Signing(any_world)
    signed = await signing.sign_up("Member-1@example.org")
    actor = await signing.actor(signed.token)
    assert (actor.user_id, actor.role, actor.credential_id) == (
        signed.member.user_id,
        "member",
        signed.session.id,
    )
    me = await any_world.run.read(identity.member, identity.GetMember(user_id=actor.user_id), actor=actor)
    assert (me.email, me.level, me.status, me.verified_at) == (EMAIL, "explorateur", "active", None)
    assert (signed.session.address, signed.session.device) == ("192.0.2.7", "laptop")


async def test_signing_up_with_a_known_email_is_answered_alike_and_the_mail_says_so(any_world: World) -> None:
    signing = Signing(any_world)
    _, owner = await signing.join()
    before = len(await signing.letters())
    again = await signing.sign_up("MEMBER-1@EXAMPLE.ORG")
    assert (again.member.email, again.member.verified_at) == (EMAIL, None)
    told = [one.subject.partition(" / ")[2] for one in (await signing.letters())[before:]]
    assert told == ["You have an account already"]
    found = await signing.sign_in()
    assert found.member.user_id == owner.user_id


async def test_of_many_who_verify_one_email_one_has_it(any_world: World) -> None:
    """Each has a proof of the address, shown in two processes at once."""
    processes = Signing(any_world), Signing(any_world, any_world.runner())
    wishes = []
    for place in range(4):
        signing = processes[place % 2]
        signed = await signing.sign_up()
        actor = await signing.actor(signed.token)
        wishes.append((identity.ByMail(code=await signing.code()), signing.gate, actor))
        any_world.clock.advance(hours=1)
    tries = (identity.verify_email(*wish) for wish in wishes)
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["EmailTaken"] * 3 + ["MemberView"]


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("short", rules.PasswordTooShort),
        ("PassWord123", rules.PasswordTooCommon),
        ("member-1@example.org", rules.PasswordTellsWho),
    ],
)
async def test_a_poor_password_makes_nobody(
    any_world: World, password: str, error: type[shared.DomainError]
) -> None:
    wish = identity.SignUp(email=EMAIL, password=password, name="A")
    with pytest.raises(error):
        await identity.sign_up(wish, Signing(any_world).gate, STRANGER)
    page = await any_world.run.read(identity.members, identity.ListMembers(), actor=any_world.admin)
    assert page.items == ()


async def test_signing_in_opens_another_session(any_world: World) -> None:
    signing = Signing(any_world)
    first, _ = await signing.join()
    second = await signing.sign_in("member-1@EXAMPLE.org")
    actor = await signing.actor(second.token)
    page = await any_world.run.read(identity.sessions, identity.ListSessions(), actor=actor)
    assert [(one.id, one.current) for one in page.items] == [
        (second.session.id, True),
        (first.session.id, False),
    ]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_wrong_credentials_look_the_same_whatever_is_wrong(any_world: World, email: str) -> None:
    signing = Signing(any_world)
    await signing.join()
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in(email, "wrong horse")


async def test_a_stranger_costs_as_much_as_a_member(any_world: World) -> None:
    signing = Signing(any_world)
    with pytest.raises(rules.WrongCredentials):
        await signing.sign_in("nobody@example.org", "x")
    assert signing.secrets.hashed == ["x"]


async def test_a_closed_session_lets_nobody_in(any_world: World) -> None:
    signed, actor = await Signing(any_world).join()
    closed = await any_world.run(
        identity.close_session, identity.CloseSession(session_id=signed.session.id), actor=actor
    )
    assert closed.revoked_at == any_world.clock()
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(signed.token, any_world.queries, any_world.clock())


async def test_nobody_closes_the_session_of_another(any_world: World) -> None:
    signed = await Signing(any_world).sign_up()
    with pytest.raises(shared.NotFound):
        await any_world.run(
            identity.close_session,
            identity.CloseSession(session_id=signed.session.id),
            actor=any_world.member(),
        )


async def test_a_session_ends_after_thirty_days(any_world: World) -> None:
    signed = await Signing(any_world).sign_up()
    any_world.clock.advance(days=30)
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(signed.token, any_world.queries, any_world.clock())


@pytest.mark.parametrize("token", ["", "é", "abc", "A" * 88, "A" * 400])
async def test_what_is_no_token_lets_nobody_in(any_world: World, token: str) -> None:
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(token, any_world.queries, any_world.clock())


async def test_a_token_with_another_secret_lets_nobody_in(any_world: World) -> None:
    token = identity.read_token((await Signing(any_world).sign_up()).token)
    forged = shared.evolve(token, secret=bytes(32)).text()
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(forged, any_world.queries, any_world.clock())


async def test_an_administrator_gives_roles_and_a_member_does_not(any_world: World) -> None:
    user_id = (await Signing(any_world).sign_up()).member.user_id
    producer = any_world.run.new_id()
    command = identity.SetRole(user_id=user_id, role="partner_owner", producer_id=producer)
    changed = await any_world.run(identity.set_role, command, actor=any_world.admin)
    assert (changed.role, changed.producer_id) == ("partner_owner", producer)
    with pytest.raises(shared.Forbidden):
        await any_world.run(identity.set_role, command, actor=any_world.member())


async def test_members_are_listed_newest_first_by_page_or_by_email(any_world: World) -> None:
    signing = Signing(any_world)
    for name in "abc":
        await signing.sign_up(f"{name}@example.org")
    first = await any_world.run.read(identity.members, identity.ListMembers(limit=2), actor=any_world.admin)
    rest = await any_world.run.read(
        identity.members, identity.ListMembers(limit=2, cursor=first.next_cursor), actor=any_world.admin
    )
    assert [one.email[0] for one in (*first.items, *rest.items)] == ["c", "b", "a"]
    assert rest.next_cursor is None
    one = await any_world.run.read(
        identity.members, identity.ListMembers(email="B@example.org"), actor=any_world.admin
    )
    assert [member.email for member in one.items] == ["b@example.org"]


async def test_a_member_reads_their_own_account_only(any_world: World) -> None:
    user_id = (await Signing(any_world).sign_up()).member.user_id
    with pytest.raises(shared.NotFound):
        await any_world.run.read(
            identity.member, identity.GetMember(user_id=user_id), actor=any_world.member()
        )
    with pytest.raises(shared.NotFound):
        await any_world.run.read(
            identity.member, identity.GetMember(user_id=any_world.run.new_id()), actor=any_world.admin
        )


async def test_nothing_secret_stands_in_the_command_log(postgres_world: World) -> None:
    signing = Signing(postgres_world)
    signed = await signing.sign_up()
    await signing.letters()
    async with postgres_world.queries.points._database.connection() as connection:
        rows = await connection.fetch(
            "select name, digest, result, origin from baobab.command_log order by key"
        )
        private = await connection.fetch("select digest, result, address from baobab.private_part")
    assert {row["name"] for row in rows} >= {"identity.charge", "identity.join", "identity.open_session"}
    assert {(row["digest"], row["result"]) for row in rows} == {(b"", b"")}
    assert {row["origin"] for row in rows} == {""}
    assert {tuple(row) for row in private} == {(b"", b"", "192.0.2.7")}
    assert signed.token
