"""Payments: news in any order and any number, and never more back than came."""

from contextlib import suppress
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
MEMBER, PAYMENT, INVESTMENT, RECEIPT, REFUND = (UUID(int=number) for number in range(1, 6))
TOLD = (MEMBER, PAYMENT, "investment", INVESTMENT)
PAID: list[payments.PaymentState] = ["succeeded", "refund_due", "refunded", "charged_back"]
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


def receipt(kind: payments.ReceiptKind, amount: int, reason: str = "") -> payments.Receipt:
    return payments.Receipt(MEMBER, RECEIPT, PAYMENT, kind, amount, LATER, "EUR", reason)


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


def owing(cents: int = 5_000, **changes: Any) -> payments.Payment:
    return payment(**{"state": "refund_due", "refund_due_cents": cents, "reason": "withdrawal"} | changes)


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
    assert (gone.payment.state, gone.payment.refund_due_cents) == ("succeeded", 0)


def test_what_was_given_at_the_provider_is_not_owed_any_more() -> None:
    change, _ = told(owing(), asked(owing()), reference="re_9", amount_cents=2_000, refund_id=None)
    assert (change.payment.refunded_cents, change.payment.refund_due_cents) == (2_000, 3_000)


def test_what_was_given_at_the_provider_is_what_was_due_and_is_due_again_where_it_fails() -> None:
    one = owing(3_000)
    change, refund = told(one, asked(one), reference="re_9", amount_cents=3_000, refund_id=None)
    assert (change.payment.state, change.payment.refund_due_cents) == ("refunded", 0)
    assert change.receipt == receipt("refund", 3_000, "withdrawal")
    back, _ = told(change.payment, refund, reference="re_9", amount_cents=3_000, refund_id=None, failed=True)
    assert (back.payment, back.receipt) == (one, receipt("refund_failed", 3_000, "withdrawal"))


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


# --- disputes -----------------------------------------------------------------------------------


def quarrel(
    one: payments.Payment, known: payments.Dispute | None, state: payments.DisputeState, cents: int = 5_000
) -> payments.DisputeChange:
    news = payments.DisputeTold("dp_1", cents, state, "fraudulent")
    return payments.settle_dispute(one, known, news, RECEIPT, LATER)


def test_a_dispute_that_was_opened_moves_no_money_but_nothing_is_refunded_meanwhile() -> None:
    change = quarrel(payment(state="succeeded"), None, "opened")
    assert change.payment == payment(state="succeeded", disputed="opened")
    assert change.events == (payments.DisputeOpened(*TOLD, 5_000, "fraudulent"),)
    assert change.receipt is None
    with pytest.raises(payments.PaymentDisputed):
        payments.refund_due(change.payment, 100, "goodwill")


@pytest.mark.parametrize("first", [True, False])
def test_a_dispute_that_was_lost_takes_the_money_whether_or_not_its_opening_was_heard(first: bool) -> None:
    opened = quarrel(payment(state="succeeded"), None, "opened") if first else None
    change = quarrel(
        opened.payment if opened else payment(state="succeeded"), opened and opened.dispute, "lost"
    )
    assert change.payment == payment(state="charged_back", disputed="lost", charged_back_cents=5_000)
    assert change.events == (payments.ChargedBack(*TOLD, 5_000, "fraudulent"),)
    assert change.receipt == receipt("chargeback", 5_000, "fraudulent")
    late = quarrel(change.payment, change.dispute, "opened")
    assert (late.payment, late.events) == (change.payment, ())


def test_a_dispute_that_was_won_leaves_the_money() -> None:
    opened = quarrel(payment(state="succeeded"), None, "opened")
    won = quarrel(opened.payment, opened.dispute, "won")
    assert won.payment == payment(state="succeeded", disputed="won")
    assert [type(event) for event in won.events] == [payments.DisputeWon]
    assert payments.refund_due(won.payment, 100, "goodwill").payment.state == "refund_due"
    with pytest.raises(payments.DisputeContradicted):
        quarrel(won.payment, won.dispute, "lost")


def test_what_the_bank_took_is_not_due_back_any_more() -> None:
    change = quarrel(owing(3_000), None, "lost", 4_000)
    assert (change.payment.refund_due_cents, change.payment.charged_back_cents) == (1_000, 4_000)
    with pytest.raises(payments.RefundExceedsPayment):
        quarrel(payment(state="refunded", refunded_cents=2_000), None, "lost")


# --- everything in any order --------------------------------------------------------------------

Heard = tuple[str, int, int]
"""What is told, of how many cents, of which of some refunds or disputes."""


class Story:
    """A payment with its refunds, disputes and receipts, as it is told of."""

    def __init__(self) -> None:
        self.payment, self.arrived = payment(), False
        self.refunds: dict[UUID, payments.Refund] = {}
        self.disputes: dict[str, payments.Dispute] = {}
        self.receipts: list[payments.Receipt] = []

    def hear(self, name: str, cents: int, which: int) -> None:
        change = getattr(self, name)(cents, which)
        assert change.events or change.payment == self.payment
        self.payment, self.arrived = change.payment, self.arrived or name == "succeed"
        self.receipts += [change.receipt] if change.receipt else []

    def succeed(self, cents: int, which: int) -> payments.Change:
        return payments.succeeded(self.payment, RECEIPT, LATER)

    def fail(self, cents: int, which: int) -> payments.Change:
        return payments.failed(self.payment, "card_declined", LATER)

    def decline(self, cents: int, which: int) -> payments.Change:
        return payments.declined(self.payment, f"declined_{which}")

    def cancel(self, cents: int, which: int) -> payments.Change:
        return payments.cancelled(self.payment, "hold_expired", LATER)

    def owe(self, cents: int, which: int) -> payments.Change:
        return payments.refund_due(self.payment, cents, "goodwill")

    def ask(self, cents: int, which: int) -> payments.Change:
        one = payments.begin_refund(self.payment, list(self.refunds.values()), UUID(int=100 + which), AT)
        self.refunds.setdefault(one.id, one)
        return payments.Change(self.payment)

    def give_back(self, cents: int, which: int, failed: bool = False) -> payments.Change:
        id = UUID(int=100 + which)
        amount = self.refunds[id].amount_cents if id in self.refunds else cents
        news = payments.RefundTold(f"re_{which}", amount, failed, id if id in self.refunds else None)
        ids = (RECEIPT, UUID(int=200 + which))
        change = payments.settle_refund(self.payment, list(self.refunds.values()), news, ids, LATER)
        if change.refund:
            self.refunds[change.refund.id] = change.refund
        return change

    def refund_fails(self, cents: int, which: int) -> payments.Change:
        return self.give_back(cents, which, failed=True)

    def dispute(self, cents: int, which: int, state: payments.DisputeState = "opened") -> payments.Change:
        reference = f"dp_{which}"
        known = self.disputes.get(reference)
        news = payments.DisputeTold(reference, known.amount_cents if known else cents, state)
        change = payments.settle_dispute(self.payment, known, news, RECEIPT, LATER)
        if change.dispute:
            self.disputes[reference] = change.dispute
        return change

    def lose(self, cents: int, which: int) -> payments.Change:
        return self.dispute(cents, which, "lost")

    def win(self, cents: int, which: int) -> payments.Change:
        return self.dispute(cents, which, "won")

    def told(self, kind: payments.ReceiptKind) -> int:
        return sum(slip.amount_cents for slip in self.receipts if slip.kind == kind)


WORDS = [name for name in vars(Story) if not name.startswith("_") and name not in ("hear", "told")]


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.integers(1, 6_000), st.integers(0, 2)), max_size=40))
def test_whatever_comes_in_whatever_order_the_sums_follow_from_the_receipts(heard: list[Heard]) -> None:
    story = Story()
    for one in heard:
        with suppress(shared.DomainError):
            story.hear(*one)
        now = story.payment
        assert (now.state in payments.PAID) == story.arrived
        sums = now.refunded_cents + now.refund_due_cents + now.charged_back_cents
        assert 0 <= sums <= (5_000 if story.arrived else 0)
        assert (now.state == "refund_due") == (now.refund_due_cents > 0)
    assert story.told("payment") == 5_000 * story.arrived
    assert story.told("refund") - story.told("refund_failed") == story.payment.refunded_cents
    assert story.told("chargeback") == story.payment.charged_back_cents
    given_back = [one.amount_cents for one in story.refunds.values() if one.state == "succeeded"]
    assert sum(given_back) == story.payment.refunded_cents


# --- the inbox ----------------------------------------------------------------------------------


def message(**facts: Any) -> payments.WebhookEvent:
    return payments.WebhookEvent(
        **{
            "id": "evt_1",
            "provider": "stripe",
            "type": "payment_intent.succeeded",
            "reference": "pi_1",
            "body": "{}",
            "received_at": AT,
            "next_at": AT,
        }
        | facts
    )


def test_a_message_is_claimed_by_one_at_a_time() -> None:
    claimed = payments.claim(message(), AT)
    assert (claimed.attempts, claimed.next_at) == (1, AT + payments.PAUSES[0])
    with pytest.raises(payments.EventNotDue):
        payments.claim(claimed, AT)
    assert payments.claim(claimed, AT + payments.PAUSES[0]).attempts == 2


def test_a_message_rests_longer_after_each_failure_and_is_set_aside_after_the_last() -> None:
    now, at, pauses = message(), AT, []
    while now.next_at is not None:
        at = max(at, now.next_at)
        now = payments.claim(now, at)
        assert now.next_at is not None
        pauses.append(now.next_at - at)
        now = payments.fail(now, "not_found", at)
    assert tuple(pauses) == (*payments.PAUSES, payments.PAUSES[-1])
    assert (now.state, now.attempts, now.last_error) == ("set_aside", 8, "not_found")


@pytest.mark.parametrize("state", ["handled", "ignored", "set_aside"])
def test_what_is_dealt_with_is_not_worked_on_until_it_is_replayed(state: Any) -> None:
    closed = payments.close(message(attempts=3), state, LATER, "why")
    with pytest.raises(payments.EventNotDue):
        payments.claim(closed, LATER)
    again = payments.replay(closed, LATER)
    assert (again.state, again.attempts, again.next_at) == ("received", 0, LATER)


def test_what_was_forgotten_is_not_replayed() -> None:
    gone = payments.forget(payments.close(message(), "handled", AT), LATER)
    assert (gone.body, gone.forgotten_at, gone.state) == ("", LATER, "handled")
    with pytest.raises(payments.EventForgotten):
        payments.replay(gone, LATER)


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
