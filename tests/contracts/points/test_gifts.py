"""Gifts between members, on both storages."""

import asyncio

import pytest
from ledgers import END, Ledger, enrolled, parts, set_policy, shared_storage

from baobab.application import points
from baobab.domain import shared
from baobab.domain.points import GiftToSelf, InsufficientPoints, NotGiftable


async def test_a_gift_keeps_the_day_on_which_it_ends_and_whether_it_was_paid_for(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=4)
    ledger.clock.advance(days=40)
    await ledger.earn(funded=20)
    other = ledger.another()
    given = await ledger.give(other, 16, message="thank you")
    assert (given.recipient_id, given.amount) == (other.member.user_id, 16)
    assert parts(given.balance) == parts(await ledger.balance()) == (18, 18, 0, 0)
    ends = {lot.expires_at for lot in (await ledger.expiring(800)).lots}
    assert [(lot.amount, lot.funded, lot.expires_at) for lot in (await other.expiring(800)).lots] == [
        (4, False, END),
        (10, True, END),
        (2, True, *ends),
    ]
    assert {lot.policy_version for lot in await other.lots()} == {1}


async def test_both_lines_of_a_gift_name_the_other_member_and_the_gift(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=4)
    other = ledger.another()
    given = await ledger.give(other, 6, message="thank you")
    line = await ledger.last_line()
    assert (line.kind, line.contra, line.contra_id, line.amount) == (
        "given",
        "member",
        other.member.user_id,
        -6,
    )
    received = await other.lines()
    assert [(one.kind, one.contra, one.contra_id, one.amount) for one in received] == [
        ("received", "member", ledger.member.user_id, 4),
        ("received", "member", ledger.member.user_id, 2),
    ]
    for one in (line, *received):
        assert (one.source_type, one.source_id, one.reason) == ("gift", given.gift_id, "thank you")


async def test_points_of_one_promise_arrive_as_one_lot(ledger: Ledger) -> None:
    for _ in range(3):
        await ledger.earn(funded=10)
    other = ledger.another()
    await ledger.give(other, 25)
    assert await other.left() == [(True, 25)]
    assert len(await ledger.lots()) == 1


async def test_a_member_is_given_points_by_email_in_any_case(ledger: Ledger) -> None:
    friend = await enrolled(ledger.world, "Friend@example.org")
    await ledger.earn(funded=10)
    given = await ledger.give(" friend@EXAMPLE.org ", 3)
    assert given.recipient_id == friend.member.user_id
    assert parts(await friend.balance()) == (3, 3, 0, 0)


@pytest.mark.parametrize(
    "who", ["nobody@example.org", "a@\N{SNOWMAN}", "01a1fe03-aa47-77f7-a8ae-7c75fabce465", "nobody"]
)
async def test_whom_nobody_knows_is_given_nothing(ledger: Ledger, who: str) -> None:
    await ledger.earn(funded=10)
    with pytest.raises(shared.NotFound, match="member"):
        await ledger.give(who, 3)
    assert parts(await ledger.balance()) == (10, 10, 0, 0)


async def test_a_gift_goes_to_somebody_else(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    with pytest.raises(GiftToSelf):
        await ledger.give(ledger, 3)


async def test_no_more_is_given_than_is_free(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    await ledger.hold(4)
    with pytest.raises(InsufficientPoints) as caught:
        await ledger.give(ledger.another(), 7)
    assert (caught.value.needed, caught.value.available) == (7, 6)


async def test_a_unit_may_not_be_given_to_others(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", giftable=False)
    pearls = ledger.counted_in("pearls")
    await pearls.earn(funded=10)
    with pytest.raises(NotGiftable, match="pearls"):
        await pearls.give(pearls.another(), 3)


async def test_nobody_gives_what_belongs_to_another_but_an_administrator(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    thief = ledger.another()
    wish = points.Give(
        user_id=ledger.member.user_id, recipient=str(thief.member.user_id), unit="points", amount=3
    )
    with pytest.raises(shared.NotFound, match="account"):
        await ledger.world.run(points.give, wish, actor=thief.member)
    with pytest.raises(shared.Unauthenticated):
        await ledger.world.run(points.give, wish, actor=shared.Actor())
    await ledger.world.run(points.give, wish, actor=ledger.world.admin)
    assert parts(await thief.balance()) == (3, 3, 0, 0)


async def test_members_who_give_to_each_other_at_once_lose_nothing(ledger: Ledger) -> None:
    other = ledger.another()
    await ledger.earn(funded=50)
    await other.earn(funded=50)
    elsewhere = Ledger(ledger.world, other.member)
    elsewhere.world = shared_storage(ledger.world)
    gifts = [gift for _ in range(10) for gift in (ledger.give(other, 3), elsewhere.give(ledger, 2))]
    await asyncio.gather(*gifts)
    assert (await ledger.balance()).balance == 50 - 30 + 20
    assert (await other.balance()).balance == 50 + 30 - 20
