"""A payment that comes, fails, or is late, and a reservation that runs out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shares import (
    HELD_UNTIL,
    LATE,
    MEMBER,
    PROJECT,
    RECEIPT,
    SOON,
    active,
    book,
    case_of,
    pay,
    project,
    reserve,
    tags,
)

from baobab.domain import investments, payments, projects, shared


def test_a_paid_investment_is_active_with_its_own_hive_and_its_share() -> None:
    reserved = reserve(book())
    settled = pay(case_of(reserved))
    assert settled.verdict == "honoured"
    assert settled.investment == shared.evolve(
        reserved.investment,
        state="active",
        tracking_id="RUCHE-00000-00034",
        active_at=SOON,
        withdraw_until=datetime(2026, 3, 16, 23, 0, tzinfo=UTC),
    )
    assert settled.entry == shared.evolve(reserved.entry, state="taken", recorded_at=SOON)
    assert settled.funding == projects.Funding(PROJECT, taken_cents=5_000, supporters=1, sequence=2)
    assert settled.payment == shared.evolve(reserved.payment, state="succeeded", settled_at=SOON)
    assert settled.receipt == payments.Receipt(MEMBER, RECEIPT, UUID(int=101), "payment", 5_000, SOON, "EUR")


def test_an_activation_is_told_with_its_points_and_its_tracking_id() -> None:
    settled = pay(case_of(reserve(book())))
    assert tags(settled) == ["payments.succeeded", "projects.share_taken", "investments.activated"]
    assert settled.events[-1] == investments.Activated(
        MEMBER, UUID(int=100), PROJECT, 5_000, 65, "RUCHE-00000-00034"
    )


def test_a_repeated_notification_is_known_and_grants_nothing_again() -> None:
    settled = pay(case_of(reserve(book())))
    again = pay(case_of(settled), LATE)
    assert (again.verdict, again.events, again.receipt) == ("known", (), None)
    assert (again.investment, again.payment) == (settled.investment, settled.payment)
    assert (again.entry, again.funding) == (settled.entry, settled.funding)


def test_a_payment_after_the_hold_is_honoured_while_there_is_room() -> None:
    assert pay(case_of(reserve(book())), LATE).verdict == "honoured"


def test_a_payment_after_the_hold_goes_back_when_the_room_is_gone() -> None:
    first = reserve(book(taken=15_000))
    second = reserve(projects.Book(project(), first.funding, (first.entry,)), 200, HELD_UNTIL)
    late = investments.Case(
        first.investment,
        first.payment,
        first.entry,
        projects.Book(project(), second.funding, (first.entry, second.entry)),
    )
    settled = pay(late, LATE)
    assert settled.verdict == "returned"
    assert settled.investment == shared.evolve(first.investment, state="refunded")
    assert settled.entry.state == "released"
    assert settled.funding.taken_cents == 15_000
    assert (settled.payment.state, settled.payment.refund_due_cents) == ("refund_due", 5_000)
    assert settled.payment.reason == "funding_exceeded"
    assert settled.receipt is not None
    assert tags(settled) == ["payments.succeeded", "payments.refund_due", "investments.not_honoured"]


def test_a_payment_for_a_project_that_closed_meanwhile_goes_back() -> None:
    settled = pay(case_of(reserve(book()), status="suspended"))
    assert (settled.verdict, settled.payment.reason) == ("returned", "project_not_open")
    assert pay(case_of(settled)).verdict == "known"


def test_of_two_payments_for_the_last_share_one_is_funded_and_the_other_goes_back() -> None:
    first = reserve(book(taken=15_000))
    second = reserve(projects.Book(project(), first.funding, (first.entry,)), 200, HELD_UNTIL)
    held = (first.entry, second.entry)
    one = pay(
        investments.Case(
            second.investment, second.payment, second.entry, projects.Book(project(), second.funding, held)
        ),
        LATE,
    )
    other = pay(
        investments.Case(
            first.investment,
            first.payment,
            first.entry,
            projects.Book(project(), one.funding, (first.entry, one.entry)),
        ),
        LATE,
    )
    assert [one.verdict, other.verdict] == ["honoured", "returned"]
    assert other.funding.taken_cents == 20_000


def test_a_failed_payment_cancels_the_investment_and_frees_its_share() -> None:
    outcome = investments.settle_failed(case_of(reserve(book())), "card_declined", SOON)
    assert (outcome.investment.state, outcome.entry.state) == ("cancelled", "released")
    assert (outcome.payment.state, outcome.payment.reason) == ("failed", "card_declined")
    assert tags(outcome) == ["payments.failed", "investments.cancelled"]


def test_a_failure_after_a_success_changes_nothing() -> None:
    case = active()
    assert investments.settle_failed(case, "card_declined", LATE) == investments.Outcome(
        case.investment, case.payment, case.entry, case.book.funding
    )


def test_a_success_after_a_failure_is_honoured_while_there_is_room() -> None:
    failed = investments.settle_failed(case_of(reserve(book())), "card_declined", SOON)
    settled = pay(case_of(failed))
    assert (settled.verdict, settled.investment.state) == ("honoured", "active")
    assert settled.funding.taken_cents == 5_000


def test_an_investment_expires_when_its_hold_ran_out() -> None:
    outcome = investments.expire(case_of(reserve(book())), HELD_UNTIL)
    assert (outcome.investment.state, outcome.entry.state) == ("expired", "released")
    assert (outcome.payment.state, outcome.payment.reason) == ("cancelled", "hold_expired")
    assert tags(outcome) == ["payments.cancelled", "investments.expired"]


def test_an_investment_does_not_expire_while_the_member_may_pay() -> None:
    with pytest.raises(investments.HoldStillRuns) as refused:
        investments.expire(case_of(reserve(book())), HELD_UNTIL - timedelta(microseconds=1))
    assert refused.value.facts() == {"until": HELD_UNTIL}


def test_a_reservation_is_given_up_while_its_hold_still_runs() -> None:
    outcome = investments.give_up(case_of(reserve(book())), "provider_expired", SOON)
    assert (outcome.investment.state, outcome.entry.state) == ("expired", "released")
    assert (outcome.payment.state, outcome.payment.reason) == ("cancelled", "provider_expired")
    assert tags(outcome) == ["payments.cancelled", "investments.expired"]


def test_what_was_paid_is_not_given_up() -> None:
    case = active()
    assert investments.give_up(case, "provider_expired", LATE) == investments.Outcome(
        case.investment, case.payment, case.entry, case.book.funding
    )


def test_an_investment_that_is_not_pending_does_not_expire() -> None:
    for case in (active(), case_of(investments.expire(case_of(reserve(book())), LATE))):
        assert investments.expire(case, LATE) == investments.Outcome(
            case.investment, case.payment, case.entry, case.book.funding
        )


@given(
    st.integers(0, 90),
    st.booleans(),
    st.booleans(),
    st.integers(0, 20_000),
    st.sampled_from(["active", "closed"]),
)
def test_late_money_has_the_same_fate_whether_or_not_the_expiry_was_written_down(
    minutes: int, fails_first: bool, sweeps: bool, taken: int, status: projects.ProjectStatus
) -> None:
    """Lazy equals swept; and money that arrived buys the share or is due back, exactly one."""
    reserved = reserve(book())
    if fails_first:
        reserved = investments.settle_failed(case_of(reserved), "card_declined", SOON)
    at = HELD_UNTIL + timedelta(minutes=minutes)
    before = shared.evolve(reserved, funding=projects.Funding(PROJECT, taken))
    swept = investments.expire(case_of(before), HELD_UNTIL + timedelta(minutes=minutes // 2))
    settled = pay(case_of(swept if sweeps else before, status=status), at)
    honoured = status == "active" and taken <= 15_000
    assert settled.verdict == ("honoured" if honoured else "returned")
    assert settled.funding.taken_cents == taken + 5_000 * honoured
    assert settled.payment.refund_due_cents == 5_000 * (not honoured)
    assert (settled.investment.active_at is None) == (not honoured)
