"""Subscriptions as the functions of the domain see them: asked for, paid, failed, renewed."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from baobab.domain import investments, payments, shared
from baobab.domain.investments import subscriptions
from baobab.domain.investments.subscriptions import Case, Outcome, Settlement, Subscription

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
DUE = datetime(2027, 3, 1, 23, 0, tzinfo=UTC)
"""The beginning of 2 March 2027 in Paris."""
MEMBER, PRODUCER = UUID(int=1), UUID(int=2)
HIVES, OLIVES, VINES = UUID(int=10), UUID(int=11), UUID(int=12)
POLICY = investments.Policy()
STANDARD, PREMIUM = subscriptions.DEFAULT_PLANS


def wish(number: int = 100, **changes: Any) -> subscriptions.Wish:
    return shared.evolve(
        subscriptions.Wish(MEMBER, UUID(int=number), UUID(int=number + 1), "sandbox"), **changes
    )


def case_of(outcome: Outcome | Settlement, *held: Subscription) -> Case:
    """What the next decision looks at, after this outcome was saved."""
    assert outcome.charge is not None
    assert outcome.payment is not None
    return Case(outcome.subscription, outcome.charge, outcome.payment, held or (outcome.subscription,))


def asked(**changes: Any) -> Case:
    return case_of(subscriptions.subscribe(wish(**changes), (), STANDARD, POLICY, AT))


def pay(case: Case, at: datetime = AT, means: str = "card") -> Settlement:
    return subscriptions.settle_paid(case, UUID(int=900), POLICY, at, customer="who", means=means)


def fail(case: Case, at: datetime) -> Outcome:
    return subscriptions.settle_failed(case, "card_declined", POLICY, at)


def active(at: datetime = AT) -> Case:
    return case_of(pay(asked(), at))


def renewing(case: Case, at: datetime, plan: subscriptions.Plan = STANDARD, number: int = 200) -> Case:
    """The case of the charge that is asked for now."""
    step = subscriptions.begin_renewal(case, plan, UUID(int=number), POLICY, at)
    assert step.verdict == "charge"
    charge, payment = step.changed[-2:]
    assert isinstance(charge, subscriptions.Charge)
    assert isinstance(payment, payments.Payment)
    return Case(step.subscription, charge, payment, (step.subscription,))


def past_due() -> Case:
    return case_of(fail(renewing(active(), DUE), DUE))


def tags(outcome: Any) -> list[str]:
    return [str(type(event).__struct_config__.tag) for event in outcome.events]
