"""The ledger's other words: debts, gifts, units, the past, closed books, very many lots; on both storages."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from ledgers import (
    END,
    ORDER,
    Ledger,
    close_month,
    enrolled,
    parts,
    set_policy,
    set_rate,
    stored,
    touched,
)

from baobab.adapters.postgres.database import Database
from baobab.application import points
from baobab.application.work import Changes
from baobab.domain import shared
from baobab.domain.points import (
    FOREVER,
    LONG_AGO,
    AccountClosed,
    AccountNotEmpty,
    AccountOpen,
    AlreadyExpired,
    Books,
    EffectiveInFuture,
    EffectiveTooEarly,
    GiftToSelf,
    GrantAlreadyRevoked,
    GrantOver,
    HoldClosed,
    InsufficientPoints,
    NoRate,
    NotGiftable,
    PeriodClosed,
    PeriodNotOver,
    PeriodNotSwept,
    RateLeavesRest,
    SameUnit,
    TooSoon,
    UnknownUnit,
)
from builders import START, World


@pytest.fixture
def ledger(any_world: World) -> Ledger:
    return Ledger(any_world)


def kinds(lines: list[points.StatementLine]) -> list[tuple[str, int, int]]:
    """What each line says: its kind, what it changed of the balance, and of the debt."""
    return [(line.kind, line.amount, line.debt) for line in lines]


def day(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


# --- claw-back and debt -------------------------------------------------------------------------


async def test_a_grant_that_was_spent_is_taken_back_and_what_is_missing_is_owed(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=50, bonus=15)
    await ledger.spend(40)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((0, 0, 0, 0), 40)
    line = await ledger.last_line()
    assert (line.id, line.kind, line.contra) == (taken.posting_id, "revoked", "issuance")
    assert (line.amount, line.debt, line.base_amount) == (-25, 40, 65)
    assert (line.author_id, line.reason) == (ledger.world.admin.user_id, "never paid")
    assert (await ledger.balance()).debt == 40


async def test_a_claw_back_takes_its_own_points_first_then_those_that_end_next(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.advance(days=1)
    grant = await ledger.grant(funded=20)
    ledger.clock.advance(days=1)
    await ledger.earn(bonus=30)
    await ledger.spend(15)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((25, 25, 0, 0), 0)
    assert sorted(touched(await ledger.last_line())) == [(False, -5), (True, -15)]
    assert await ledger.left() == [(False, 25)]


async def test_points_under_a_hold_are_not_taken_back_but_owed(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    held = await ledger.hold(8)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((8, 0, 0, 8), 8)
    assert parts(await ledger.capture(held.hold_id)) == (0, 0, 0, 0)
    assert (await ledger.balance()).debt == 8


async def test_a_grant_is_taken_back_once(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.earn(funded=20)
    await ledger.claw_back(grant)
    with pytest.raises(GrantAlreadyRevoked) as caught:
        await ledger.claw_back(grant)
    assert caught.value.grant_id == grant
    assert (await ledger.balance()).balance == 20


async def test_a_grant_of_nobody_or_somebody_else_is_not_found(ledger: Ledger) -> None:
    others = await ledger.another().grant(funded=20)
    for grant in (others, uuid4()):
        with pytest.raises(shared.NotFound, match="grant"):
            await ledger.claw_back(grant)


async def test_what_has_ended_of_a_grant_is_not_owed(ledger: Ledger) -> None:
    spent, whole = await ledger.grant(funded=20), await ledger.grant(funded=10)
    await ledger.spend(5)
    ledger.clock.at(END)
    assert (await ledger.claw_back(spent)).debt == 5
    with pytest.raises(GrantOver):
        await ledger.claw_back(whole)
    assert (await ledger.balance()).debt == 5


async def test_what_has_ended_is_not_owed_though_the_rest_came_back(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=10)
    debit = (await ledger.spend(4)).posting_id
    ledger.clock.at(END)
    await ledger.refund(debit, 3)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((0, 0, 0, 0), 1)
    assert (await ledger.last_line()).base_amount == 4


CREDITS: dict[str, Callable[[Ledger], Any]] = {
    "earned": lambda ledger: ledger.earn(funded=30),
    "bonus": lambda ledger: ledger.earn(bonus=30),
    "adjustment": lambda ledger: ledger.adjust(30),
}


@pytest.mark.parametrize("kind", CREDITS)
async def test_a_credit_repays_the_debt_first(ledger: Ledger, kind: str) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    after = await CREDITS[kind](ledger)
    assert (parts(after), after.debt) == ((10, 10, 0, 0), 0)
    assert kinds(await ledger.lines())[-2:] == [(kind, 30, 0), ("repaid", -20, -20)]
    credit, repaid = (await ledger.lines())[-2:]
    assert after.posting_id == credit.id
    assert (repaid.contra, [part.lot_id for part in repaid.lots]) == ("issuance", [credit.id])


async def test_a_refund_repays_the_debt_first(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    debit = (await ledger.spend(20)).posting_id
    await ledger.claw_back(grant)
    after = await ledger.refund(debit, 5)
    assert (parts(after), after.debt) == ((0, 0, 0, 0), 15)
    assert kinds(await ledger.lines())[-2:] == [("refunded", 5, 0), ("repaid", -5, -5)]
    after = await ledger.refund(debit)
    assert (parts(after), after.debt) == ((0, 0, 0, 0), 0)


async def test_a_gift_repays_the_debt_of_who_receives_it(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    giver = ledger.another()
    await giver.earn(funded=30)
    await giver.give(ledger, 25)
    after = await ledger.balance()
    assert (parts(after), after.debt) == ((5, 5, 0, 0), 0)
    assert kinds(await ledger.lines())[-2:] == [("received", 25, 0), ("repaid", -20, -20)]


async def test_a_conversion_repays_the_debt_in_the_unit_that_it_gives(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 1, 2)
    pearls = ledger.counted_in("pearls")
    grant = await pearls.grant(funded=20)
    await pearls.spend(20)
    await pearls.claw_back(grant)
    await ledger.earn(funded=30)
    after = (await ledger.convert(15, "pearls")).to_balance
    assert (parts(after), after.debt) == ((10, 10, 0, 0), 0)
    assert kinds(await pearls.lines())[-2:] == [("converted", 30, 0), ("repaid", -20, -20)]


async def test_a_debt_takes_points_that_are_not_ripe_yet(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=10)
    pearls = ledger.counted_in("pearls")
    grant = await pearls.grant(funded=20)
    pearls.clock.advance(days=10)
    await pearls.spend(20)
    await pearls.claw_back(grant)
    after = await pearls.earn(funded=30)
    assert (parts(after), after.debt) == ((10, 0, 10, 0), 0)


async def test_credits_of_one_batch_repay_a_debt_once(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    await asyncio.gather(*(ledger.earn(funded=8) for _ in range(4)))
    after = await ledger.balance()
    assert (parts(after), after.debt) == ((12, 12, 0, 0), 0)
    assert [line.debt for line in await ledger.lines()][3:] == [0, -8, 0, -8, 0, -4, 0]


# --- gifts --------------------------------------------------------------------------------------


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


def shared_storage(world: World) -> World:
    """The same world, as another process has it."""
    twin = World(world.storage, world.queries)
    twin.clock, twin.admin = world.clock, world.admin
    twin.run = twin.runner()
    return twin


# --- conversions --------------------------------------------------------------------------------


async def test_a_conversion_counts_by_the_rate_and_keeps_what_was_paid_for(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", validity_months=None)
    await set_rate(ledger.world, "points", "pearls", 4, 6)
    await ledger.earn(funded=50, bonus=7)
    got = await ledger.convert(20, "pearls")
    assert (got.amount, got.to_amount, got.rate) == (20, 30, "6/4")
    assert (parts(got.balance), parts(got.to_balance)) == ((37, 37, 0, 0), (30, 30, 0, 0))
    pearls = ledger.counted_in("pearls")
    [debit], credits = [await ledger.last_line()], await pearls.lines()
    assert sorted(touched(debit)) == [(False, -7), (True, -13)]
    assert [(one.amount, *touched(one)) for one in credits] == [(19, (True, 19)), (11, (False, 11))]
    assert got.to_balance.next_expiry == FOREVER
    for one in (debit, *credits):
        assert (one.kind, one.contra, one.rate) == ("converted", "conversion", "6/4")
        assert (one.source_type, one.source_id) == ("conversion", got.conversion_id)


async def test_what_a_rate_cannot_count_whole_is_refused(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 6, 4)
    await ledger.earn(funded=50)
    for amount in (1, 2, 7):
        with pytest.raises(RateLeavesRest) as caught:
            await ledger.convert(amount, "pearls")
        assert caught.value.facts() == {
            "unit": "points",
            "to_unit": "pearls",
            "give": 6,
            "get": 4,
            "multiple": 3,
        }
    assert (await ledger.convert(9, "pearls")).to_amount == 6
    assert parts(await ledger.balance()) == (41, 41, 0, 0)


async def test_the_newest_rate_in_force_counts(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    first = await set_rate(ledger.world, "points", "pearls", 1, 2)
    await ledger.earn(funded=50)
    assert (await ledger.convert(5, "pearls")).to_amount == 10
    later = points.SetRate(
        unit="points", to_unit="pearls", give=1, get=3, in_force_at=ledger.clock.now + timedelta(hours=1)
    )
    second = await ledger.world.run(points.set_rate, later, actor=ledger.world.admin)
    assert (first.version, second.version) == (1, 2)
    ledger.clock.advance(minutes=59)
    assert (await ledger.convert(5, "pearls")).to_amount == 10
    ledger.clock.advance(minutes=1)
    assert (await ledger.convert(5, "pearls")).to_amount == 15


async def test_without_a_rate_nothing_is_converted(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 1, 2)
    await ledger.earn(funded=50)
    with pytest.raises(NoRate):
        await ledger.counted_in("pearls").convert(5, "points")
    with pytest.raises(UnknownUnit):
        await ledger.convert(5, "shells")
    with pytest.raises(SameUnit):
        await ledger.convert(5, "points")
    with pytest.raises(InsufficientPoints):
        await ledger.convert(51, "pearls")
    wish = points.SetRate(unit="points", to_unit="points", give=1, get=2, in_force_at=FOREVER)
    with pytest.raises(SameUnit):
        await ledger.world.run(points.set_rate, wish, actor=ledger.world.admin)


async def test_nobody_converts_what_belongs_to_another(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 1, 2)
    await ledger.earn(funded=50)
    wish = points.Convert(user_id=ledger.member.user_id, to_unit="pearls", amount=5)
    with pytest.raises(shared.NotFound, match="account"):
        await ledger.world.run(points.convert, wish, actor=ledger.world.member())


# --- policies -----------------------------------------------------------------------------------


async def test_a_new_version_changes_what_is_promised_and_keeps_what_was(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    made = await set_policy(ledger.world, "points", validity_months=1, cents=100)
    assert made.version == 2
    await ledger.earn(funded=10)
    assert {(lot.policy_version, lot.expires_at) for lot in await ledger.lots()} == {
        (1, END),
        (2, day("2026-04-02 22:00")),
    }


async def test_a_version_is_said_a_minute_before_it_is_in_force(ledger: Ledger) -> None:
    soon = START + timedelta(seconds=59)
    wish = points.SetPolicy(unit="pearls", in_force_at=soon)
    with pytest.raises(TooSoon) as caught:
        await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)
    assert caught.value.earliest == START + timedelta(minutes=1)
    await set_policy(ledger.world, "pearls")
    rate = points.SetRate(unit="points", to_unit="pearls", give=1, get=1, in_force_at=soon)
    with pytest.raises(TooSoon):
        await ledger.world.run(points.set_rate, rate, actor=ledger.world.admin)


async def test_a_unit_is_there_from_the_instant_on_that_was_said(ledger: Ledger) -> None:
    wish = points.SetPolicy(unit="pearls", in_force_at=START + timedelta(days=1))
    await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)
    pearls = ledger.counted_in("pearls")
    ledger.clock.at(wish.in_force_at - timedelta(microseconds=1))
    with pytest.raises(UnknownUnit):
        await pearls.earn(funded=1)
    ledger.clock.at(wish.in_force_at)
    assert (await pearls.earn(funded=1)).balance == 1


async def test_an_instant_beyond_the_calendar_is_never(ledger: Ledger) -> None:
    beyond = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
    wish = points.SetPolicy(unit="pearls", in_force_at=beyond)
    assert (await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)).in_force_at == FOREVER


async def test_versions_of_two_processes_have_their_own_numbers(ledger: Ledger) -> None:
    other = shared_storage(ledger.world)
    versions = []
    for _ in range(2):
        for world in (ledger.world, other):
            wish = points.SetPolicy(unit="pearls", in_force_at=ledger.clock.now + timedelta(minutes=1))
            versions.append((await world.run(points.set_policy, wish, actor=world.admin)).version)
    assert versions == [1, 2, 3, 4]


async def test_the_oldest_may_go_first(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", consumption="oldest_first")
    pearls = ledger.counted_in("pearls")
    await pearls.earn(funded=10)
    await set_policy(ledger.world, "pearls", consumption="oldest_first", validity_months=1)
    await pearls.earn(funded=10)
    await pearls.spend(4)
    [line] = (await pearls.lines())[-1:]
    assert line.lots[0].expires_at > day("2027-01-01 00:00")


async def test_points_without_an_end_never_expire_nor_are_they_soon_to(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", validity_months=None)
    pearls = ledger.counted_in("pearls")
    assert (await pearls.earn(funded=10)).next_expiry == FOREVER
    pearls.clock.at("2099-01-01 00:00")
    assert parts(await pearls.spend(4)) == (6, 6, 0, 0)
    assert (await pearls.expiring(800)).total == 0


async def test_points_ripen_before_they_can_be_spent(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=10)
    pearls = ledger.counted_in("pearls")
    assert parts(await pearls.earn(funded=10)) == (10, 0, 10, 0)
    with pytest.raises(InsufficientPoints):
        await pearls.spend(1)
    with pytest.raises(InsufficientPoints):
        await pearls.give(pearls.another(), 1)
    pearls.clock.advance(days=10)
    assert parts(await pearls.balance()) == (10, 10, 0, 0)
    assert parts(await pearls.spend(1)) == (9, 9, 0, 0)


async def test_points_that_end_before_they_are_ripe_are_gone_lazily_and_swept_alike(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=60, validity_months=1)
    pearls = ledger.counted_in("pearls")
    await pearls.earn(funded=10)
    pearls.clock.advance(days=40)
    assert parts(await pearls.balance()) == (0, 0, 0, 0)
    assert parts(await pearls.expire()) == (0, 0, 0, 0)


async def test_a_unit_may_stand_for_other_money_or_none(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", cents=25)
    await set_policy(ledger.world, "shells")
    assert (await ledger.counted_in("pearls").earn(funded=10)).euros == shared.Money(250)
    assert (await ledger.counted_in("shells").earn(funded=10)).euros == shared.Money(0)


async def test_a_zone_that_is_none_is_refused(ledger: Ledger) -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "Europe"):
        wish = points.SetPolicy(unit="pearls", in_force_at=FOREVER, zone=zone)
        with pytest.raises(points.UnknownZone, match=zone):
            await ledger.world.run(points.set_policy, wish, actor=ledger.world.admin)


async def test_units_are_listed_with_their_versions_rates_and_books(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    rate = await set_rate(ledger.world, "points", "pearls", 1, 2)
    books = await close_month(ledger.world, "2026-02")
    found = await ledger.world.run.read(points.units, points.ListUnits(), actor=ledger.member)
    assert [(one.unit, one.version) for one in found.policies] == [("points", 1), ("pearls", 1)]
    assert (found.rates, found.books) == ((rate,), (books,))
    for which in (points.set_policy, points.set_rate, points.close_period):
        with pytest.raises(shared.Forbidden):
            await ledger.world.run(which, points.ListUnits(), actor=ledger.member)


# --- in the past --------------------------------------------------------------------------------

LAST_WEEK = START - timedelta(days=7)


async def test_a_credit_of_the_past_lives_from_then_on(ledger: Ledger) -> None:
    balance = await ledger.earn(funded=10, bonus=5, effective_at=LAST_WEEK)
    assert balance.next_expiry == day("2027-08-23 22:00")
    lines = await ledger.lines()
    assert {line.effective_at for line in lines} == {LAST_WEEK}
    assert [line.recorded_at for line in lines] == [START, START + timedelta(microseconds=1)]


async def test_a_credit_of_the_past_has_the_policy_that_was_in_force_then(ledger: Ledger) -> None:
    await set_policy(ledger.world, "points", validity_months=1, cents=100)
    for given in (await ledger.earn(funded=10, effective_at=LAST_WEEK), await ledger.adjust(3)):
        assert given.balance
    assert [
        (one.policy_version, one.expires_at) for one in sorted(await ledger.lots(), key=lambda one: one.id)
    ] == [
        (1, day("2027-08-23 22:00")),
        (2, day("2026-04-02 22:00")),
    ]


async def test_a_credit_of_long_ago_has_ended_already(ledger: Ledger) -> None:
    then = START - timedelta(days=600)
    for attempt in (ledger.earn(funded=10, effective_at=then), ledger.adjust(10, effective_at=then)):
        with pytest.raises(AlreadyExpired) as caught:
            await attempt
        assert caught.value.expires_at < START


async def test_nothing_has_happened_in_the_future(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    soon = START + timedelta(microseconds=1)
    for attempt in (
        ledger.earn(funded=1, effective_at=soon),
        ledger.spend(1, effective_at=soon),
        ledger.adjust(1, effective_at=soon),
    ):
        with pytest.raises(EffectiveInFuture) as caught:
            await attempt
        assert (caught.value.effective_at, caught.value.now) == (soon, START)
    assert parts(await ledger.spend(1, effective_at=START)) == (9, 9, 0, 0)


async def test_a_debit_of_the_past_takes_only_what_was_there_then_and_is_there_now(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.advance(days=10)
    await ledger.earn(bonus=30)
    for attempt in (ledger.spend, lambda amount, **then: ledger.adjust(-amount, **then)):
        with pytest.raises(InsufficientPoints) as caught:
            await attempt(11, effective_at=START + timedelta(days=5))
        assert (caught.value.needed, caught.value.available) == (11, 10)
    await ledger.spend(10, effective_at=START + timedelta(days=5))
    assert await ledger.left() == [(False, 30)]
    assert (await ledger.last_line()).effective_at == START + timedelta(days=5)


async def test_a_gift_was_not_there_before_it_was_given(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    other = ledger.another()
    ledger.clock.advance(days=10)
    await ledger.give(other, 6)
    with pytest.raises(InsufficientPoints) as caught:
        await other.spend(1, effective_at=START + timedelta(days=5))
    assert (caught.value.needed, caught.value.available) == (1, 0)
    ledger.clock.advance(days=1)
    assert parts(await other.spend(6, effective_at=START + timedelta(days=10, hours=1))) == (0, 0, 0, 0)


async def test_no_debit_reaches_behind_a_refund(ledger: Ledger) -> None:
    """What came back was not there in between."""
    await ledger.earn(funded=10)
    debit = (await ledger.spend(10)).posting_id
    ledger.clock.advance(days=10)
    await ledger.refund(debit)
    then = START + timedelta(days=5)
    for attempt in (ledger.spend(1, effective_at=then), ledger.adjust(-1, effective_at=then)):
        with pytest.raises(EffectiveTooEarly) as caught:
            await attempt
        assert caught.value.facts() == {"since": ledger.clock.now, "effective_at": then}
    assert parts(await ledger.earn(funded=1, effective_at=then)) == (11, 11, 0, 0)
    ledger.clock.advance(days=1)
    await ledger.spend(11, effective_at=START + timedelta(days=10, hours=1))


async def test_a_time_in_another_zone_is_the_same_instant(ledger: Ledger) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    await ledger.earn(funded=10, effective_at=LAST_WEEK.astimezone(there))
    await ledger.spend(3, effective_at=LAST_WEEK.astimezone(there))
    await ledger.adjust(2, effective_at=LAST_WEEK.astimezone(there))
    assert {line.effective_at for line in await ledger.lines()} == {LAST_WEEK}
    async with ledger.world.storage.begin() as transaction:
        keys = [points.POSTINGS.key(ledger.member.user_id, line.id) for line in await ledger.lines()]
        loaded = await transaction.load(keys, lock=False)
    lines = [loaded.records[key] for key in keys]
    assert {line.effective_at.utcoffset() for line in lines} == {timedelta(0)}  # type: ignore[attr-defined]
    assert {lot.available_at.utcoffset() for lot in await ledger.lots()} == {timedelta(0)}


# --- closed months ------------------------------------------------------------------------------


async def test_nothing_is_posted_as_effective_in_a_closed_month(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    books = await close_month(ledger.world, "2026-02")
    assert (books.closed_through, books.closed_at) == (day("2026-02-28 23:00"), START)
    then = books.closed_through - timedelta(microseconds=1)
    for attempt in (
        ledger.earn(funded=1, effective_at=then),
        ledger.spend(1, effective_at=then),
        ledger.adjust(1, effective_at=then),
        ledger.adjust(-1, effective_at=then),
    ):
        with pytest.raises(PeriodClosed) as caught:
            await attempt
        assert caught.value.closed_through == books.closed_through
    await ledger.earn(funded=1, effective_at=books.closed_through)
    await ledger.adjust(1)
    assert parts(await ledger.balance()) == (12, 12, 0, 0)


async def test_a_unit_has_books_of_its_own(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await close_month(ledger.world, "2026-02")
    ledger.clock.at("2026-03-10 12:00")
    pearls = ledger.counted_in("pearls")
    assert (await pearls.earn(funded=1, effective_at=START + timedelta(days=1))).balance == 1
    with pytest.raises(UnknownUnit):
        await close_month(ledger.world, "2026-02", "shells")


async def test_a_month_is_closed_once_it_is_over(ledger: Ledger) -> None:
    ledger.clock.at("2026-03-31 21:59")
    with pytest.raises(PeriodNotOver) as caught:
        await close_month(ledger.world, "2026-03")
    assert caught.value.ends_at == day("2026-03-31 22:00")
    ledger.clock.at("2026-03-31 22:00")
    assert (await close_month(ledger.world, "2026-03")).closed_through == day("2026-03-31 22:00")
    for month in ("2026-03", "2026-02"):
        with pytest.raises(PeriodClosed):
            await close_month(ledger.world, month)


async def test_what_ended_in_a_month_is_written_down_before_it_is_closed(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    await ledger.another().earn(funded=10)
    ledger.clock.at("2027-10-05 12:00")
    await ledger.expire()
    with pytest.raises(PeriodNotSwept) as caught:
        await close_month(ledger.world, "2027-09")
    assert caught.value.expires_at == END
    await close_month(ledger.world, "2027-08")


async def test_what_a_hold_keeps_beyond_a_month_may_wait(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.at("2027-09-02 12:00")
    await ledger.hold(10, minutes=44_640)
    ledger.clock.at("2027-10-01 00:00")
    await close_month(ledger.world, "2027-09")
    ledger.clock.at("2027-10-04 12:00")
    await ledger.expire()
    [line] = (await ledger.lines())[-1:]
    assert (line.kind, line.effective_at) == ("expired", day("2027-10-03 12:00"))


@pytest.mark.parametrize("begun", [False, True], ids=["never closed", "closed before"])
async def test_who_posts_in_a_month_while_it_is_closed_is_refused(
    postgres_world: World, database: Database, begun: bool
) -> None:
    """The posting has looked at the books and waits for them; the closing commits first."""
    ledger = Ledger(postgres_world)
    await ledger.earn(funded=1)
    if begun:
        await close_month(postgres_world, "2026-01")
    key = points.BOOKS.key("points")
    closed = Books("points", day("2026-02-28 23:00"), START)
    async with postgres_world.storage.begin() as transaction:
        await transaction.load([key], lock=True)
        side = {points.BOOKS: [closed]}
        await transaction.write(Changes({}, side) if begun else Changes(side, {}))
        late = asyncio.create_task(ledger.earn(funded=1, effective_at=LAST_WEEK))
        await waiting(database)
    with pytest.raises(PeriodClosed):
        await late
    assert (await ledger.balance()).balance == 1


@pytest.mark.parametrize("begun", [False, True], ids=["never closed", "closed before"])
async def test_who_closes_a_month_waits_for_whom_posts_in_it(
    postgres_world: World, database: Database, begun: bool
) -> None:
    """The posting holds the books; who closes them comes after it, and sees what it wrote."""
    ledger = Ledger(postgres_world)
    if begun:
        await close_month(postgres_world, "2026-01")
    key = points.BOOKS.key("points")
    async with postgres_world.storage.begin() as transaction:
        await transaction.load([key], lock=True)
        if not begun:
            await transaction.write(Changes({points.BOOKS: [Books("points", LONG_AGO, START)]}, {}))
        closing = asyncio.create_task(close_month(postgres_world, "2026-02"))
        await waiting(database)
        assert not closing.done()
    assert (await closing).closed_through == day("2026-02-28 23:00")
    with pytest.raises(PeriodClosed):
        await ledger.earn(funded=1, effective_at=LAST_WEEK)


async def waiting(database: Database) -> None:
    """Until somebody waits for a lock."""
    blocked = """select count(*) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()"""
    async with database.connection() as connection, asyncio.timeout(10):
        while not await connection.fetchval(blocked):
            pass


async def test_postings_of_the_past_and_a_closing_that_come_together_take_turns(any_world: World) -> None:
    ledger, elsewhere = Ledger(any_world), Ledger(shared_storage(any_world), any_world.member())
    await ledger.earn(funded=1), await elsewhere.earn(funded=1)
    attempts: list[Any] = []
    for number in range(8):
        attempts.append(ledger.earn(funded=1, effective_at=LAST_WEEK))
        if number == 4:
            attempts.append(close_month(elsewhere.world, "2026-02"))
        attempts.append(elsewhere.earn(funded=1, effective_at=LAST_WEEK))
    outcomes = [type(one) for one in await asyncio.gather(*attempts, return_exceptions=True)]
    assert set(outcomes) <= {points.Balance, points.BooksView, PeriodClosed}
    assert outcomes.count(points.BooksView) == 1
    accepted = outcomes.count(points.Balance)
    assert (await ledger.balance()).balance + (await elsewhere.balance()).balance == 2 + accepted


# --- closed accounts ----------------------------------------------------------------------------


async def test_a_closed_account_takes_no_movement_until_it_is_opened_again(ledger: Ledger) -> None:
    giver = ledger.another()
    await giver.earn(funded=10)
    await ledger.earn(funded=10)
    debit = (await ledger.spend(10)).posting_id
    closed = await ledger.close()
    assert parts(closed) == (0, 0, 0, 0)
    for attempt in (
        ledger.earn(funded=1),
        ledger.spend(1),
        ledger.hold(1),
        ledger.adjust(1),
        ledger.refund(debit),
        ledger.give(giver, 1),
        giver.give(ledger, 1),
        ledger.close(),
        ledger.expire(),
    ):
        with pytest.raises(AccountClosed) as caught:
            await attempt
        assert (caught.value.user_id, caught.value.closed_at) == (ledger.member.user_id, START)
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    assert parts(await giver.balance()) == (10, 10, 0, 0)
    await ledger.reopen()
    assert parts(await ledger.refund(debit)) == (10, 10, 0, 0)
    with pytest.raises(AccountOpen):
        await ledger.reopen()


async def test_only_an_account_that_is_empty_and_owes_nothing_is_closed(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=10)
    held = await ledger.hold(4)
    with pytest.raises(AccountNotEmpty) as caught:
        await ledger.close()
    assert caught.value.facts() == {"balance": 10, "held": 4, "debt": 0}
    await ledger.claw_back(grant)
    await ledger.capture(held.hold_id)
    with pytest.raises(AccountNotEmpty) as caught:
        await ledger.close()
    assert caught.value.facts() == {"balance": 0, "held": 0, "debt": 4}
    await ledger.earn(bonus=4)
    await ledger.close()


async def test_what_has_ended_keeps_no_account_open(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.at(END)
    await ledger.close()
    assert [line.kind for line in await ledger.lines()] == ["earned", "expired"]


async def test_an_account_that_was_never_used_is_not_there_to_close(ledger: Ledger) -> None:
    for attempt in (ledger.close(), ledger.reopen()):
        with pytest.raises(shared.NotFound, match="account"):
            await attempt


# --- owners -------------------------------------------------------------------------------------


async def test_whom_nobody_knows_has_no_account(ledger: Ledger) -> None:
    stranger = Ledger(ledger.world, shared.Actor(uuid4(), "member"))
    for attempt in (stranger.earn(funded=1), stranger.adjust(1)):
        with pytest.raises(shared.NotFound, match="member"):
            await attempt
    for attempt in (stranger.spend(1), stranger.hold(1), stranger.give(ledger, 1)):
        with pytest.raises(InsufficientPoints):
            await attempt
    assert await stored(ledger.world, points.LOTS, "account", stranger.member.user_id, "points") == []


# --- holds that outlive their lots ----------------------------------------------------------------


async def late_hold(ledger: Ledger) -> Any:
    """Points of which 6 are held beyond the day on which they all end."""
    await ledger.earn(funded=10)
    ledger.clock.at("2027-09-02 21:45")
    held = await ledger.hold(6)
    return held.hold_id


async def expiries(ledger: Ledger) -> list[tuple[int, datetime]]:
    return [(line.amount, line.effective_at) for line in await ledger.lines() if line.kind == "expired"]


@pytest.mark.parametrize("sweeps", [False, True], ids=["lazy", "swept"])
async def test_what_is_released_of_a_lot_that_has_ended_ends_with_the_release(
    ledger: Ledger, sweeps: bool
) -> None:
    hold_id = await late_hold(ledger)
    ledger.clock.at("2027-09-02 22:05")
    if sweeps:
        await ledger.expire()
    assert parts(await ledger.release(hold_id)) == (0, 0, 0, 0)
    assert await expiries(ledger) == [(-4, END), (-6, day("2027-09-02 22:05"))]


@pytest.mark.parametrize("sweeps", [False, True], ids=["lazy", "swept"])
async def test_what_is_not_captured_of_a_lot_that_has_ended_ends_with_the_capture(
    ledger: Ledger, sweeps: bool
) -> None:
    hold_id = await late_hold(ledger)
    ledger.clock.at("2027-09-02 22:05")
    if sweeps:
        await ledger.expire()
    assert parts(await ledger.capture(hold_id, 2)) == (0, 0, 0, 0)
    assert await expiries(ledger) == [(-4, END), (-4, day("2027-09-02 22:05"))]


@pytest.mark.parametrize("sweeps", [False, True], ids=["lazy", "swept"])
async def test_what_a_hold_kept_ends_when_the_hold_runs_out(ledger: Ledger, sweeps: bool) -> None:
    hold_id = await late_hold(ledger)
    ledger.clock.at("2027-09-02 22:05")
    if sweeps:
        await ledger.expire()
    ledger.clock.at("2027-09-04 12:00")
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    with pytest.raises(HoldClosed, match="expired"):
        await ledger.capture(hold_id)
    await ledger.expire()
    assert await expiries(ledger) == [(-4, END), (-6, day("2027-09-02 22:15"))]


# --- very many lots -------------------------------------------------------------------------------


async def many(ledger: Ledger, lots: int = 40, **facts: Any) -> None:
    """So many lots of one point, each ending a day after the one before."""
    for _ in range(lots):
        await ledger.earn(funded=1, **facts)
        ledger.clock.advance(days=1)


async def test_the_first_lots_of_very_many_are_enough_for_a_small_debit(ledger: Ledger) -> None:
    await many(ledger)
    spent = await ledger.spend(5)
    assert (parts(spent), spent.next_expiring) == ((35, 35, 0, 0), None)
    assert spent.next_expiry == END + timedelta(days=5)
    assert shared.evolve(await ledger.balance(), next_expiring=None, posting_id=spent.posting_id) == spent


@pytest.mark.parametrize("amount", [15, 16, 17, 39, 40])
async def test_a_debit_that_needs_more_than_the_first_lots_takes_them_in_order(
    ledger: Ledger, amount: int
) -> None:
    await many(ledger)
    spent = await ledger.spend(amount)
    assert parts(spent) == parts(await ledger.balance()) == (40 - amount, 40 - amount, 0, 0)
    assert spent.next_expiry == (await ledger.balance()).next_expiry
    assert [lot.expires_at for lot in (await ledger.expiring(800)).lots][:1] == (
        [spent.next_expiry] if amount < 40 else []
    )
    assert len(await ledger.lots()) == 40 - amount


async def test_more_than_very_many_lots_hold_is_refused_with_what_there_is(ledger: Ledger) -> None:
    await many(ledger)
    with pytest.raises(InsufficientPoints) as caught:
        await ledger.spend(41)
    assert (caught.value.needed, caught.value.available) == (41, 40)


async def test_where_the_first_lots_have_all_ended_the_others_are_taken(ledger: Ledger) -> None:
    await many(ledger)
    ledger.clock.at(END + timedelta(days=19))
    spent = await ledger.spend(3)
    assert parts(spent) == parts(await ledger.balance()) == (17, 17, 0, 0)
    assert len(await expiries(ledger)) == 20


async def test_where_the_first_lots_are_all_held_the_others_are_taken(ledger: Ledger) -> None:
    await many(ledger)
    await ledger.hold(18)
    spent = await ledger.spend(3)
    assert parts(spent) == parts(await ledger.balance()) == (37, 19, 0, 18)
    assert spent.next_expiry == (await ledger.balance()).next_expiry == END + timedelta(days=21)


async def test_debits_of_one_batch_go_through_very_many_lots_in_order(ledger: Ledger) -> None:
    await many(ledger)
    wishes = [ledger.spend(3) for _ in range(14)]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in outcomes] == [points.Balance] * 13 + [InsufficientPoints]
    assert [one.available for one in outcomes[:-1] if isinstance(one, points.Balance)] == [
        37 - 3 * place for place in range(13)
    ]
    ends = [part.expires_at for line in await ledger.lines() if line.amount < 0 for part in line.lots]
    assert ends == sorted(ends)
    assert parts(await ledger.balance()) == (1, 1, 0, 0)


async def test_a_debit_of_the_past_looks_behind_the_first_lots(ledger: Ledger) -> None:
    """The first lots came later, under a shorter promise."""
    ledger = ledger.counted_in("pearls")
    await set_policy(ledger.world, "pearls", validity_months=12)
    await ledger.earn(funded=5)
    then = ledger.clock.now
    await set_policy(ledger.world, "pearls", validity_months=1)
    await many(ledger, 20)
    assert parts(await ledger.spend(5, effective_at=then)) == (20, 20, 0, 0)
    with pytest.raises(InsufficientPoints):
        await ledger.spend(1, effective_at=then)


async def test_a_credit_to_very_many_lots_says_what_is_pending(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=5)
    pearls = ledger.counted_in("pearls")
    await many(pearls, 20)
    pearls.clock.advance(days=5)
    given = await pearls.earn(funded=7)
    assert parts(given) == parts(await pearls.balance()) == (27, 20, 7, 0)


async def test_very_many_lots_go_to_another_member(ledger: Ledger) -> None:
    await many(ledger)
    other = ledger.another()
    await ledger.give(other, 30)
    assert (await ledger.balance()).balance == 10
    assert len(await other.lots()) == 29  # two ended on the same day
    assert parts(await other.spend(20)) == parts(await other.balance()) == (10, 10, 0, 0)


async def test_a_debt_is_repaid_from_very_many_lots(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=30)
    await ledger.spend(30)
    await ledger.claw_back(grant)
    await many(ledger)
    after = await ledger.balance()
    assert (parts(after), after.debt) == ((10, 10, 0, 0), 0)
    await ledger.earn(funded=10)
    assert parts(await ledger.spend(20)) == (0, 0, 0, 0)


async def test_the_oldest_of_very_many_lots_may_go_first(ledger: Ledger) -> None:
    """Those that end first are not the oldest here."""
    ledger = ledger.counted_in("pearls")
    await set_policy(ledger.world, "pearls", consumption="oldest_first", validity_months=24)
    await many(ledger, 3)
    await set_policy(ledger.world, "pearls", consumption="oldest_first", validity_months=12)
    await many(ledger, 20)
    await ledger.spend(3)
    [line] = (await ledger.lines())[-1:]
    assert {part.expires_at.year for part in line.lots} == {2028}


async def test_an_order_of_a_purchase_is_named_on_its_line(ledger: Ledger) -> None:
    await many(ledger, 2)
    await ledger.spend(1)
    assert (await ledger.last_line()).source_id == ORDER
