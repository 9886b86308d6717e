"""The reports of the ledger, in memory and on PostgreSQL: what was so, what comes, what is owed, how months
close."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest

from baobab.application import points
from baobab.application.points import reports
from baobab.application.points.reports import AsOf, Liability, Periods
from baobab.domain import shared
from baobab.domain.points import UnknownUnit
from baobab.domain.points.reports import MonthToCome, NotKnownYet
from builders import START, World

SOURCE = UUID(int=1)
DAY = timedelta(days=1)


class Office:
    """Members whose points are moved, and what is reported of it."""

    def __init__(self, world: World) -> None:
        self.world, self.clock = world, world.clock
        self.one, self.other = world.member(), world.member()

    async def do(self, which: Any, command: Any, who: shared.Actor | None = None, **facts: Any) -> Any:
        owner = (who or self.one).user_id
        return await self.world.run(which, command(user_id=owner, **facts), actor=self.world.admin)

    async def earn(self, funded: int = 0, bonus: int = 0, **facts: Any) -> points.Balance:
        facts = {"source_id": SOURCE, **facts}
        balance: points.Balance = await self.do(points.earn, points.Earn, funded=funded, bonus=bonus, **facts)
        return balance

    async def spend(self, amount: int, **facts: Any) -> points.Balance:
        facts = {"source_id": SOURCE, **facts}
        balance: points.Balance = await self.do(points.spend, points.Spend, amount=amount, **facts)
        return balance

    async def hold(self, amount: int, **facts: Any) -> points.Balance:
        facts = {"source_id": SOURCE, "minutes": 44_640, **facts}
        balance: points.Balance = await self.do(points.hold, points.PlaceHold, amount=amount, **facts)
        return balance

    async def sweep(self) -> None:
        for who in (self.one, self.other):
            await self.do(points.expire, points.Expire, who)

    async def as_of(self, at: datetime | None = None, **facts: Any) -> AsOf:
        question = reports.GetAsOf(user_id=self.one.user_id, at=at, **facts)
        return await self.world.run.read(reports.as_of, question, actor=self.one)

    async def held_at(self, *instants: datetime) -> list[int]:
        return [(await self.as_of(at)).balance for at in instants]

    async def balance(self, who: shared.Actor | None = None, unit: str = "points") -> int:
        question = points.GetBalance(user_id=(who or self.one).user_id, unit=unit)
        return (await self.world.run.read(points.balance, question, actor=self.world.admin)).balance

    async def lines(self) -> tuple[points.StatementLine, ...]:
        question = points.GetStatement(user_id=self.one.user_id, limit=100)
        return (await self.world.run.read(points.statement, question, actor=self.one)).items

    async def liability(self, unit: str | None = None) -> Liability:
        question = reports.GetLiability(unit=unit)
        return await self.world.run.read(reports.liability, question, actor=self.world.admin)

    async def periods(self, **facts: Any) -> Periods:
        question = reports.GetPeriods(**facts)
        return await self.world.run.read(reports.periods, question, actor=self.world.admin)

    async def limited_network(self, **facts: Any) -> reports.LimitedNetwork:
        question = reports.GetLimitedNetwork(**facts)
        return await self.world.run.read(reports.limited_network, question, actor=self.world.admin)

    async def forecast(self, months: int) -> reports.Forecast:
        question = reports.GetForecast(user_id=self.one.user_id, months=months)
        return await self.world.run.read(reports.ahead, question, actor=self.one)


@pytest.fixture
def office(any_world: World) -> Office:
    return Office(any_world)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


# --- as of ----------------------------------------------------------------------------------------


async def test_an_account_held_what_its_lines_say_at_every_instant(office: Office) -> None:
    """The answer is the sum of what was effective by then, line by line, however many there are."""
    for number in range(20):
        await office.earn(bonus=10 + number)
        office.clock.advance(hours=7)
        await office.spend(number + 1)
        office.clock.advance(hours=5)
    lines = await office.lines()
    for line in lines:
        expected = sum(one.amount for one in lines if one.effective_at <= line.effective_at)
        found = await office.as_of(line.effective_at)
        assert (found.balance, found.sequence, found.late) == (expected, line.sequence, 0)
        before = line.effective_at - timedelta(microseconds=1)
        assert await office.held_at(before) == [expected - line.amount]


async def test_before_the_first_line_there_was_nothing(office: Office) -> None:
    assert (await office.as_of()).balance == 0
    await office.earn(bonus=10)
    office.clock.advance(days=1)
    found = await office.as_of(START - DAY)
    assert (found.balance, found.debt, found.sequence, found.hash) == (0, 0, 0, "")


async def test_as_of_now_is_the_balance_also_where_one_command_wrote_several_lines(office: Office) -> None:
    """The lines of one command are recorded a microsecond apart, ahead of a clock that stands still."""
    balance = await office.earn(funded=50, bonus=15)
    found = await office.as_of()
    assert (found.balance, found.euros, found.sequence) == (65, shared.Money(6_500), 2)
    assert found.at == found.known_at == START
    funded, bonus = sorted(await office.lines(), key=lambda line: line.sequence)
    assert bonus.id == balance.posting_id
    office.clock.advance(days=1)
    assert await office.held_at(START - DAY, funded.effective_at, bonus.effective_at) == [0, 50, 65]


async def test_it_names_the_line_that_was_the_last(office: Office) -> None:
    await office.earn(bonus=10)
    then = office.clock.advance(hours=1)
    await office.spend(3)
    office.clock.advance(hours=1)
    account = await office.world.queries.points.book(office.one.user_id, "points")
    last, first = await office.as_of(), await office.as_of(then - timedelta(minutes=1))
    assert (last.sequence, last.hash) == (2, account.account.hash.hex())
    assert first.sequence == 1
    assert first.hash not in ("", last.hash)


async def test_a_command_that_began_earlier_and_locked_later_counts_from_when_it_was_recorded(
    office: Office,
) -> None:
    """Its clock says less than the line before: a line never stands before the one that it follows."""
    await office.earn(bonus=10)
    later = office.clock.advance(hours=1)
    await office.earn(bonus=20)
    office.clock.advance(minutes=-30)
    await office.spend(8)
    office.clock.advance(hours=2)
    began, after = later - timedelta(minutes=30), later + timedelta(seconds=1)
    assert await office.held_at(began, later, after) == [10, 30, 22]


async def test_what_ended_counts_from_its_day_on_whenever_it_is_written_down(office: Office) -> None:
    end = (await office.earn(bonus=10)).next_expiry
    assert end is not None
    office.clock.at(end + 5 * DAY)
    before, then, after = end - timedelta(microseconds=1), end, end + DAY
    assert await office.held_at(before, then, after) == [10, 0, 0]
    assert (await office.as_of(after)).unwritten == 10
    office.clock.advance(days=5)
    await office.sweep()
    office.clock.advance(days=5)
    assert await office.held_at(before, then, after) == [10, 0, 0]
    found = await office.as_of(after)
    assert (found.late, found.unwritten, found.sequence) == (-10, 0, 1)


async def test_what_a_hold_keeps_beyond_its_day_is_there_until_the_hold_ends(office: Office) -> None:
    end = (await office.earn(bonus=10)).next_expiry
    assert end is not None
    office.clock.at(end - DAY)
    await office.hold(4, minutes=4 * 1_440)
    limit = end + 3 * DAY
    asked = end - DAY, end, limit - timedelta(microseconds=1), limit
    office.clock.at(limit + DAY)
    assert await office.held_at(*asked) == [10, 4, 4, 0]
    await office.sweep()
    assert await office.held_at(*asked) == [10, 4, 4, 0]


async def test_a_hold_that_ended_before_keeps_nothing_and_loses_nothing(office: Office) -> None:
    end = (await office.earn(bonus=10)).next_expiry
    assert end is not None
    office.clock.at(end - 5 * DAY)
    await office.hold(4, minutes=1_440)
    asked = end - 4 * DAY, end - 3 * DAY, end - timedelta(microseconds=1), end
    office.clock.at(end + DAY)
    assert await office.held_at(*asked) == [10, 10, 10, 0]
    await office.sweep()
    assert await office.held_at(*asked) == [10, 10, 10, 0]


async def test_what_is_told_late_counts_from_when_it_happened_for_those_who_know_it(office: Office) -> None:
    await office.earn(bonus=10)
    happened = office.clock.advance(days=2)
    told = office.clock.advance(days=3)
    await office.earn(bonus=5, effective_at=happened)
    await office.spend(3, effective_at=happened + DAY)
    office.clock.advance(days=1)
    assert await office.held_at(happened - DAY, happened, happened + DAY, told + DAY) == [10, 15, 12, 12]
    for known_at, balance in ((told - DAY, 10), (told + DAY, 12)):
        found = await office.as_of(happened + DAY, known_at=known_at)
        assert (found.balance, found.sequence, found.known_at) == (balance, 1, known_at)
    assert (await office.as_of(known_at=told - DAY)).balance == 10


async def test_an_expiry_is_known_when_it_happens_though_it_is_written_later(office: Office) -> None:
    end = (await office.earn(bonus=10)).next_expiry
    assert end is not None
    office.clock.at(end + 9 * DAY)
    await office.sweep()
    assert (await office.as_of(end + DAY, known_at=end + 2 * DAY)).balance == 0


async def test_a_debt_is_known_at_every_instant(office: Office) -> None:
    await office.earn(bonus=10)
    grant = (await office.lines())[0].grant_id
    office.clock.advance(days=1)
    await office.spend(8)
    office.clock.advance(days=1)
    await office.do(points.claw_back, points.ClawBack, grant_id=grant, reason="paid back")
    office.clock.advance(days=1)
    await office.earn(bonus=20)
    office.clock.advance(days=1)
    held = [await office.as_of(START + days * DAY) for days in (0, 1.5, 2.5, 3.5)]
    assert [(one.balance, one.debt) for one in held] == [(10, 0), (2, 0), (0, 8), (12, 0)]


async def test_nothing_is_known_before_it_is_so(office: Office) -> None:
    now = office.clock.now
    for at, known_at in ((now + DAY, None), (now, now - DAY), (now, now + DAY)):
        with pytest.raises(NotKnownYet):
            await office.as_of(at, known_at=known_at)


async def test_an_unknown_unit_and_the_account_of_another_are_refused(office: Office) -> None:
    with pytest.raises(UnknownUnit):
        await office.as_of(unit="shells")
    question = reports.GetAsOf(user_id=office.one.user_id)
    with pytest.raises(shared.NotFound):
        await office.world.run.read(reports.as_of, question, actor=office.other)
    found = await office.world.run.read(reports.as_of, question, actor=office.world.admin)
    assert found.user_id == office.one.user_id


# --- what comes -----------------------------------------------------------------------------------


async def test_a_forecast_says_what_ends_and_what_ripens_month_by_month(office: Office) -> None:
    policy = points.SetPolicy(
        unit="pearls", in_force_at=START + DAY, validity_months=2, maturity_days=40, cents=10
    )
    await office.world.run(points.set_policy, policy, actor=office.world.admin)
    office.clock.at("2026-04-10 08:00")
    await office.earn(bonus=10, unit="pearls")
    question = reports.GetForecast(user_id=office.one.user_id, unit="pearls", months=3)
    found = await office.world.run.read(reports.ahead, question, actor=office.one)
    assert found.balance == 10
    assert [
        (one.month, one.balance, one.available, one.pending, one.expiring, one.ripening)
        for one in found.months
    ] == [
        ("2026-04", 10, 0, 10, 0, 0),
        ("2026-05", 10, 10, 0, 0, 10),
        ("2026-06", 0, 0, 0, 10, 0),
    ]
    assert found.months[0].ends_at == utc("2026-04-30 22:00")


async def test_a_forecast_comes_true_if_nothing_moves(office: Office) -> None:
    await office.earn(funded=30)
    office.clock.at("2027-08-20 10:00")
    await office.earn(bonus=10)
    await office.hold(12, minutes=20_000)
    told = (await office.forecast(3)).months
    assert [one.balance for one in told] == [40, 10, 10]
    for one in told:
        office.clock.at(one.ends_at)
        assert await office.balance() == one.balance


# --- what is owed ---------------------------------------------------------------------------------


async def test_what_is_owed_is_told_by_the_month_in_which_it_ends(office: Office) -> None:
    """Points given on the last of August end with the last day of February, so they end in February."""
    office.clock.at("2026-08-31 10:00")
    await office.earn(funded=50, bonus=15)
    office.clock.at("2026-09-01 10:00")
    await office.earn(bonus=7)
    owed = await office.liability()
    assert owed.euros == shared.Money(7_200)
    (unit,) = owed.units
    assert (unit.unit, unit.funded, unit.bonus, unit.points) == ("points", 50, 22, 72)
    assert [(one.month, one.funded, one.bonus, one.points, one.euros.amount) for one in unit.months] == [
        ("2028-02", 50, 15, 65, 6_500),
        ("2028-03", 0, 7, 7, 700),
    ]


async def test_what_is_past_its_day_is_not_owed_unless_a_hold_keeps_it(office: Office) -> None:
    end = (await office.earn(funded=10, bonus=5)).next_expiry
    assert end is not None
    office.clock.at(end - DAY)
    await office.hold(8)
    office.clock.at(end)
    lazy = await office.liability("points")
    (unit,) = lazy.units
    assert (unit.funded, unit.bonus) == (3, 5)
    assert lazy.euros == shared.Money(100 * await office.balance()) == shared.Money(800)
    await office.sweep()
    assert await office.liability("points") == lazy
    office.clock.advance(days=40)
    assert (await office.liability("points")).units == ()


async def test_each_unit_counts_for_itself_and_some_never_end(office: Office) -> None:
    policy = points.SetPolicy(unit="pearls", in_force_at=START + DAY, validity_months=None, cents=25)
    await office.world.run(points.set_policy, policy, actor=office.world.admin)
    office.clock.advance(days=2)
    await office.earn(bonus=4, unit="pearls")
    await office.earn(bonus=10)
    owed = await office.liability()
    assert owed.euros == shared.Money(1_100)
    assert [(one.unit, one.euros.amount) for one in owed.units] == [("pearls", 100), ("points", 1_000)]
    assert [one.month for one in owed.units[0].months] == [""]
    assert (await office.liability("pearls")).euros == shared.Money(100)
    with pytest.raises(UnknownUnit):
        await office.liability("shells")


async def test_only_administrators_see_totals(office: Office) -> None:
    totals: tuple[tuple[Any, shared.Query], ...] = (
        (reports.liability, reports.GetLiability()),
        (reports.periods, reports.GetPeriods()),
        (reports.limited_network, reports.GetLimitedNetwork()),
    )
    for which, question in totals:
        with pytest.raises(shared.Forbidden):
            await office.world.run.read(which, question, actor=office.one)


# --- how months close -----------------------------------------------------------------------------


def adds_up(found: Periods) -> bool:
    """Whether every month goes from its opening to its closing by what is said of it."""
    return all(
        one.closing_balance
        == one.opening_balance
        + (one.brought + one.issuance - one.redemption - one.breakage)
        + (one.adjustments + one.gifts + one.conversions)
        == one.opening_balance + sum(kind.amount for kind in one.kinds)
        for one in found.months
    ) and all(before.closing_balance == after.opening_balance for before, after in pairwise(found.months))


async def test_every_month_goes_from_its_opening_to_its_closing(office: Office) -> None:
    await office.earn(funded=50, bonus=15)
    spent = await office.spend(20)
    office.clock.at("2026-04-05 09:00")
    await office.do(points.refund, points.Refund, debit_id=spent.posting_id, amount=6)
    await office.do(points.adjust, points.Adjust, amount=-1, reason="counted again")
    await office.do(points.give, points.Give, recipient=str(office.other.user_id), amount=5)
    office.clock.at("2026-05-05 09:00")
    await office.earn(bonus=9, effective_at=utc("2026-04-30 22:00"))
    found = await office.periods(months=3)
    march, april, may = found.months
    assert (march.opening_balance, march.issuance, march.redemption, march.closing_balance) == (0, 65, 20, 45)
    assert (april.redemption, april.adjustments, april.gifts, april.closing_balance) == (-6, -1, 0, 50)
    assert (may.issuance, may.closing_balance, may.euros) == (9, 59, shared.Money(5_900))
    assert adds_up(found)


async def test_a_month_begins_and_ends_in_the_zone_of_its_unit(office: Office) -> None:
    office.clock.at("2026-03-31 21:59:59")
    await office.earn(bonus=1)
    office.clock.at("2026-03-31 22:00")
    await office.earn(bonus=2)
    found = await office.periods(months=2)
    assert [(one.month, one.issuance) for one in found.months] == [("2026-03", 1), ("2026-04", 2)]
    assert found.zone == "Europe/Paris"


async def test_points_are_lost_in_the_month_whose_last_day_was_theirs_written_down_or_not(
    office: Office,
) -> None:
    office.clock.at("2026-08-31 10:00")
    await office.earn(bonus=10)
    await office.earn(bonus=3, effective_at=utc("2026-08-05 10:00"))
    office.clock.at("2028-01-10 10:00")
    await office.hold(4, minutes=1_440)
    office.clock.at("2028-03-20 10:00")
    lazy = await office.periods(months=2)
    february, march = lazy.months
    assert (february.breakage, february.unwritten, february.closing_balance) == (13, 13, 0)
    assert (march.opening_balance, march.breakage) == (0, 0)
    later = await office.periods(months=1)
    assert later.months == (march,)
    await office.sweep()
    swept = await office.periods(months=2)
    assert [one.unwritten for one in swept.months] == [0, 0]
    assert [shared.evolve(one, unwritten=0) for one in lazy.months] == list(swept.months)
    assert adds_up(swept)


async def test_months_of_the_past_close_as_they_did_whatever_came_after(office: Office) -> None:
    await office.earn(bonus=40)
    before = (await office.periods(months=1)).months
    office.clock.at("2026-06-10 09:00")
    await office.spend(30)
    assert (await office.periods(months=1, last="2026-03")).months == before
    office.clock.at("2027-10-10 09:00")
    assert (await office.periods(months=1, last="2026-03")).months == before


async def test_a_month_to_come_has_no_books(office: Office) -> None:
    with pytest.raises(MonthToCome):
        await office.periods(last="2026-04")
    assert len((await office.periods(last="2026-03", months=120)).months) == 120


async def test_whatever_happens_the_books_the_balances_and_the_past_agree(office: Office) -> None:
    """Two years of anything: each month's closing is the balance of the members as of its end, and what is
    owed now is what they hold."""
    chance = Random(7)
    for _ in range(120):
        office.clock.advance(hours=chance.randrange(24, 300))
        who = chance.choice((office.one, office.other))
        office.one, office.other = who, office.other if who is office.one else office.one
        await _anything(office, chance)
    found = await office.periods(months=37)
    assert adds_up(found)
    assert found.months[-1].breakage + sum(one.breakage for one in found.months) > 0
    owed = await office.liability()
    held = await office.balance(office.one) + await office.balance(office.other)
    assert owed.euros == shared.Money(100 * held) == found.months[-1].euros
    ends = (utc(f"{one.month}-01 00:00") for one in found.months[1:])
    for end, month in zip(ends, found.months, strict=False):
        at = end - timedelta(hours=1 if end.month in (12, 1, 2, 3, 11) else 2)
        both = 0
        for _ in range(2):
            office.one, office.other = office.other, office.one
            both += (await office.as_of(at)).balance
        assert both == month.closing_balance, month


async def _anything(office: Office, chance: Random) -> None:
    deed = chance.choice(("earn", "earn", "late", "spend", "spend", "hold", "give", "adjust", "sweep"))
    try:
        if deed == "earn":
            await office.earn(funded=chance.randrange(1, 60), bonus=chance.randrange(20))
        elif deed == "late":
            then = office.clock.now - timedelta(days=chance.randrange(1, 60))
            await office.earn(bonus=chance.randrange(1, 20), effective_at=then)
        elif deed == "spend":
            await office.spend(chance.randrange(1, 60))
        elif deed == "hold":
            await office.hold(chance.randrange(1, 30), minutes=chance.randrange(1_000, 44_000))
        elif deed == "give":
            to = str(office.other.user_id)
            await office.do(points.give, points.Give, recipient=to, amount=chance.randrange(1, 20))
        elif deed == "adjust":
            await office.do(points.adjust, points.Adjust, amount=-2, reason="counted again")
        else:
            await office.do(points.expire, points.Expire)
    except shared.RuleForbids:
        return


# --- the limited network --------------------------------------------------------------------------


async def test_what_was_redeemed_in_twelve_months_stands_against_a_threshold(office: Office) -> None:
    await office.earn(bonus=1_000)
    await office.spend(100)
    office.clock.at("2026-03-05 10:00")
    spent = await office.spend(90)
    await office.do(points.refund, points.Refund, debit_id=spent.posting_id, amount=10)
    office.clock.at("2027-03-04 23:30")
    found = await office.limited_network(threshold_cents=10_000)
    assert (found.since, found.redeemed) == (utc("2026-03-04 23:00"), shared.Money(8_000))
    assert (found.share_bp, found.alert, found.exceeded) == (8_000, True, False)
    assert [(one.unit, one.spent, one.refunded) for one in found.units] == [("points", 90, 10)]
    assert not (await office.limited_network(threshold_cents=10_001)).alert
    assert not (await office.limited_network(threshold_cents=8_000)).exceeded
    assert (await office.limited_network(threshold_cents=7_999)).exceeded


async def test_where_nothing_was_redeemed_nothing_is_reported(office: Office) -> None:
    found = await office.limited_network()
    assert (found.redeemed, found.threshold) == (shared.Money(0), shared.Money(100_000_000))
    assert (found.share_bp, found.alert, found.units) == (0, False, ())
