"""The ledger's other words as pure functions: warnings, debts, gifts, conversions, units, first lots."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from baobab.domain import points, shared
from baobab.domain.points import FOREVER, LONG_AGO, Book, Lot, LotLeft, Movement, Policy, Rate, Source

START = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MEMBER, OTHER, GIFT = UUID(int=7), UUID(int=8), UUID(int=9)
SHOP = Source("purchase", UUID(int=5))
POLICY = Policy(unit="points", version=1)


def fresh_ids() -> Callable[[], UUID]:
    numbers = count(1_000)
    return lambda: UUID(int=next(numbers))


def lot(number: int, **facts: Any) -> Lot:
    """A funded lot of 10 that ends in a hundred days."""
    made = Lot(
        user_id=MEMBER,
        id=UUID(int=number),
        unit="points",
        amount=10,
        remaining=10,
        funded=True,
        available_at=START,
        expires_at=START + 100 * DAY,
        source_type="manual",
        source_id=SHOP.id,
        grant_id=UUID(int=number),
        policy_version=1,
        warned=0,
        revoked=False,
        created_at=START,
        expired=0,
    )
    return shared.evolve(made, **facts)


def book(*lots: Lot, policy: Policy = POLICY, whole: bool = True, **facts: Any) -> Book:
    account = points.open_account(MEMBER, policy.unit, START)
    facts = {"balance": sum(one.remaining for one in lots), **facts}
    return Book(shared.evolve(account, **facts), lots, (), policy, whole)


def options(at: datetime = START, **more: Any) -> dict[str, Any]:
    return {"at": at, "ids": fresh_ids(), **more}


def amounts(movement: Movement) -> list[tuple[str, int, int]]:
    """What each line of a movement says: its kind, what it changed of the balance and of the debt."""
    lines = (one for one in movement.changed if isinstance(one, points.Posting))
    return [(line.kind, line.amount, line.debt) for line in lines]


# --- warnings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days_left", "warned", "said"),
    [
        (60.01, 0, None),
        (60, 0, 60),
        (59, 60, None),
        (30, 60, 30),
        (30, 30, None),
        (7, 30, 7),
        (7, 60, 7),
        (3, 0, 7),
        (3, 7, None),
        (0, 30, None),
        (-1, 0, None),
    ],
)
def test_a_lot_is_warned_of_at_the_nearest_threshold_that_was_not_said(
    days_left: float, warned: int, said: int | None
) -> None:
    ending = lot(1, expires_at=START + days_left * DAY, warned=warned)
    assert points.threshold(ending, START) == said


def test_nobody_is_warned_of_what_is_spent() -> None:
    assert points.threshold(lot(1, remaining=0, expires_at=START + DAY), START) is None


def test_one_warning_names_all_that_ends_at_one_instant_with_what_is_left() -> None:
    soon, later = START + 5 * DAY, START + 20 * DAY
    kept = book(
        lot(1, expires_at=later, remaining=4),
        lot(2, expires_at=soon),
        lot(3, expires_at=soon, remaining=1),
        lot(4),
    )
    warned = points.warn(kept, START)
    first, second = warned.events
    assert first == points.PointsExpiringSoon(
        MEMBER, "points", 7, soon, 11, (LotLeft(UUID(int=2), 10), LotLeft(UUID(int=3), 1))
    )
    assert second == points.PointsExpiringSoon(MEMBER, "points", 30, later, 4, (LotLeft(UUID(int=1), 4),))
    assert [one.warned for one in warned.book.lots] == [30, 7, 7, 0]
    assert points.warn(warned.book, START) == Movement(warned.book)


# --- debts ------------------------------------------------------------------------------------------


def test_a_claw_back_takes_its_own_lot_before_one_that_ends_sooner() -> None:
    own, sooner = lot(1), lot(2, expires_at=START + DAY)
    taken = points.claw_back(book(own, sooner), own.grant_id, [own], **said(), **options())
    assert [one.remaining for one in taken.book.lots] == [0, 10]
    assert amounts(taken) == [("revoked", -10, 0)]
    assert [one.revoked for one in taken.book.lots] == [True, False]


def said() -> dict[str, Any]:
    return {"author_id": OTHER, "reason": "never paid"}


def test_a_claw_back_owes_what_nobody_has_and_leaves_out_what_ended() -> None:
    own = lot(1, remaining=1, expired=3)
    taken = points.claw_back(book(own), own.grant_id, [own], **said(), **options())
    assert amounts(taken) == [("revoked", -1, 6)]
    assert taken.book.account.debt == 6
    assert taken.events[-1] == points.GrantRevoked(MEMBER, "points", own.grant_id, 1, 6)


def test_a_credit_repays_as_far_as_it_goes() -> None:
    earned = points.earn(book(debt=25), funded=10, bonus=5, source=SHOP, **options())
    assert amounts(earned) == [("earned", 10, 0), ("bonus", 5, 0), ("repaid", -15, -15)]
    assert (earned.book.account.balance, earned.book.account.debt) == (0, 10)
    assert earned.events[-1] == points.DebtRepaid(MEMBER, "points", 15, 10)


# --- gifts and conversions ----------------------------------------------------------------------------


def test_what_one_promise_gave_arrives_as_one_lot() -> None:
    giver = book(lot(1), lot(2), lot(3, funded=False), lot(4, expires_at=START + DAY, remaining=2))
    receiver = Book(points.open_account(OTHER, "points", START), (), (), POLICY)
    given, received = points.give(giver, receiver, amount=25, gift_id=GIFT, **options())
    assert amounts(given) == [("given", -25, 0)]
    got = [(one.amount, one.funded, one.expires_at) for one in received.book.lots]
    assert got == [
        (2, True, START + DAY),
        (10, False, START + 100 * DAY),
        (13, True, START + 100 * DAY),
    ]
    assert {one.grant_id for one in received.book.lots} == {GIFT}
    assert given.book.account.balance + received.book.account.balance == 32


@pytest.mark.parametrize(
    ("give", "get", "amount", "result"), [(1, 1, 7, 7), (2, 3, 4, 6), (6, 4, 3, 2), (10, 3, 20, 6)]
)
def test_a_rate_counts_whole_amounts(give: int, get: int, amount: int, result: int) -> None:
    rate = Rate("points", "pearls", 1, give, get, START)
    assert points.converted(rate, amount) == result


@pytest.mark.parametrize(("give", "get", "multiple"), [(2, 1, 2), (6, 4, 3), (7, 3, 7), (100, 60, 5)])
def test_what_a_rate_would_round_is_refused_with_the_least_amount_that_it_counts(
    give: int, get: int, multiple: int
) -> None:
    rate = Rate("points", "pearls", 1, give, get, START)
    with pytest.raises(points.RateLeavesRest) as caught:
        points.converted(rate, multiple + 1)
    assert caught.value.multiple == multiple
    assert points.converted(rate, multiple) == multiple * get // give


def test_what_was_paid_for_stays_so_pro_rata_and_the_rest_is_bonus() -> None:
    pearls = Policy(unit="pearls", version=3, validity_months=None, maturity_days=2)
    other = Book(points.open_account(MEMBER, "pearls", START), (), (), pearls)
    rate = Rate("points", "pearls", 1, 2, 1, START)
    kept = book(lot(1, funded=False, remaining=1), lot(2))
    left, got = points.convert(kept, other, rate, amount=4, conversion_id=GIFT, **options())
    assert [(one.amount, one.funded) for one in got.book.lots] == [(1, True), (1, False)]
    assert {(one.available_at, one.expires_at) for one in got.book.lots} == {(START + 2 * DAY, FOREVER)}
    assert left.events[-1] == points.PointsConverted(MEMBER, "points", 4, "pearls", 2, GIFT)


# --- units ----------------------------------------------------------------------------------------------


def test_the_highest_version_that_is_in_force_counts() -> None:
    versions = [
        Policy(unit="pearls", version=1, in_force_at=START),
        Policy(unit="pearls", version=2, in_force_at=START + 9 * DAY),
        Policy(unit="pearls", version=3, in_force_at=START + 2 * DAY),
        Policy(unit="shells", version=9, in_force_at=START),
    ]
    found = [points.policy_in_force(versions, "pearls", START + days * DAY).version for days in (0, 1, 2, 9)]
    assert found == [1, 1, 3, 3]
    with pytest.raises(points.UnknownUnit):
        points.policy_in_force(versions, "pearls", START - timedelta(microseconds=1))


def test_points_are_known_without_being_stored() -> None:
    assert points.policy_in_force((), "points", LONG_AGO).cents == 100


@pytest.mark.parametrize(
    ("month", "zone", "ends_at"),
    [
        ("2026-01", "Europe/Paris", "2026-01-31T23:00"),
        ("2026-03", "Europe/Paris", "2026-03-31T22:00"),
        ("2025-12", "UTC", "2026-01-01T00:00"),
        ("2024-02", "Africa/Dakar", "2024-03-01T00:00"),
    ],
)
def test_a_month_ends_where_its_unit_lives(month: str, zone: str, ends_at: str) -> None:
    expected = datetime.fromisoformat(ends_at).replace(tzinfo=UTC)
    assert points.end_of_month(month, zone, expected) == expected
    with pytest.raises(points.PeriodNotOver):
        points.end_of_month(month, zone, expected - timedelta(microseconds=1))


def test_an_instant_is_kept_in_utc_and_one_beyond_the_calendar_is_never() -> None:
    there = START.astimezone(zone(5))
    assert points.in_utc(there).isoformat() == START.isoformat()
    assert points.in_utc(datetime(9999, 12, 31, 23, tzinfo=zone(-12))) == FOREVER


def zone(hours: int) -> Any:
    return datetime.fromisoformat(f"2026-01-01T00:00{hours:+03d}:00").tzinfo


# --- the first of very many lots ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "needed", "enough"),
    [
        ({}, 19, True),
        ({}, 20, False),
        ({"debt": 1}, 1, False),
        ({"matures_at": START + DAY}, 1, False),
    ],
    ids=["with one to spare", "but for what ends next", "a debt", "something pending"],
)
def test_the_first_lots_cover_a_debit_that_leaves_one_of_them(
    facts: dict[str, Any], needed: int, enough: bool
) -> None:
    front = book(lot(1), lot(2), whole=False, balance=500, **facts)
    assert points.covers(front, needed, START) is enough


def test_the_first_lots_cover_nothing_where_the_last_of_them_has_ended_or_the_oldest_go_first() -> None:
    ended = book(lot(1, expires_at=START), whole=False)
    oldest = book(lot(1), whole=False, policy=shared.evolve(POLICY, consumption="oldest_first"))
    for front in (ended, oldest, book(whole=False)):
        assert not points.covers(front, 0, START)
        assert points.covers(shared.evolve(front, whole=True), 0, START)


def test_a_balance_of_the_first_lots_counts_what_they_leave_out() -> None:
    parts = points.parts_of(book(lot(1), lot(2), whole=False, balance=500), START)
    assert (parts.balance, parts.available, parts.pending) == (500, 500, 0)
    assert (parts.next_expiry, parts.next_expiring) == (START + 100 * DAY, None)


def test_what_ends_before_it_is_ripe_is_neither_pending_nor_available() -> None:
    never = lot(1, available_at=START + 10 * DAY, expires_at=START + 5 * DAY)
    assert points.parts_of(book(never), START).pending == 10
    parts = points.parts_of(book(never), START + 6 * DAY)
    assert (parts.balance, parts.available, parts.pending) == (0, 0, 0)


# --- accounts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [{"balance": 1}, {"debt": 1}, {"balance": 1, "held": 1}])
def test_only_what_is_empty_and_owes_nothing_is_closed(facts: dict[str, int]) -> None:
    with pytest.raises(points.AccountNotEmpty):
        points.close(book(**facts), reason="moved away", at=START)
    closed = points.close(book(), reason="moved away", at=START)
    assert closed.events == (points.AccountStatusChanged(MEMBER, "points", True, "moved away"),)
    with pytest.raises(points.AccountClosed):
        points.check_open(closed.book.account)
    points.check_open(points.reopen(closed.book, reason="came back").book.account)
    with pytest.raises(points.AccountOpen):
        points.reopen(book(), reason="came back")
