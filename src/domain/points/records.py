"""The records, events and errors of the points ledger (ledger.md, "Words")."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ..shared import Event, Record, RuleForbids, StateForbids

POINTS = "points"
CENTS_PER_POINT = 100
"""1 point = 1 euro."""

PostingKind = Literal["earned", "bonus", "spent", "refunded", "expired", "adjustment", "revoked"]
Contra = Literal["issuance", "redemption", "breakage", "adjustment"]
SourceType = Literal["investment", "subscription", "purchase", "bonus", "manual"]
HoldState = Literal["held", "captured", "released", "expired"]

CONTRA: dict[PostingKind, Contra] = {
    "earned": "issuance",
    "bonus": "issuance",
    "revoked": "issuance",
    "spent": "redemption",
    "refunded": "redemption",
    "expired": "breakage",
    "adjustment": "adjustment",
}


class Policy(Record):
    """How one unit behaves. Data, versioned: a lot carries the version that made it."""

    unit: str
    version: int
    validity_months: int = 18
    maturity_days: int = 0
    grace_days: int = 30
    zone: str = "Europe/Paris"


POLICIES = {POINTS: Policy(unit=POINTS, version=1)}


class UnknownUnit(RuleForbids):
    message = "There is no unit {unit}."
    unit: str


class InsufficientPoints(RuleForbids):
    message = "{needed} points are needed, {available} are available."
    needed: int
    available: int


class MultiplierOutOfRange(RuleForbids):
    message = "A multiplier goes from 1.00 to 9.99, in hundredths: {given} was given."
    given: int


class HoldClosed(StateForbids):
    message = "The hold {hold_id} is {state}."
    hold_id: UUID
    state: str


class CaptureTooLarge(RuleForbids):
    message = "The hold has {held} points; {wanted} were to be captured."
    held: int
    wanted: int


class HoldTooLong(RuleForbids):
    message = "A hold lasts from 1 minute to {most_days} days."
    most_days: int


class RefundTooLarge(RuleForbids):
    message = "{refundable} points of this debit can still be refunded; {wanted} were asked."
    refundable: int
    wanted: int


class GrantPartlySpent(StateForbids):
    message = "{spent} points of this grant are already spent."
    spent: int


class Account(Record):
    """One owner's account in one unit. `balance` counts what is booked, held points included;
    `earned` (less what was revoked), `spent` (less refunds) and `expired` are totals of its life."""

    user_id: UUID
    unit: str
    balance: int
    held: int
    earned: int
    spent: int
    expired: int
    sequence: int
    hash: bytes
    recorded_at: datetime


class Lot(Record):
    """What one credit gave, under the id of its posting. `funded` was paid for, the rest is bonus;
    usable in `[available_at, expires_at)`."""

    user_id: UUID
    id: UUID
    unit: str
    amount: int
    remaining: int
    funded: bool
    available_at: datetime
    expires_at: datetime
    source_type: str
    source_id: UUID
    grant_id: UUID
    policy_version: int
    created_at: datetime


class Posting(Record):
    """One line of an account's history; append-only. `hash` covers the fields and the hash before;
    `debit_id` is the debit that a refund gives back."""

    user_id: UUID
    id: UUID
    unit: str
    sequence: int
    kind: PostingKind
    contra: Contra
    amount: int
    balance_after: int
    source_type: str
    source_id: UUID
    base_amount: int
    multiplier: int
    debit_id: UUID | None
    author_id: UUID | None
    reason: str
    effective_at: datetime
    recorded_at: datetime
    hash: bytes


class Allocation(Record):
    """How much of a lot a posting consumed (negative: gave back). `debit_id` is the posting whose
    points these are: the debit itself, or the debit that a refund gives back."""

    user_id: UUID
    debit_id: UUID
    posting_id: UUID
    lot_id: UUID
    amount: int


class Part(Record):
    """How much of one lot a hold sets aside."""

    lot_id: UUID
    amount: int


class Hold(Record):
    """Points set aside for a pending thing until `expires_at`, with the lots they come from."""

    user_id: UUID
    id: UUID
    unit: str
    amount: int
    captured: int
    state: HoldState
    parts: tuple[Part, ...]
    source_type: str
    source_id: UUID
    expires_at: datetime
    created_at: datetime


class Source(Record):
    """What a movement of points comes from: its type and id."""

    type: SourceType
    id: UUID


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


class HoldChanged(Event, tag="points.hold_changed"):
    user_id: UUID
    unit: str
    hold_id: UUID
    state: HoldState
    amount: int


class Book(Record):
    """One account with its lots that have something left, and its open holds."""

    account: Account
    lots: tuple[Lot, ...]
    holds: tuple[Hold, ...] = ()


class Movement(Record):
    """What a step on the ledger changes: store every record, say every event."""

    book: Book
    changed: tuple[Record, ...] = ()
    events: tuple[Event, ...] = ()


class Line(Record):
    """What a posting says, before it takes its place in the chain."""

    kind: PostingKind
    amount: int
    source_type: str
    source_id: UUID
    base_amount: int | None = None
    multiplier: int = 100
    debit_id: UUID | None = None
    author_id: UUID | None = None
    reason: str = ""
