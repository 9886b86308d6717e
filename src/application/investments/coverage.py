"""Whether the points that were paid for stand against money that came: the coverage report."""

from datetime import datetime
from typing import Protocol

from ...domain import points, shared
from ...domain.points import POINTS
from ...domain.points.reports import basis_points
from ..points.reports import HasReports
from ..work import ADMINS, Read, query


class GetCoverage(shared.Query):
    """The money of investments and subscriptions against the points that it paid for."""


class Coverage(shared.Record):
    """The money of investments and subscriptions against the points that it paid for, and what is owed.

    `kept` = `received` − `returned`; `paid_points` counts what was `issued` for money less what was
    `taken_back`, in euros. Their `difference` = `refunds_due` (money that is still to go back) +
    `remainders` (cents of a price that make no whole point) + `clawed_back` (points taken back though the
    money stayed) + `kept_for_spent` (what withdrawals kept for points that were spent) − `conceded` (what
    went or goes back, or was lost, though the points stayed) + `unexplained`, which should be nothing.
    `issued_elsewhere` are funded points without a payment here: from other systems, or given by hand.
    `ratio_bp` is what was kept against the liability, `funded_bp` the part of the liability that was paid
    for, both in hundredths of a percent.
    """

    at: datetime
    received: shared.Money
    returned: shared.Money
    kept: shared.Money
    issued: int
    taken_back: int
    paid_points: shared.Money
    difference: shared.Money
    refunds_due: shared.Money
    remainders: shared.Money
    clawed_back: shared.Money
    kept_for_spent: shared.Money
    conceded: shared.Money
    unexplained: shared.Money
    issued_elsewhere: int
    liability: shared.Money
    ratio_bp: int | None
    funded_bp: int | None


class Flows(shared.Record):
    """Cents that came, went back and are due back; what active shares and paid periods cost in cents and paid
    for in points, and how much of that was taken back all the same; cents that stayed where points were taken
    back with what was bought; cents that went or go back, or were lost, where the points stayed; funded
    points that money made in all, those that were taken back, and those of any other source that were not."""

    received: int
    returned: int
    due: int
    shares_cents: int
    shares_points: int
    clawed_points: int
    kept_for_spent: int
    conceded: int
    issued: int
    taken_back: int
    elsewhere: int


class CoverageQueries(Protocol):
    """What the coverage report is made from."""

    async def flows(self) -> Flows:
        """Money and points, from one snapshot."""
        ...


class HasCoverage(HasReports, Protocol):
    @property
    def coverage(self) -> CoverageQueries: ...


@query(allow=ADMINS)
async def coverage(question: GetCoverage, read: Read[HasCoverage]) -> Coverage:
    """Whether points that were paid for stand against money that came, and how that covers what is owed."""
    policy = points.policy_in_force(await read.ports.points.policies(POINTS, read.now), POINTS, read.now)
    owed = await read.ports.points_reports.owed({POINTS: policy.zone}, read.now)
    funded, bonus = sum(one.funded for one in owed), sum(one.bonus for one in owed)
    flows, cents = await read.ports.coverage.flows(), policy.cents
    kept, paid = flows.received - flows.returned, (flows.issued - flows.taken_back) * cents
    remainders, clawed = flows.shares_cents - flows.shares_points * cents, flows.clawed_points * cents
    explained = flows.due + remainders + clawed + flows.kept_for_spent - flows.conceded
    return Coverage(
        at=read.now,
        received=shared.Money(flows.received),
        returned=shared.Money(flows.returned),
        kept=shared.Money(kept),
        issued=flows.issued,
        taken_back=flows.taken_back,
        paid_points=shared.Money(paid),
        difference=shared.Money(kept - paid),
        refunds_due=shared.Money(flows.due),
        remainders=shared.Money(remainders),
        clawed_back=shared.Money(clawed),
        kept_for_spent=shared.Money(flows.kept_for_spent),
        conceded=shared.Money(flows.conceded),
        unexplained=shared.Money(kept - paid - explained),
        issued_elsewhere=flows.elsewhere,
        liability=shared.Money((funded + bonus) * cents),
        ratio_bp=basis_points(kept, (funded + bonus) * cents),
        funded_bp=basis_points(funded, funded + bonus),
    )
