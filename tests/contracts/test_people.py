"""What is kept of people, in memory and on PostgreSQL alike."""

import asyncio
from typing import Any

import pytest
from investing import join

from baobab.application import identity
from baobab.application.identity import checks, consent, levels, profile
from baobab.application.identity.checks import CheckView
from baobab.application.identity.profile import ProfileView
from baobab.domain import shared
from baobab.domain.identity import checks as rules
from baobab.domain.identity.profile import Notifications, Preferences, SocialLink
from builders import START, World

ADDRESS = shared.Address("Rue de Fer 1", "Namur", "5000", "BE")


async def newcomer(world: World, number: int = 1) -> shared.Actor:
    """A member whom nobody checked."""
    return await join(world, number, kyc=0)


def wish(user_id: Any, version: int = 1, **facts: Any) -> profile.ReplaceProfile:
    return profile.ReplaceProfile(user_id=user_id, version=version, **{"display_name": "Olive", **facts})


async def read_profile(world: World, who: shared.Actor) -> ProfileView:
    return await world.run.read(profile.profile, profile.GetProfile(user_id=who.user_id), actor=who)


async def ask(world: World, who: shared.Actor, level: rules.CheckedLevel = 1) -> CheckView:
    command = checks.AskCheck(user_id=who.user_id, level=level, evidence="file 12")
    return await world.run(checks.ask, command, actor=who)


async def decide(
    world: World, check: CheckView, verdict: rules.Verdict = "verified", **facts: Any
) -> CheckView:
    command = checks.DecideCheck(
        user_id=check.user_id, check_id=check.id, verdict=verdict, reason="Seen.", **facts
    )
    return await world.run(checks.decide, command, actor=world.admin)


async def read_checks(world: World, who: shared.Actor) -> checks.ChecksView:
    return await world.run.read(checks.checks, checks.GetChecks(user_id=who.user_id), actor=who)


async def pending(world: World, **page: Any) -> Any:
    return await world.run.read(checks.pending, checks.ListPending(**page), actor=world.admin)


# --- profile --------------------------------------------------------------------------------------


async def test_everything_of_a_profile_comes_back_as_it_was_written(any_world: World) -> None:
    who = await newcomer(any_world)
    command = wish(
        who.user_id,
        given_name="O.",
        family_name="Live",
        birth_date=START.date(),
        phone="+32470123456",
        address=ADDRESS,
        bio="Grows thyme.",
        avatar_url="https://example.org/o.png",
        links=(SocialLink("website", "https://example.org"),),
        notifications=Notifications(by_email=False, muted=("harvest",)),
        preferences=Preferences("en"),
    )
    written = await any_world.run(profile.replace, command, actor=who)
    assert written == await read_profile(any_world, who)
    assert shared.recast(profile.ReplaceProfile, written, version=1) == command
    empty = await any_world.run(profile.replace, wish(who.user_id, 2), actor=any_world.admin)
    assert empty == await read_profile(any_world, who)
    assert (empty.address, empty.phone, empty.links, empty.version) == (None, None, (), 3)


async def test_a_profile_that_nobody_wrote_shows_the_name_of_the_account(any_world: World) -> None:
    who = await newcomer(any_world, 4)
    assert (await read_profile(any_world, who)).display_name == "Member 4"
    with pytest.raises(shared.NotFound):
        await read_profile(any_world, any_world.admin)


async def test_the_name_of_the_account_and_of_the_profile_are_one(any_world: World) -> None:
    who = await newcomer(any_world)
    await any_world.run(profile.replace, wish(who.user_id), actor=who)
    member = await any_world.run.read(identity.member, identity.GetMember(user_id=who.user_id), actor=who)
    assert member.name == "Olive"


async def test_of_two_who_read_the_same_version_one_replaces_it(any_world: World) -> None:
    who, other = await newcomer(any_world), any_world.runner()
    both = (
        run(profile.replace, wish(who.user_id, bio=bio), actor=who)
        for run, bio in ((any_world.run, "first"), (other, "second"))
    )
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["ProfileView", "StaleVersion"]


async def test_nobody_replaces_the_profile_of_another(any_world: World) -> None:
    who = await newcomer(any_world)
    with pytest.raises(shared.NotFound):
        await any_world.run(profile.replace, wish(who.user_id), actor=any_world.member())


# --- levels ---------------------------------------------------------------------------------------


async def test_a_member_who_never_changed_has_no_history(any_world: World) -> None:
    who = await newcomer(any_world)
    question = levels.ListLevelChanges(user_id=who.user_id)
    assert (await any_world.run.read(levels.changes, question, actor=who)).items == ()


# --- checks ---------------------------------------------------------------------------------------


async def test_a_verified_check_gives_its_level_until_it_runs_out(any_world: World) -> None:
    who = await newcomer(any_world)
    decided = await decide(any_world, await ask(any_world, who, 2), valid_until=START.date())
    assert (decided.status, decided.decided_by) == ("verified", any_world.admin.user_id)
    found = await read_checks(any_world, who)
    assert (found.level, found.checks) == (2, (decided,))
    any_world.clock.at(decided.expires_at)
    found = await read_checks(any_world, who)
    assert (found.level, [one.status for one in found.checks]) == (0, ["expired"])


async def test_every_check_stays_newest_first(any_world: World) -> None:
    who = await newcomer(any_world)
    first = await decide(any_world, await ask(any_world, who), "failed")
    second = await decide(any_world, await ask(any_world, who))
    revoke = checks.RevokeCheck(user_id=who.user_id, check_id=second.id, reason="Forged.")
    gone = await any_world.run(checks.revoke, revoke, actor=any_world.admin)
    assert (await read_checks(any_world, who)).checks == (gone, first)
    assert (gone.reason, gone.revoked_reason, gone.revoked_at) == ("Seen.", "Forged.", START)


async def test_what_waits_is_listed_oldest_first_by_page_until_it_is_decided(any_world: World) -> None:
    asked = [await ask(any_world, await newcomer(any_world, number)) for number in (1, 2, 3)]
    first = await pending(any_world, limit=2)
    rest = await pending(any_world, cursor=first.next_cursor)
    assert [*first.items, *rest.items] == asked
    await decide(any_world, asked[0])
    assert list((await pending(any_world)).items) == asked[1:]


async def test_what_waited_too_long_is_listed_as_expired_and_no_longer_decided(any_world: World) -> None:
    check = await ask(any_world, await newcomer(any_world))
    any_world.clock.at(check.expires_at)
    assert [one.status for one in (await pending(any_world)).items] == ["expired"]
    with pytest.raises(rules.CheckNotPending):
        await decide(any_world, check)


async def test_of_two_decisions_at_once_one_counts(any_world: World) -> None:
    check, other = await ask(any_world, await newcomer(any_world)), any_world.runner()
    commands = [
        checks.DecideCheck(user_id=check.user_id, check_id=check.id, verdict=verdict, reason="Seen.")
        for verdict in ("verified", "failed")
    ]
    both = (
        run(checks.decide, one, actor=any_world.admin)
        for run, one in zip((any_world.run, other), commands, strict=True)
    )
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["CheckNotPending", "CheckView"]


async def test_a_check_of_another_member_is_not_found_under_this_one(any_world: World) -> None:
    check, other = await ask(any_world, await newcomer(any_world, 1)), await newcomer(any_world, 2)
    command = checks.DecideCheck(user_id=other.user_id, check_id=check.id, verdict="verified", reason="Seen.")
    with pytest.raises(shared.NotFound):
        await any_world.run(checks.decide, command, actor=any_world.admin)


# --- consents -------------------------------------------------------------------------------------


async def say(
    world: World, who: shared.Actor, given: bool, purpose: str = "newsletter"
) -> consent.ConsentView:
    command = consent.Say(purpose=purpose, given=given, text_version="2026-01" if given else None)
    return await world.run(consent.say, command, actor=who)


async def test_the_last_word_counts_and_every_word_is_kept(any_world: World) -> None:
    who = await newcomer(any_world)
    for given in (True, True, False):
        any_world.clock.advance(days=1)
        last = await say(any_world, who, given)
    await say(any_world, who, True, "terms")
    now = await any_world.run.read(consent.consents, consent.GetConsents(user_id=who.user_id), actor=who)
    assert {one.purpose: one.given for one in now.items} == {
        "terms": True,
        "privacy": False,
        "newsletter": False,
        "analytics": False,
    }
    assert last in now.items
    lines = await any_world.run.read(consent.history, consent.ListConsents(user_id=who.user_id), actor=who)
    assert [(one.purpose, one.given) for one in lines.items] == [
        ("terms", True),
        ("newsletter", False),
        ("newsletter", True),
    ]
    assert lines.items[2].at == START.replace(day=3)


async def test_consents_of_others_are_their_own(any_world: World) -> None:
    who, other = await newcomer(any_world, 1), await newcomer(any_world, 2)
    await say(any_world, who, True)
    now = await any_world.run.read(consent.consents, consent.GetConsents(user_id=other.user_id), actor=other)
    assert not any(one.given for one in now.items)
    with pytest.raises(shared.NotFound):
        await say(any_world, any_world.admin, True)
