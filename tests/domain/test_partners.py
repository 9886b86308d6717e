"""Producers: terms that make sense, work for the active ones only, and the commission they leave."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import partners, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)


def producer(**changes: Any) -> partners.Producer:
    given = partners.Producer(
        id=UUID(int=1),
        slug="rucher-du-vercors",
        name="Rucher du Vercors",
        type="beekeeper",
        place=shared.Place(45.07, 5.55, "Vercors", "FR"),
        address=shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR"),
        created_at=AT,
    )
    return shared.evolve(given, **changes)


def test_a_producer_starts_active_with_fifteen_percent_and_thirty_days() -> None:
    new = producer()
    assert (new.status, new.partnership_type, new.version) == ("active", "standard", 1)
    assert (new.commission_bp, new.payment_terms_days) == (1_500, 30)


def test_registering_starts_at_the_first_version_and_says_so() -> None:
    change = partners.register(producer(version=7))
    assert change.producer == producer(version=1)
    assert change.events == (partners.Registered(UUID(int=1)),)


@pytest.mark.parametrize(
    "terms",
    [
        {"commission_bp": -1},
        {"commission_bp": 10_001},
        {"payment_terms_days": -1},
        {"payment_terms_days": 366},
        {"capacity": partners.Capacity(hives=-1)},
        {"capacity": partners.Capacity(trees=-1)},
        {"capacity": partners.Capacity(area_m2=-1)},
    ],
)
def test_terms_out_of_range_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(shared.InvalidAmount):
        partners.register(producer(**terms))


@pytest.mark.parametrize(
    "terms",
    [
        {"commission_bp": 0, "payment_terms_days": 0},
        {"commission_bp": 10_000, "payment_terms_days": 365},
        {"partnership_start": date(2026, 1, 1), "partnership_end": date(2026, 1, 1)},
        {"partnership_start": date(2026, 1, 1)},
        {"partnership_end": date(2020, 1, 1)},
    ],
)
def test_terms_at_the_edge_of_their_range_are_accepted(terms: dict[str, Any]) -> None:
    assert partners.register(producer(**terms)).producer == producer(**terms)


def test_a_partnership_does_not_end_before_it_starts() -> None:
    with pytest.raises(partners.PartnershipDatesReversed) as refused:
        partners.register(producer(partnership_start=date(2026, 2, 1), partnership_end=date(2026, 1, 31)))
    assert refused.value.facts() == {"start": date(2026, 2, 1), "end": date(2026, 1, 31)}
    assert "2026-02-01" in str(refused.value)


def test_amending_takes_the_new_facts_and_keeps_what_is_not_a_fact() -> None:
    wished = producer(id=UUID(int=9), name="Rucher", status="active", created_at=LATER, version=40)
    change = partners.amend(producer(status="inactive", version=3), wished, version=3)
    assert change.producer == producer(name="Rucher", status="inactive", version=4)
    assert change.events == (partners.Amended(UUID(int=1), 4),)


def test_amending_checks_the_terms() -> None:
    with pytest.raises(shared.InvalidAmount):
        partners.amend(producer(), producer(commission_bp=20_000), version=1)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten() -> None:
    with pytest.raises(shared.StaleVersion) as refused:
        partners.amend(producer(version=3), producer(name="Rucher"), version=2)
    assert refused.value.facts() == {"kind": "producer", "given": 2, "current": 3}
    with pytest.raises(shared.StaleVersion):
        partners.move(producer(version=3), "suspended", version=4)


def test_moving_to_another_status_is_said_with_before_and_after() -> None:
    change = partners.move(producer(version=2), "suspended", version=2)
    assert change.producer == producer(status="suspended", version=3)
    assert change.events == (partners.StatusChanged(UUID(int=1), "active", "suspended"),)


def test_moving_to_the_status_it_has_changes_nothing() -> None:
    assert partners.move(producer(version=2), "active", version=2) == partners.Change(producer(version=2))


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_only_an_active_producer_is_given_work(status: partners.ProducerStatus) -> None:
    partners.check_active(producer())
    with pytest.raises(partners.ProducerNotActive) as refused:
        partners.check_active(producer(status=status))
    assert isinstance(refused.value, shared.StateForbids)
    assert refused.value.facts() == {"producer_id": str(UUID(int=1)), "status": status}


def test_a_products_own_rate_goes_before_the_producers() -> None:
    assert partners.commission_rate(producer(commission_bp=1_500), None) == 1_500
    assert partners.commission_rate(producer(commission_bp=1_500), 900) == 900
    assert partners.commission_rate(producer(commission_bp=1_500), 0) == 0


@pytest.mark.parametrize(("amount", "ours"), [(0, 0), (100, 15), (10, 2), (30, 4), (50, 8), (7, 1)])
def test_a_commission_is_rounded_half_to_even(amount: int, ours: int) -> None:
    """1.5 becomes 2, 4.5 becomes 4, 7.5 becomes 8, 1.05 becomes 1."""
    assert partners.commission(producer(commission_bp=1_500), None, amount) == ours


@given(st.integers(0, shared.MOST), st.integers(0, 10_000))
def test_a_commission_is_never_more_than_the_sale_and_never_off_by_more_than_half(
    amount: int, rate: int
) -> None:
    ours = partners.commission(producer(), rate, amount)
    assert 0 <= ours <= amount
    assert abs(ours * 10_000 - amount * rate) <= 5_000


def test_a_producer_is_read_back_from_its_row() -> None:
    whole = producer(contact=partners.Contact("rucher@example.org"), certifications=("bio", "demeter"))
    assert msgspec.convert(msgspec.to_builtins(whole), partners.Producer) == whole


def test_events_are_named_after_their_context() -> None:
    kinds = [partners.Registered, partners.Amended, partners.StatusChanged]
    tags = {str(kind.__struct_config__.tag) for kind in kinds}
    assert tags == {"partners.registered", "partners.amended", "partners.status_changed"}
