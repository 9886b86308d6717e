"""A payment is asked for and arrives, fails, or is cancelled, once."""

import msgspec
import pytest
from paying import AT, LATER, RECEIPT, TOLD, UNPAID, payment, receipt

from baobab.domain import payments, shared

PAID: list[payments.PaymentState] = ["succeeded", "refund_due", "refunded", "charged_back"]


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


def test_who_is_declined_may_try_again_until_the_payment_is_given_up() -> None:
    change = payments.declined(payment(), "insufficient_funds")
    assert change.payment == payment(reason="insufficient_funds")
    assert change.events == (payments.Declined(*TOLD, 5_000, "insufficient_funds"),)
    assert payments.declined(change.payment, "insufficient_funds") == payments.Change(change.payment)
    assert payments.succeeded(change.payment, RECEIPT, LATER).payment.reason == ""


@pytest.mark.parametrize("state", ["failed", "cancelled", *PAID])
def test_a_decline_that_is_late_changes_nothing(state: payments.PaymentState) -> None:
    assert payments.declined(payment(state=state), "again") == payments.Change(payment(state=state))


@pytest.mark.parametrize(("cents", "currency"), [(4_999, "EUR"), (5_001, "EUR"), (5_000, "USD")])
def test_what_arrived_must_be_what_was_asked_for(cents: int, currency: str) -> None:
    with pytest.raises(payments.AmountDiffers) as refused:
        payments.check_received(shared.Money(5_000), cents, currency)
    assert refused.value.facts()["given"] == cents
    payments.check_received(shared.Money(5_000), 5_000, "EUR")


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


def test_records_are_read_back_from_their_rows() -> None:
    for record in (payment(reference="sandbox-1", settled_at=AT), receipt("refund", 5)):
        assert msgspec.convert(msgspec.to_builtins(record), type(record)) == record


def test_events_are_named_after_their_context() -> None:
    kinds = [
        *(payments.Requested, payments.Opened, payments.Succeeded, payments.Declined, payments.Failed),
        *(payments.Cancelled, payments.RefundFellDue, payments.Refunded, payments.RefundFailed),
        *(payments.DisputeOpened, payments.DisputeWon, payments.ChargedBack),
    ]
    assert [str(kind.__struct_config__.tag) for kind in kinds] == [
        *("payments.requested", "payments.opened", "payments.succeeded", "payments.declined"),
        *("payments.failed", "payments.cancelled", "payments.refund_due", "payments.refunded"),
        *("payments.refund_failed", "payments.dispute_opened", "payments.dispute_won"),
        "payments.charged_back",
    ]
