"""Names of investments: tracking codes, rows, events."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shares import HIVE, POLICY, active

from baobab.domain import investments, projects


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
