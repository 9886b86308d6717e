"""What happens on the points ledger."""

from datetime import datetime
from uuid import UUID

from ..shared import Event, Record
from .records import HoldState, Source


class PointsEarned(Event, tag="points.earned"):
    user_id: UUID
    unit: str
    grant_id: UUID
    funded: int
    bonus: int
    source: Source
    expires_at: datetime


class PointsSpent(Event, tag="points.spent"):
    user_id: UUID
    unit: str
    debit_id: UUID
    amount: int
    source: Source


class PointsRefunded(Event, tag="points.refunded"):
    user_id: UUID
    unit: str
    debit_id: UUID
    amount: int


class PointsExpired(Event, tag="points.expired"):
    user_id: UUID
    unit: str
    lot_id: UUID
    amount: int
    expired_at: datetime


class PointsAdjusted(Event, tag="points.adjusted"):
    user_id: UUID
    unit: str
    amount: int
    author_id: UUID
    reason: str


class GrantRevoked(Event, tag="points.grant_revoked"):
    user_id: UUID
    unit: str
    grant_id: UUID
    amount: int
    debt: int


class DebtRepaid(Event, tag="points.debt_repaid"):
    user_id: UUID
    unit: str
    amount: int
    debt: int


class PointsGiven(Event, tag="points.given"):
    user_id: UUID
    unit: str
    gift_id: UUID
    recipient_id: UUID
    amount: int


class PointsReceived(Event, tag="points.received"):
    user_id: UUID
    unit: str
    gift_id: UUID
    giver_id: UUID
    amount: int


class PointsConverted(Event, tag="points.converted"):
    user_id: UUID
    unit: str
    amount: int
    to_unit: str
    to_amount: int
    conversion_id: UUID


class AccountStatusChanged(Event, tag="points.account_status_changed"):
    user_id: UUID
    unit: str
    closed: bool
    reason: str


class LotLeft(Record):
    """What is left of a lot."""

    lot_id: UUID
    amount: int


class PointsExpiringSoon(Event, tag="points.expiring_soon"):
    """A warning: `amount` points end at `expires_at`, within `days` days."""

    user_id: UUID
    unit: str
    days: int
    expires_at: datetime
    amount: int
    lots: tuple[LotLeft, ...]


class HoldChanged(Event, tag="points.hold_changed"):
    user_id: UUID
    unit: str
    hold_id: UUID
    state: HoldState
    amount: int
