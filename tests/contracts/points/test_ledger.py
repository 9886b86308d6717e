"""The points ledger (M7, M8), in memory and on PostgreSQL."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from ledgers import END, ORDER, Ledger, parts, touched

from baobab.application import points
from baobab.application.pages import InvalidCursor, Page
from baobab.application.points import Balance
from baobab.application.work import ADMINS, Wanted, Work, use_case
from baobab.domain import shared
from baobab.domain.points import (
    CaptureTooLarge,
    GrantAlreadyRevoked,
    HoldClosed,
    InsufficientPoints,
    RefundTooLarge,
    Source,
    UnknownUnit,
)

# --- earning ------------------------------------------------------------------------------------


async def test_what_is_paid_for_and_what_is_on_top_are_two_lots(ledger: Ledger) -> None:
    balance = await ledger.earn(funded=50, bonus=15, source_type="investment")
    assert parts(balance) == (65, 65, 0, 0)
    assert balance.euros == shared.Money(6_500)
    assert (balance.next_expiry, balance.next_expiring) == (END, 65)
    bonus, funded = (await ledger.statement()).items
    assert [(line.kind, line.contra, line.amount, line.balance_after) for line in (funded, bonus)] == [
        ("earned", "issuance", 50, 50),
        ("bonus", "issuance", 15, 65),
    ]
    assert touched(funded) == [(True, 50)]
    assert touched(bonus) == [(False, 15)]
    assert {line.source_type for line in (funded, bonus)} == {"investment"}
    assert balance.posting_id == bonus.id


async def test_points_live_until_the_end_of_the_day_18_months_later_in_paris(ledger: Ledger) -> None:
    ledger.clock.at("2025-08-31 10:00")
    balance = await ledger.earn(bonus=1)
    assert balance.next_expiry == datetime.fromisoformat("2027-02-28T23:00+00:00")


@pytest.mark.parametrize(
    ("funded", "bonus", "multiplier", "total"),
    [(50, 15, 150, 98), (50, 0, 125, 62), (3, 0, 150, 4), (0, 10, 999, 100), (50, 15, 100, 65)],
)
async def test_a_multiplier_gives_whole_points_and_stands_beside_the_base(
    ledger: Ledger, funded: int, bonus: int, multiplier: int, total: int
) -> None:
    """Half a point goes to the even one: 97.5 to 98, 62.5 to 62."""
    balance = await ledger.earn(funded=funded, bonus=bonus, multiplier=multiplier)
    assert balance.balance == total
    lines = (await ledger.statement()).items
    assert sum(line.base_amount for line in lines) == funded + bonus
    assert {line.multiplier for line in lines} == {multiplier}
    assert sum(line.amount for line in lines if line.kind == "earned") == funded


async def test_nothing_is_no_amount(ledger: Ledger) -> None:
    with pytest.raises(shared.InvalidAmount):
        await ledger.earn()
    assert (await ledger.statement()).items == ()


# --- spending -----------------------------------------------------------------------------------


async def test_the_earliest_expiry_goes_first_then_bonus_before_funded(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=10)
    ledger.clock.advance(days=1)
    await ledger.earn(funded=20, bonus=5)
    balance = await ledger.spend(12)
    assert parts(balance) == (33, 33, 0, 0)
    line = await ledger.last_line()
    assert (line.id, line.kind, line.contra, line.amount) == (
        balance.posting_id,
        "spent",
        "redemption",
        -12,
    )
    assert sorted(touched(line)) == [(False, -10), (True, -2)]
    await ledger.spend(10)
    assert sorted(touched(await ledger.last_line())) == [(False, -2), (True, -8)]
    assert await ledger.left() == [(False, 3), (True, 20)]


async def test_more_than_there_is_cannot_be_spent(ledger: Ledger) -> None:
    await ledger.earn(funded=40)
    with pytest.raises(InsufficientPoints) as caught:
        await ledger.spend(65)
    assert (caught.value.needed, caught.value.available) == (65, 40)
    assert (await ledger.balance()).balance == 40


async def test_expired_points_cannot_be_spent(ledger: Ledger) -> None:
    await ledger.earn(funded=40)
    ledger.clock.at(END)
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    with pytest.raises(InsufficientPoints):
        await ledger.spend(1)


# --- holding ------------------------------------------------------------------------------------


async def test_held_points_are_there_but_cannot_be_spent(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=10)
    held = await ledger.hold(15)
    assert parts(held) == parts(await ledger.balance()) == (20, 5, 0, 15)
    with pytest.raises(InsufficientPoints):
        await ledger.spend(6)
    with pytest.raises(InsufficientPoints):
        await ledger.hold(6)
    assert parts(await ledger.spend(5)) == (15, 0, 0, 15)


async def test_a_hold_is_captured_once_in_whole_or_in_part(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=10)
    first, second = await ledger.hold(12), await ledger.hold(4)
    with pytest.raises(CaptureTooLarge):
        await ledger.capture(second.hold_id, 5)
    assert parts(await ledger.capture(second.hold_id)) == (16, 4, 0, 12)
    captured = await ledger.capture(first.hold_id, 3)
    assert parts(captured) == (13, 13, 0, 0)
    assert captured.hold_id == first.hold_id
    assert (await ledger.last_line()).id == captured.posting_id
    assert touched(await ledger.last_line()) == [(False, -3)]
    with pytest.raises(HoldClosed, match="captured"):
        await ledger.capture(first.hold_id)
    with pytest.raises(HoldClosed, match="captured"):
        await ledger.release(first.hold_id)


async def test_a_released_hold_gives_its_points_back(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    held = await ledger.hold(10)
    released = await ledger.release(held.hold_id)
    assert parts(released) == (10, 10, 0, 0)
    assert released.posting_id is None
    with pytest.raises(HoldClosed, match="released"):
        await ledger.release(held.hold_id)
    assert parts(await ledger.spend(10)) == (0, 0, 0, 0)


async def test_a_hold_ends_by_itself(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    held = await ledger.hold(10, minutes=30)
    ledger.clock.advance(minutes=30)
    assert parts(await ledger.balance()) == (10, 10, 0, 0)
    for attempt in (ledger.capture(held.hold_id), ledger.release(held.hold_id)):
        with pytest.raises(HoldClosed, match="expired"):
            await attempt
    assert parts(await ledger.spend(4)) == (6, 6, 0, 0)
    with pytest.raises(HoldClosed, match="expired"):
        await ledger.capture(held.hold_id)


async def test_what_is_held_of_a_lot_outlives_it_while_it_is_held(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.at("2027-09-02 21:45")
    held, other = await ledger.hold(4), await ledger.hold(3)
    ledger.clock.at(END)
    assert parts(await ledger.balance()) == parts(await ledger.expire()) == (7, 0, 0, 7)
    assert parts(await ledger.capture(held.hold_id)) == (3, 0, 0, 3)
    assert parts(await ledger.release(other.hold_id)) == (0, 0, 0, 0)
    assert parts(await ledger.expire()) == (0, 0, 0, 0)
    assert [line.amount for line in (await ledger.statement()).items] == [-3, -4, -3, 10]


async def test_a_hold_that_is_not_there_is_not_found(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    for attempt in (ledger.capture(uuid4()), ledger.release(uuid4())):
        with pytest.raises(shared.NotFound, match="hold"):
            await attempt


async def test_holds_that_arrive_together_see_each_other(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    wishes = [ledger.hold(4) for _ in range(4)]
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in found] == [Balance, Balance, InsufficientPoints, InsufficientPoints]
    assert parts(await ledger.balance()) == (10, 2, 0, 8)


# --- giving back --------------------------------------------------------------------------------


async def test_a_refund_goes_to_the_very_lots_the_last_consumed_first(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=10)
    debit = (await ledger.spend(12)).posting_id
    assert await ledger.left() == [(True, 8)]
    await ledger.refund(debit, 3)
    assert sorted(touched(await ledger.last_line())) == [(False, 1), (True, 2)]
    assert (await ledger.last_line()).debit_id == debit
    await ledger.refund(debit)
    assert touched(await ledger.last_line()) == [(False, 9)]
    assert sorted(await ledger.left()) == [(False, 10), (True, 10)]
    assert parts(await ledger.balance()) == (20, 20, 0, 0)


async def test_no_more_is_given_back_than_was_spent(ledger: Ledger) -> None:
    await ledger.earn(funded=20)
    debit = (await ledger.spend(12)).posting_id
    with pytest.raises(RefundTooLarge) as caught:
        await ledger.refund(debit, 13)
    assert (caught.value.refundable, caught.value.wanted) == (12, 13)
    await ledger.refund(debit, 12)
    for amount in (None, 1):
        with pytest.raises(RefundTooLarge):
            await ledger.refund(debit, amount)


async def test_a_lot_that_has_ended_in_between_comes_back_for_the_grace(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    debit = (await ledger.spend(6)).posting_id
    ledger.clock.at("2027-10-01 09:00")
    back = await ledger.refund(debit)
    assert parts(back) == (6, 6, 0, 0)
    assert back.next_expiry == datetime.fromisoformat("2027-10-31T23:00+00:00"), "30 days, in winter time"
    assert [line.kind for line in (await ledger.statement()).items] == [
        "refunded",
        "expired",
        "spent",
        "earned",
    ]
    ledger.clock.at("2027-10-31 23:00")
    assert parts(await ledger.balance()) == (0, 0, 0, 0)


async def test_only_a_debit_can_be_given_back(ledger: Ledger) -> None:
    grant = (await ledger.earn(funded=10)).posting_id
    for which in (grant, uuid4()):
        with pytest.raises(shared.NotFound):
            await ledger.refund(which)


# --- expiring and adjusting ---------------------------------------------------------------------


async def test_a_sweep_writes_down_what_time_decided_and_changes_nothing_else(ledger: Ledger) -> None:
    await ledger.earn(funded=10, bonus=4)
    ledger.clock.advance(days=30)
    await ledger.earn(funded=20)
    ledger.clock.at("2027-09-10 12:00")
    before, summary = await ledger.balance(), await ledger.summary()
    assert parts(before) == (20, 20, 0, 0)
    swept = await ledger.expire()
    assert parts(swept) == parts(await ledger.balance()) == (20, 20, 0, 0)
    now = await ledger.summary()
    assert shared.evolve(now, last_activity=None) == shared.evolve(summary, last_activity=None)
    lines = [line for line in (await ledger.statement()).items if line.kind == "expired"]
    assert sorted(line.amount for line in lines) == [-10, -4]
    assert {(line.effective_at, line.contra) for line in lines} == {(END, "breakage")}
    assert (await ledger.expire()).posting_id is None


async def test_a_correction_names_its_author_and_its_reason(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    assert parts(await ledger.adjust(5, "lost card")) == (15, 15, 0, 0)
    line = await ledger.last_line()
    assert (line.kind, line.contra, line.reason) == ("adjustment", "adjustment", "lost card")
    assert line.author_id == ledger.world.admin.user_id
    assert touched(line) == [(False, 5)]
    assert parts(await ledger.adjust(-6)) == (9, 9, 0, 0)
    assert sorted(touched(await ledger.last_line())) == [(False, -5), (True, -1)]
    with pytest.raises(InsufficientPoints):
        await ledger.adjust(-10)
    with pytest.raises(shared.InvalidAmount):
        await ledger.adjust(0)


# --- reading ------------------------------------------------------------------------------------


async def test_an_account_that_was_never_used_is_empty(ledger: Ledger) -> None:
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    assert (await ledger.balance()).next_expiry is None
    assert await ledger.statement() == Page(())
    assert (await ledger.expiring(60)).lots == ()
    assert (await ledger.summary()).last_activity is None


async def test_a_statement_has_pages_that_stay_right_while_lines_are_added(ledger: Ledger) -> None:
    for amount in range(1, 6):
        await ledger.earn(funded=amount)
    first = await ledger.statement(limit=2)
    await ledger.earn(funded=99)
    second = await ledger.statement(limit=2, cursor=first.next_cursor)
    third = await ledger.statement(limit=2, cursor=second.next_cursor)
    assert [[line.amount for line in page.items] for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert [line.sequence for line in (*first.items, *second.items, *third.items)] == [5, 4, 3, 2, 1]
    assert third.next_cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "LTE=", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
async def test_a_cursor_comes_from_the_page_before(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await ledger.statement(cursor=cursor)


async def test_what_expires_soon_is_listed_soonest_first(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.advance(days=30)
    await ledger.earn(bonus=5)
    await ledger.hold(2)
    ledger.clock.at("2027-08-15 12:00")
    soon = await ledger.expiring(20)
    assert [(lot.amount, lot.funded, lot.expires_at) for lot in soon.lots] == [(10, True, END)]
    assert (soon.total, soon.days) == (10, 20)
    assert (await ledger.expiring(60)).total == 15
    assert (await ledger.expiring(18)).total == 0


async def test_a_summary_adds_up_the_life_of_an_account(ledger: Ledger) -> None:
    await ledger.earn(funded=50, bonus=15)
    debit = (await ledger.spend(30)).posting_id
    await ledger.refund(debit, 10)
    used = ledger.clock.advance(days=1)
    await ledger.earn(bonus=7)
    ledger.clock.at("2027-07-10 00:00")
    summary = await ledger.summary()
    assert (summary.earned, summary.spent, summary.expired, summary.active) == (72, 20, 0, 52)
    assert (summary.expiring, summary.last_activity) == (52, used)
    ledger.clock.at(END)
    summary = await ledger.summary()
    assert (summary.earned, summary.spent, summary.expired, summary.active) == (72, 20, 45, 7)


async def test_a_member_sees_their_own_account_and_no_other(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    run, other = ledger.world.run, ledger.world.member()
    mine = points.GetBalance(user_id=ledger.member.user_id)
    assert (await run.read(points.balance, mine, actor=ledger.world.admin)).balance == 10
    for which, question in (
        (points.balance, mine),
        (points.summary, mine),
        (points.statement, points.GetStatement(user_id=mine.user_id)),
        (points.expiring, points.GetExpiring(user_id=mine.user_id)),
    ):
        with pytest.raises(shared.NotFound) as caught:
            await run.read(which, question, actor=other)
        assert caught.value.id == str(mine.user_id)
        with pytest.raises(shared.Unauthenticated):
            await run.read(which, question, actor=shared.Actor())


async def test_members_do_not_move_points_themselves(ledger: Ledger) -> None:
    wish = points.Earn(user_id=ledger.member.user_id, funded=1_000, source_id=ORDER)
    with pytest.raises(shared.Forbidden):
        await ledger.world.run(points.earn, wish, actor=ledger.member)
    assert (await ledger.balance()).balance == 0


async def test_an_unknown_unit_has_no_account(ledger: Ledger) -> None:
    with pytest.raises(UnknownUnit):
        await ledger.earn(funded=1, unit="pearls")
    question = points.GetStatement(user_id=ledger.member.user_id, unit="pearls")
    with pytest.raises(UnknownUnit):
        await ledger.world.run.read(points.statement, question, actor=ledger.member)


# --- for use cases above ------------------------------------------------------------------------


class Trade(shared.Command, kw_only=True):
    """Points moved inside another use case."""

    user_id: UUID
    funded: int = 0
    bonus: int = 0
    id: UUID = ORDER


def book(command: Trade, work: Work) -> tuple[Wanted, ...]:
    return points.book_keys(command.user_id)


@use_case(allow=ADMINS, locks=book)
async def invest(command: Trade, work: Work) -> UUID:
    source = Source("investment", command.id)
    earned = await points.grant(
        work, command.user_id, funded=command.funded, bonus=command.bonus, source=source
    )
    return earned.grant_id


@use_case(allow=ADMINS, locks=book)
async def order(command: Trade, work: Work) -> UUID:
    spent = await points.debit(
        work, command.user_id, amount=command.funded, source=Source("purchase", command.id)
    )
    return spent.debit_id


@use_case(allow=ADMINS, locks=book)
async def withdraw(command: Trade, work: Work) -> int:
    return await points.take_back(work, command.user_id, command.id)


@use_case(
    allow=ADMINS,
    locks=lambda command, work: (*book(command, work), *points.debit_keys(command.user_id, command.id)),
)
async def cancel(command: Trade, work: Work) -> int:
    back = await points.give_back(work, command.user_id, command.id)
    return back.book.account.spent


async def test_another_use_case_grants_and_takes_a_grant_back(ledger: Ledger) -> None:
    run, admin, user_id = ledger.world.run, ledger.world.admin, ledger.member.user_id
    grant_id = await run(invest, Trade(user_id=user_id, funded=50, bonus=15), actor=admin)
    assert await ledger.left() == [(False, 15), (True, 50)]
    assert await run(withdraw, Trade(user_id=user_id, id=grant_id, funded=65), actor=admin) == 65
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    assert (await ledger.last_line()).kind == "revoked"


async def test_of_a_grant_that_was_touched_what_is_left_is_taken_back_once(ledger: Ledger) -> None:
    run, admin, user_id = ledger.world.run, ledger.world.admin, ledger.member.user_id
    grant_id = await run(invest, Trade(user_id=user_id, funded=50, bonus=15), actor=admin)
    await ledger.earn(funded=7)
    await ledger.spend(20)
    wish = Trade(user_id=user_id, id=grant_id, funded=65)
    assert await run(withdraw, wish, actor=admin) == 45
    assert await ledger.left() == [(True, 7)]
    with pytest.raises(GrantAlreadyRevoked):
        await run(withdraw, wish, actor=admin)


async def test_of_a_grant_that_is_spent_nothing_is_taken_back(ledger: Ledger) -> None:
    run, admin, user_id = ledger.world.run, ledger.world.admin, ledger.member.user_id
    grant_id = await run(invest, Trade(user_id=user_id, funded=50, bonus=15), actor=admin)
    await ledger.spend(65)
    assert await run(withdraw, Trade(user_id=user_id, id=grant_id, funded=65), actor=admin) == 0
    assert (await ledger.last_line()).kind == "spent"


async def test_another_use_case_spends_and_gives_back(ledger: Ledger) -> None:
    run, admin, user_id = ledger.world.run, ledger.world.admin, ledger.member.user_id
    await ledger.earn(funded=50, bonus=15)
    debit_id = await run(order, Trade(user_id=user_id, funded=60), actor=admin)
    assert await ledger.left() == [(True, 5)]
    assert await run(cancel, Trade(user_id=user_id, id=debit_id), actor=admin) == 0
    assert await ledger.left() == [(False, 15), (True, 50)]
