"""Payments: known to their provider once, found by its reference, refunded once."""

from typing import Any
from uuid import UUID

import pytest
from investing import Away, Investor, check_books, hives, investor, money

from baobab.adapters.payments import NoProvider, SandboxGateway
from baobab.application import investments, payments
from baobab.application.work import HAPPENINGS
from baobab.domain import payments as rules
from baobab.domain import shared
from baobab.domain.payments import DisputeState
from builders import START, World


def happened(world: World, start: str = "payments.") -> list[str]:
    storage: Any = world.storage
    return [one.type for one in storage.all(HAPPENINGS) if one.type.startswith(start)]


async def reserved(world: World) -> tuple[Investor, investments.InvestmentView]:
    """A share whose payment its provider does not know yet."""
    mine, project_id = await investor(world), await hives(world)
    command = investments.Reserve(project_id=project_id, offer="ruche", provider="sandbox")
    return mine, await world.run(investments.reserve, command, actor=mine.actor)


async def owing(world: World) -> tuple[Investor, investments.InvestmentView]:
    """A paid investment that was given back while the provider did not answer."""
    mine = await investor(world, gateway=Away())
    project_id = await hives(world)
    one = await Investor(world, mine.actor, SandboxGateway()).invest(project_id)
    await mine.pay(one)
    return mine, await mine.withdraw(one)


def asked(number: int, **facts: Any) -> payments.Asked:
    return payments.Asked(UUID(int=number), UUID(int=9), shared.Money(5_000), "investment", **facts)


def opening(one: investments.InvestmentView, reference: str = "r-1") -> payments.OpenPayment:
    return payments.OpenPayment(
        user_id=one.user_id, payment_id=one.payment.id, reference=reference, pay_url="/pay"
    )


def booking(one: investments.InvestmentView, cents: int, **facts: Any) -> payments.BookRefund:
    given = {"reference": "re_1", "amount_cents": cents} | facts
    return payments.BookRefund(user_id=one.user_id, payment_id=one.payment.id, **given)


async def due(world: World, **which: Any) -> list[UUID]:
    found = await world.run.read(payments.refunds_due, payments.ListRefundsDue(**which), actor=world.admin)
    return [one.id for one in found]


# --- opened -------------------------------------------------------------------------------------


async def test_a_provider_names_a_payment_and_is_heard_twice_without_harm(world: World) -> None:
    _, one = await reserved(world)
    first = await world.run(payments.opened, opening(one), actor=world.admin)
    again = await world.run(payments.opened, opening(one), actor=world.admin)
    assert (first.reference, first.pay_url) == ("r-1", "/pay")
    assert again == first
    assert happened(world) == ["payments.requested", "payments.opened"]


async def test_a_payment_is_found_by_what_its_provider_knows_it_by(world: World) -> None:
    mine, one = await reserved(world)
    await world.run(payments.opened, opening(one), actor=world.admin)
    question = payments.FindPayment(provider="sandbox", reference="r-1")
    found = await world.run.read(payments.known_as, question, actor=world.admin)
    assert found == payments.PaymentReference("r-1", "sandbox", mine.actor.user_id, one.payment.id)
    with pytest.raises(shared.NotFound):
        await world.run.read(payments.known_as, shared.evolve(question, provider="other"), actor=world.admin)


async def test_two_payments_have_not_the_same_reference(world: World) -> None:
    mine, one = await reserved(world)
    other = await mine.invest(one.project_id)
    await world.run(payments.opened, opening(one), actor=world.admin)
    taken = payments.OpenPayment(
        user_id=one.user_id, payment_id=other.payment.id, reference="r-1", pay_url="/pay"
    )
    with pytest.raises(payments.PaymentReferenceTaken) as refused:
        await world.run(payments.opened, taken, actor=world.admin)
    assert refused.value.facts() == {"provider": "sandbox", "reference": "r-1"}


async def test_a_payment_has_not_two_references(world: World) -> None:
    _, one = await reserved(world)
    await world.run(payments.opened, opening(one), actor=world.admin)
    with pytest.raises(rules.PaymentReferenceDiffers):
        await world.run(payments.opened, opening(one, "r-2"), actor=world.admin)
    question = payments.FindPayment(provider="sandbox", reference="r-2")
    with pytest.raises(shared.NotFound):
        await world.run.read(payments.known_as, question, actor=world.admin)


async def test_only_the_provider_s_own_word_opens_or_refunds(world: World) -> None:
    mine, one = await reserved(world)
    with pytest.raises(shared.Forbidden):
        await world.run(payments.opened, opening(one), actor=mine.actor)
    with pytest.raises(shared.Forbidden):
        await world.run(payments.refunded, booking(one, 1), actor=mine.actor)


# --- read ---------------------------------------------------------------------------------------


async def test_a_member_reads_their_own_payment_and_nobody_else_s(world: World) -> None:
    mine, one = await reserved(world)
    other = await investor(world, 2)
    found = await mine.payment(one)
    assert (found.amount, found.state, found.receipts) == (shared.Money(5_000), "pending", ())
    assert (found.purpose, found.purpose_id) == ("investment", one.id)
    with pytest.raises(shared.NotFound):
        await other.payment(one)
    theirs = payments.GetPayment(user_id=other.actor.user_id, payment_id=one.payment.id)
    with pytest.raises(shared.NotFound):
        await world.run.read(payments.payment, theirs, actor=other.actor)


# --- refunded -----------------------------------------------------------------------------------


async def test_what_a_provider_could_not_give_back_stays_due_and_is_given_back_once(world: World) -> None:
    mine, one = await owing(world)
    assert (one.state, one.payment.state, one.payment.refund_due.amount) == ("withdrawn", "refund_due", 5_000)
    wanted, gateway = payments.ListRefundsDue(user_id=one.user_id), SandboxGateway()
    assert await due(world) == [one.payment.id]
    (back,) = await payments.return_money(wanted, world.run, gateway, mine.actor)
    assert (back.state, back.refund_due.amount, back.refunded.amount) == ("refunded", 0, 5_000)
    assert await payments.return_money(wanted, world.run, gateway, mine.actor) == ()
    assert money(await mine.payment(one)) == [("payment", 5_000), ("refund", 5_000)]


async def test_a_provider_that_does_not_answer_is_named_and_another_one_gives_nothing_back(
    world: World,
) -> None:
    mine, one = await owing(world)
    with pytest.raises(payments.GatewayUnavailable):
        await payments.return_money(payments.ListRefundsDue(), world.run, Away(), mine.actor)
    assert await payments.return_money(payments.ListRefundsDue(), world.run, NoProvider(), mine.actor) == ()
    assert await due(world) == [one.payment.id]


async def test_refunds_due_are_those_of_a_member_of_a_payment_or_of_all(world: World) -> None:
    _, one = await owing(world)
    other = UUID(int=1)
    assert await due(world, user_id=one.user_id) == [one.payment.id]
    assert await due(world, user_id=one.user_id, payment_id=one.payment.id) == [one.payment.id]
    assert await due(world, user_id=one.user_id, payment_id=other) == []
    assert await due(world, user_id=other) == []


async def test_a_refund_is_booked_once_and_leaves_a_receipt_that_says_why(world: World) -> None:
    mine, one = await owing(world)
    begin = payments.BeginRefund(user_id=one.user_id, payment_id=one.payment.id)
    asked = await world.run(payments.begin_refund, begin, actor=world.admin)
    assert await world.run(payments.begin_refund, begin, actor=world.admin) == asked
    news = booking(one, 5_000, refund_id=asked.id)
    whole = await world.run(payments.refunded, news, actor=world.admin)
    assert await world.run(payments.refunded, news, actor=world.admin) == whole
    assert (whole.state, whole.refunded.amount) == ("refunded", 5_000)
    found = await mine.payment(one)
    assert [(slip.kind, slip.amount.amount, slip.reason) for slip in found.receipts] == [
        ("payment", 5_000, ""),
        ("refund", 5_000, "withdrawal"),
    ]
    assert [(back.state, back.reference) for back in found.refunds] == [("succeeded", "re_1")]


async def test_more_than_was_paid_does_not_go_back(world: World) -> None:
    _, one = await owing(world)
    with pytest.raises(rules.RefundExceedsPayment):
        await world.run(payments.refunded, booking(one, 5_001), actor=world.admin)


async def paid(world: World) -> tuple[Investor, investments.InvestmentView]:
    mine = await investor(world)
    return mine, await mine.pay(await mine.invest(await hives(world)))


def giving(one: investments.InvestmentView, cents: int, reason: str = "goodwill") -> payments.RefundPayment:
    return payments.RefundPayment(
        user_id=one.user_id, payment_id=one.payment.id, amount_cents=cents, reason=reason
    )


async def test_an_administrator_gives_a_part_back_again_and_again_but_never_more_than_was_paid(
    world: World,
) -> None:
    mine, one = await paid(world)
    wanted = payments.ListRefundsDue(user_id=one.user_id)
    for cents in (1_000, 1_500):
        await world.run(payments.refund, giving(one, cents), actor=world.admin)
        await payments.return_money(wanted, world.run, mine.gateway, world.admin)
    found = await mine.payment(one)
    assert (found.state, found.refunded.amount) == ("refunded", 2_500)
    assert money(found) == [("payment", 5_000), ("refund", 1_000), ("refund", 1_500)]
    with pytest.raises(rules.RefundExceedsPayment) as refused:
        await world.run(payments.refund, giving(one, 2_501), actor=world.admin)
    assert refused.value.facts() == {"needed": 2_501, "left": 2_500}
    assert (await mine.show(one)).state == "active"
    with pytest.raises(shared.Forbidden):
        await world.run(payments.refund, giving(one, 1), actor=mine.actor)


async def test_a_refund_that_the_provider_takes_back_is_due_again(world: World) -> None:
    mine, one = await paid(world)
    await world.run(payments.refund, giving(one, 1_000), actor=world.admin)
    await payments.return_money(payments.ListRefundsDue(), world.run, mine.gateway, world.admin)
    (given,) = (await mine.payment(one)).refunds
    failed = booking(one, 1_000, reference=given.reference, failed=True, reason="account_closed")
    view = await world.run(payments.refunded, failed, actor=world.admin)
    assert (view.state, view.refund_due.amount, view.refunded.amount) == ("refund_due", 1_000, 0)
    assert money(await mine.payment(one))[-1] == ("refund_failed", 1_000)
    await payments.return_money(payments.ListRefundsDue(), world.run, mine.gateway, world.admin)
    assert [back.state for back in (await mine.payment(one)).refunds] == ["failed", "succeeded"]


async def test_more_that_falls_due_goes_back_with_what_is_under_way(world: World) -> None:
    """Who is given a part back, and whose provider is silent then, may think again all the same."""
    mine, one = await paid(world)
    silent = Investor(world, mine.actor, Away())
    await world.run(payments.refund, giving(one, 1_000), actor=world.admin)
    with pytest.raises(payments.GatewayUnavailable):
        await payments.return_money(payments.ListRefundsDue(), world.run, silent.gateway, world.admin)
    await mine.spend(10)
    withdrawal = await silent.withdrawal(one)
    assert (withdrawal.paid.amount, withdrawal.deducted.amount, withdrawal.refund.amount) == (
        4_000,
        1_000,
        3_000,
    )
    assert withdrawal.payment.refund_due.amount == 4_000
    await check_books(world)
    await payments.return_money(payments.ListRefundsDue(), world.run, mine.gateway, world.admin)
    found = await mine.payment(one)
    assert (found.state, money(found)) == (
        "refunded",
        [("payment", 5_000), ("refund", 1_000), ("refund", 3_000)],
    )
    await check_books(world)


async def test_a_refund_that_somebody_gave_at_the_provider_meanwhile_is_not_given_again(world: World) -> None:
    """What was asked for is more than is due by then: it is looked for, and the rest is asked for anew."""
    mine, one = await paid(world)
    await world.run(payments.refund, giving(one, 3_000), actor=world.admin)
    begin = payments.BeginRefund(user_id=one.user_id, payment_id=one.payment.id)
    asked = await world.run(payments.begin_refund, begin, actor=world.admin)
    await world.run(payments.refunded, booking(one, 2_000, reference="re_dashboard"), actor=world.admin)
    left = (await mine.payment(one)).refund_due
    assert left.amount == 1_000
    await payments.return_money(payments.ListRefundsDue(), world.run, mine.gateway, world.admin)
    found = await mine.payment(one)
    assert (found.refund_due.amount, found.refunded.amount) == (0, 3_000)
    assert [back.amount_cents for back in (await mine.gateway.look(one.payment.reference)).refunds] == [1_000]
    assert [back.state for back in found.refunds if back.id == asked.id] == ["failed"]


async def test_a_dispute_takes_nothing_before_it_is_lost_though_the_money_went_back_before(
    world: World,
) -> None:
    mine, one = await paid(world)
    await world.run(payments.refund, giving(one, 5_000), actor=world.admin)
    await payments.return_money(payments.ListRefundsDue(), world.run, mine.gateway, world.admin)
    states: tuple[DisputeState, ...] = ("opened", "won")
    for state in states:
        news = payments.DisputeNews(one.payment.reference, "dp_1", 5_000, state)
        await investments.attending.book_dispute(news, await mine.payment(one), world.run, world.admin)
        assert ((await mine.show(one)).state, await mine.points()) == ("active", 65)


# --- the sandbox ----------------------------------------------------------------------------------


async def test_the_sandbox_asks_for_the_same_payment_once() -> None:
    gateway = SandboxGateway()
    first = await gateway.create(asked(7))
    assert await gateway.create(asked(7)) == first
    assert await gateway.create(asked(8)) != first
    assert first.pay_url == f"/v1/payments/{UUID(int=7)}/sandbox"


async def test_the_sandbox_gives_money_back_once_a_key() -> None:
    gateway = SandboxGateway()
    reference = (await gateway.create(asked(7))).reference
    for cents, key in ((2_000, "a"), (2_000, "a"), (500, "b")):
        news = await gateway.refund(reference, cents, key, START)
        assert (news.payment, news.amount_cents, news.key, news.state) == (reference, cents, key, "succeeded")
    assert [one.amount_cents for one in (await gateway.look(reference)).refunds] == [2_000, 500]


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("succeeds", ["succeeded"]),
        ("fails", ["failed"]),
        ("late", ["expired", "succeeded"]),
        ("repeats", ["succeeded"] * 3),
    ],
)
def test_the_sandbox_tells_what_it_was_told_to_even_after_a_restart(
    behaviour: payments.Behaviour, told: list[str]
) -> None:
    reference = "sandbox_00000000000000000000000000000007"
    assert [one.outcome for one in SandboxGateway().pay(reference, behaviour)] == told


async def test_what_is_not_of_the_sandbox_is_not_found_there() -> None:
    with pytest.raises(shared.NotFound):
        SandboxGateway().pay("pi_1", "succeeds")
    with pytest.raises(shared.NotFound):
        await SandboxGateway().refund("pi_1", 100, "a", START)


async def test_where_no_provider_is_set_up_nothing_is_paid() -> None:
    nobody = NoProvider()
    with pytest.raises(payments.GatewayUnavailable):
        await nobody.create(asked(7))
    with pytest.raises(shared.NotFound) as refused:
        payments.sandbox_of(nobody)
    assert refused.value.facts() == {"kind": "sandbox", "id": "none"}


def test_the_sandbox_is_found_where_it_is_switched_on() -> None:
    gateway = SandboxGateway()
    assert payments.sandbox_of(gateway) is gateway


async def test_what_its_provider_does_not_know_yet_cannot_be_paid(world: World) -> None:
    mine, one = await reserved(world)
    with pytest.raises(payments.PaymentNotOpen):
        await mine.pay(one)
