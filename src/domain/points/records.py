"""The records, events and errors of the points ledger (ledger.md, "Words")."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from ..shared import Event, Record

POINTS = "points"
CENTS_PER_POINT = 100
"""1 point = 1 euro."""
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When a lot ends whose unit has no end of validity."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

PostingKind = Literal[
    "earned",
    "bonus",
    "opening",
    "spent",
    "refunded",
    "expired",
    "adjustment",
    "revoked",
    "repaid",
    "given",
    "received",
    "converted",
]
Contra = Literal["issuance", "opening", "redemption", "breakage", "adjustment", "member", "conversion"]
SourceType = Literal[
    "investment", "subscription", "purchase", "bonus", "manual", "gift", "conversion", "opening"
]
HoldState = Literal["held", "captured", "released", "expired"]
Consumption = Literal["earliest_expiry", "oldest_first"]

CONTRA: dict[PostingKind, Contra] = {
    "earned": "issuance",
    "bonus": "issuance",
    "revoked": "issuance",
    "repaid": "issuance",
    "opening": "opening",
    "spent": "redemption",
    "refunded": "redemption",
    "expired": "breakage",
    "adjustment": "adjustment",
    "given": "member",
    "received": "member",
    "converted": "conversion",
}
WARNING_DAYS = (60, 30, 7)
"""How many days before a lot ends its owner is warned."""


class Source(Record):
    """What a movement of points comes from: its type and id."""

    type: SourceType
    id: UUID


class Policy(Record):
    """How one unit behaves from an instant on. Data, versioned: a lot carries the version that made it.

    `validity_months` None: points without an end. `cents` is what one unit stands for in euro cents, 0 for
    nothing. Days begin and end in `zone`.
    """

    unit: str
    version: int
    in_force_at: datetime = LONG_AGO
    validity_months: int | None = 18
    maturity_days: int = 0
    grace_days: int = 30
    zone: str = "Europe/Paris"
    consumption: Consumption = "earliest_expiry"
    giftable: bool = True
    cents: int = CENTS_PER_POINT


POLICIES = (Policy(unit=POINTS, version=1),)
"""What is known without being stored."""


class Rate(Record):
    """From an instant on, `give` of one unit become `get` of another."""

    unit: str
    to_unit: str
    version: int
    give: int
    get: int
    in_force_at: datetime


class Books(Record):
    """How far the books of a unit are closed: nothing is posted as effective before `closed_through`."""

    unit: str
    closed_through: datetime
    closed_at: datetime


class Account(Record):
    """One owner's account in one unit. `balance` counts what is booked, held points included; `debt` is
    what the next credits repay. `earned` (less what was revoked), `spent` (less refunds) and `expired` are
    totals of its life. No lot is pending from `matures_at` on; points came back last at `refunded_at`."""

    user_id: UUID
    unit: str
    balance: int
    held: int
    debt: int
    earned: int
    spent: int
    expired: int
    sequence: int
    hash: bytes
    matures_at: datetime
    refunded_at: datetime
    closed_at: datetime | None
    recorded_at: datetime


class Lot(Record):
    """What one credit gave, under the id of its posting. `funded` was paid for, the rest is bonus;
    usable in `[available_at, expires_at)`. `expired` of it ended unspent. `warned` is the last warning that
    was said, in days before the end, 0 for none."""

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
    expired: int
    warned: int
    revoked: bool
    created_at: datetime

    @property
    def open(self) -> bool:
        """Whether something is left."""
        return self.remaining > 0


class Posting(Record):
    """One line of an account's history; append-only. `hash` covers the fields, the allocations and the hash
    before.

    `debt` is the signed change of what the account owes; `contra_id` the other member of a gift; `debit_id`
    the debit that a refund gives back; `available_at` and `expires_at` what was promised to a new lot, or to
    those that came back under grace; `funded`, `grant_id` and `policy_version` what a new lot is; `rate` how
    a conversion counted ("get/give").
    """

    user_id: UUID
    id: UUID
    unit: str
    sequence: int
    kind: PostingKind
    contra: Contra
    contra_id: UUID | None
    amount: int
    debt: int
    balance_after: int
    source_type: str
    source_id: UUID
    base_amount: int
    multiplier: int
    rate: str
    debit_id: UUID | None
    author_id: UUID | None
    reason: str
    available_at: datetime | None
    expires_at: datetime | None
    funded: bool | None
    grant_id: UUID | None
    policy_version: int | None
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
    closed_at: datetime | None = None


class Book(Record):
    """One account with its lots that have something left, and its open holds, under its unit's policy.

    Where it is not `whole` the lots are only the first in the order of consumption.
    """

    account: Account
    lots: tuple[Lot, ...]
    holds: tuple[Hold, ...]
    policy: Policy
    whole: bool = True


class Movement(Record):
    """What a step on the ledger changes: store every record, say every event. `posting_id` names the line
    that was asked for."""

    book: Book
    changed: tuple[Record, ...] = ()
    events: tuple[Event, ...] = ()
    posting_id: UUID | None = None


class Line(Record):
    """What a posting says, before it takes its place in the chain."""

    kind: PostingKind
    amount: int
    source_type: str
    source_id: UUID
    base_amount: int | None = None
    multiplier: int = 100
    rate: str = ""
    debt: int = 0
    contra_id: UUID | None = None
    debit_id: UUID | None = None
    author_id: UUID | None = None
    reason: str = ""
    available_at: datetime | None = None
    expires_at: datetime | None = None
    funded: bool | None = None
    grant_id: UUID | None = None
    policy_version: int | None = None
