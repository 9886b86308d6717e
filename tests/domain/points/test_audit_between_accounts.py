"""What does not add up between accounts is found."""

from uuid import UUID

import pytest
from bookkeeping import Office, changed

from baobab.domain.points import POINTS
from baobab.domain.points.audit import Dossier, Gift, conversions, gift
from baobab.domain.shared import evolve


@pytest.fixture
def converted() -> list[Dossier]:
    office = Office(members=1)
    office.earn(office.members[0], 50)
    office.convert(office.members[0], 6)
    return office.dossiers()


def test_a_conversion_arrives_at_its_rate(converted: list[Dossier]) -> None:
    assert [one.amount for dossier in converted for one in dossier.postings] == [50, -6, 9]
    assert list(conversions(converted)) == []


@pytest.mark.parametrize("facts", [{"amount": 10}, {"rate": "4/2"}, {"rate": "x/y"}, {"unit": "points"}])
def test_a_conversion_that_does_not_add_up_is_found(
    converted: list[Dossier], facts: dict[str, object]
) -> None:
    here, there = converted
    tampered = changed(there, "postings", there.postings[0].id, **facts)
    assert [(one.check, one.row) for one in conversions([here, tampered])] == [
        ("conversions", str(here.postings[1].id))
    ]


def test_a_conversion_without_its_other_side_is_found(converted: list[Dossier]) -> None:
    for one in converted:
        assert [found.check for found in conversions([one])] == ["conversions"]


def test_a_gift_that_does_not_add_up_says_how() -> None:
    one = Gift(POINTS, UUID(int=1), UUID(int=2), UUID(int=3), 2, -5, False)
    said = gift(one)
    assert (said.check, said.table, said.row) == ("gifts", "posting", str(UUID(int=3)))
    assert said.says.endswith("given 2 times, -5 in all, and its sides do not name each other.")
    assert gift(evolve(one, mutual=True)).says.endswith("-5 in all.")
