"""What the coverage report is made from, in memory."""

from ....application.investments import CHARGES, INVESTMENTS
from ....application.investments.coverage import Flows
from ....application.payments import PAYMENTS, RECEIPTS
from ....application.points import LOTS
from ....domain.investments import Investment
from ....domain.investments.subscriptions import Charge
from ....domain.investments.verifying import STANDS
from ....domain.payments import Payment
from ....domain.points import POINTS
from ..storage import MemoryStorage

BOUGHT = ("investment", "subscription")
MOVED_ON = ("gift", "conversion")


class CoverageQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def flows(self) -> Flows:
        granted: list[Investment | Charge] = [
            *self._storage.all(INVESTMENTS, lambda one: one.grant_id is not None),
            *self._storage.all(CHARGES, lambda one: one.grant_id is not None),
        ]
        shares = [one for one in granted if one.state in STANDS]
        given = {one.id: one.amount_cents + one.refund_due_cents - one.kept_cents for one in self._payments()}
        lots = self._storage.all(LOTS, lambda one: one.unit == POINTS and one.funded)
        mine = [lot for lot in lots if lot.source_type in BOUGHT]
        revoked = {(lot.user_id, lot.grant_id) for lot in mine if lot.revoked}
        others = [lot for lot in lots if lot.source_type not in (*BOUGHT, *MOVED_ON)]
        ended = [one for one in granted if one.state not in STANDS]
        taken = [one for one in ended if (one.user_id, one.grant_id) in revoked]
        conceded = [one for one in granted if one not in taken]
        return Flows(
            received=self._receipts("payment"),
            returned=self._receipts("refund")
            + self._receipts("chargeback")
            - self._receipts("refund_failed"),
            due=sum(one.refund_due_cents for one in self._payments()),
            shares_cents=sum(one.amount_cents for one in shares),
            shares_points=sum(one.funded_points for one in shares),
            clawed_points=sum(one.funded_points for one in shares if (one.user_id, one.grant_id) in revoked),
            kept_for_spent=sum(one.amount_cents - given[one.payment_id] for one in taken),
            conceded=sum(given[one.payment_id] for one in conceded),
            issued=sum(lot.amount for lot in mine),
            taken_back=sum(lot.amount for lot in mine if lot.revoked),
            elsewhere=sum(lot.amount for lot in others if not lot.revoked),
        )

    def _payments(self) -> list[Payment]:
        return self._storage.all(PAYMENTS)

    def _receipts(self, kind: str) -> int:
        return sum(one.amount_cents for one in self._storage.all(RECEIPTS) if one.kind == kind)
