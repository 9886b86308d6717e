"""Thinking again: one command for all that a member pays for (M16).

The points that are left go, the money leaves the projects, and what the spent points are not worth is due
back. Two steps, as the law wants: the same command run dry says what would come back. Nothing waits for the
payment provider: what it cannot give back now stays due.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ...domain import investments, shared
from ...domain.investments import ContributionKind, Withdrawal, subscriptions
from ...domain.investments.subscriptions import Charge, Portion, Subscription
from .. import payments, points, projects
from ..payments import PAYMENTS, PaymentView
from ..work import SIGNED_IN, Key, Kind, Wanted, Work, use_case
from . import investing, subscribing
from .holdings import mine, portions_in, shares_in, update_level
from .records import INVESTMENTS
from .subscription_records import PORTIONS, SUBSCRIPTIONS

WITHDRAWALS = Kind(Withdrawal, "withdrawal", ("user_id", "payment_id"), changes=())
KINDS: tuple[Kind[Any], ...] = (WITHDRAWALS,)


class Withdraw(shared.Command, kw_only=True):
    """Give back what was bought: an investment, or the last period of a subscription."""

    kind: ContributionKind
    contribution_id: UUID


class WithdrawalView(shared.Record):
    """That somebody thought again, and when. `refund` of `paid` goes back; `deducted` is kept for the points
    that are spent, one euro each. `payment` says when the money is back."""

    kind: ContributionKind
    contribution_id: UUID
    payment_id: UUID
    at: datetime
    paid: shared.Money
    deducted: shared.Money
    refund: shared.Money
    granted_points: int
    returned_points: int
    spent_points: int
    payment: PaymentView


class _Way(NamedTuple):
    """How one kind is given back: what it is looked up by, and what is locked for it."""

    key: Callable[[UUID, UUID], Key[Any]]
    parts: Callable[[Any], tuple[Wanted, ...]]
    locks: Callable[[Any, Work], tuple[Wanted, ...]]


def _shared_project(one: investments.Investment) -> tuple[Wanted, ...]:
    return (projects.PROJECTS.key(one.project_id),)


def _paid_by(one: Subscription) -> UUID:
    """The last charge that was paid. Raises NothingToWithdraw."""
    if one.paid_by is None:
        raise subscriptions.NothingToWithdraw(state=one.state)
    return one.paid_by


def _charge(one: Subscription) -> tuple[Wanted, ...]:
    paid_by = _paid_by(one)
    group = PORTIONS.group("charge", one.user_id, paid_by)
    return (*subscribing.charge_keys(one.user_id, paid_by), group)


def money_of(user_id: UUID, portions: list[Portion]) -> tuple[Wanted, ...]:
    """What to lock in order to take portions out of their projects."""
    ids = {one.project_id for one in portions}
    entries = (projects.FUNDING_ENTRIES.key(one.project_id, one.id) for one in portions)
    return (*map(projects.FUNDINGS.key, sorted(ids)), *entries, *portions_in(user_id, sorted(ids)))


def _all_of_subscription(one: Subscription, work: Work) -> tuple[Wanted, ...]:
    portions = work.list(PORTIONS.group("charge", one.user_id, _paid_by(one)))
    mine_of = (SUBSCRIPTIONS.key(one.user_id, one.id), *mine(one.user_id), *points.book_keys(one.user_id))
    return (*mine_of, *_charge(one), *money_of(one.user_id, portions))


WAYS: dict[ContributionKind, _Way] = {
    "investment": _Way(INVESTMENTS.key, _shared_project, lambda one, work: tuple(investing.all_of(one))),
    "subscription": _Way(SUBSCRIPTIONS.key, _charge, _all_of_subscription),
}


def _key(command: Withdraw, work: Work) -> Key[Any]:
    return WAYS[command.kind].key(work.actor.user_id, command.contribution_id)


def _parts(command: Withdraw, work: Work) -> tuple[Wanted, ...]:
    return WAYS[command.kind].parts(work.get(_key(command, work)))


def _locks(command: Withdraw, work: Work) -> tuple[Wanted, ...]:
    return WAYS[command.kind].locks(work.get(_key(command, work)), work)


@use_case(allow=SIGNED_IN, loads=(lambda command, work: (_key(command, work),), _parts), locks=_locks)
async def withdraw(command: Withdraw, work: Work) -> WithdrawalView:
    """Give one's own investment back, or the last period of one's subscription, which is over then.

    Raises InvestmentNotActive, NothingToWithdraw, WithdrawalWindowClosed.
    """
    if command.kind == "investment":
        withdrawal = await _withdraw_investment(work, _key(command, work))
    else:
        withdrawal = await _withdraw_subscription(work, _key(command, work))
    work.save(withdrawal)
    update_level(work, withdrawal.user_id, command.kind)
    payment = work.get(PAYMENTS.key(withdrawal.user_id, withdrawal.payment_id))
    return view_of(withdrawal, payments.view_of(payment))


async def _withdraw_investment(work: Work, key: Key[investments.Investment]) -> Withdrawal:
    case = investing.case_of(work, key)
    investments.check_withdrawal(case.investment, work.now)
    returned = await _take_back(work, case.investment)
    withdrawal = investments.reckon("investment", case.payment, case.investment.points, returned, work.now)
    investing.keep(work, investments.withdraw(case, withdrawal, work.now))
    return withdrawal


async def _withdraw_subscription(work: Work, key: Key[Subscription]) -> Withdrawal:
    one = work.get(key)
    case = subscribing.case_of(work, key, _paid_by(one))
    subscriptions.check_withdrawal(case.charge, work.now)
    returned = await _take_back(work, case.charge)
    withdrawal = investments.reckon("subscription", case.payment, case.charge.points, returned, work.now)
    outcome = subscriptions.withdraw(case, withdrawal, work.now)
    subscribing.keep(work, outcome)
    await take_out(work, case.charge)
    return withdrawal


async def _take_back(work: Work, one: investments.Investment | Charge) -> int:
    """How many points of what was bought were left, and are taken back now."""
    return 0 if one.grant_id is None else await points.take_back(work, one.user_id, one.grant_id)


async def take_out(work: Work, charge: Charge) -> None:
    """Take the money of a charge out of its projects; where it went to more of them since they were looked
    up, those are locked now."""
    portions = work.list(PORTIONS.group("charge", charge.user_id, charge.payment_id))
    await work.load(*money_of(charge.user_id, portions))
    ids = {one.project_id for one in portions}
    held = {id: sum(one.project_id == id for one in portions) for id in ids}
    placed = subscriptions.take_out(
        charge,
        portions,
        {one.id: work.get(projects.FUNDING_ENTRIES.key(one.project_id, one.id)) for one in portions},
        {id: work.get(projects.FUNDINGS.key(id)) for id in ids},
        {id: shares_in(work, charge.user_id, id) - held[id] for id in ids},
        work.now,
    )
    work.save(*placed.portions, *placed.entries, *placed.fundings)
    work.record(*placed.events)


def view_of(one: Withdrawal, payment: PaymentView) -> WithdrawalView:
    """A withdrawal as it is shown: the receipt of it."""
    return shared.recast(
        WithdrawalView,
        one,
        paid=shared.Money(one.paid_cents),
        deducted=shared.Money(one.deducted_cents),
        refund=shared.Money(one.refund_cents),
        spent_points=one.spent_points,
        payment=payment,
    )
