"""What the coverage report is made from, on PostgreSQL."""

from typing import Any

from sqlalchemy import Text, bindparam, case, cast, func, literal_column, select, union_all

from ....application.investments.coverage import Flows
from ....domain.points import POINTS
from ..database import Database
from ..payments import payment, receipt
from ..points import lot
from ..rows import Statement, plain
from ..schema import Int
from .subscriptions import charge
from .tables import investment


def _sum(value: Any, where: Any = None) -> Any:
    """A sum of what passes as a whole number, 0 of nothing."""
    passed = value if where is None else case((where, value))
    return cast(func.coalesce(func.sum(passed), literal_column("0")), Int)


_money = select(
    _sum(receipt.c.amount_cents, plain(receipt.c.kind == "payment")).label("received"),
    (
        _sum(receipt.c.amount_cents, plain(receipt.c.kind.in_(("refund", "chargeback"))))
        - _sum(receipt.c.amount_cents, plain(receipt.c.kind == "refund_failed"))
    ).label("returned"),
).cte("money")
_due = (
    select(_sum(payment.c.refund_due_cents).label("due"))
    .where(plain(payment.c.state == "refund_due"))
    .cte("due")
)
_funded = plain(lot.c.source_type.in_(("investment", "subscription")))
_elsewhere = plain(lot.c.source_type.not_in(("investment", "subscription", "gift", "conversion")))
_points = (
    select(
        _sum(lot.c.amount, _funded).label("issued"),
        _sum(lot.c.amount, _funded & lot.c.revoked).label("taken_back"),
        _sum(lot.c.amount, _elsewhere & ~lot.c.revoked).label("elsewhere"),
    )
    .where(lot.c.unit == bindparam("unit", POINTS, Text), lot.c.funded)
    .cte("made")
)
_fields = ("user_id", "grant_id", "payment_id", "amount_cents", "funded_points")


def _granted(of: Any, stands: str) -> Any:
    """What was bought and had its points, and whether it stands."""
    columns = (of.c[name] for name in _fields)
    return select(*columns, (of.c.state == literal_column(f"'{stands}'")).label("stands")).where(
        of.c.grant_id.is_not(None)
    )


_bought = union_all(_granted(investment, "active"), _granted(charge, "paid")).subquery("bought")
_stands = _bought.c.stands
_taken = (lot.c.user_id == _bought.c.user_id) & (lot.c.grant_id == _bought.c.grant_id)
_clawed = select(literal_column("1")).where(_taken, lot.c.funded, lot.c.revoked).exists()
_given = payment.c.refund_due_cents + payment.c.refunded_cents + payment.c.charged_back_cents
_paying = (payment.c.user_id == _bought.c.user_id) & (payment.c.id == _bought.c.payment_id)
_shares = (
    select(
        _sum(_bought.c.amount_cents, _stands).label("cents"),
        _sum(_bought.c.funded_points, _stands).label("points"),
        _sum(_bought.c.funded_points, _stands & _clawed).label("clawed"),
        _sum(_bought.c.amount_cents - _given, ~_stands & _clawed).label("kept"),
        _sum(_given, _stands | ~_clawed).label("conceded"),
    )
    .select_from(_bought.join(payment, _paying))
    .cte("share")
)
_FLOWS = Statement(
    select(
        *(_money.c.received, _money.c.returned, _due.c.due),
        *(_shares.c.cents, _shares.c.points, _shares.c.clawed, _shares.c.kept, _shares.c.conceded),
        *(_points.c.issued, _points.c.taken_back, _points.c.elsewhere),
    ).select_from(_money, _due, _shares, _points)
)


class CoverageQueries:
    """What the coverage report is made from, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def flows(self) -> Flows:
        row = await self._database.one(_FLOWS)
        assert row is not None, "sums are always one row"
        return Flows(*row)
