"""To cancel, to go on, another plan, to think again."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from charges import (
    AT,
    DUE,
    HIVES,
    POLICY,
    PREMIUM,
    STANDARD,
    active,
    asked,
    case_of,
    past_due,
    pay,
    renewing,
    tags,
)

from baobab.domain import investments, shared
from baobab.domain.investments import subscriptions
from baobab.domain.investments.subscriptions import Case, Choice, Outcome


def test_a_cancellation_takes_effect_when_the_period_is_over() -> None:
    asked_to = subscriptions.cancel(active(), AT)
    assert (asked_to.subscription.state, asked_to.subscription.cancel_at_period_end) == ("active", True)
    again = subscriptions.cancel(shared.evolve(active(), subscription=asked_to.subscription), AT)
    assert again.events == ()
    step = subscriptions.begin_renewal(
        shared.evolve(active(), subscription=asked_to.subscription), STANDARD, UUID(int=200), POLICY, DUE
    )
    assert (step.verdict, step.subscription.state, step.subscription.reason) == (
        *("stopped", "cancelled"),
        "period_end",
    )


def test_a_cancellation_is_taken_back_before_the_period_is_over() -> None:
    asked_to = subscriptions.cancel(active(), AT).subscription
    resumed = subscriptions.resume(asked_to)
    assert resumed.subscription == active().subscription
    assert subscriptions.resume(resumed.subscription).events == ()
    with pytest.raises(subscriptions.SubscriptionStopped):
        subscriptions.resume(subscriptions.stop(active(), "on request", AT).subscription)


def test_cancelling_stops_the_dunning_and_what_stopped_is_cancelled_without_an_error() -> None:
    stopped = subscriptions.cancel(past_due(), DUE)
    assert (stopped.subscription.state, stopped.subscription.due_at) == ("cancelled", None)
    again = subscriptions.cancel(shared.evolve(past_due(), subscription=stopped.subscription), DUE)
    assert (again.subscription, again.events) == (stopped.subscription, ())


def test_a_renewal_that_is_under_way_when_it_is_cancelled_is_returned() -> None:
    under_way = renewing(active(), DUE)
    stopped = subscriptions.cancel(under_way, DUE)
    assert stopped.charge is not None
    assert stopped.charge.state == "given_up"
    late = pay(case_of(stopped), DUE)
    assert (late.verdict, late.payment.reason) == ("returned", "subscription_stopped")


def test_an_administrator_stops_it_at_once() -> None:
    stopped = subscriptions.stop(active(), "on request", AT)
    one = stopped.subscription
    assert (one.state, one.reason, one.stop_note, one.stopped_at) == ("cancelled", "admin", "on request", AT)
    assert subscriptions.stop(shared.evolve(active(), subscription=one), "again", AT).events == ()


def test_another_plan_counts_from_the_next_period_on_and_can_be_changed_until_then() -> None:
    chosen = subscriptions.choose_plan(active().subscription, "ambassadeur_premium")
    assert (chosen.subscription.plan, chosen.subscription.next_plan) == (
        *("ambassadeur_standard", "ambassadeur_premium"),
    )
    assert subscriptions.choose_plan(chosen.subscription, "ambassadeur_premium").events == ()
    back = subscriptions.choose_plan(chosen.subscription, "ambassadeur_standard")
    assert back.subscription == active().subscription
    case = shared.evolve(active(), subscription=chosen.subscription)
    paid = pay(renewing(case, DUE, PREMIUM), DUE)
    assert (paid.subscription.plan, paid.subscription.next_plan) == ("ambassadeur_premium", None)
    assert (paid.charge.amount_cents, paid.charge.points) == (35_000, 525)


def test_what_is_over_is_not_changed() -> None:
    over = subscriptions.stop(active(), "on request", AT).subscription
    with pytest.raises(subscriptions.SubscriptionStopped):
        subscriptions.choose_plan(over, "ambassadeur_premium")
    with pytest.raises(subscriptions.SubscriptionStopped):
        subscriptions.choose_projects(over, (Choice(HIVES),))


def test_the_projects_are_chosen_anew() -> None:
    chosen = subscriptions.choose_projects(active().subscription, (Choice(HIVES, 2),))
    assert chosen.subscription.choices == (Choice(HIVES, 2),)
    assert subscriptions.choose_projects(chosen.subscription, (Choice(HIVES, 2),)).events == ()


def withdraw(case: Case, at: datetime, spent: int = 0) -> Outcome:
    reckoned = investments.reckon("subscription", case.payment, 280, 280 - spent, at)
    return subscriptions.withdraw(case, reckoned, at)


def test_who_thinks_again_in_time_has_the_money_back_less_what_is_spent() -> None:
    outcome = withdraw(active(), AT + timedelta(days=3), spent=80)
    assert outcome.payment is not None
    assert outcome.charge is not None
    assert (outcome.subscription.state, outcome.charge.state) == ("withdrawn", "withdrawn")
    assert outcome.payment.refund_due_cents == 12_000
    assert tags(outcome) == ["payments.refund_due", "investments.subscription_withdrawn"]
    assert tags(withdraw(active(), AT, spent=280)) == ["investments.subscription_withdrawn"]


def test_each_period_can_be_withdrawn_from_for_fourteen_days() -> None:
    renewed = case_of(pay(renewing(active(), DUE), DUE))
    assert withdraw(renewed, DUE + timedelta(days=14)).subscription.state == "withdrawn"
    with pytest.raises(investments.WithdrawalWindowClosed):
        withdraw(renewed, DUE + timedelta(days=15))
    with pytest.raises(subscriptions.NothingToWithdraw):
        withdraw(asked(), AT)
