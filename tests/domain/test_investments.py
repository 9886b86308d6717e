"""Investments: reserved, paid, thought over; money buys a share or goes back, exactly one of the two."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import investments, payments, projects, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = AT + timedelta(minutes=10)
HELD_UNTIL = AT + timedelta(minutes=30)
LATE = AT + timedelta(minutes=40)
PROJECT, PRODUCER, MEMBER, RECEIPT = (UUID(int=number) for number in range(1, 5))
POLICY = investments.Policy()
HIVE = investments.DEFAULT_OFFERS[0]


def project(**changes: Any) -> projects.Project:
    given = projects.Project(
        id=PROJECT,
        slug="ruches-du-vercors",
        name="Ruches du Vercors",
        type="beehive",
        place=shared.Place(45.07, 5.55, "Vercors", "FR"),
        address=shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR"),
        producer_id=PRODUCER,
        target_cents=20_000,
        created_at=AT,
        status="active",
    )
    return shared.evolve(given, **changes)


def book(*held: projects.FundingEntry, taken: int = 0, **changes: Any) -> projects.Book:
    return projects.Book(project(**changes), projects.Funding(PROJECT, taken_cents=taken), held)


def wish(number: int = 100, **changes: Any) -> investments.Wish:
    ids = (UUID(int=number), UUID(int=number + 1), UUID(int=number + 2))
    return shared.evolve(investments.Wish(MEMBER, *ids, "sandbox"), **changes)


def reserve(before: projects.Book, number: int = 100, at: datetime = AT) -> investments.Outcome:
    return investments.reserve(wish(number), before, HIVE, POLICY, at)


def case_of(outcome: investments.Outcome, **changes: Any) -> investments.Case:
    """What the next decision looks at, after this outcome was saved."""
    held = (outcome.entry,) if outcome.entry.state == "held" else ()
    after = projects.Book(project(**changes), outcome.funding, held)
    return investments.Case(outcome.investment, outcome.payment, outcome.entry, after)


def pay(case: investments.Case, at: datetime = SOON) -> investments.Settlement:
    return investments.settle_paid(case, RECEIPT, POLICY, at)


def active(at: datetime = SOON) -> investments.Case:
    """An investment that was paid for at that time."""
    return case_of(pay(case_of(reserve(book())), at))


def withdraw(case: investments.Case, at: datetime, spent: int = 0) -> investments.Outcome:
    """Thinking again, when so many points of it are spent."""
    reckoned = investments.reckon("investment", case.payment, 65, 65 - spent, at)
    return investments.withdraw(case, reckoned, at)


def tags(outcome: investments.Outcome) -> list[str]:
    return [str(type(event).__struct_config__.tag) for event in outcome.events]


# --- what is offered --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "price", "points", "funded", "bonus", "bonus_bp"),
    [
        ("ruche", 5_000, 65, 50, 15, 3_000),
        ("olivier", 8_000, 105, 80, 25, 3_125),
        ("parcelle_familiale", 15_000, 210, 150, 60, 4_000),
    ],
)
def test_an_offer_grants_a_point_for_each_euro_and_a_bonus(
    type: projects.InvestmentType, price: int, points: int, funded: int, bonus: int, bonus_bp: int
) -> None:
    offer = investments.find_offer(investments.DEFAULT_OFFERS, type)
    assert (offer.price_cents, offer.points) == (price, points)
    assert (offer.funded_points, offer.bonus_points, offer.bonus_bp) == (funded, bonus, bonus_bp)


def test_what_is_not_offered_is_not_found() -> None:
    with pytest.raises(shared.NotFound) as refused:
        investments.find_offer([HIVE], "olivier")
    assert refused.value.facts() == {"kind": "offer", "id": "olivier"}


@pytest.mark.parametrize(("points", "shown"), [(17, 625), (19, 1_875), (101, 53_125)])
def test_the_bonus_is_shown_in_basis_points(points: int, shown: int) -> None:
    assert investments.Offer(1_600, points, type="ruche").bonus_bp == shown


def test_the_shown_bonus_is_rounded_half_to_even() -> None:
    """5 of 32 thousand is 1.5625 basis points; 3 of 20 thousand is 1.5, and 5 of 20 thousand 2.5."""
    assert investments.Offer(3_200_000, 32_005, type="ruche").bonus_bp == 2
    assert investments.Offer(2_000_000, 20_003, type="ruche").bonus_bp == 2
    assert investments.Offer(2_000_000, 20_005, type="ruche").bonus_bp == 2


@pytest.mark.parametrize(("price", "points"), [(5_050, 65), (5_000, 49), (99, 5), (0, 5)])
def test_an_unsound_offer_sells_nothing(price: int, points: int) -> None:
    unsound = investments.Offer(price, points, type="ruche")
    with pytest.raises(investments.OfferUnsound) as refused:
        investments.reserve(wish(), book(), unsound, POLICY, AT)
    assert refused.value.facts() == {"price_cents": price, "points": points}


def test_an_offer_may_have_no_bonus() -> None:
    plain = investments.reserve(wish(), book(), investments.Offer(5_000, 50, type="ruche"), POLICY, AT)
    assert (plain.investment.funded_points, plain.investment.bonus_points) == (50, 0)


# --- reserve ----------------------------------------------------------------------------------


def test_a_reservation_holds_the_share_and_asks_for_the_payment_until_the_same_instant() -> None:
    outcome = investments.reserve(wish(notes="pour Noël"), book(), HIVE, POLICY, AT)
    assert outcome.investment == investments.Investment(
        user_id=MEMBER,
        id=UUID(int=100),
        project_id=PROJECT,
        type="ruche",
        amount_cents=5_000,
        points=65,
        funded_points=50,
        bonus_points=15,
        payment_id=UUID(int=101),
        entry_id=UUID(int=102),
        reserved_until=HELD_UNTIL,
        created_at=AT,
        notes="pour Noël",
    )
    assert outcome.payment == payments.Payment(
        user_id=MEMBER,
        id=UUID(int=101),
        purpose="investment",
        purpose_id=UUID(int=100),
        amount_cents=5_000,
        provider="sandbox",
        expires_at=HELD_UNTIL,
        created_at=AT,
    )
    assert outcome.entry == projects.FundingEntry(
        project_id=PROJECT,
        id=UUID(int=102),
        investment_id=UUID(int=100),
        user_id=MEMBER,
        amount_cents=5_000,
        expires_at=HELD_UNTIL,
        recorded_at=AT,
    )
    assert outcome.funding == projects.Funding(PROJECT, sequence=1)


def test_a_reservation_is_told() -> None:
    outcome = reserve(book())
    assert tags(outcome) == ["payments.requested", "investments.reserved"]
    assert outcome.events[-1] == investments.Reserved(MEMBER, UUID(int=100), PROJECT, 5_000, 65, "")


def test_how_long_a_share_is_reserved_is_configured() -> None:
    patient = investments.Policy(hold_minutes=90)
    outcome = investments.reserve(wish(), book(), HIVE, patient, AT)
    assert outcome.investment.reserved_until == AT + timedelta(minutes=90)


def test_a_hive_is_not_bought_in_a_vineyard() -> None:
    with pytest.raises(projects.InvestmentTypeMismatch):
        reserve(book(type="vineyard"))


def test_nothing_is_reserved_in_a_closed_or_a_full_project() -> None:
    with pytest.raises(projects.ProjectNotOpen):
        reserve(book(status="closed"))
    with pytest.raises(projects.FundingExceeded):
        reserve(book(taken=15_001))


def pending(number: int, **changes: Any) -> investments.Investment:
    return shared.evolve(reserve(book(), number).investment, **changes)


def test_a_member_does_not_keep_more_shares_unpaid_than_the_policy_allows() -> None:
    policy = investments.Policy(most_pending=2)
    investments.check_reservations([pending(100)], policy, SOON)
    with pytest.raises(investments.TooManyReservations) as refused:
        investments.check_reservations([pending(100), pending(200)], policy, SOON)
    assert refused.value.facts() == {"pending": 2, "most": 2}


@pytest.mark.parametrize(
    "other", [pending(200, state="active"), pending(200, reserved_until=SOON)], ids=["paid", "run out"]
)
def test_only_reservations_that_still_hold_a_share_count(other: investments.Investment) -> None:
    investments.check_reservations([pending(100), other], investments.Policy(most_pending=2), SOON)


# --- settle -----------------------------------------------------------------------------------


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


# --- expire -----------------------------------------------------------------------------------


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


# --- withdraw ---------------------------------------------------------------------------------


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


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "id", "code"),
    [
        ("ruche", 0, "RUCHE-00000-00000"),
        ("olivier", 31, "OLIVIER-00000-0000Z"),
        ("parcelle_familiale", 2**50 - 1, "PARCELLE-ZZZZZ-ZZZZZ"),
        ("ruche", 2**50 + 32, "RUCHE-00000-00010"),
    ],
)
def test_a_tracking_code_is_written_from_the_last_fifty_bits_of_the_id(
    type: projects.InvestmentType, id: int, code: str
) -> None:
    assert investments.tracking_code(type, UUID(int=id)) == code


@given(st.integers(0, 2**50 - 1), st.integers(0, 2**50 - 1))
def test_two_ids_share_a_tracking_code_only_if_their_last_fifty_bits_are_the_same(
    one: int, other: int
) -> None:
    codes = {investments.tracking_code("ruche", UUID(int=number)) for number in (one, other)}
    assert len(codes) == len({one, other})


def test_records_are_read_back_from_their_rows() -> None:
    for record in (active().investment, HIVE, POLICY):
        assert msgspec.convert(msgspec.to_builtins(record), type(record)) == record


def test_events_are_named_after_their_context() -> None:
    kinds = [
        *(investments.Reserved, investments.Activated, investments.NotHonoured),
        *(investments.Cancelled, investments.Expired, investments.Withdrawn),
    ]
    assert [str(kind.__struct_config__.tag) for kind in kinds] == [
        *("investments.reserved", "investments.activated", "investments.not_honoured"),
        *("investments.cancelled", "investments.expired", "investments.withdrawn"),
    ]
