"""A grant that is taken back though it was spent, and the debt that later credits repay; on both storages."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from ledgers import END, Ledger, parts, set_policy, set_rate, touched

from baobab.application import points
from baobab.domain import shared
from baobab.domain.points import GrantAlreadyRevoked, GrantOver


def kinds(lines: list[points.StatementLine]) -> list[tuple[str, int, int]]:
    """What each line says: its kind, what it changed of the balance, and of the debt."""
    return [(line.kind, line.amount, line.debt) for line in lines]


async def test_a_grant_that_was_spent_is_taken_back_and_what_is_missing_is_owed(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=50, bonus=15)
    await ledger.spend(40)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((0, 0, 0, 0), 40)
    line = await ledger.last_line()
    assert (line.id, line.kind, line.contra) == (taken.posting_id, "revoked", "issuance")
    assert (line.amount, line.debt, line.base_amount) == (-25, 40, 65)
    assert (line.author_id, line.reason) == (ledger.world.admin.user_id, "never paid")
    assert (await ledger.balance()).debt == 40


async def test_a_claw_back_takes_its_own_points_first_then_those_that_end_next(ledger: Ledger) -> None:
    await ledger.earn(funded=10)
    ledger.clock.advance(days=1)
    grant = await ledger.grant(funded=20)
    ledger.clock.advance(days=1)
    await ledger.earn(bonus=30)
    await ledger.spend(15)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((25, 25, 0, 0), 0)
    assert sorted(touched(await ledger.last_line())) == [(False, -5), (True, -15)]
    assert await ledger.left() == [(False, 25)]


async def test_points_under_a_hold_are_not_taken_back_but_owed(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    held = await ledger.hold(8)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((8, 0, 0, 8), 8)
    assert parts(await ledger.capture(held.hold_id)) == (0, 0, 0, 0)
    assert (await ledger.balance()).debt == 8


async def test_a_grant_is_taken_back_once(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.earn(funded=20)
    await ledger.claw_back(grant)
    with pytest.raises(GrantAlreadyRevoked) as caught:
        await ledger.claw_back(grant)
    assert caught.value.grant_id == grant
    assert (await ledger.balance()).balance == 20


async def test_a_grant_of_nobody_or_somebody_else_is_not_found(ledger: Ledger) -> None:
    others = await ledger.another().grant(funded=20)
    for grant in (others, uuid4()):
        with pytest.raises(shared.NotFound, match="grant"):
            await ledger.claw_back(grant)


async def test_what_has_ended_of_a_grant_is_not_owed(ledger: Ledger) -> None:
    spent, whole = await ledger.grant(funded=20), await ledger.grant(funded=10)
    await ledger.spend(5)
    ledger.clock.at(END)
    assert (await ledger.claw_back(spent)).debt == 5
    with pytest.raises(GrantOver):
        await ledger.claw_back(whole)
    assert (await ledger.balance()).debt == 5


async def test_what_has_ended_is_not_owed_though_the_rest_came_back(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=10)
    debit = (await ledger.spend(4)).posting_id
    ledger.clock.at(END)
    await ledger.refund(debit, 3)
    taken = await ledger.claw_back(grant)
    assert (parts(taken), taken.debt) == ((0, 0, 0, 0), 1)
    assert (await ledger.last_line()).base_amount == 4


CREDITS: dict[str, Callable[[Ledger], Any]] = {
    "earned": lambda ledger: ledger.earn(funded=30),
    "bonus": lambda ledger: ledger.earn(bonus=30),
    "adjustment": lambda ledger: ledger.adjust(30),
}


@pytest.mark.parametrize("kind", CREDITS)
async def test_a_credit_repays_the_debt_first(ledger: Ledger, kind: str) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    after = await CREDITS[kind](ledger)
    assert (parts(after), after.debt) == ((10, 10, 0, 0), 0)
    assert kinds(await ledger.lines())[-2:] == [(kind, 30, 0), ("repaid", -20, -20)]
    credit, repaid = (await ledger.lines())[-2:]
    assert after.posting_id == credit.id
    assert (repaid.contra, [part.lot_id for part in repaid.lots]) == ("issuance", [credit.id])


async def test_a_refund_repays_the_debt_first(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    debit = (await ledger.spend(20)).posting_id
    await ledger.claw_back(grant)
    after = await ledger.refund(debit, 5)
    assert (parts(after), after.debt) == ((0, 0, 0, 0), 15)
    assert kinds(await ledger.lines())[-2:] == [("refunded", 5, 0), ("repaid", -5, -5)]
    after = await ledger.refund(debit)
    assert (parts(after), after.debt) == ((0, 0, 0, 0), 0)


async def test_a_gift_repays_the_debt_of_who_receives_it(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    giver = ledger.another()
    await giver.earn(funded=30)
    await giver.give(ledger, 25)
    after = await ledger.balance()
    assert (parts(after), after.debt) == ((5, 5, 0, 0), 0)
    assert kinds(await ledger.lines())[-2:] == [("received", 25, 0), ("repaid", -20, -20)]


async def test_a_conversion_repays_the_debt_in_the_unit_that_it_gives(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls")
    await set_rate(ledger.world, "points", "pearls", 1, 2)
    pearls = ledger.counted_in("pearls")
    grant = await pearls.grant(funded=20)
    await pearls.spend(20)
    await pearls.claw_back(grant)
    await ledger.earn(funded=30)
    after = (await ledger.convert(15, "pearls")).to_balance
    assert (parts(after), after.debt) == ((10, 10, 0, 0), 0)
    assert kinds(await pearls.lines())[-2:] == [("converted", 30, 0), ("repaid", -20, -20)]


async def test_a_debt_takes_points_that_are_not_ripe_yet(ledger: Ledger) -> None:
    await set_policy(ledger.world, "pearls", maturity_days=10)
    pearls = ledger.counted_in("pearls")
    grant = await pearls.grant(funded=20)
    pearls.clock.advance(days=10)
    await pearls.spend(20)
    await pearls.claw_back(grant)
    after = await pearls.earn(funded=30)
    assert (parts(after), after.debt) == ((10, 0, 10, 0), 0)


async def test_credits_of_one_batch_repay_a_debt_once(ledger: Ledger) -> None:
    grant = await ledger.grant(funded=20)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    await asyncio.gather(*(ledger.earn(funded=8) for _ in range(4)))
    after = await ledger.balance()
    assert (parts(after), after.debt) == ((12, 12, 0, 0), 0)
    assert [line.debt for line in await ledger.lines()][3:] == [0, -8, 0, -8, 0, -4, 0]
