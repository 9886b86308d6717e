"""Whether every cent that came is where the books say it is. Each check is named after what it looks at.

purchase   a payment is for something that is there, at its price
state      what went back, is due and was lost follows from the state, and is never more than came
receipts   the receipts of a payment make its sums
refunds    what its refunds gave is what went back, and one is asked for at a time
disputes   what was lost in disputes is what the bank took
identity   what came = stands in projects + waits to be placed + went back + is due back + was taken by the
           bank + was kept for points that were spent − what went back though the purchase stands
projects   a project counts what its entries make, and they are what members have in it
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from uuid import UUID

from .. import shared
from ..payments import PAID, Payment

Check = Literal["purchase", "state", "receipts", "refunds", "disputes", "identity", "projects"]
Table = Literal["payment", "project"]
STANDS = frozenset(("active", "paid"))
"""The states in which what was bought stands, and its points."""
UNPAID = frozenset(("pending", "cancelled", "expired", "failed", "given_up"))
"""The states of what was never paid."""


class Finding(shared.Record):
    """A row that a check does not hold for: its table, its key as text, and what is wrong with it."""

    check: Check
    table: Table
    row: str
    says: str


class Account(shared.Record):
    """A payment, and everything that came of its money. Amounts are in cents.

    By receipts so much `came`, `went` back and stayed there, and was `taken` by the bank; `given` is what
    refunds gave that `succeeded`, of which `asking` are not settled; `lost` is what disputes cost. What was
    `bought` is in this state, at this `price`, and `granted` its points; of the money so much is `placed` in
    projects, and `waits`. `deducted` is what a withdrawal kept; None where there is none.
    """

    payment: Payment
    came: int = 0
    went: int = 0
    taken: int = 0
    given: int = 0
    asking: int = 0
    lost: int = 0
    bought: str | None = None
    price: int = 0
    granted: bool = False
    placed: int = 0
    waits: int = 0
    deducted: int | None = None

    @property
    def received(self) -> int:
        """What came."""
        return self.payment.amount_cents if self.payment.state in PAID else 0

    @property
    def back(self) -> int:
        """What went back, is due back, or was taken back."""
        one = self.payment
        return one.refunded_cents + one.refund_due_cents + one.charged_back_cents


class Funded(shared.Record):
    """A project with what it counts and what its entries make, in cents."""

    project_id: UUID
    counted: int
    entries: int


def findings(one: Account) -> Iterator[Finding]:
    """What is wrong with a payment, causes first."""
    for check, look in CHECKS.items():
        says = look(one)
        if says:
            yield Finding(check, "payment", f"{one.payment.user_id}/{one.payment.id}", says)


def misfunded(projects: list[Funded], held: Mapping[UUID, int]) -> Iterator[Finding]:
    """Where a project counts other than its entries, or those are not what members have in it."""
    for one in projects:
        due = held.get(one.project_id, 0)
        if not one.counted == one.entries == due:
            says = (
                f"counts {one.counted} cents, its entries make {one.entries}, and members have {due} in it."
            )
            yield Finding("projects", "project", str(one.project_id), says)


def _purchase(one: Account) -> str:
    if one.bought is None:
        return f"is for the {one.payment.purpose} {one.payment.purpose_id}, which it did not pay."
    price = one.payment.amount_cents
    return "" if one.price == price else f"is of {price} cents, and what it pays for costs {one.price}."


def _state(one: Account) -> str:
    paid = one.payment
    says = f"is {paid.state}, with {one.back} cents back, due or taken of {one.received} that came"
    sums = paid.refunded_cents, paid.refund_due_cents, paid.charged_back_cents
    if min(sums) < 0 or one.back > one.received:
        return f"{says}: more than that, or below nothing."
    due, refunded, lost = paid.refund_due_cents, paid.refunded_cents, paid.charged_back_cents
    follows = "refund_due" if due else "charged_back" if lost else "refunded" if refunded else "succeeded"
    return "" if paid.state not in PAID or paid.state == follows else f"{says}: it should be {follows}."


def _receipts(one: Account) -> str:
    paid = one.payment
    due = one.received, paid.refunded_cents, paid.charged_back_cents
    if (one.came, one.went, one.taken) == due:
        return ""
    words = f"{one.came} cents came, {one.went} went back and {one.taken} were taken by its receipts"
    return f"{words}, where {due[0]}, {due[1]} and {due[2]} are booked."


def _refunds(one: Account) -> str:
    if one.given != one.payment.refunded_cents:
        return f"{one.given} cents went back by its refunds, where {one.payment.refunded_cents} are booked."
    return f"{one.asking} refunds are asked for at once." if one.asking > 1 else ""


def _disputes(one: Account) -> str:
    taken = one.payment.charged_back_cents
    return "" if one.lost == taken else f"{one.lost} cents were lost in disputes, where {taken} are booked."


def _identity(one: Account) -> str:
    stands, came = one.placed + one.waits, one.received
    words = f"{came} cents came, and {stands} stand for what is {one.bought}"
    if one.bought in STANDS:
        return "" if stands == came and one.granted else f"{words}, {_points(one)}."
    kept = came - one.back
    most = one.deducted or 0
    fits = one.bought in UNPAID if not came else one.bought not in UNPAID
    if stands == 0 and fits and 0 <= kept <= most:
        return ""
    return f"{words}; {one.back} went or go back, and {kept} are kept, where {most} may be."


def _points(one: Account) -> str:
    return "with its points" if one.granted else "without points"


CHECKS: Mapping[Check, Callable[[Account], str]] = {
    "purchase": _purchase,
    "state": _state,
    "receipts": _receipts,
    "refunds": _refunds,
    "disputes": _disputes,
    "identity": _identity,
}
"""What a payment is looked at for: each says what is wrong, or nothing."""
