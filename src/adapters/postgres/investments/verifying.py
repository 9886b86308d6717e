"""What a verification of money reads, on PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, bindparam, case, cast, func, literal_column, select, tuple_, union_all

from ....application.investments.verifying import Place
from ....domain.investments.verifying import Account, Funded
from ....domain.payments import Payment
from ..database import Database
from ..payments import PAYMENTS, payment, receipt
from ..payments.tables import dispute, refund
from ..projects import funding, funding_entry
from ..rows import Statement, plain
from ..schema import Int, Uuid
from .subscriptions import charge, portion, withdrawal
from .tables import investment

_NOBODY = UUID(int=0)
_ZERO: Any = literal_column("0")


def _sum(of: Any, *where: Any, what: Any = None) -> Any:
    """What the rows of a payment add up to, 0 of none."""
    value = of.c.amount_cents if what is None else what
    mine = and_(of.c.user_id == payment.c.user_id, of.c.payment_id == payment.c.id, *where)
    return select(cast(func.coalesce(func.sum(value), _ZERO), Int)).where(mine).scalar_subquery()


_failed = case(
    (plain(receipt.c.kind == "refund_failed"), -receipt.c.amount_cents), else_=receipt.c.amount_cents
)
_share = and_(
    plain(payment.c.purpose == "investment"),
    investment.c.user_id == payment.c.user_id,
    investment.c.id == payment.c.purpose_id,
    investment.c.payment_id == payment.c.id,
)
_period = and_(
    plain(payment.c.purpose == "subscription"),
    charge.c.user_id == payment.c.user_id,
    charge.c.payment_id == payment.c.id,
    charge.c.subscription_id == payment.c.purpose_id,
)
_thought = and_(withdrawal.c.user_id == payment.c.user_id, withdrawal.c.payment_id == payment.c.id)
_ACCOUNTS = Statement(
    select(
        *PAYMENTS.columns,
        _sum(receipt, plain(receipt.c.kind == "payment")).label("came"),
        _sum(receipt, plain(receipt.c.kind.in_(("refund", "refund_failed"))), what=_failed).label("went"),
        _sum(receipt, plain(receipt.c.kind == "chargeback")).label("taken"),
        _sum(refund, plain(refund.c.state == "succeeded")).label("given"),
        _sum(refund, plain(refund.c.state == "asked"), what=literal_column("1")).label("asking"),
        _sum(dispute, plain(dispute.c.state == "lost")).label("lost"),
        func.coalesce(investment.c.state, charge.c.state, type_=Text).label("bought"),
        func.coalesce(investment.c.amount_cents, charge.c.amount_cents, _ZERO).label("price"),
        func.coalesce(investment.c.grant_id, charge.c.grant_id).is_not(None).label("granted"),
        case(
            (plain(investment.c.state == "active"), investment.c.amount_cents),
            else_=_sum(portion, plain(portion.c.state == "taken")),
        ).label("placed"),
        func.coalesce(charge.c.rest_cents, _ZERO).label("waits"),
        (withdrawal.c.paid_cents - withdrawal.c.refund_cents).label("deducted"),
    )
    .select_from(
        payment.outerjoin(investment, _share).outerjoin(charge, _period).outerjoin(withdrawal, _thought)
    )
    .where(
        tuple_(payment.c.user_id, payment.c.id)
        > tuple_(bindparam("user_id", type_=Uuid), bindparam("payment_id", type_=Uuid))
    )
    .order_by(payment.c.user_id, payment.c.id)
    .limit(bindparam("limit", type_=Int))
)
_entries = (
    select(func.sum(funding_entry.c.amount_cents))
    .where(funding_entry.c.project_id == funding.c.project_id, plain(funding_entry.c.state == "taken"))
    .scalar_subquery()
)
_FUNDED = Statement(
    select(funding.c.project_id, funding.c.taken_cents, cast(func.coalesce(_entries, _ZERO), Int))
)
_stands = union_all(
    select(investment.c.project_id, investment.c.amount_cents).where(plain(investment.c.state == "active")),
    select(portion.c.project_id, portion.c.amount_cents).where(plain(portion.c.state == "taken")),
).subquery("stands")
_HELD = Statement(
    select(_stands.c.project_id, cast(func.sum(_stands.c.amount_cents), Int)).group_by(_stands.c.project_id)
)
_WIDTH = len(PAYMENTS.fields)


class MoneyChecks:
    """What a verification of money reads, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accounts(self, after: Place | None, limit: int) -> list[Account]:
        user_id, payment_id = after or (_NOBODY, _NOBODY)
        rows = await self._database.all(_ACCOUNTS, user_id=user_id, payment_id=payment_id, limit=limit)
        return [Account(_paid(row), *row[_WIDTH:]) for row in rows]

    async def funded(self) -> list[Funded]:
        return [Funded(*row) for row in await self._database.all(_FUNDED)]

    async def held(self) -> dict[UUID, int]:
        return {row[0]: row[1] for row in await self._database.all(_HELD)}


def _paid(row: Any) -> Payment:
    return PAYMENTS.record(row[:_WIDTH])
