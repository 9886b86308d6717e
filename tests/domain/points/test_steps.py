"""The points ledger: what each step does (ledger.md)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from books import MEMBER, SHOP, START, Books, check

from baobab.domain import points, shared
from baobab.domain.points import Book, Lot, Movement

END = datetime(2027, 9, 2, 22, 0, tzinfo=UTC)
"""Until when points last that are given at START."""


def test_a_grant_makes_a_funded_and_a_bonus_lot_under_one_name(books: Books) -> None:
    books.earn(50, 15)
    funded, bonus = books.lots.values()
    assert (funded.amount, funded.funded, bonus.amount, bonus.funded) == (50, True, 15, False)
    assert funded.grant_id == bonus.grant_id
    assert {lot.expires_at for lot in books.lots.values()} == {END}
    event = books.events[-1]
    assert event == points.PointsEarned(MEMBER, points.POINTS, funded.grant_id, 50, 15, SHOP, END)


@pytest.mark.parametrize(
    ("given_at", "expires_at"),
    [
        ("2025-08-31T10:00+00:00", "2027-02-28T23:00+00:00"),
        ("2025-08-31T22:30+00:00", "2027-03-01T23:00+00:00"),
        ("2026-03-02T10:30+00:00", "2027-09-02T22:00+00:00"),
        ("2026-08-29T10:00+00:00", "2028-02-29T23:00+00:00"),
    ],
    ids=["no such day", "already September in Paris", "into summer time", "a leap day"],
)
def test_points_last_to_the_end_of_the_day_18_months_later(given_at: str, expires_at: str) -> None:
    policy = points.policy_in_force((), points.POINTS, START)
    assert points.expiry_of(policy, datetime.fromisoformat(given_at)) == datetime.fromisoformat(expires_at)


@pytest.mark.parametrize(
    ("base", "multiplier", "points_given"),
    [
        (65, 100, 65),
        (50, 125, 62),
        (54, 125, 68),
        (3, 150, 4),
        (5, 150, 8),
        (1, 149, 1),
        (1, 151, 2),
        (7, 999, 70),
    ],
)
def test_a_multiplier_rounds_half_to_even(base: int, multiplier: int, points_given: int) -> None:
    assert points.multiplied(base, multiplier) == points_given


@pytest.mark.parametrize("multiplier", [0, 99, 1_000])
def test_a_multiplier_has_its_range(books: Books, multiplier: int) -> None:
    with pytest.raises(points.MultiplierOutOfRange):
        books.earn(10, multiplier=multiplier)


def test_the_gain_of_a_multiplier_is_bonus_and_each_line_keeps_its_base(books: Books) -> None:
    books.earn(50, 0, multiplier=150)
    funded, bonus = books.postings
    assert (funded.amount, funded.base_amount, funded.multiplier) == (50, 50, 150)
    assert (bonus.amount, bonus.base_amount, bonus.multiplier) == (25, 0, 150)


@pytest.mark.parametrize("amount", [0, -1, 1.0, True, "5", shared.MOST + 1])
def test_an_amount_is_a_whole_positive_number(books: Books, amount: Any) -> None:
    books.earn(50)
    for attempt in (books.spend, books.hold, lambda amount: books.earn(amount, amount)):
        with pytest.raises(shared.InvalidAmount):
            attempt(amount)
    check(books)


def test_nothing_is_counted_in_an_unknown_unit() -> None:
    with pytest.raises(points.UnknownUnit, match="pearls"):
        points.policy_in_force((), "pearls", START)


def lot(number: int, **changes: Any) -> Lot:
    made = Lot(
        user_id=MEMBER,
        id=UUID(int=number),
        unit=points.POINTS,
        amount=10,
        remaining=10,
        funded=False,
        available_at=START,
        expires_at=END,
        source_type="manual",
        source_id=SHOP.id,
        grant_id=UUID(int=number),
        policy_version=1,
        expired=0,
        warned=0,
        revoked=False,
        created_at=START,
    )
    return shared.evolve(made, **changes)


def test_lots_are_consumed_by_expiry_then_bonus_then_age() -> None:
    day = timedelta(days=1)
    lots = (
        lot(1, funded=True),
        lot(3),
        lot(2),
        lot(4, funded=True, expires_at=END - day),
        lot(5, expires_at=START),
        lot(6, available_at=START + day),
        lot(7, remaining=0),
    )
    book = Book(points.open_account(MEMBER, points.POINTS, START), lots, (), points.POLICIES[0])
    assert [one.id.int for one, _ in points.spendable(book, START)] == [4, 2, 3, 1]
    by_age = shared.evolve(book, policy=shared.evolve(book.policy, consumption="oldest_first"))
    assert [one.id.int for one, _ in points.spendable(by_age, START)] == [1, 2, 3, 4]


def test_points_that_are_not_mature_are_pending() -> None:
    account = shared.evolve(points.open_account(MEMBER, points.POINTS, START), balance=20)
    lots = (lot(1), lot(2, available_at=START + timedelta(days=1)))
    book = Book(account, lots, (), points.POLICIES[0])
    parts = points.parts_of(book, START)
    assert (parts.balance, parts.available, parts.pending) == (20, 10, 10)
    assert points.parts_of(book, START + timedelta(days=1)).available == 20


def test_a_refusal_says_what_was_needed_and_what_there_is(books: Books) -> None:
    books.earn(40)
    for attempt in (books.spend, books.hold, lambda amount: books.adjust(-amount)):
        with pytest.raises(points.InsufficientPoints) as caught:
            attempt(65)
        assert caught.value.facts() == {"needed": 65, "available": 40}


def test_lines_of_one_instant_are_recorded_one_after_the_other(books: Books) -> None:
    books.earn(10)
    books.spend(1)
    books.spend(1)
    times = [posting.recorded_at - START for posting in books.postings]
    assert times == [timedelta(microseconds=number) for number in range(3)]


@pytest.mark.parametrize("minutes", [0, 0.5, 31 * 1_440 + 1])
def test_a_hold_lasts_from_a_minute_to_31_days(books: Books, minutes: Any) -> None:
    books.earn(10)
    with pytest.raises(points.HoldTooLong, match="31 days"):
        books.hold(5, minutes)


def test_a_hold_may_be_allowed_more_days(books: Books) -> None:
    books.earn(10)
    books.hold(5, 60 * 1_440, most_days=60)
    assert books.parts.held == 5


def test_a_hold_sets_aside_what_would_be_spent_first(books: Books) -> None:
    books.earn(10, 4)
    books.hold(6)
    (hold,) = books.holds.values()
    funded, bonus = books.lots.values()
    assert hold.parts == (points.Part(bonus.id, 4), points.Part(funded.id, 2))
    assert books.events[-1] == points.HoldChanged(MEMBER, points.POINTS, hold.id, "held", 6)


def test_a_capture_takes_the_first_of_what_was_held(books: Books) -> None:
    books.earn(10, 4)
    books.hold(6)
    (hold,) = books.holds.values()
    books.capture(hold, 5)
    assert books.remaining() == [9, 0]
    assert (books.holds[hold.id].state, books.holds[hold.id].captured) == ("captured", 5)
    changed, spent = books.events[-2:]
    assert changed == points.HoldChanged(MEMBER, points.POINTS, hold.id, "captured", 5)
    assert spent == points.PointsSpent(MEMBER, points.POINTS, books.postings[-1].id, 5, SHOP)
    check(books)


def test_a_capture_takes_no_more_than_was_held(books: Books) -> None:
    books.earn(10)
    books.hold(6)
    (hold,) = books.holds.values()
    with pytest.raises(points.CaptureTooLarge) as caught:
        books.capture(hold, 7)
    assert caught.value.facts() == {"held": 6, "wanted": 7}


@pytest.mark.parametrize("end", ["captured", "released", "expired"])
def test_a_hold_ends_once(books: Books, end: str) -> None:
    books.earn(10)
    books.hold(6)
    (hold,) = books.holds.values()
    match end:
        case "captured":
            books.capture(hold, 6)
        case "released":
            books.release(hold)
        case "expired":
            books.wait(minutes=30)
    for attempt in (
        lambda: books.capture(books.holds[hold.id], 1),
        lambda: books.release(books.holds[hold.id]),
    ):
        with pytest.raises(points.HoldClosed) as caught:
            attempt()
        assert caught.value.facts() == {"hold_id": hold.id, "state": end}


def test_a_hold_that_runs_out_frees_its_points_and_says_so(books: Books) -> None:
    books.earn(10)
    books.hold(6)
    books.wait(minutes=30)
    assert books.parts.available == 10
    books.sweep()
    (hold,) = books.holds.values()
    assert (hold.state, books.account.held) == ("expired", 0)
    assert books.events[-1] == points.HoldChanged(MEMBER, points.POINTS, hold.id, "expired", 6)


def test_an_expiry_is_effective_when_the_lot_ended_and_recorded_when_it_was_written(books: Books) -> None:
    books.earn(10, 4)
    books.spend(2)
    books.at = END + timedelta(days=3)
    books.sweep()
    bonus, funded = books.postings[-2:]
    assert (bonus.amount, funded.amount) == (-2, -10)
    assert {one.effective_at for one in (bonus, funded)} == {END}
    assert bonus.recorded_at == books.at
    expired = [event for event in books.events if isinstance(event, points.PointsExpired)]
    assert [(event.amount, event.expired_at) for event in expired] == [(2, END), (10, END)]


def test_settling_what_is_settled_changes_nothing(books: Books) -> None:
    books.earn(10)
    books.at = END
    assert books.sweep().changed
    assert books.sweep() == Movement(books.book)


def test_what_is_held_of_a_lot_ends_when_the_hold_does(books: Books) -> None:
    books.at = END - timedelta(minutes=10)
    books.keep(points.earn(books.book, funded=10, bonus=0, source=SHOP, at=START, ids=books.ids))
    books.hold(4, 30)
    books.at = END
    books.sweep()
    assert (books.account.balance, books.parts.held, books.parts.available) == (4, 4, 0)
    (hold,) = books.holds.values()
    books.release(hold)
    assert books.parts.balance == 0
    books.sweep()
    assert books.account.balance == 0
    check(books)


def test_a_refund_goes_to_the_lots_consumed_last_first(books: Books) -> None:
    books.earn(10, 4)
    books.spend(8)
    (debit,) = books.debits()
    books.refund(debit, 5)
    assert books.remaining() == [10, 1]
    books.refund(debit)
    assert books.remaining() == [10, 4]
    assert books.events[-1] == points.PointsRefunded(MEMBER, points.POINTS, debit.id, 3)
    for amount in (None, 1):
        with pytest.raises(points.RefundTooLarge):
            books.refund(debit, amount)


def test_a_lot_that_has_ended_comes_back_for_30_days(books: Books) -> None:
    books.earn(10)
    books.spend(8)
    books.at = END + timedelta(days=60)
    books.refund(books.debits()[0])
    (back,) = books.lots.values()
    assert (back.remaining, back.expires_at) == (8, datetime(2027, 12, 1, 23, 0, tzinfo=UTC))


def test_only_what_was_spent_is_given_back(books: Books) -> None:
    books.earn(10)
    with pytest.raises(shared.NotFound, match="debit"):
        books.refund(books.postings[0])


def test_an_untouched_grant_is_taken_back_whole(books: Books) -> None:
    books.earn(50, 15)
    books.earn(7)
    grant_id = next(iter(books.lots.values())).grant_id
    books.revoke(grant_id)
    assert books.remaining() == [0, 0, 7]
    assert books.account.earned == 7
    assert books.events[-1] == points.GrantRevoked(MEMBER, points.POINTS, grant_id, 65, 0)
    check(books)
    with pytest.raises(points.GrantAlreadyRevoked):
        books.revoke(grant_id)


@pytest.mark.parametrize("touch", ["spend", "hold"])
def test_of_a_grant_that_was_touched_what_is_left_is_taken_back(books: Books, touch: str) -> None:
    books.earn(50, 15)
    getattr(books, touch)(20)
    grant_id = next(iter(books.lots.values())).grant_id
    books.revoke(grant_id)
    assert books.events[-1] == points.GrantRevoked(MEMBER, points.POINTS, grant_id, 45, 0)
    assert all(lot.revoked for lot in books.lots.values())
    assert sum(books.remaining()) == (20 if touch == "hold" else 0)
    check(books)


def test_of_a_grant_that_is_all_spent_nothing_is_taken_back(books: Books) -> None:
    books.earn(50, 15)
    books.spend(65)
    before = len(books.postings)
    books.revoke(next(iter(books.lots.values())).grant_id)
    assert len(books.postings) == before
    assert not any(lot.revoked for lot in books.lots.values())


def test_a_correction_up_makes_a_bonus_lot_and_down_takes_as_a_debit_does(books: Books) -> None:
    books.earn(10)
    books.adjust(5)
    _, given_lot = books.lots.values()
    assert (given_lot.amount, given_lot.funded, given_lot.expires_at) == (5, False, END)
    assert books.postings[-1].reason == "counted again"
    books.adjust(-7)
    assert books.remaining() == [8, 0]
    assert books.events[-1] == points.PointsAdjusted(MEMBER, points.POINTS, -7, MEMBER, "counted again")
    with pytest.raises(shared.InvalidAmount):
        books.adjust(0)
    check(books)
