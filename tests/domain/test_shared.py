"""What every context shares: errors, amounts, days and actors."""

from datetime import UTC, date, datetime
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import shared


class TooMany(shared.RuleForbids):
    message = "{given} is more than {most}."
    given: int
    most: int


def test_an_error_carries_its_facts_and_says_them() -> None:
    error = TooMany(given=5, most=3)
    assert (str(error), error.code, error.facts()) == (
        "5 is more than 3.",
        "too_many",
        {"given": 5, "most": 3},
    )


@pytest.mark.parametrize("given", [0, -1, shared.MOST + 1, True, "5"])
def test_an_amount_is_a_whole_number_in_range(given: object) -> None:
    with pytest.raises(shared.InvalidAmount):
        shared.check_amount(given)  # type: ignore[arg-type]


@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_a_share_is_rounded_half_to_even(amount: int, rate: int) -> None:
    assert shared.share_of(amount, rate) == round(Fraction(amount * rate, 10_000))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2025, 8, 31), 18, date(2027, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_the_month(day: date, months: int, later: date) -> None:
    assert shared.add_months(day, months) == later


def test_a_day_ends_in_its_zone_also_when_the_clocks_change() -> None:
    assert shared.end_of_day(date(2027, 2, 28), "Europe/Paris") == datetime(2027, 2, 28, 23, tzinfo=UTC)
    assert shared.end_of_day(date(2026, 3, 28), "Europe/Paris") == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert shared.end_of_day(date(2026, 3, 29), "Europe/Paris") == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_what_is_not_ones_own_does_not_exist() -> None:
    member = shared.Actor(UUID(int=1), "member")
    member.must_own(UUID(int=1), "order", 1)
    shared.Actor(UUID(int=9), "admin").must_own(UUID(int=1), "order", 1)
    with pytest.raises(shared.NotFound):
        member.must_own(UUID(int=2), "order", 1)


def test_a_partner_acts_for_their_producer_alone() -> None:
    partner = shared.Actor(UUID(int=1), "partner_staff", UUID(int=5))
    partner.must_act_for(UUID(int=5), "shipment", 1)
    for producer in (UUID(int=6), None):
        with pytest.raises(shared.NotFound):
            partner.must_act_for(producer, "shipment", 1)
