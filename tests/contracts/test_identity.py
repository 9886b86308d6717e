"""Members and sessions, in memory and on PostgreSQL alike."""

import asyncio

import pytest

from baobab.application import identity
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World

STRANGER = shared.Actor(address="192.0.2.7")


class PlainSecrets:
    """Secrets that cost nothing, and are no secret."""

    def __init__(self) -> None:
        self.hashed: list[str] = []

    async def hash(self, password: str) -> str:
        self.hashed.append(password)
        return f"hash of {password}"

    async def matches(self, password_hash: str, password: str) -> bool:
        return password_hash == f"hash of {password}"

    def random(self, size: int) -> bytes:
        self.hashed.append("random")
        return bytes([len(self.hashed) % 256]) * size


async def sign_up(world: World, email: str = "Member-1@example.org") -> identity.SignedIn:
    command = identity.SignUp(email=email, password="correct horse", name="Member One", device="laptop")
    return await identity.sign_up(command, world.run, PlainSecrets(), STRANGER)


async def test_who_signs_up_is_a_member_with_a_session(any_world: World) -> None:
    signed = await sign_up(any_world)
    actor = await identity.authenticate(signed.token, any_world.queries, any_world.clock())
    assert (actor.user_id, actor.role, actor.credential_id) == (
        signed.member.user_id,
        "member",
        signed.session.id,
    )
    me = await any_world.run.read(identity.member, identity.GetMember(user_id=actor.user_id), actor=actor)
    assert (me.email, me.level, me.status) == ("member-1@example.org", "explorateur", "active")
    assert (signed.session.address, signed.session.device) == ("192.0.2.7", "laptop")


async def test_an_email_signs_up_once_whatever_its_case(any_world: World) -> None:
    await sign_up(any_world)
    with pytest.raises(rules.EmailTaken):
        await sign_up(any_world, "MEMBER-1@EXAMPLE.ORG")


async def test_of_many_who_sign_up_with_one_email_one_does(any_world: World) -> None:
    other = any_world.runner()
    command = identity.SignUp(email="a@example.org", password="correct horse", name="A")
    tries = (
        identity.sign_up(command, run, PlainSecrets(), STRANGER)
        for run in (any_world.run, other)
        for _ in range(10)
    )
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["EmailTaken"] * 19 + ["SignedIn"]


async def test_a_password_too_short_makes_nobody(any_world: World) -> None:
    with pytest.raises(rules.PasswordTooShort):
        await identity.sign_up(
            identity.SignUp(email="a@example.org", password="short", name="A"),
            any_world.run,
            PlainSecrets(),
            STRANGER,
        )
    page = await any_world.run.read(identity.members, identity.ListMembers(), actor=any_world.admin)
    assert page.items == ()


async def test_signing_in_opens_another_session(any_world: World) -> None:
    first = await sign_up(any_world)
    command = identity.SignIn(email="member-1@EXAMPLE.org", password="correct horse", device="telephone")
    second = await identity.sign_in(command, any_world.run, PlainSecrets(), STRANGER)
    actor = await identity.authenticate(second.token, any_world.queries, any_world.clock())
    page = await any_world.run.read(identity.sessions, identity.ListSessions(), actor=actor)
    assert [(one.id, one.current) for one in page.items] == [
        (second.session.id, True),
        (first.session.id, False),
    ]


@pytest.mark.parametrize("email", ["member-1@example.org", "nobody@example.org"])
async def test_wrong_credentials_look_the_same_whatever_is_wrong(any_world: World, email: str) -> None:
    await sign_up(any_world)
    with pytest.raises(rules.WrongCredentials):
        await identity.sign_in(
            identity.SignIn(email=email, password="wrong horse"), any_world.run, PlainSecrets(), STRANGER
        )


async def test_a_stranger_costs_as_much_as_a_member(any_world: World) -> None:
    secrets = PlainSecrets()
    with pytest.raises(rules.WrongCredentials):
        await identity.sign_in(
            identity.SignIn(email="nobody@example.org", password="x"), any_world.run, secrets, STRANGER
        )
    assert secrets.hashed == ["x"]


async def test_a_closed_session_lets_nobody_in(any_world: World) -> None:
    signed = await sign_up(any_world)
    actor = await identity.authenticate(signed.token, any_world.queries, any_world.clock())
    closed = await any_world.run(
        identity.close_session, identity.CloseSession(session_id=signed.session.id), actor=actor
    )
    assert closed.revoked_at == any_world.clock()
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(signed.token, any_world.queries, any_world.clock())


async def test_nobody_closes_the_session_of_another(any_world: World) -> None:
    signed = await sign_up(any_world)
    with pytest.raises(shared.NotFound):
        await any_world.run(
            identity.close_session,
            identity.CloseSession(session_id=signed.session.id),
            actor=any_world.member(),
        )


async def test_a_session_ends_after_thirty_days(any_world: World) -> None:
    signed = await sign_up(any_world)
    any_world.clock.advance(days=30)
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(signed.token, any_world.queries, any_world.clock())


@pytest.mark.parametrize("token", ["", "é", "abc", "A" * 88, "A" * 400])
async def test_what_is_no_token_lets_nobody_in(any_world: World, token: str) -> None:
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(token, any_world.queries, any_world.clock())


async def test_a_token_with_another_secret_lets_nobody_in(any_world: World) -> None:
    token = identity.read_token((await sign_up(any_world)).token)
    forged = shared.evolve(token, secret=bytes(32)).text()
    with pytest.raises(shared.Unauthenticated):
        await identity.authenticate(forged, any_world.queries, any_world.clock())


async def test_an_administrator_gives_roles_and_a_member_does_not(any_world: World) -> None:
    user_id = (await sign_up(any_world)).member.user_id
    producer = any_world.run.new_id()
    command = identity.SetRole(user_id=user_id, role="partner_owner", producer_id=producer)
    changed = await any_world.run(identity.set_role, command, actor=any_world.admin)
    assert (changed.role, changed.producer_id) == ("partner_owner", producer)
    with pytest.raises(shared.Forbidden):
        await any_world.run(identity.set_role, command, actor=any_world.member())


async def test_members_are_listed_newest_first_by_page_or_by_email(any_world: World) -> None:
    for name in "abc":
        await sign_up(any_world, f"{name}@example.org")
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
    user_id = (await sign_up(any_world)).member.user_id
    with pytest.raises(shared.NotFound):
        await any_world.run.read(
            identity.member, identity.GetMember(user_id=user_id), actor=any_world.member()
        )
    with pytest.raises(shared.NotFound):
        await any_world.run.read(
            identity.member, identity.GetMember(user_id=any_world.run.new_id()), actor=any_world.admin
        )


async def test_nothing_secret_stands_in_the_command_log(postgres_world: World) -> None:
    signed = await sign_up(postgres_world)
    async with postgres_world.queries.points._database.connection() as connection:
        rows = await connection.fetch(
            "select name, digest, result, address from baobab.command_log order by key"
        )
    assert [(row["name"], row["digest"], row["result"]) for row in rows] == [
        ("identity.enrol", b"", b""),
        ("identity.open_session", b"", b""),
    ]
    assert {row["address"] for row in rows} == {"192.0.2.7"}
    assert signed.token
