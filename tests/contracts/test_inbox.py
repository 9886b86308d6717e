"""The inbox of providers' messages, and payments that are still open, in memory and on PostgreSQL alike."""

from datetime import timedelta
from typing import Any

import pytest
from investing import HIVE, at_once, hives, investor, money

from baobab.application import payments
from baobab.application.payments import inbox, is_unsettled
from baobab.application.work import Conflict
from baobab.domain import payments as rules
from baobab.domain import shared
from builders import World


def received(number: int = 1, **facts: Any) -> payments.ReceiveEvent:
    given = {
        "provider": "stripe",
        "event_id": f"evt_{number}",
        "type": "payment_intent.succeeded",
        "reference": f"pi_{number}",
        "body": '{"id": "é"}',
    }
    return payments.ReceiveEvent(**{**given, **facts})


def named(number: int = 1) -> dict[str, Any]:
    return {"provider": "stripe", "event_id": f"evt_{number}"}


async def ids(world: World, **question: Any) -> list[str]:
    page = await world.run.read(inbox.events, payments.ListEvents(**question), actor=world.admin)
    return [one.id for one in page.items]


async def test_a_message_is_stored_once_exactly_as_it_came(any_world: World) -> None:
    world = any_world
    first = await world.run(inbox.receive, received(), actor=world.admin)
    assert (first.state, first.next_at) == ("received", world.clock())
    world.clock.advance(minutes=1)
    again = await world.run(inbox.receive, received(body="something else"), actor=world.admin)
    assert again == first
    found = await world.run.read(inbox.event, payments.GetEvent(**named()), actor=world.admin)
    assert found.body == '{"id": "é"}'
    with pytest.raises(shared.NotFound):
        await world.run.read(inbox.event, payments.GetEvent(**named(2)), actor=world.admin)


async def test_the_same_message_at_the_same_time_is_one(any_world: World) -> None:
    runs = [any_world.run, any_world.runner(), any_world.runner()]
    actor = any_world.admin
    views = await at_once(any_world, *(run(inbox.receive, received(), actor=actor) for run in runs))
    assert len({repr(one) for one in views}) == 1
    assert not isinstance(views[0], Conflict)
    assert await ids(any_world) == ["evt_1"]


async def test_of_two_workers_one_works_on_a_message(any_world: World) -> None:
    world = any_world
    await world.run(inbox.receive, received(), actor=world.admin)
    claim = payments.ClaimEvent(**named())
    found = await at_once(
        world, *(run(inbox.claim, claim, actor=world.admin) for run in (world.run, world.runner()))
    )
    assert sum(isinstance(one, rules.EventNotDue) for one in found) == 1
    assert await world.queries.webhook_events.due("stripe", world.clock(), 9) == []
    world.clock.advance(minutes=1)
    assert [one.id for one in await world.queries.webhook_events.due("stripe", world.clock(), 9)] == ["evt_1"]
    assert await world.queries.webhook_events.due("other", world.clock(), 9) == []


async def test_messages_are_listed_newest_first_by_state_and_provider(any_world: World) -> None:
    world = any_world
    for number in (1, 2, 3):
        await world.run(inbox.receive, received(number), actor=world.admin)
        world.clock.advance(seconds=number % 2)  # the second comes at the same instant as the third
    close = payments.CloseEvent(**named(2), outcome="set_aside", why="amount_differs: 1")
    await world.run(inbox.close, close, actor=world.admin)
    assert await ids(world) == ["evt_3", "evt_2", "evt_1"]
    assert await ids(world, state="set_aside") == ["evt_2"]
    assert await ids(world, provider="other") == []
    first = await world.run.read(inbox.events, payments.ListEvents(limit=1), actor=world.admin)
    assert await ids(world, limit=2, cursor=first.next_cursor) == ["evt_2", "evt_1"]


async def test_what_is_dealt_with_is_forgotten_after_a_while_and_what_waits_is_not(any_world: World) -> None:
    world = any_world
    for number, outcome in ((1, "handled"), (2, "ignored"), (3, "set_aside")):
        await world.run(inbox.receive, received(number), actor=world.admin)
        close = payments.CloseEvent(**named(number), outcome=outcome)
        await world.run(inbox.close, close, actor=world.admin)
    await world.run(inbox.receive, received(4), actor=world.admin)
    assert await payments.forget_old(world.run, world.clock(), world.admin) == 0
    world.clock.advance(days=91)
    before = world.clock() - timedelta(days=90)
    assert await payments.forget_old(world.run, before, world.admin) == 2
    bodies = [(await world.queries.webhook_events.event("stripe", f"evt_{n}")).body for n in (1, 2, 3, 4)]
    assert bodies == ["", "", '{"id": "é"}', '{"id": "é"}']
    assert await payments.forget_old(world.run, before, world.admin) == 0


async def test_a_cursor_of_another_listing_is_refused(any_world: World) -> None:
    for cursor in ("bm8gdGltZQ==", "MjAyNi0wMy0wMiBh"):
        with pytest.raises(shared.Malformed):
            await ids(any_world, cursor=cursor)


async def test_payments_that_are_open_are_found_oldest_first(any_world: World) -> None:
    world = any_world
    mine, project_id = await investor(world), await hives(world)
    waiting = await mine.invest(project_id)
    owing = await mine.pay(await mine.invest(project_id))
    settled = await mine.pay(await mine.invest(project_id))
    wish = payments.RefundPayment(
        user_id=owing.user_id, payment_id=owing.payment.id, amount_cents=1, reason="goodwill"
    )
    await world.run(payments.refund, wish, actor=world.admin)
    now = world.clock.advance(seconds=1)
    ports = world.queries.payments
    open_ones = await ports.unsettled("sandbox", now, None, 9)
    assert [one.id for one in open_ones] == [waiting.payment.id, owing.payment.id]
    assert all(is_unsettled(one) for one in open_ones)
    assert [one.id for one in await ports.unsettled("sandbox", now, open_ones[0].id, 9)] == [owing.payment.id]
    assert len(await ports.unsettled("sandbox", now, None, 1)) == 1
    assert await ports.unsettled("sandbox", now - timedelta(seconds=1), None, 9) == []
    assert await ports.unsettled("other", now, None, 9) == []
    assert settled.payment.id not in {one.id for one in open_ones}


async def test_payments_are_listed_newest_first_by_what_they_are(any_world: World) -> None:
    world = any_world
    mine, other, project_id = await investor(world), await investor(world, 2), await hives(world)
    first = await mine.pay(await mine.invest(project_id))
    second = await other.invest(project_id)
    ports = world.queries.payments

    async def found(limit: int = 9, before: Any = None, **sought: Any) -> list[Any]:
        return [one.id for one in await ports.payments(payments.Sought(**sought), limit, before)]

    assert await found() == [second.payment.id, first.payment.id]
    assert await found(user_id=first.user_id) == [first.payment.id]
    assert await found(state="pending") == [second.payment.id]
    assert (
        await found(purpose="subscription") == await found(disputed="lost") == await found(provider="x") == []
    )
    assert await found(before=second.payment.id) == await found(1, second.payment.id) == [first.payment.id]


async def test_two_refunds_at_once_never_give_back_more_than_was_paid(any_world: World) -> None:
    world = any_world
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    wishes = [
        payments.RefundPayment(
            user_id=one.user_id, payment_id=one.payment.id, amount_cents=3_000, reason=f"goodwill {number}"
        )
        for number in range(4)
    ]
    runs = [world.runner() for _ in wishes]

    async def give(run: Any, wish: payments.RefundPayment) -> Any:
        owed = await run(payments.refund, wish, actor=world.admin)
        return await payments.refund_now(owed, run, mine.gateway, world.admin)

    found = await at_once(world, *(give(run, wish) for run, wish in zip(runs, wishes, strict=True)))
    refused = [one for one in found if isinstance(one, (rules.RefundUnderWay, rules.RefundExceedsPayment))]
    assert len(refused) == 3
    payment = await mine.payment(one)
    assert (payment.refunded.amount, money(payment)) == (3_000, [("payment", HIVE), ("refund", 3_000)])


async def test_a_dispute_is_stored_with_its_payment_and_heard_of_once(any_world: World) -> None:
    world = any_world
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    told = payments.BookDispute(
        user_id=one.user_id,
        payment_id=one.payment.id,
        reference="dp_1",
        amount_cents=2_000,
        state="lost",
        reason="fraudulent",
    )
    runs = [world.runner() for _ in range(3)]
    await at_once(world, *(run(payments.disputed, told, actor=world.admin) for run in runs))
    payment = await mine.payment(one)
    assert (payment.charged_back.amount, [quarrel.state for quarrel in payment.disputes]) == (2_000, ["lost"])
    assert money(payment) == [("payment", HIVE), ("chargeback", 2_000)]
