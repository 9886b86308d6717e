"""Accounts that nobody claimed: who is erased by a sweep, and who stays."""

from datetime import timedelta
from uuid import UUID

from signing import EMAIL, Signing

from baobab.application import identity, privacy
from baobab.application.identity import MemberView, Porter
from baobab.application.privacy import Erase
from baobab.application.privacy.unclaimed import (
    EraseUnclaimed,
    SweptAccounts,
    begin_unclaimed,
    sweep_unclaimed,
)
from baobab.domain import shared
from builders import World

HOUSE = shared.Actor(role="service", address="cli", whereabouts="public")
MONTH = timedelta(days=30)


async def sweep(world: World, *, dry_run: bool = False) -> SweptAccounts:
    before = world.clock() - MONTH
    return await sweep_unclaimed(world.run, before, actor=HOUSE, dry_run=dry_run)


async def seen(world: World, user_id: UUID) -> MemberView:
    question = identity.GetMember(user_id=user_id)
    return await world.run.read(identity.member, question, actor=HOUSE)


async def test_who_never_verified_is_erased_once_it_is_long_ago_and_nobody_is_signed_in(
    any_world: World,
) -> None:
    signing = Signing(any_world)
    lost = (await signing.sign_up()).member.user_id
    verified, _ = await signing.join("member-2@example.org")
    any_world.clock.advance(days=29)
    assert await sweep(any_world) == SweptAccounts(0, 0)
    any_world.clock.advance(days=2)
    young = (await signing.sign_up("member-3@example.org")).member.user_id
    assert await sweep(any_world, dry_run=True) == SweptAccounts(1, 0)
    assert (await seen(any_world, lost)).email == EMAIL
    assert await sweep(any_world) == SweptAccounts(1, 0)
    gone = await seen(any_world, lost)
    assert (gone.status, EMAIL in (gone.email, gone.name)) == ("erased", False)
    erasure = await any_world.run.read(privacy.erasure, privacy.Of(user_id=lost), actor=HOUSE)
    assert (erasure.state, erasure.grounds) == ("done", "law")
    for stays in (verified.member.user_id, young):
        assert (await seen(any_world, stays)).status == "active"
    assert await sweep(any_world) == SweptAccounts(0, 0)


async def test_who_is_still_signed_in_stays(any_world: World) -> None:
    signing = Signing(any_world)
    signed = await signing.sign_up()
    any_world.clock.advance(days=20)
    porter = Porter(any_world.run, any_world.queries)
    await porter.actor_of(signed.token, "")
    await porter.later.done()
    any_world.clock.advance(days=20)
    assert await sweep(any_world) == SweptAccounts(0, 0)
    any_world.clock.advance(days=11)
    assert await sweep(any_world) == SweptAccounts(1, 0)


async def test_who_is_bound_stays_and_is_counted(any_world: World) -> None:
    signing = Signing(any_world)
    signed = await signing.sign_up()
    role = identity.SetRole(user_id=signed.member.user_id, role="admin")
    await any_world.run(identity.set_role, role, actor=any_world.admin)
    any_world.clock.advance(days=31)
    for dry_run in (True, False):
        assert await sweep(any_world, dry_run=dry_run) == SweptAccounts(0, 1)


async def test_who_claims_the_account_before_its_turn_comes_stays(any_world: World) -> None:
    """What was found is looked at again under the lock."""
    signing = Signing(any_world)
    signed = await signing.sign_up()
    any_world.clock.advance(days=31)
    user_id = signed.member.user_id
    await any_world.run(identity.verify_member, identity.OfMember(user_id=user_id), actor=any_world.admin)
    wish = EraseUnclaimed(user_id=user_id, grounds="law", signed_up_before=any_world.clock())
    assert await any_world.run(begin_unclaimed, wish, actor=HOUSE) is None
    assert (await seen(any_world, user_id)).status == "active"


async def test_a_sweep_goes_on_with_what_was_interrupted(any_world: World) -> None:
    signing = Signing(any_world)
    user_id = (await signing.sign_up()).member.user_id
    await any_world.run(privacy.begin, Erase(user_id=user_id, grounds="law"), actor=HOUSE)
    await sweep(any_world)
    erasure = await any_world.run.read(privacy.erasure, privacy.Of(user_id=user_id), actor=HOUSE)
    assert erasure.state == "done"


async def test_the_owner_of_an_address_signs_up_after_the_sweep_as_before(any_world: World) -> None:
    signing = Signing(any_world)
    await signing.sign_up()
    any_world.clock.advance(days=31)
    await sweep(any_world)
    owner, _ = await signing.join()
    assert owner.member.email == EMAIL
