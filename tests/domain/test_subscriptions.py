"""Subscriptions: periods by the calendar, one charge at a time, money that adds up."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import investments, payments, projects, shared
from baobab.domain.investments import subscriptions
from baobab.domain.investments.subscriptions import Case, Choice, Outcome, Settlement, Subscription

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
DUE = datetime(2027, 3, 1, 23, 0, tzinfo=UTC)
"""The beginning of 2 March 2027 in Paris."""
MEMBER, PRODUCER = UUID(int=1), UUID(int=2)
HIVES, OLIVES, VINES = UUID(int=10), UUID(int=11), UUID(int=12)
POLICY = investments.Policy()
STANDARD, PREMIUM = subscriptions.DEFAULT_PLANS


def wish(number: int = 100, **changes: Any) -> subscriptions.Wish:
    return shared.evolve(
        subscriptions.Wish(MEMBER, UUID(int=number), UUID(int=number + 1), "sandbox"), **changes
    )


def case_of(outcome: Outcome | Settlement, *held: Subscription) -> Case:
    """What the next decision looks at, after this outcome was saved."""
    assert outcome.charge is not None
    assert outcome.payment is not None
    return Case(outcome.subscription, outcome.charge, outcome.payment, held or (outcome.subscription,))


def asked(**changes: Any) -> Case:
    return case_of(subscriptions.subscribe(wish(**changes), (), STANDARD, POLICY, AT))


def pay(case: Case, at: datetime = AT, means: str = "card") -> Settlement:
    return subscriptions.settle_paid(case, UUID(int=900), POLICY, at, customer="who", means=means)


def fail(case: Case, at: datetime) -> Outcome:
    return subscriptions.settle_failed(case, "card_declined", POLICY, at)


def active(at: datetime = AT) -> Case:
    return case_of(pay(asked(), at))


def renewing(case: Case, at: datetime, plan: subscriptions.Plan = STANDARD, number: int = 200) -> Case:
    """The case of the charge that is asked for now."""
    step = subscriptions.begin_renewal(case, plan, UUID(int=number), POLICY, at)
    assert step.verdict == "charge"
    charge, payment = step.changed[-2:]
    assert isinstance(charge, subscriptions.Charge)
    assert isinstance(payment, payments.Payment)
    return Case(step.subscription, charge, payment, (step.subscription,))


def past_due() -> Case:
    return case_of(fail(renewing(active(), DUE), DUE))


def tags(outcome: Any) -> list[str]:
    return [str(type(event).__struct_config__.tag) for event in outcome.events]


# --- begin --------------------------------------------------------------------------------------


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


# --- settle -------------------------------------------------------------------------------------


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


# --- periods ------------------------------------------------------------------------------------


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


# --- renew --------------------------------------------------------------------------------------


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


# --- decide -------------------------------------------------------------------------------------


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


# --- withdraw -----------------------------------------------------------------------------------


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


# --- place --------------------------------------------------------------------------------------


def project(id: UUID, **changes: Any) -> projects.Project:
    facts = projects.Project(
        id=id,
        slug=f"project-{id.int}",
        name="Ruches du Vercors",
        type="beehive",
        place=shared.Place(45.1, 5.5, "Isère", "FR"),
        address=shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR"),
        producer_id=PRODUCER,
        target_cents=1_000_000,
        created_at=AT,
        status="active",
    )
    return shared.evolve(facts, **changes)


def book(id: UUID, taken: int = 0, **changes: Any) -> projects.Book:
    return projects.Book(project(id, **changes), projects.Funding(id, taken_cents=taken))


def ids() -> Iterator[UUID]:
    return (UUID(int=number) for number in count(1_000))


def place(
    weights: dict[UUID, int], *books: projects.Book, others: int = 0, amount: int = 20_000
) -> subscriptions.Placed:
    charge = shared.evolve(active().charge, rest_cents=amount)
    choices = tuple(Choice(id, weight) for id, weight in weights.items())
    known = {one.project.id: one for one in books}
    made = ids()
    return subscriptions.place(charge, choices, known, dict.fromkeys(known, others), AT, lambda: next(made))


def test_money_is_split_by_weights_largest_remainder_first() -> None:
    assert subscriptions.split(20_000, [1, 1, 1]) == [6_667, 6_667, 6_666]
    assert subscriptions.split(20_000, [1, 2, 4]) == [2_857, 5_714, 11_429]
    assert subscriptions.split(1, [1, 3]) == [0, 1]


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 10**9)), min_size=1, max_size=20),
)
def test_parts_always_add_up_and_nobody_takes_more_than_there_is_room_for(
    amount: int, projects_of: list[tuple[int, int]]
) -> None:
    weights, rooms = [one[0] for one in projects_of], [one[1] for one in projects_of]
    assert sum(subscriptions.split(amount, weights)) == amount
    parts = subscriptions.split_within(amount, weights, rooms)
    assert sum(parts) == min(amount, sum(rooms))
    assert all(0 <= part <= room for part, room in zip(parts, rooms, strict=True))


@given(st.integers(1, 10**9), st.lists(st.integers(1, 1_000), min_size=1, max_size=20))
def test_without_limits_nobody_is_a_cent_or_more_from_what_their_weight_says(
    amount: int, weights: list[int]
) -> None:
    for part, weight in zip(subscriptions.split(amount, weights), weights, strict=True):
        assert abs(part - amount * weight / sum(weights)) < 1


def test_a_project_takes_its_share_as_if_it_were_bought() -> None:
    placed = place({HIVES: 3, OLIVES: 1}, book(HIVES), book(OLIVES, taken=5))
    assert [one.amount_cents for one in placed.portions] == [15_000, 5_000]
    assert [one.taken_cents for one in placed.fundings] == [15_000, 5_005]
    assert [one.supporters for one in placed.fundings] == [1, 1]
    assert [one.state for one in placed.entries] == ["taken", "taken"]
    assert [one.id for one in placed.entries] == [one.id for one in placed.portions]
    assert placed.charge.rest_cents == 0
    assert tags(placed) == ["projects.share_taken"] * 2
    assert place({HIVES: 1}, book(HIVES), others=1).fundings[0].supporters == 0


def test_what_a_project_cannot_take_goes_to_the_others_and_then_waits() -> None:
    full = book(HIVES, taken=999_000)
    closed = book(OLIVES, status="closed")
    placed = place({HIVES: 8, OLIVES: 1, VINES: 1}, full, closed, book(VINES, taken=990_000))
    assert [(one.project_id, one.amount_cents) for one in placed.portions] == [
        (HIVES, 1_000),
        (VINES, 10_000),
    ]
    assert placed.charge.rest_cents == 9_000


def test_a_ceiling_above_the_target_is_room() -> None:
    roomy = book(HIVES, taken=1_000_000, funding_policy="ceiling", ceiling_cents=1_015_000)
    assert place({HIVES: 1}, roomy).charge.rest_cents == 5_000


def test_without_a_choice_the_money_waits() -> None:
    placed = place({})
    assert (placed.portions, placed.charge.rest_cents) == ((), 20_000)


def test_money_is_taken_out_of_its_projects_to_the_cent() -> None:
    first = place({HIVES: 3, OLIVES: 1}, book(HIVES), book(OLIVES), amount=12_000)
    now = {one.project_id: one for one in first.fundings}
    second = place({HIVES: 1}, shared.evolve(book(HIVES), funding=now[HIVES]), others=1, amount=8_000)
    portions = (*first.portions, shared.evolve(second.portions[0], id=UUID(int=9_999)))
    entries = {one.id: one for one in first.entries} | {
        UUID(int=9_999): shared.evolve(second.entries[0], id=UUID(int=9_999))
    }
    fundings = now | {HIVES: second.fundings[0]}
    out = subscriptions.take_out(second.charge, portions, entries, fundings, dict.fromkeys(fundings, 0), AT)
    assert {one.project_id: (one.taken_cents, one.supporters) for one in out.fundings} == {
        HIVES: (0, 0),
        OLIVES: (0, 0),
    }
    assert {one.state for one in (*out.portions, *out.entries)} == {"returned"}
    assert tags(out) == ["projects.share_returned"] * 3
