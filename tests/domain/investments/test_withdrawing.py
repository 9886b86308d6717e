"""Thinking again of an investment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from shares import AT, LATE, POLICY, PROJECT, active, book, case_of, pay, reserve, tags

from baobab.domain import investments, projects, shared


def withdraw(case: investments.Case, at: datetime, spent: int = 0) -> investments.Outcome:
    """Thinking again, when so many points of it are spent."""
    reckoned = investments.reckon("investment", case.payment, 65, 65 - spent, at)
    return investments.withdraw(case, reckoned, at)


def test_a_withdrawal_returns_the_share_and_all_the_money() -> None:
    case = active()
    outcome = withdraw(case, LATE)
    assert outcome.investment == shared.evolve(case.investment, state="withdrawn", withdrawn_at=LATE)
    assert outcome.entry.state == "returned"
    assert outcome.funding == projects.Funding(PROJECT, taken_cents=0, supporters=0, sequence=3)
    assert (outcome.payment.state, outcome.payment.refund_due_cents) == ("refund_due", 5_000)
    assert outcome.payment.reason == "withdrawal"
    assert tags(outcome) == ["payments.refund_due", "projects.share_returned", "investments.withdrawn"]


def test_a_member_may_withdraw_until_the_end_of_the_fourteenth_day_in_paris() -> None:
    """The clocks go forward on 29 March 2026: the day ends at 22:00 UTC instead of 23:00."""
    case = active(datetime(2026, 3, 20, 22, 59, tzinfo=UTC))
    end = datetime(2026, 4, 3, 22, 0, tzinfo=UTC)
    assert case.investment.withdraw_until == end
    assert withdraw(case, end - timedelta(microseconds=1)).investment.state == "withdrawn"
    with pytest.raises(investments.WithdrawalWindowClosed) as refused:
        withdraw(case, end)
    assert refused.value.facts() == {"until": end}


def test_the_days_to_withdraw_count_from_the_day_in_paris() -> None:
    """23:30 UTC on the 1st is already the 2nd there."""
    end = investments.withdrawal_end(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), POLICY)
    assert end == datetime(2026, 3, 16, 23, 0, tzinfo=UTC)


def test_how_long_a_member_may_withdraw_is_configured() -> None:
    short = investments.Policy(withdrawal_days=0, zone="UTC")
    assert investments.withdrawal_end(AT, short) == datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize("state", ["pending", "cancelled", "withdrawn", "refunded", "expired"])
def test_only_an_active_investment_is_withdrawn_from(state: investments.InvestmentState) -> None:
    case = active()
    changed = shared.evolve(case, investment=shared.evolve(case.investment, state=state))
    with pytest.raises(investments.InvestmentNotActive) as refused:
        withdraw(changed, LATE)
    assert refused.value.facts() == {"state": state}


@pytest.mark.parametrize(
    ("spent", "refund"), [(0, 5_000), (1, 4_900), (15, 3_500), (49, 100), (50, 0), (65, 0)]
)
def test_each_point_that_is_spent_is_kept_at_one_euro_and_nobody_owes_anything(
    spent: int, refund: int
) -> None:
    case = active()
    reckoned = investments.reckon("investment", case.payment, 65, 65 - spent, LATE)
    assert (reckoned.refund_cents, reckoned.deducted_cents) == (refund, 5_000 - refund)
    assert (reckoned.spent_points, reckoned.contribution_id) == (spent, case.investment.id)
    outcome = investments.withdraw(case, reckoned, LATE)
    assert outcome.investment.state == "withdrawn"
    assert outcome.payment.refund_due_cents == refund
    assert outcome.payment.state == ("refund_due" if refund else "succeeded")


def test_money_that_went_back_before_does_not_go_back_again() -> None:
    paid = shared.evolve(active().payment, refunded_cents=2_000)
    assert investments.reckon("investment", paid, 65, 60, LATE).refund_cents == 2_500


def test_a_portion_of_a_subscription_in_the_project_counts_as_another_share() -> None:
    mine = shared.evolve(active(), portions=2)
    assert mine.others == 2
    assert withdraw(mine, LATE).funding.supporters == 1


def test_a_member_with_another_share_of_the_project_stays_one_supporter() -> None:
    mine = active()
    sibling = shared.evolve(mine.investment, id=UUID(int=500))
    siblings = (mine.investment, sibling)
    assert shared.evolve(mine, siblings=siblings).others == 1
    assert withdraw(shared.evolve(mine, siblings=siblings), LATE).funding.supporters == 1
    second = shared.evolve(case_of(reserve(book(), 200)), siblings=siblings)
    assert pay(second).funding.supporters == 0


@pytest.mark.parametrize("changes", [{"state": "withdrawn"}, {"project_id": UUID(int=77)}])
def test_shares_given_up_and_shares_elsewhere_do_not_count_as_others(changes: dict[str, Any]) -> None:
    case = active()
    sibling = shared.evolve(case.investment, id=UUID(int=500), **changes)
    assert shared.evolve(case, siblings=(sibling,)).others == 0
