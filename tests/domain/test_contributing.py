"""Which payments count against what a member may put in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from baobab.domain import shared
from baobab.domain.identity import limits
from baobab.domain.identity.limits import Contribution, LimitPolicy
from baobab.domain.investments import contributing
from baobab.domain.payments import Payment, PaymentState

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
HOLD = AT + timedelta(minutes=30)
POLICY = LimitPolicy()
A_YEAR_LATER = limits.counts_until(AT, POLICY)
ID = UUID(int=1)


def payment(state: PaymentState, **facts: Any) -> Payment:
    plain = Payment(ID, ID, "investment", ID, 5_000, "sandbox", HOLD, AT - timedelta(days=1), state=state)
    settled = {} if state == "pending" else {"settled_at": AT}
    return shared.evolve(plain, **(settled | facts))


def test_what_may_still_be_paid_counts_while_its_hold_runs() -> None:
    assert contributing.contribution_of(payment("pending"), POLICY) == Contribution(5_000, HOLD)


def test_what_is_paid_counts_for_a_year_from_the_day_the_money_came() -> None:
    assert contributing.contribution_of(payment("succeeded"), POLICY) == Contribution(5_000, A_YEAR_LATER)


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        ("refund_due", {"refund_due_cents": 2_000}),
        ("refunded", {"refunded_cents": 2_000}),
        ("refund_due", {"refund_due_cents": 500, "refunded_cents": 1_500}),
        ("charged_back", {"disputed": "lost", "charged_back_cents": 2_000}),
    ],
)
def test_of_what_goes_back_in_part_the_rest_counts(state: PaymentState, facts: dict[str, int]) -> None:
    assert contributing.contribution_of(payment(state, **facts), POLICY) == Contribution(3_000, A_YEAR_LATER)


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        ("failed", {}),
        ("cancelled", {}),
        ("refund_due", {"refund_due_cents": 5_000}),
        ("refunded", {"refunded_cents": 5_000}),
        ("charged_back", {"disputed": "lost", "charged_back_cents": 5_000}),
    ],
)
def test_what_failed_was_given_up_or_goes_back_counts_nothing(
    state: PaymentState, facts: dict[str, int]
) -> None:
    assert contributing.contributions_of((payment(state, **facts),), POLICY) == ()


def test_payments_for_whatever_purpose_count_together() -> None:
    both = (payment("succeeded"), payment("succeeded", purpose="subscription", amount_cents=20_000))
    assert limits.contributed(contributing.contributions_of(both, POLICY), AT) == 25_000
