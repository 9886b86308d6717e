"""Accounts with very many lots, on both storages."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from ledgers import END, ORDER, Ledger, expiries, parts, set_policy

from baobab.application import points
from baobab.domain import shared
from baobab.domain.points import InsufficientPoints


async def many(ledger: Ledger, lots: int = 40, **facts: Any) -> None:
    """So many lots of one point, each ending a day after the one before."""
    for _ in range(lots):
        await ledger.earn(funded=1, **facts)
        ledger.clock.advance(days=1)


async def test_the_first_lots_of_very_many_are_enough_for_a_small_debit(ledger: Ledger) -> None:
    await many(ledger)
    spent = await ledger.spend(5)
    assert (parts(spent), spent.next_expiring) == ((35, 35, 0, 0), None)
    assert spent.next_expiry == END + timedelta(days=5)
    assert shared.evolve(await ledger.balance(), next_expiring=None, posting_id=spent.posting_id) == spent


@pytest.mark.parametrize("amount", [15, 16, 17, 39, 40])
async def test_a_debit_that_needs_more_than_the_first_lots_takes_them_in_order(
    ledger: Ledger, amount: int
) -> None:
    await many(ledger)
    spent = await ledger.spend(amount)
    assert parts(spent) == parts(await ledger.balance()) == (40 - amount, 40 - amount, 0, 0)
    assert spent.next_expiry == (await ledger.balance()).next_expiry
    assert [lot.expires_at for lot in (await ledger.expiring(800)).lots][:1] == (
        [spent.next_expiry] if amount < 40 else []
    )
    assert len(await ledger.lots()) == 40 - amount


async def test_more_than_very_many_lots_hold_is_refused_with_what_there_is(ledger: Ledger) -> None:
    await many(ledger)
    with pytest.raises(InsufficientPoints) as caught:
        await ledger.spend(41)
    assert (caught.value.needed, caught.value.available) == (41, 40)


async def test_where_the_first_lots_have_all_ended_the_others_are_taken(ledger: Ledger) -> None:
    await many(ledger)
    ledger.clock.at(END + timedelta(days=19))
    spent = await ledger.spend(3)
    assert parts(spent) == parts(await ledger.balance()) == (17, 17, 0, 0)
    assert len(await expiries(ledger)) == 20


async def test_where_the_first_lots_are_all_held_the_others_are_taken(ledger: Ledger) -> None:
    await many(ledger)
    await ledger.hold(18)
    spent = await ledger.spend(3)
    assert parts(spent) == parts(await ledger.balance()) == (37, 19, 0, 18)
    assert spent.next_expiry == (await ledger.balance()).next_expiry == END + timedelta(days=21)


async def test_debits_of_one_batch_go_through_very_many_lots_in_order(ledger: Ledger) -> None:
    await many(ledger)
    wishes = [ledger.spend(3) for _ in range(14)]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(one) for one in outcomes] == [points.Balance] * 13 + [InsufficientPoints]
    assert [one.available for one in outcomes[:-1] if isinstance(one, points.Balance)] == [
        37 - 3 * place for place in range(13)
    ]
    ends = [part.expires_at for line in await ledger.lines() if line.amount < 0 for part in line.lots]
    assert ends == sorted(ends)
    assert parts(await ledger.balance()) == (1, 1, 0, 0)


async def test_a_debit_of_the_past_looks_behind_the_first_lots(ledger: Ledger) -> None:
    """The first lots came later, under a shorter promise."""
    ledger = ledger.counted_in("pearls")
    await set_policy(ledger.world, "pearls", validity_months=12)
    await ledger.earn(funded=5)
    then = ledger.clock.now
    await set_policy(ledger.world, "pearls", validity_months=1)
    await many(ledger, 20)
    assert parts(await ledger.spend(5, effective_at=then)) == (20, 20, 0, 0)
    with pytest.raises(InsufficientPoints):
        await ledger.spend(1, effective_at=then)


async def test_a_credit_to_very_many_lots_says_what_is_pending(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=5)
    pearls = ledger.counted_in("pearls")
    await many(pearls, 20)
    pearls.clock.advance(days=5)
    given = await pearls.earn(funded=7)
    assert parts(given) == parts(await pearls.balance()) == (27, 20, 7, 0)


async def test_very_many_lots_go_to_another_member(ledger: Ledger) -> None:
    await many(ledger)
    other = ledger.another()
    await ledger.give(other, 30)
    assert (await ledger.balance()).balance == 10
    assert len(await other.lots()) == 29  # two ended on the same day
    assert parts(await other.spend(20)) == parts(await other.balance()) == (10, 10, 0, 0)


async def test_a_debt_is_repaid_from_very_many_lots(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=30)
    await ledger.spend(30)
    await ledger.claw_back(grant)
    await many(ledger)
    after = await ledger.balance()
    assert (parts(after), after.debt) == ((10, 10, 0, 0), 0)
    await ledger.earn(funded=10)
    assert parts(await ledger.spend(20)) == (0, 0, 0, 0)


async def test_the_oldest_of_very_many_lots_may_go_first(ledger: Ledger) -> None:
    """Those that end first are not the oldest here."""
    ledger = ledger.counted_in("pearls")
    await set_policy(ledger.world, "pearls", consumption="oldest_first", validity_months=24)
    await many(ledger, 3)
    await set_policy(ledger.world, "pearls", consumption="oldest_first", validity_months=12)
    await many(ledger, 20)
    await ledger.spend(3)
    [line] = (await ledger.lines())[-1:]
    assert {part.expires_at.year for part in line.lots} == {2028}


async def test_an_order_of_a_purchase_is_named_on_its_line(ledger: Ledger) -> None:
    await many(ledger, 2)
    await ledger.spend(1)
    assert (await ledger.last_line()).source_id == ORDER
