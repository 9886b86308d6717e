"""Payments: news in any order and any number, and never more back than came."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import payments, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
MEMBER, PAYMENT, INVESTMENT, RECEIPT = (UUID(int=number) for number in range(1, 5))
TOLD = (MEMBER, PAYMENT, "investment", INVESTMENT)
PAID: list[payments.PaymentState] = ["succeeded", "refund_due", "refunded"]
UNPAID: list[payments.PaymentState] = ["pending", "failed", "cancelled"]


def payment(**changes: Any) -> payments.Payment:
    given = payments.Payment(
        user_id=MEMBER,
        id=PAYMENT,
        purpose="investment",
        purpose_id=INVESTMENT,
        amount_cents=5_000,
        provider="sandbox",
        expires_at=AT + timedelta(minutes=30),
        created_at=AT,
    )
    return shared.evolve(given, **changes)


def receipt(kind: payments.ReceiptKind, amount: int) -> payments.Receipt:
    return payments.Receipt(MEMBER, RECEIPT, PAYMENT, kind, amount, LATER, "EUR")


def test_a_payment_is_asked_for() -> None:
    change = payments.request(payment())
    assert change.payment == payment(state="pending", reference="", currency="EUR")
    assert change.events == (payments.Requested(*TOLD, 5_000, ""),)
    assert change.receipt is None


def test_a_payment_of_nothing_is_refused() -> None:
    with pytest.raises(shared.InvalidAmount):
        payments.request(payment(amount_cents=0))


@pytest.mark.parametrize("state", [*UNPAID, *PAID])
def test_a_provider_names_its_payment_once_even_after_it_was_settled(state: payments.PaymentState) -> None:
    change = payments.opened(payment(state=state), "sandbox-1", "/pay")
    assert change.payment == payment(state=state, reference="sandbox-1", pay_url="/pay")
    assert change.events == (payments.Opened(*TOLD, 5_000, ""),)
    assert payments.opened(change.payment, "sandbox-1", "/again") == payments.Change(change.payment)


def test_a_payment_does_not_get_a_second_reference() -> None:
    with pytest.raises(payments.PaymentReferenceDiffers) as refused:
        payments.opened(payment(reference="sandbox-1"), "sandbox-2", "/pay")
    assert refused.value.facts() == {"known": "sandbox-1", "given": "sandbox-2"}


@pytest.mark.parametrize("state", UNPAID)
def test_money_that_arrived_is_a_success_even_after_a_failure(state: payments.PaymentState) -> None:
    change = payments.succeeded(payment(state=state, reason="card_declined", settled_at=AT), RECEIPT, LATER)
    assert change.payment == payment(state="succeeded", reason="", settled_at=LATER)
    assert change.events == (payments.Succeeded(*TOLD, 5_000, ""),)
    assert change.receipt == receipt("payment", 5_000)


@pytest.mark.parametrize("state", PAID)
def test_a_success_that_is_repeated_changes_nothing(state: payments.PaymentState) -> None:
    known = payment(state=state, settled_at=AT)
    assert payments.succeeded(known, RECEIPT, LATER) == payments.Change(known)


def test_a_payment_fails_with_its_reason() -> None:
    change = payments.failed(payment(), "card_declined", LATER)
    assert change.payment == payment(state="failed", reason="card_declined", settled_at=LATER)
    assert change.events == (payments.Failed(*TOLD, 5_000, "card_declined"),)
    assert change.receipt is None


@pytest.mark.parametrize("state", ["failed", "cancelled", *PAID])
def test_a_failure_that_is_repeated_or_late_changes_nothing(state: payments.PaymentState) -> None:
    known = payment(state=state, settled_at=AT)
    assert payments.failed(known, "card_declined", LATER) == payments.Change(known)


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_an_unpaid_payment_is_cancelled(state: payments.PaymentState) -> None:
    change = payments.cancelled(payment(state=state), "hold_expired", LATER)
    assert change.payment == payment(state="cancelled", reason="hold_expired", settled_at=LATER)
    assert change.events == (payments.Cancelled(*TOLD, 5_000, "hold_expired"),)


def test_cancelling_twice_changes_nothing() -> None:
    known = payment(state="cancelled", reason="hold_expired", settled_at=AT)
    assert payments.cancelled(known, "again", LATER) == payments.Change(known)


@pytest.mark.parametrize("state", PAID)
def test_what_was_paid_is_not_cancelled(state: payments.PaymentState) -> None:
    with pytest.raises(payments.PaymentAlreadyPaid) as refused:
        payments.cancelled(payment(state=state), "hold_expired", LATER)
    assert refused.value.facts() == {"state": state}


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
    with pytest.raises(shared.InvalidAmount):
        payments.refunded(payment(state="refund_due", refund_due_cents=5_000), amount, RECEIPT, LATER)


def test_a_refund_that_arrived_has_its_receipt() -> None:
    owing = payment(state="refund_due", refund_due_cents=5_000, reason="withdrawal", settled_at=AT)
    change = payments.refunded(owing, 5_000, RECEIPT, LATER)
    assert change.payment == payment(
        state="refunded", refunded_cents=5_000, reason="withdrawal", settled_at=AT
    )
    assert change.events == (payments.Refunded(*TOLD, 5_000, "withdrawal"),)
    assert change.receipt == receipt("refund", 5_000)
    assert payments.refunded(change.payment, 5_000, RECEIPT, LATER) == payments.Change(change.payment)


def test_a_refund_may_arrive_in_parts() -> None:
    owing = payment(state="refund_due", refund_due_cents=5_000)
    part = payments.refunded(owing, 2_000, RECEIPT, LATER)
    assert part.payment == payment(state="refund_due", refund_due_cents=3_000, refunded_cents=2_000)
    assert part.receipt == receipt("refund", 2_000)
    rest = payments.refunded(part.payment, 5_000, RECEIPT, LATER)
    assert (rest.payment.state, rest.receipt) == ("refunded", receipt("refund", 3_000))


def test_news_of_an_earlier_refund_does_not_settle_a_later_one() -> None:
    once = payment(state="refunded", refunded_cents=2_000)
    again = payments.refund_due(once, 2_000, "goodwill").payment
    assert payments.refunded(again, 2_000, RECEIPT, LATER) == payments.Change(again)
    assert payments.refunded(again, 4_000, RECEIPT, LATER).payment.refunded_cents == 4_000


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "succeeded"}, 0),
        ({"state": "pending"}, 0),
        ({"state": "refund_due", "refund_due_cents": 4_000, "refunded_cents": 500}, 4_500),
    ],
)
def test_a_refund_that_nobody_owed_is_an_error(changes: dict[str, Any], expected: int) -> None:
    with pytest.raises(payments.RefundNotDue) as refused:
        payments.refunded(payment(**changes), 4_501, RECEIPT, LATER)
    assert refused.value.facts() == {"given": 4_501, "expected": expected}


News = Callable[[payments.Payment, int], payments.Change]
NEWS: dict[str, News] = {
    "succeeded": lambda one, cents: payments.succeeded(one, RECEIPT, LATER),
    "failed": lambda one, cents: payments.failed(one, "card_declined", LATER),
    "cancelled": lambda one, cents: payments.cancelled(one, "hold_expired", LATER),
    "refund_due": lambda one, cents: payments.refund_due(one, cents, "goodwill"),
    "refunded": lambda one, cents: payments.refunded(one, cents, RECEIPT, LATER),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(NEWS)), st.integers(1, 6_000)), max_size=30))
def test_whatever_news_comes_paid_stays_paid_and_refunds_stay_within_what_was_paid(
    heard: list[tuple[str, int]],
) -> None:
    one, receipts, arrived = payment(), [], False
    for name, cents in heard:
        try:
            change = NEWS[name](one, cents)
        except shared.DomainError:
            continue
        assert bool(change.events) == (change.payment != one)
        one, arrived = change.payment, arrived or name == "succeeded"
        receipts += [change.receipt] if change.receipt else []
        assert (one.state in payments.PAID) == arrived
        assert 0 <= one.refunded_cents + one.refund_due_cents <= (5_000 if arrived else 0)
        assert (one.state == "refund_due") == (one.refund_due_cents > 0)
    assert sum(slip.amount_cents for slip in receipts if slip.kind == "refund") == one.refunded_cents
    assert sum(slip.amount_cents for slip in receipts if slip.kind == "payment") == 5_000 * arrived


def test_records_are_read_back_from_their_rows() -> None:
    for record in (payment(reference="sandbox-1", settled_at=AT), receipt("refund", 5)):
        assert msgspec.convert(msgspec.to_builtins(record), type(record)) == record


def test_events_are_named_after_their_context() -> None:
    kinds = [
        *(payments.Requested, payments.Opened, payments.Succeeded, payments.Failed),
        *(payments.Cancelled, payments.RefundFellDue, payments.Refunded),
    ]
    assert [str(kind.__struct_config__.tag) for kind in kinds] == [
        *("payments.requested", "payments.opened", "payments.succeeded", "payments.failed"),
        *("payments.cancelled", "payments.refund_due", "payments.refunded"),
    ]
