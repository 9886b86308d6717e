"""The read side of payments, and what is unique of them, in memory and on PostgreSQL alike."""

import pytest
from investing import Away, Investor, at_once, hives, investor, money

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments, payments
from baobab.application.investments import verifying
from baobab.application.payments import PAYMENTS, PaymentReference
from baobab.domain import shared
from baobab.domain.payments import RefundExceedsPayment, RefundUnderWay
from builders import World


async def owing(world: World, number: int, project_id: object) -> investments.InvestmentView:
    """An investment that was given back while the provider did not answer."""
    mine = await investor(world, number)
    one = await mine.pay(await mine.invest(project_id))  # type: ignore[arg-type]
    return await Investor(world, mine.actor, Away()).withdraw(one)


async def test_a_payment_comes_with_its_receipts_oldest_first(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    one = await mine.invest(project_id)
    ports = any_world.queries.payments
    before = await ports.payment(one.user_id, one.payment.id)
    assert (before.payment.state, before.payment.amount_cents, before.receipts) == ("pending", 5_000, ())
    await mine.pay(one)
    any_world.clock.advance(days=2)
    await mine.withdraw(one)
    after = await ports.payment(one.user_id, one.payment.id)
    assert [(receipt.kind, receipt.amount_cents) for receipt in after.receipts] == [
        ("payment", 5_000),
        ("refund", 5_000),
    ]
    assert after.receipts[1].issued_at == any_world.clock()
    assert await ports.payment(any_world.admin.user_id, one.payment.id) is None


async def test_a_payment_is_found_by_its_provider_s_reference(any_world: World) -> None:
    mine = await investor(any_world)
    one = await mine.invest(await hives(any_world))
    ports, value = any_world.queries.payments, one.payment.reference
    found = await ports.reference("sandbox", value)
    assert found == PaymentReference(value, "sandbox", one.user_id, one.payment.id)
    assert await ports.reference("other", value) is None
    assert await ports.reference("sandbox", "other") is None


async def test_refunds_due_are_listed_oldest_first_and_by_member_and_payment(any_world: World) -> None:
    project_id = await hives(any_world)
    first, second = [await owing(any_world, number, project_id) for number in (1, 2)]
    ports = any_world.queries.payments

    async def due(limit: int, user_id: object = None, payment_id: object = None) -> list[object]:
        return [one.id for one in await ports.refunds_due(limit, user_id, payment_id)]

    assert await due(9) == [first.payment.id, second.payment.id]
    assert await due(1) == [first.payment.id]
    assert await due(9, second.user_id) == [second.payment.id]
    assert await due(9, None, second.payment.id) == [second.payment.id]
    assert await due(9, first.user_id, second.payment.id) == []


async def test_what_is_stored_of_a_payment_is_what_was_saved(any_world: World) -> None:
    mine = await investor(any_world)
    one = await mine.pay(await mine.invest(await hives(any_world)))
    async with any_world.storage.begin() as transaction:
        key = PAYMENTS.key(one.user_id, one.payment.id)
        stored = (await transaction.load([key], lock=True)).records[key]
    assert stored == (await any_world.queries.payments.payment(one.user_id, one.payment.id)).payment


async def test_two_processes_do_not_give_one_reference_to_two_payments(any_world: World) -> None:
    mine, project_id = await investor(any_world), await hives(any_world)
    views = []
    for _ in range(2):
        command = investments.Reserve(project_id=project_id, offer="ruche", provider="sandbox")
        views.append(await any_world.run(investments.reserve, command, actor=mine.actor))
    opening = [
        payments.OpenPayment(user_id=one.user_id, payment_id=one.payment.id, reference="r", pay_url="/")
        for one in views
    ]
    runs = [any_world.run(payments.opened, opening[0], actor=any_world.admin)]
    runs.append(any_world.runner()(payments.opened, opening[1], actor=any_world.admin))
    outcomes = await at_once(any_world, *runs)
    refused = [one for one in outcomes if isinstance(one, payments.PaymentReferenceTaken)]
    known = [one for one in outcomes if isinstance(one, payments.PaymentView)]
    assert (len(refused), [one.reference for one in known]) == (1, ["r"])


async def test_money_that_is_due_goes_back_once_however_many_ask_for_it(any_world: World) -> None:
    one, gateway = await owing(any_world, 1, await hives(any_world)), SandboxGateway()
    wanted, actor = payments.ListRefundsDue(), any_world.admin
    await at_once(
        any_world,
        *(payments.return_money(wanted, any_world.runner(), gateway, actor) for _ in range(5)),
    )
    mine = Investor(any_world, shared.Actor(one.user_id, "member"), gateway)
    payment = await mine.payment(one)
    assert (payment.state, money(payment)) == ("refunded", [("payment", 5_000), ("refund", 5_000)])
    assert await any_world.queries.payments.refunds_due(9, None, None) == []


async def test_one_s_own_payment_is_read_with_its_receipts(any_world: World) -> None:
    mine = await investor(any_world)
    one = await mine.pay(await mine.invest(await hives(any_world)))
    found = await mine.payment(one)
    assert (found.state, money(found), found.settled_at) == (
        "succeeded",
        [("payment", 5_000)],
        any_world.clock(),
    )
    other = await investor(any_world, 2)
    with pytest.raises(shared.NotFound):
        await other.payment(one)


async def test_refunds_in_part_that_meet_never_give_more_than_was_paid(any_world: World) -> None:
    mine = await investor(any_world)
    one = await mine.pay(await mine.invest(await hives(any_world)))

    async def give(cents: int) -> payments.PaymentView:
        run = any_world.runner()
        wish = payments.RefundPayment(
            user_id=one.user_id, payment_id=one.payment.id, amount_cents=cents, reason=f"for {cents}"
        )
        owed = await run(payments.refund, wish, actor=any_world.admin)
        return await payments.refund_now(owed, run, mine.gateway, any_world.admin)

    outcomes = await at_once(any_world, *(give(1_500 + place) for place in range(6)))
    refused = (RefundUnderWay, RefundExceedsPayment)
    given = [found for found in outcomes if not isinstance(found, refused)]
    payment = await mine.payment(one)
    booked = sorted(cents for kind, cents in money(payment) if kind == "refund")
    known = (await mine.gateway.look(one.payment.reference)).refunds
    assert booked == sorted(back.amount_cents for back in known)
    assert 1 <= len(given) == len(booked) <= 3
    assert payment.refunded.amount == sum(booked) <= 5_000
    assert (await verifying.verify(any_world.run, any_world.admin)).findings == ()


async def test_who_reconciles_at_once_settles_everything_once(any_world: World) -> None:
    """A payment that nobody told of, one whose hold ran out, and money that is due."""
    mine, project_id = await investor(any_world), await hives(any_world)
    paid, late = [await mine.invest(project_id) for _ in range(2)]
    back = await Investor(any_world, mine.actor, Away()).withdraw(
        await mine.pay(await mine.invest(project_id))
    )
    gateway = mine.gateway
    gateway.pay(paid.payment.reference, "succeeds")
    any_world.clock.advance(hours=3)
    await at_once(
        any_world,
        *(investments.reconcile(any_world.runner(), gateway, any_world.admin) for _ in range(4)),
    )
    states = [(await mine.show(one)).state for one in (paid, late, back)]
    assert states == ["active", "expired", "withdrawn"]
    assert (await mine.points(), money(await mine.payment(paid))) == (65, [("payment", 5_000)])
    assert money(await mine.payment(back)) == [("payment", 5_000), ("refund", 5_000)]
    assert (await investments.reconcile(any_world.run, gateway, any_world.admin)).looked == 0
    assert (await verifying.verify(any_world.run, any_world.admin)).findings == ()
