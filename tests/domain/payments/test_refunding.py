"""Money goes back: asked for once, never more than is left, with a receipt."""

from typing import Any
from uuid import UUID

import pytest
from paying import AT, LATER, MEMBER, PAYMENT, RECEIPT, REFUND, TOLD, UNPAID, owing, payment, quarrel, receipt

from baobab.domain import payments, shared


def test_a_refund_falls_due() -> None:
    change = payments.refund_due(payment(state="succeeded", settled_at=AT), 5_000, "withdrawal")
    owing = payment(state="refund_due", refund_due_cents=5_000, reason="withdrawal", settled_at=AT)
    assert change == payments.Change(owing, (payments.RefundFellDue(*TOLD, 5_000, "withdrawal"),))
    assert payments.refund_due(owing, 5_000, "withdrawal") == payments.Change(owing)


@pytest.mark.parametrize("state", UNPAID)
def test_what_was_never_paid_is_not_refunded(state: payments.PaymentState) -> None:
    with pytest.raises(payments.PaymentNotPaid) as refused:
        payments.refund_due(payment(state=state), 5_000, "withdrawal")
    assert refused.value.facts() == {"state": state}


@pytest.mark.parametrize("other", [(2_000, "withdrawal"), (3_000, "goodwill")])
def test_there_is_one_refund_at_a_time(other: tuple[int, str]) -> None:
    owing = payments.refund_due(payment(state="succeeded"), 3_000, "withdrawal").payment
    with pytest.raises(payments.RefundUnderWay) as refused:
        payments.refund_due(owing, *other)
    assert refused.value.facts() == {"due": 3_000}


@pytest.mark.parametrize(("refunded", "asked"), [(0, 5_001), (3_000, 2_001), (5_000, 1)])
def test_a_refund_is_never_more_than_is_left_of_the_payment(refunded: int, asked: int) -> None:
    state = "refunded" if refunded else "succeeded"
    with pytest.raises(payments.RefundExceedsPayment) as refused:
        payments.refund_due(payment(state=state, refunded_cents=refunded), asked, "goodwill")
    assert refused.value.facts() == {"needed": asked, "left": 5_000 - refunded}
    assert isinstance(refused.value, shared.RuleForbids)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_of_nothing_is_refused(amount: int) -> None:
    with pytest.raises(shared.InvalidAmount):
        payments.refund_due(payment(state="succeeded"), amount, "goodwill")


def asked(one: payments.Payment, *refunds: payments.Refund, id: UUID = REFUND) -> payments.Refund:
    return payments.begin_refund(one, refunds, id, AT)


def told(
    one: payments.Payment, *refunds: payments.Refund, **facts: Any
) -> tuple[payments.RefundChange, payments.Refund]:
    """What a provider tells of a refund, and the refund after it."""
    news = payments.RefundTold(**{"reference": "re_1", "amount_cents": 5_000, "refund_id": REFUND} | facts)
    change = payments.settle_refund(one, refunds, news, (RECEIPT, UUID(int=6)), LATER)
    assert change.refund is not None
    return change, change.refund


def test_a_refund_is_asked_for_once_until_it_is_settled() -> None:
    one = asked(owing())
    assert one == payments.Refund(MEMBER, REFUND, PAYMENT, 5_000, "withdrawal", AT)
    assert asked(owing(), one, id=UUID(int=8)) == one
    failed = shared.evolve(one, state="failed")
    assert asked(owing(), failed, id=UUID(int=8)).id == UUID(int=8)


def test_a_refund_that_failed_three_times_is_left_to_a_person() -> None:
    failed = shared.evolve(asked(owing()), state="failed")
    assert asked(owing(), failed, failed).state == "asked"
    with pytest.raises(payments.RefundGivenUp) as refused:
        asked(owing(), failed, failed, failed)
    assert refused.value.facts() == {"times": 3}
    assert asked(owing(reason="another"), failed, failed, failed).reason == "another"


def test_the_failure_of_one_refund_is_not_taken_for_that_of_another() -> None:
    """Neither is known to the provider, so that neither has a reference."""
    first = shared.evolve(asked(owing()), state="failed")
    second = asked(owing(), first, id=UUID(int=8))
    _, failed = told(owing(), first, second, reference="", refund_id=second.id, failed=True)
    assert (failed.id, failed.state) == (second.id, "failed")


def test_where_nothing_is_due_back_nothing_is_asked_for() -> None:
    with pytest.raises(payments.NoRefundDue):
        asked(payment(state="succeeded"))


def test_a_refund_that_arrived_has_its_receipt_with_the_reason() -> None:
    one = asked(owing())
    change, refund = told(owing(settled_at=AT), one)
    assert change.payment == payment(
        state="refunded", refunded_cents=5_000, reason="withdrawal", settled_at=AT
    )
    assert change.events == (payments.Refunded(*TOLD, 5_000, "withdrawal"),)
    assert change.receipt == receipt("refund", 5_000, "withdrawal")
    assert refund == shared.evolve(one, state="succeeded", reference="re_1", settled_at=LATER)
    again, _ = told(change.payment, refund, refund_id=None)
    assert again == payments.RefundChange(change.payment, refund=refund)


def test_a_refund_in_part_leaves_the_rest_paid() -> None:
    change, refund = told(owing(2_000), asked(owing(2_000)), amount_cents=2_000)
    assert (change.payment.state, change.payment.kept_cents) == ("refunded", 3_000)
    later = payments.refund_due(change.payment, 3_000, "goodwill").payment
    second = asked(later, refund, id=UUID(int=8))
    after, _ = told(later, refund, second, reference="re_2", amount_cents=3_000, refund_id=second.id)
    assert (after.payment.refunded_cents, after.payment.refund_due_cents) == (5_000, 0)


def test_a_refund_that_was_asked_for_and_failed_stays_due() -> None:
    change, refund = told(owing(), asked(owing()), failed=True, reason="lost_or_stolen_card")
    assert (change.payment, change.receipt) == (owing(), None)
    assert change.events == (payments.RefundFailed(*TOLD, 5_000, "lost_or_stolen_card"),)
    assert refund.state == "failed"


def test_a_refund_that_fails_after_it_was_booked_is_due_again_with_a_receipt() -> None:
    change, refund = told(owing(), asked(owing()))
    back, refund = told(change.payment, refund, failed=True)
    assert back.payment == owing()
    assert (back.receipt, refund.state) == (receipt("refund_failed", 5_000, "withdrawal"), "failed")


def test_the_failure_of_a_refund_is_final_whatever_is_told_late() -> None:
    change, refund = told(owing(), asked(owing()), failed=True)
    late, same = told(change.payment, refund)
    assert (late.payment, late.events, same) == (change.payment, (), refund)


def test_a_refund_that_nobody_asked_for_was_given_at_the_provider() -> None:
    change, refund = told(payment(state="succeeded"), amount_cents=1_500, refund_id=None)
    assert (refund.id, refund.reason, refund.state) == (UUID(int=6), "at_provider", "succeeded")
    assert (change.payment.state, change.payment.refunded_cents) == ("refunded", 1_500)
    assert change.receipt == receipt("refund", 1_500, "at_provider")
    gone, _ = told(change.payment, refund, amount_cents=1_500, refund_id=None, failed=True)
    assert (gone.payment.state, gone.payment.refund_due_cents) == ("refund_due", 1_500)


def test_what_was_given_at_the_provider_is_not_owed_any_more() -> None:
    change, _ = told(owing(), asked(owing()), reference="re_9", amount_cents=2_000, refund_id=None)
    assert (change.payment.refunded_cents, change.payment.refund_due_cents) == (2_000, 3_000)


def test_what_was_given_at_the_provider_is_what_was_due_and_is_due_again_where_it_fails() -> None:
    one = owing(3_000)
    change, refund = told(one, asked(one), reference="re_9", amount_cents=3_000, refund_id=None)
    assert (change.payment.state, change.payment.refund_due_cents) == ("refunded", 0)
    assert change.receipt == receipt("refund", 3_000, "at_provider")
    back, _ = told(change.payment, refund, reference="re_9", amount_cents=3_000, refund_id=None, failed=True)
    assert back.payment == shared.evolve(one, reason="at_provider")
    assert back.receipt == receipt("refund_failed", 3_000, "at_provider")


def test_a_refund_that_was_taken_for_failed_is_booked_where_the_provider_gave_it_all_the_same() -> None:
    one = asked(owing(2_000))
    change, unheard = told(owing(2_000), one, reference="", amount_cents=2_000, failed=True)
    again, same = told(change.payment, unheard, reference="", amount_cents=2_000, failed=True)
    assert (again.payment, again.events, same) == (change.payment, (), unheard)
    late, refund = told(change.payment, unheard, amount_cents=2_000)
    assert (late.payment.refunded_cents, late.payment.refund_due_cents) == (2_000, 0)
    assert (refund.id, refund.state, refund.reference) == (REFUND, "succeeded", "re_1")


def test_what_went_back_is_only_undone_by_the_provider_s_own_word() -> None:
    """One of two who asked at once was refused, when the other had its answer already."""
    change, refund = told(owing(), asked(owing()))
    refused, same = told(change.payment, refund, reference="", failed=True)
    assert (refused.payment, refused.events, same) == (change.payment, (), refund)


def test_what_went_back_twice_by_one_key_of_ours_is_counted_twice() -> None:
    change, refund = told(owing(2_000), asked(owing(2_000)), amount_cents=2_000)
    twice, other = told(change.payment, refund, reference="re_2", amount_cents=2_000)
    assert (twice.payment.refunded_cents, other.id, other.reason) == (4_000, UUID(int=6), "at_provider")


def test_more_may_fall_due_while_a_refund_is_under_way_but_never_more_than_is_left() -> None:
    one = owing(1_000, reason="goodwill")
    change = payments.owe(one, 4_000, "withdrawal")
    assert change.payment == owing(5_000)
    assert change.events == (payments.RefundFellDue(*TOLD, 4_000, "withdrawal"),)
    with pytest.raises(payments.RefundExceedsPayment) as refused:
        payments.owe(one, 4_001, "withdrawal")
    assert refused.value.facts() == {"needed": 4_001, "left": 4_000}


def test_what_is_due_waits_while_the_bank_holds_the_money() -> None:
    disputed = quarrel(owing(), None, "opened").payment
    with pytest.raises(payments.PaymentDisputed):
        asked(disputed)
    with pytest.raises(payments.PaymentDisputed):
        payments.owe(payment(state="succeeded", disputed="opened"), 100, "withdrawal")


def test_a_refund_never_goes_beyond_what_is_left() -> None:
    one = payment(state="charged_back", charged_back_cents=4_000)
    with pytest.raises(payments.RefundExceedsPayment) as refused:
        told(one, amount_cents=1_001, refund_id=None)
    assert refused.value.facts() == {"needed": 1_001, "left": 1_000}


def test_a_refund_of_another_amount_than_was_asked_for_is_an_error() -> None:
    with pytest.raises(payments.RefundDiffers) as refused:
        told(owing(), asked(owing()), amount_cents=4_999)
    assert refused.value.facts() == {"given": 4_999, "asked": 5_000}


@pytest.mark.parametrize("state", UNPAID)
def test_what_is_told_of_money_that_did_not_arrive_yet_waits(state: payments.PaymentState) -> None:
    with pytest.raises(payments.PaymentNotPaid):
        told(payment(state=state))
    with pytest.raises(payments.PaymentNotPaid):
        quarrel(payment(state=state), None, "opened")
