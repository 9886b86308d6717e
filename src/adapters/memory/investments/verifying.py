"""What a verification of money reads, in memory."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from ....application.investments import CHARGES, INVESTMENTS, PORTIONS, WITHDRAWALS
from ....application.investments.verifying import Place
from ....application.payments import DISPUTES, PAYMENTS, RECEIPTS, REFUNDS
from ....application.projects import FUNDING_ENTRIES, FUNDINGS
from ....domain.investments import Investment
from ....domain.investments.subscriptions import Charge
from ....domain.investments.verifying import Account, Funded
from ....domain.payments import Payment
from ....domain.payments.records import Receipt
from ..storage import MemoryStorage


class MoneyChecks:
    """What a verification of money reads, in memory."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def accounts(self, after: Place | None, limit: int) -> list[Account]:
        found = self._storage.all(PAYMENTS, lambda one: after is None or (one.user_id, one.id) > after)
        return [self._account(one) for one in sorted(found, key=lambda one: (one.user_id, one.id))[:limit]]

    async def funded(self) -> list[Funded]:
        entries = Counter[UUID]()
        for entry in self._storage.all(FUNDING_ENTRIES, lambda one: one.state == "taken"):
            entries[entry.project_id] += entry.amount_cents
        counted = self._storage.all(FUNDINGS)
        return [Funded(one.project_id, one.taken_cents, entries[one.project_id]) for one in counted]

    async def held(self) -> dict[UUID, int]:
        held = Counter[UUID]()
        for share in self._storage.all(INVESTMENTS, lambda one: one.state == "active"):
            held[share.project_id] += share.amount_cents
        for part in self._storage.all(PORTIONS, lambda one: one.state == "taken"):
            held[part.project_id] += part.amount_cents
        return held

    def _account(self, paid: Payment) -> Account:
        place = (paid.user_id, paid.id)
        slips = self._storage.group(RECEIPTS, "payment", *place)
        refunds = self._storage.group(REFUNDS, "payment", *place)
        disputes = self._storage.all(
            DISPUTES, lambda one: (one.user_id, one.payment_id) == place and one.state == "lost"
        )
        given = [one.amount_cents for one in refunds if one.state == "succeeded"]
        withdrawn = self._storage.find(WITHDRAWALS.key(*place))
        bought = self._bought(paid)
        return Account(
            paid,
            came=_sum(slips, "payment"),
            went=_sum(slips, "refund") - _sum(slips, "refund_failed"),
            taken=_sum(slips, "chargeback"),
            given=sum(given),
            asking=sum(one.state == "asked" for one in refunds),
            lost=sum(one.amount_cents for one in disputes),
            bought=bought.state if bought else None,
            price=bought.amount_cents if bought else 0,
            granted=bought is not None and bought.grant_id is not None,
            placed=self._placed(paid, bought),
            waits=bought.rest_cents if isinstance(bought, Charge) else 0,
            deducted=withdrawn.deducted_cents if withdrawn else None,
        )

    def _bought(self, paid: Payment) -> Investment | Charge | None:
        if paid.purpose == "investment":
            share = self._storage.find(INVESTMENTS.key(paid.user_id, paid.purpose_id))
            return share if share and share.payment_id == paid.id else None
        period = self._storage.find(CHARGES.key(paid.user_id, paid.id))
        return period if period and period.subscription_id == paid.purpose_id else None

    def _placed(self, paid: Payment, bought: Investment | Charge | None) -> int:
        if isinstance(bought, Investment):
            return bought.amount_cents if bought.state == "active" else 0
        portions = self._storage.group(PORTIONS, "charge", paid.user_id, paid.id)
        return sum(one.amount_cents for one in portions if one.state == "taken")


def _sum(slips: Iterable[Receipt], kind: str) -> int:
    return sum(one.amount_cents for one in slips if one.kind == kind)
