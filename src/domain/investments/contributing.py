"""Which payments of a member count against what they may put in within twelve months (M4).

A payment counts while it may still be made, for as long as its hold runs; and once it is made, from the
day the money came, for what has stayed. What failed, was given up, went back, was taken back by a bank or is
due back does not.
"""

from collections.abc import Iterable

from ..identity.limits import Contribution, LimitPolicy, counts_until
from ..payments import PAID, Payment


def contribution_of(payment: Payment, policy: LimitPolicy) -> Contribution | None:
    """What counts of a payment, and until when; None where nothing does."""
    if payment.state == "pending":
        return Contribution(payment.amount_cents, payment.expires_at)
    stayed = payment.kept_cents - payment.refund_due_cents
    if payment.state not in PAID or payment.settled_at is None or stayed <= 0:
        return None
    return Contribution(stayed, counts_until(payment.settled_at, policy))


def contributions_of(paid: Iterable[Payment], policy: LimitPolicy) -> tuple[Contribution, ...]:
    """What counts of each payment that counts."""
    return tuple(one for one in (contribution_of(payment, policy) for payment in paid) if one is not None)
