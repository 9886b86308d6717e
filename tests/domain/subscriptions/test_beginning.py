"""A subscription begins with its first payment and is counted by the calendar in Paris."""

from datetime import UTC, date, datetime, timedelta
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
    fail,
    past_due,
    pay,
    renewing,
    tags,
    wish,
)
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import shared
from baobab.domain.investments import subscriptions
from baobab.domain.investments.subscriptions import Choice


def test_a_plan_grants_more_than_it_costs() -> None:
    assert [(one.code, one.price_cents, one.points, one.bonus_bp) for one in (STANDARD, PREMIUM)] == [
        ("ambassadeur_standard", 20_000, 280, 4_000),
        ("ambassadeur_premium", 35_000, 525, 5_000),
    ]


def test_a_subscription_waits_for_its_first_payment_and_is_not_active_before() -> None:
    outcome = subscriptions.subscribe(wish(), (), STANDARD, POLICY, AT)
    one = outcome.subscription
    assert (one.state, one.period, one.period_end, one.anchor) == ("pending", 0, None, None)
    assert one.due_at == AT + timedelta(minutes=30)
    assert outcome.payment is not None
    assert (outcome.payment.purpose, outcome.payment.purpose_id, outcome.payment.saved) == (
        *("subscription", one.id),
        True,
    )
    assert tags(outcome) == ["payments.requested", "investments.subscription_requested"]
    assert not subscriptions.is_live(one)


def test_who_has_a_subscription_does_not_begin_another() -> None:
    for held in (asked(), active(), past_due()):
        with pytest.raises(subscriptions.AlreadySubscribed) as refused:
            subscriptions.subscribe(wish(300), (held.subscription,), PREMIUM, POLICY, AT)
        assert refused.value.state == held.subscription.state


def test_one_that_was_not_paid_in_time_or_is_over_keeps_nobody_from_beginning_another() -> None:
    waited = asked().subscription
    over = subscriptions.stop(active(), "on request", AT).subscription
    later = AT + timedelta(minutes=30)
    again = subscriptions.subscribe(wish(300), (waited, over), PREMIUM, POLICY, later)
    assert again.subscription.state == "pending"


def test_a_project_is_chosen_once() -> None:
    twice = (Choice(HIVES, 1), Choice(HIVES, 2))
    with pytest.raises(subscriptions.ProjectChosenTwice):
        subscriptions.subscribe(wish(choices=twice), (), STANDARD, POLICY, AT)


def test_an_unknown_plan_is_not_found() -> None:
    with pytest.raises(shared.NotFound):
        subscriptions.find_plan((PREMIUM,), "ambassadeur_standard")


def test_the_first_payment_begins_a_year_that_is_counted_from_its_day_in_paris() -> None:
    """23:30 UTC on the 1st is already the 2nd there."""
    settled = pay(asked(), datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    one, charge = settled.subscription, settled.charge
    assert (settled.verdict, one.state, one.period, one.anchor) == ("honoured", "active", 1, date(2026, 3, 2))
    assert one.period_end == one.due_at == charge.ends_at == DUE
    assert (one.customer, one.means, one.paid_by) == ("who", "card", charge.payment_id)
    assert charge.rest_cents == 20_000
    assert settled.receipt is not None
    assert tags(settled) == ["payments.succeeded", "investments.subscription_begun"]


def test_what_the_provider_repeats_changes_nothing() -> None:
    paid = active()
    again = pay(paid)
    assert (again.verdict, again.events, again.receipt) == ("known", (), None)
    assert (again.subscription, again.charge) == (paid.subscription, paid.charge)
    late = fail(paid, AT)
    assert (late.subscription, late.events) == (paid.subscription, ())


def test_who_never_paid_has_no_subscription_and_late_money_begins_it_all_the_same() -> None:
    failed = fail(asked(), AT)
    assert (failed.subscription.state, failed.subscription.reason) == ("ended", "payment_failed")
    later = pay(case_of(failed), AT + timedelta(hours=1))
    assert (later.verdict, later.subscription.state, later.subscription.reason) == ("honoured", "active", "")
    assert later.subscription.stopped_at is None


def test_late_money_goes_back_to_who_has_another_subscription_by_now() -> None:
    gone = case_of(subscriptions.give_up(asked(), "hold_expired", AT))
    other = shared.evolve(active().subscription, id=UUID(int=500))
    late = pay(shared.evolve(gone, held=(other,)))
    assert (late.verdict, late.charge.state, late.subscription.state) == ("returned", "returned", "ended")
    assert (late.payment.state, late.payment.reason) == ("refund_due", "already_subscribed")


def test_money_goes_back_to_who_wished_to_stop() -> None:
    stopped = subscriptions.cancel(asked(), AT)
    assert stopped.payment is not None
    assert (stopped.subscription.state, stopped.payment.state) == ("cancelled", "cancelled")
    late = pay(case_of(stopped))
    assert (late.verdict, late.payment.reason) == ("returned", "subscription_stopped")
    assert late.receipt is not None


def test_only_one_of_two_charges_for_a_period_pays_it() -> None:
    tried = past_due()
    by_hand = subscriptions.pay_now(tried, STANDARD, UUID(int=300), "sandbox", POLICY, DUE)
    paid = pay(case_of(by_hand), DUE + timedelta(minutes=1))
    assert (paid.verdict, paid.subscription.period) == ("honoured", 2)
    late = pay(shared.evolve(tried, subscription=paid.subscription, held=(paid.subscription,)), DUE)
    assert (late.verdict, late.payment.reason) == ("returned", "period_paid")


def test_who_began_on_29_february_renews_on_the_28th_and_on_the_29th_again() -> None:
    ends = [subscriptions.end_of_period(date(2024, 2, 29), number, POLICY) for number in (1, 2, 3, 4)]
    days = [shared.day_in(end, POLICY.zone) for end in ends]
    assert days == [date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (
            date(2025, 3, 30),
            datetime(2026, 3, 29, 22, 0, tzinfo=UTC),
        ),  # the clocks went forward the day before
        (date(2025, 3, 29), datetime(2026, 3, 28, 23, 0, tzinfo=UTC)),
        (date(2025, 10, 26), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
        (date(2025, 10, 25), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)),
    ],
)
def test_a_period_ends_with_a_day_in_paris_whatever_the_clocks_do(day: date, end: datetime) -> None:
    assert subscriptions.end_of_period(day, 1, POLICY) == end


@given(st.dates(date(2000, 1, 1), date(2080, 1, 1)), st.integers(1, 30))
def test_a_period_begins_where_the_one_before_ended_and_never_drifts(anchor: date, number: int) -> None:
    day = shared.day_in(subscriptions.end_of_period(anchor, number, POLICY), POLICY.zone)
    assert (day.year, day.month) == (anchor.year + number, anchor.month)
    assert day.day == anchor.day or (anchor.month, anchor.day, day.day) == (2, 29, 28)


def test_a_renewal_that_was_paid_late_moves_no_later_one() -> None:
    late = pay(renewing(past_due(), DUE + timedelta(days=2), number=300), DUE + timedelta(days=2))
    assert late.subscription.period_end == datetime(2028, 3, 1, 23, 0, tzinfo=UTC)
    assert late.charge.starts_at == DUE
