"""Renewals: one charge at a time, tried again, and healed or ended."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from charges import AT, DUE, POLICY, STANDARD, active, asked, case_of, fail, past_due, pay, renewing, tags

from baobab.domain import payments, shared
from baobab.domain.investments import subscriptions


def test_nothing_is_charged_before_the_period_is_over() -> None:
    step = subscriptions.begin_renewal(
        active(), STANDARD, UUID(int=200), POLICY, DUE - timedelta(microseconds=1)
    )
    assert (step.verdict, step.changed, step.events) == ("not_due", (), ())


def test_a_renewal_charges_the_saved_means_once_however_often_it_is_begun() -> None:
    first = renewing(active(), DUE)
    assert (first.charge.number, first.charge.automatic, first.charge.amount_cents) == (2, True, 20_000)
    assert (first.payment.customer, first.payment.saved) == ("who", False)
    again = subscriptions.begin_renewal(first, STANDARD, UUID(int=201), POLICY, DUE + timedelta(days=9))
    assert (again.verdict, again.changed, again.subscription) == ("charge", (), first.subscription)


def test_a_paid_renewal_begins_the_next_period() -> None:
    paid = pay(renewing(active(), DUE), DUE, means="")
    one = paid.subscription
    assert (one.state, one.period, one.failures) == ("active", 2, 0)
    assert one.period_end == datetime(2028, 3, 1, 23, 0, tzinfo=UTC)
    assert one.means == "card"
    assert tags(paid)[-1] == "investments.subscription_renewed"


def test_a_failed_renewal_is_tried_again_two_and_five_days_after_and_then_ends_it() -> None:
    first = case_of(fail(renewing(active(), DUE), DUE))
    one = first.subscription
    assert (one.state, one.failures, subscriptions.is_live(one)) == ("past_due", 1, True)
    assert one.due_at == datetime(2027, 3, 3, 23, 0, tzinfo=UTC)
    second = case_of(fail(renewing(first, one.due_at, number=201), one.due_at))
    assert second.subscription.due_at == datetime(2027, 3, 8, 23, 0, tzinfo=UTC)
    third = fail(renewing(second, second.subscription.due_at, number=202), second.subscription.due_at)
    assert (third.subscription.state, third.subscription.reason) == ("ended", "dunning")
    assert third.subscription.due_at is None
    assert tags(third) == ["payments.failed", "investments.subscription_ended"]


def test_a_success_between_heals() -> None:
    healed = pay(renewing(past_due(), DUE + timedelta(days=2), number=300), DUE + timedelta(days=2))
    assert (healed.subscription.state, healed.subscription.failures) == ("active", 0)


def test_the_next_try_keeps_its_distance_when_nobody_looked_for_days() -> None:
    late = DUE + timedelta(days=20)
    tried = fail(renewing(past_due(), late, number=300), late)
    assert tried.subscription.due_at == datetime(2027, 3, 26, 23, 0, tzinfo=UTC)


def test_money_that_comes_after_the_end_renews_while_its_period_runs() -> None:
    case = past_due()
    ended = shared.evolve(case.subscription, state="ended", reason="dunning", due_at=None, stopped_at=DUE)
    over = shared.evolve(case, subscription=ended, held=())
    assert pay(over, DUE + timedelta(days=90)).subscription.state == "active"
    too_late = pay(over, datetime(2028, 3, 1, 23, 0, tzinfo=UTC))
    assert (too_late.verdict, too_late.payment.reason) == ("returned", "period_over")


def test_nobody_pays_for_a_year_that_is_gone() -> None:
    step = subscriptions.begin_renewal(
        active(), STANDARD, UUID(int=200), POLICY, datetime(2028, 3, 1, 23, 0, tzinfo=UTC)
    )
    assert (step.verdict, step.subscription.state, step.subscription.reason) == ("stopped", "ended", "lapsed")


def test_who_never_paid_is_given_up_when_the_hold_has_run_out() -> None:
    step = subscriptions.begin_renewal(asked(), STANDARD, UUID(int=200), POLICY, AT + timedelta(minutes=30))
    assert (step.verdict, step.subscription.reason) == ("stopped", "hold_expired")
    charge, payment = step.changed
    assert isinstance(charge, subscriptions.Charge)
    assert isinstance(payment, payments.Payment)
    assert (charge.state, payment.state) == ("given_up", "cancelled")


def test_a_member_who_is_paying_by_hand_is_waited_for() -> None:
    retry = DUE + timedelta(days=2)
    by_hand = subscriptions.pay_now(
        past_due(), STANDARD, UUID(int=300), "sandbox", POLICY, retry - timedelta(minutes=5)
    )
    case = case_of(by_hand)
    waits = subscriptions.begin_renewal(case, STANDARD, UUID(int=301), POLICY, retry)
    assert waits.verdict == "not_due"
    after = subscriptions.begin_renewal(case, STANDARD, UUID(int=301), POLICY, retry + timedelta(minutes=30))
    assert (after.verdict, len(after.changed)) == ("charge", 4)
    again = subscriptions.pay_now(case, STANDARD, UUID(int=302), "sandbox", POLICY, retry)
    assert again.charge == case.charge
    failed = fail(case, retry)
    assert (failed.subscription.failures, failed.subscription.state) == (1, "past_due")


def test_only_a_renewal_that_failed_is_paid_by_hand() -> None:
    with pytest.raises(subscriptions.NothingToPay):
        subscriptions.pay_now(active(), STANDARD, UUID(int=300), "sandbox", POLICY, AT)
    under_way = renewing(past_due(), DUE + timedelta(days=2), number=300)
    with pytest.raises(subscriptions.ChargeUnderWay):
        subscriptions.pay_now(under_way, STANDARD, UUID(int=301), "sandbox", POLICY, DUE + timedelta(days=2))
