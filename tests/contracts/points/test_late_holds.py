"""Holds that outlive their lots, on both storages."""

from typing import Any

import pytest
from ledgers import END, Ledger, day, expiries, parts

from baobab.domain.points import HoldClosed


async def late_hold(ledger: Ledger) -> Any:
    """Points of which 6 are held beyond the day on which they all end."""
    await ledger.earn(funded=10)
    ledger.clock.at("2027-09-02 21:45")
    held = await ledger.hold(6)
    return held.hold_id


@pytest.mark.parametrize("sweeps", [False, True], ids=["lazy", "swept"])
async def test_what_is_released_of_a_lot_that_has_ended_ends_with_the_release(
    ledger: Ledger, sweeps: bool
) -> None:
    hold_id = await late_hold(ledger)
    ledger.clock.at("2027-09-02 22:05")
    if sweeps:
        await ledger.expire()
    assert parts(await ledger.release(hold_id)) == (0, 0, 0, 0)
    assert await expiries(ledger) == [(-4, END), (-6, day("2027-09-02 22:05"))]


@pytest.mark.parametrize("sweeps", [False, True], ids=["lazy", "swept"])
async def test_what_is_not_captured_of_a_lot_that_has_ended_ends_with_the_capture(
    ledger: Ledger, sweeps: bool
) -> None:
    hold_id = await late_hold(ledger)
    ledger.clock.at("2027-09-02 22:05")
    if sweeps:
        await ledger.expire()
    assert parts(await ledger.capture(hold_id, 2)) == (0, 0, 0, 0)
    assert await expiries(ledger) == [(-4, END), (-4, day("2027-09-02 22:05"))]


@pytest.mark.parametrize("sweeps", [False, True], ids=["lazy", "swept"])
async def test_what_a_hold_kept_ends_when_the_hold_runs_out(ledger: Ledger, sweeps: bool) -> None:
    hold_id = await late_hold(ledger)
    ledger.clock.at("2027-09-02 22:05")
    if sweeps:
        await ledger.expire()
    ledger.clock.at("2027-09-04 12:00")
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
    with pytest.raises(HoldClosed, match="expired"):
        await ledger.capture(hold_id)
    await ledger.expire()
    assert await expiries(ledger) == [(-4, END), (-6, day("2027-09-02 22:15"))]
