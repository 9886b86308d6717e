"""What a member has paid for, investments and subscriptions together, with its receipts (M19)."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from ...domain import shared
from ...domain.investments import ContributionKind, Investment, Withdrawal
from ...domain.investments.subscriptions import Charge, PlanCode, Subscription
from ...domain.payments import Payment, Receipt
from .. import payments
from ..pages import Limit, Page, page_of, uuid_of
from ..payments import PaymentView, ReceiptView
from ..work import SIGNED_IN, Read, query


class ListContributions(shared.Query, kw_only=True):
    user_id: UUID
    limit: Limit = 25
    cursor: str | None = None


class GivenBack(shared.Record):
    """That a member thought again: what went back, and what was kept for the points that were spent."""

    at: datetime
    refund: shared.Money
    deducted: shared.Money
    returned_points: int
    spent_points: int


class ContributionView(shared.Record):
    """Something that a member paid for: an investment in `project_id`, or the period `number` of a
    subscription to `plan`. `state` is that of the investment or of the charge; `notes` are the member's."""

    kind: ContributionKind
    contribution_id: UUID
    project_id: UUID | None
    plan: PlanCode | None
    number: int | None
    state: str
    amount: shared.Money
    points: int
    notes: shared.Personal[str]
    payment: PaymentView
    receipts: tuple[ReceiptView, ...]
    given_back: GivenBack | None


class Contribution(shared.Record):
    """A payment that was made, with its receipts, oldest first, and what it was for."""

    payment: Payment
    receipts: tuple[Receipt, ...]
    investment: Investment | None = None
    subscription: Subscription | None = None
    charge: Charge | None = None
    withdrawal: Withdrawal | None = None


class ContributionsQueries(Protocol):
    """What members paid for."""

    async def contributions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Contribution]:
        """What a member paid for, by its payment, newest first."""
        ...


class HasContributions(Protocol):
    @property
    def contributions(self) -> ContributionsQueries: ...


@query(allow=SIGNED_IN)
async def contributions(question: ListContributions, read: Read[HasContributions]) -> Page[ContributionView]:
    """What a member paid for, newest first, with its receipts. One's own; anybody's for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    before = uuid_of(question.cursor)
    found = await read.ports.contributions.contributions(question.user_id, question.limit + 1, before)
    return page_of([_view(one) for one in found], question.limit, lambda one: one.payment.id)


def _view(one: Contribution) -> ContributionView:
    bought = one.investment or one.charge
    assert bought is not None, "a payment is for something"
    noted = one.investment or one.subscription
    return ContributionView(
        kind=one.payment.purpose,
        contribution_id=one.payment.purpose_id,
        project_id=one.investment.project_id if one.investment else None,
        plan=one.charge.plan if one.charge else None,
        number=one.charge.number if one.charge else None,
        state=bought.state,
        amount=shared.Money(bought.amount_cents),
        points=bought.points,
        notes=noted.notes if noted else "",
        payment=payments.view_of(one.payment),
        receipts=tuple(map(_receipt, one.receipts)),
        given_back=_given_back(one.withdrawal) if one.withdrawal else None,
    )


def _receipt(one: Receipt) -> ReceiptView:
    return shared.recast(ReceiptView, one, amount=shared.Money(one.amount_cents, one.currency))


def _given_back(one: Withdrawal) -> GivenBack:
    return GivenBack(
        one.at,
        shared.Money(one.refund_cents),
        shared.Money(one.deducted_cents),
        one.returned_points,
        one.spent_points,
    )
