"""Thinking again (M16): how much comes back when what was bought is given back, whatever it was.

The points that are left go back. Each point that is spent, or set aside, is kept at what it was worth, one
euro, and deducted from the money: of 50 euros for 65 points, 40 come back when 10 points are spent, and
nothing when 50 or more are. It makes no difference whether those were paid for or a bonus: the bonus was for
who stays. Nobody ever owes anything for it.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from .. import payments, points, shared

ContributionKind = Literal["investment", "subscription"]


class WithdrawalWindowClosed(shared.RuleForbids):
    message = "It was possible to withdraw until {until}."
    until: datetime


class Withdrawal(shared.Record):
    """That somebody thought again, when, and what came of it: a receipt for good.

    Of `granted_points` those that were left are `returned_points`; `refund_cents` of `paid_cents` go back.
    """

    user_id: UUID
    payment_id: UUID
    kind: ContributionKind
    contribution_id: UUID
    at: datetime
    paid_cents: int
    refund_cents: int
    granted_points: int
    returned_points: int

    @property
    def spent_points(self) -> int:
        """What of the points was spent or set aside."""
        return self.granted_points - self.returned_points

    @property
    def deducted_cents(self) -> int:
        """What is kept for them."""
        return self.paid_cents - self.refund_cents


def reckon(
    kind: ContributionKind, payment: payments.Payment, granted: int, returned: int, at: datetime
) -> Withdrawal:
    """What comes back of a payment whose grant of so many points was taken back as far as it was left.

    Money that went back before, goes back already, or was lost, is not counted again.
    """
    paid = payment.kept_cents - payment.refund_due_cents
    refund = max(0, paid - (granted - returned) * points.CENTS_PER_POINT)
    ids = payment.user_id, payment.id, kind, payment.purpose_id
    return Withdrawal(*ids, at, paid, refund, granted, returned)


def check_window(until: datetime | None, at: datetime) -> None:
    """Raise WithdrawalWindowClosed where the days to think again are over."""
    if until is not None and at >= until:
        raise WithdrawalWindowClosed(until=until)
