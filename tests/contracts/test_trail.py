"""What every command leaves in the log, in memory and on PostgreSQL: who did what to which record, old and
new, from where; and apart from it, until the person is erased, what is personal of that."""

from uuid import UUID, uuid4

import pytest
from trails import (
    Named,
    Point,
    Rename,
    at_home,
    blank,
    forget,
    left,
    member_key,
    put,
    rename,
    session_of,
    sign_in,
    sign_out,
    spend_own,
    stored,
    suspend,
)

from baobab.application import payments, points
from baobab.application.identity import MEMBERS
from baobab.application.payments import inbox
from baobab.application.runner import AnswerErased, IdempotencyKeyReused
from baobab.application.work import PRIVATE_PARTS, RUNS, Change, Changes
from baobab.domain import shared
from builders import World

SHOP = UUID(int=1)
PERSONAL = {"personal": True}


# --- who, from where ----------------------------------------------------------------------------


async def test_a_line_says_who_asked_with_which_credential_and_request(any_world: World) -> None:
    member = any_world.member(credential_id=uuid4(), request_id="request-1")
    await any_world.run(rename, Rename(user_id=member.user_id, name="Ash"), actor=member, key="k")
    run, _ = await left(any_world, member)
    assert (run.name, run.actor_id, run.role) == ("trails.rename", member.user_id, "member")
    assert (run.credential_id, run.request_id) == (member.credential_id, "request-1")
    assert run.recorded_at == any_world.clock()


async def test_a_program_says_where_it_is_and_a_person_only_apart_from_the_log(any_world: World) -> None:
    victim = any_world.member()
    service = any_world.member("service", address="cli", whereabouts="public")
    stranger = any_world.member("admin", address="192.0.2.9")
    for actor in (service, stranger):
        await any_world.run(suspend, Point(user_id=victim.user_id), actor=actor, key="k")
    (by_service, nothing), (by_admin, private) = [await left(any_world, one) for one in (service, stranger)]
    assert (by_service.origin, nothing) == ("cli", None)
    assert by_admin.origin == ""
    assert private is not None
    assert (private.address, private.subjects) == ("192.0.2.9", (victim.user_id,))


async def test_an_address_that_the_credential_knows_is_not_written_again(any_world: World) -> None:
    admin = at_home(any_world, "admin")
    await any_world.run(suspend, Point(user_id=any_world.member().user_id), actor=admin, key="k")
    run, private = await left(any_world, admin)
    assert (run.origin, run.credential_id, private) == ("", admin.credential_id, None)


# --- what, old and new --------------------------------------------------------------------------


async def test_a_change_shows_the_fields_that_changed_as_they_were_and_as_they_are(any_world: World) -> None:
    admin, member = at_home(any_world, "admin"), any_world.member()
    await any_world.run(suspend, Point(user_id=member.user_id), actor=admin, key="k")
    run, _ = await left(any_world, admin)
    assert run.changes == (
        Change("member", member_key(member), {"status": "active"}, {"status": "suspended"}),
    )
    assert run.touched == (f"member/{member.user_id}", f"person/{member.user_id}")


async def test_what_is_personal_shows_only_apart_from_the_log(any_world: World) -> None:
    member = at_home(any_world)
    await any_world.run(rename, Rename(user_id=member.user_id, name="Ash"), actor=member, key="k")
    run, private = await left(any_world, member)
    assert run.changes == (Change("member", member_key(member), {"name": PERSONAL}, {"name": PERSONAL}),)
    assert (run.digest, run.result) == (b"", b"")
    assert private is not None
    assert private.changes == (Change("member", member_key(member), {"name": "Member"}, {"name": "Ash"}),)
    assert private.subjects is None, "it speaks of nobody but who asked"
    assert b"Ash" in private.result


async def test_what_is_secret_shows_nowhere(any_world: World) -> None:
    wish = Point(user_id=any_world.member().user_id)
    nobody = shared.Actor(address="192.0.2.1")
    run = any_world.runner(ids=lambda: UUID(int=77))
    await run(sign_in, wish, actor=nobody)
    line, private = await left(any_world, nobody, await _last_key(any_world))
    assert private is not None
    assert private.subjects == (wish.user_id,)
    assert private.changes is not None
    assert private.changes[0].new == {"device": "A telephone", "address": "192.0.2.1"}
    assert line.changes is not None
    assert line.changes[0].new is not None
    assert "token_hash" not in line.changes[0].new, "it never changes, so the record says it itself"


async def _last_key(world: World) -> str:
    """The key that the Runner chose for the only command of nobody."""
    if hasattr(world.storage, "all"):
        (run,) = world.storage.all(RUNS, lambda one: one.user_id == shared.NOBODY)
        return str(run.key)
    async with world.queries.points._database.connection() as connection:
        return str(
            await connection.fetchval("select key from baobab.command_log where user_id = $1", shared.NOBODY)
        )


async def test_a_removed_record_shows_what_it_was(any_world: World) -> None:
    member = at_home(any_world)
    session = session_of(member.user_id)
    await put(any_world, session)
    await any_world.run(sign_out, Point(user_id=member.user_id, id=session.id), actor=member, key="k")
    run, private = await left(any_world, member)
    assert run.changes is not None
    (change,) = run.changes
    assert change.new is None
    assert change.old is not None
    assert (change.old["device"], change.old["token_hash"]) == (PERSONAL, {"secret": True})
    assert private is not None
    assert private.changes is not None
    assert private.changes[0].old == {"device": "A telephone", "address": "192.0.2.1"}


# --- what is proven elsewhere -------------------------------------------------------------------


async def test_what_points_do_is_not_told_again(any_world: World) -> None:
    """Spending touches no index of the log, for the member and for a service."""
    member, service = at_home(any_world), any_world.member("service")
    await any_world.run(
        points.earn, points.Earn(user_id=member.user_id, funded=9, source_id=SHOP), actor=service, key="k"
    )
    wish = points.Spend(user_id=member.user_id, amount=1, source_id=SHOP)
    await any_world.run(spend_own, wish, actor=member, key="k")
    for actor in (service, member):
        run, private = await left(any_world, actor)
        assert (run.changes, run.touched, private) == (None, None, None)
        assert run.digest
        assert run.result


async def test_who_acts_for_others_on_the_books_leaves_whom_they_touched(any_world: World) -> None:
    admin, member = at_home(any_world, "admin"), any_world.member()
    wish = points.Earn(user_id=member.user_id, funded=9, source_id=SHOP)
    await any_world.run(points.earn, wish, actor=admin, key="k")
    run, _ = await left(any_world, admin)
    assert (run.changes, run.touched) == (None, (f"person/{member.user_id}",))


async def test_a_dry_run_leaves_nothing(any_world: World) -> None:
    member = any_world.member()
    wish = Rename(user_id=member.user_id, name="Ash")
    await any_world.run(rename, wish, actor=member, key="k", dry_run=True)
    assert await left(any_world, member) == (None, None)


# --- erasure ------------------------------------------------------------------------------------


async def test_a_personal_answer_is_replayed_until_it_is_erased_and_then_never_run_again(
    any_world: World,
) -> None:
    member = any_world.member()
    wish = Rename(user_id=member.user_id, name="Ash")
    for _ in range(2):
        assert await any_world.run(rename, wish, actor=member, key="k") == Named("Ash")
    other = Rename(user_id=member.user_id, name="Oak")
    with pytest.raises(IdempotencyKeyReused):
        await any_world.run(rename, other, actor=member, key="k")
    _, private = await left(any_world, member)
    assert private is not None
    async with any_world.storage.begin() as transaction:
        await transaction.write(Changes({}, {}, {PRIVATE_PARTS: [private]}))
    for again in (wish, other):
        with pytest.raises(AnswerErased):
            await any_world.run(rename, again, actor=member, key="k")
    (found,) = await stored(any_world, MEMBERS.key(member.user_id))
    assert found.name == "Ash"


async def test_who_forgets_leaves_no_private_part_and_nothing_personal(any_world: World) -> None:
    admin, member = any_world.member("admin", address="192.0.2.7"), any_world.member()
    await any_world.run(forget, Point(user_id=member.user_id), actor=admin, key="k")
    run, private = await left(any_world, admin)
    assert private is None
    assert run.changes is not None
    (change,) = run.changes
    assert change.old == {"email": PERSONAL, "name": PERSONAL}
    (found,) = await stored(any_world, MEMBERS.key(member.user_id))
    assert (found.email, found.name, found.created_at) == ("", "", any_world.clock())


async def test_what_is_written_once_can_be_erased_all_the_same(any_world: World) -> None:
    """And nothing else of it changes."""
    member = any_world.member(address="192.0.2.9")
    await any_world.run(rename, Rename(user_id=member.user_id, name="Ash"), actor=member, key="k")
    _, before = await left(any_world, member)
    assert before is not None
    await any_world.run(blank, Point(user_id=member.user_id), actor=any_world.admin)
    _, after = await left(any_world, member)
    assert after == shared.evolve(before, result=b"", address="", changes=None)


async def test_a_message_that_is_nobodys_yet_names_nobody(any_world: World) -> None:
    provider = any_world.member("service", address="cli", whereabouts="public")
    message = payments.ReceiveEvent(
        event_id="evt_1", provider="stripe", type="other", reference="", body="{}"
    )
    await any_world.run(inbox.receive, message, actor=provider, key="k")
    run, _ = await left(any_world, provider)
    assert run.touched == ("webhook_event/evt_1/stripe",)
