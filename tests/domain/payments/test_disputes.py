"""Disputes; and whatever is heard in whatever order, the sums follow from the receipts."""

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paying import AT, LATER, RECEIPT, TOLD, owing, payment, quarrel, receipt

from baobab.domain import payments, shared


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
