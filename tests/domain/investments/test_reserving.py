"""What is offered, and how a share is reserved."""

from datetime import timedelta
from uuid import UUID

import pytest
from shares import AT, HELD_UNTIL, HIVE, MEMBER, POLICY, PROJECT, SOON, book, pending, reserve, tags, wish

from baobab.domain import investments, payments, projects, shared


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
