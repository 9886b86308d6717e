"""The records of the ledger as the application knows them: kinds, commands, views, queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import points, shared
from ...domain.points import (
    POINTS,
    Account,
    Allocation,
    Book,
    Books,
    Consumption,
    Hold,
    Lot,
    Policy,
    Posting,
    Rate,
    SourceType,
)
from ..pages import Limit
from ..work import Kind, Listed

_PROVEN = "its postings prove it"
ACCOUNTS = Kind(
    Account, "account", ("user_id", "unit"), {"owner": ("user_id",)}, root=True, unaudited=_PROVEN
)
LOTS = Kind(
    Lot,
    "lot",
    ("user_id", "id"),
    {
        "account": ("user_id", "unit"),
        "front": Listed(("user_id", "unit"), order=("expires_at", "funded", "id"), most=16),
        "grant": Listed(("user_id", "grant_id"), history=True),
        "soonest": Listed(("unit",), order=("expires_at", "user_id", "id"), most=100),
    },
    live=lambda lot: lot.open,
    changes=("remaining", "expires_at", "expired", "warned", "revoked"),
    unaudited=_PROVEN,
)
POSTINGS = Kind(
    Posting, "posting", ("user_id", "id"), changes=(), unaudited="it says itself when, by whom and why"
)
ALLOCATIONS = Kind(
    Allocation,
    "allocation",
    ("user_id", "debit_id", "posting_id", "lot_id"),
    {"debit": ("user_id", "debit_id")},
    changes=(),
    unaudited=_PROVEN,
)
HOLDS = Kind(
    Hold,
    "hold",
    ("user_id", "id"),
    {"account": ("user_id", "unit")},
    live=lambda hold: hold.state == "held",
    changes=("state", "captured", "closed_at"),
    unaudited=_PROVEN,
)
POLICIES = Kind(Policy, "unit_policy", ("unit", "version"), {"unit": ("unit",)}, changes=(), kept=True)
RATES = Kind(
    Rate, "unit_rate", ("unit", "to_unit", "version"), {"pair": ("unit", "to_unit")}, changes=(), kept=True
)
BOOKS = Kind(Books, "unit_books", ("unit",), root=True)


class GiftNote(shared.Record):
    """What somebody wrote with a gift: apart from the books, as those are there for good."""

    user_id: UUID
    gift_id: UUID
    message: shared.Personal[str]


GIFT_NOTES = Kind(GiftNote, "gift_note", ("user_id", "gift_id"), changes=(), removable=True)
KINDS: tuple[Kind[Any], ...] = (
    *(BOOKS, ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS),
    *(POLICIES, RATES, GIFT_NOTES),
)

Days = Annotated[int, msgspec.Meta(ge=1, le=800, description="How many days ahead.")]
Unit = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=50,
        pattern=r"^[^\x00-\x20\x7f]+\Z",
        description="What is counted, such as `points`.",
    ),
]
UnitName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=50,
        pattern=r"^[a-z][a-z0-9_]*\Z",
        description="The name of a unit: lower-case letters, digits and underscores.",
    ),
]
Effective = Annotated[
    datetime,
    msgspec.Meta(tz=True, description="When it happened, where that is not now; never in a closed month."),
]
Month = Annotated[str, msgspec.Meta(pattern=r"^2\d{3}-(0[1-9]|1[0-2])\Z", description="A month, as 2026-03.")]
Zone = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="An IANA time zone.")]


# --- commands -------------------------------------------------------------------------------


class Earn(shared.Command, kw_only=True):
    """Give points: `funded` were paid for, `bonus` are on top. `multiplier` in hundredths (100 to 999)."""

    user_id: UUID
    unit: Unit = POINTS
    funded: shared.Price = 0
    bonus: shared.Price = 0
    multiplier: Annotated[int, msgspec.Meta(ge=100, le=999)] = 100
    source_type: SourceType = "manual"
    source_id: UUID
    effective_at: Effective | None = None


class Spend(shared.Command, kw_only=True):
    """Take `amount` points for something bought."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    source_type: SourceType = "purchase"
    source_id: UUID
    effective_at: Effective | None = None


class PlaceHold(shared.Command, kw_only=True):
    """Set `amount` points aside for `minutes` (at most 31 days)."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    minutes: Annotated[int, msgspec.Meta(ge=1, le=44_640)] = 30
    source_type: SourceType = "purchase"
    source_id: UUID


class CaptureHold(shared.Command, kw_only=True):
    """Spend what a hold set aside: all of it, or `amount` of it, once."""

    user_id: UUID
    hold_id: UUID
    amount: shared.Amount | None = None


class ReleaseHold(shared.Command, kw_only=True):
    """Give back what a hold set aside."""

    user_id: UUID
    hold_id: UUID


class Refund(shared.Command, kw_only=True):
    """Give points of a spend back to the lots they came from: `amount` of them, or all that are left."""

    user_id: UUID
    debit_id: UUID
    amount: shared.Amount | None = None


class Adjust(shared.Command, kw_only=True):
    """Correct a balance by a signed amount. The author is who asks; the reason is kept for ever."""

    user_id: UUID
    unit: Unit = POINTS
    amount: Annotated[int, msgspec.Meta(ge=-shared.MOST, le=shared.MOST)]
    reason: shared.Reason
    effective_at: Effective | None = None


class Expire(shared.Command, kw_only=True):
    """Write down what time already decided for one account."""

    user_id: UUID
    unit: Unit = POINTS


class ClawBack(shared.Command, kw_only=True):
    """Take a grant back though some of it may be spent: what is missing becomes a debt."""

    user_id: UUID
    grant_id: UUID
    reason: shared.Reason


class Give(shared.Command, kw_only=True):
    """Give points to another member, named by e-mail or id. They keep the day on which they end.

    `user_id` is who gives: oneself by default, another for administrators.
    """

    user_id: UUID | None = None
    recipient: shared.Personal[
        Annotated[
            str,
            msgspec.Meta(
                min_length=3,
                max_length=254,
                pattern=r"^[^\x00-\x1f\x7f]+\Z",
                description="An e-mail or the id of a member.",
            ),
        ]
    ]
    unit: Unit = POINTS
    amount: shared.Amount
    message: shared.Personal[shared.Note] = ""


class Convert(shared.Command, kw_only=True):
    """Turn `amount` of one unit into another, at the rate in force.

    `user_id` is whose they are: oneself by default, another for administrators.
    """

    user_id: UUID | None = None
    unit: Unit = POINTS
    to_unit: Unit
    amount: shared.Amount


class CloseAccount(shared.Command, kw_only=True):
    """Close an empty account: no movement any more."""

    user_id: UUID
    unit: Unit = POINTS
    reason: shared.Reason


class ReopenAccount(shared.Command, kw_only=True):
    """Open a closed account again."""

    user_id: UUID
    unit: Unit = POINTS
    reason: shared.Reason


class SetPolicy(shared.Command, kw_only=True):
    """How a unit behaves from an instant on: the first version makes the unit. Lots that are there keep what
    they were promised. `validity_months` null: without an end; `cents`: what one stands for in euro cents."""

    unit: UnitName
    in_force_at: Effective
    validity_months: Annotated[int, msgspec.Meta(ge=1, le=600)] | None = 18
    maturity_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 0
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 30
    zone: Zone = "Europe/Paris"
    consumption: Consumption = "earliest_expiry"
    giftable: bool = True
    cents: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class SetRate(shared.Command, kw_only=True):
    """From an instant on, `give` of one unit become `get` of another."""

    unit: Unit
    to_unit: Unit
    give: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    get: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    in_force_at: Effective


class ClosePeriod(shared.Command, kw_only=True):
    """Close the books of a unit through the end of a month."""

    unit: Unit = POINTS
    month: Month


# --- views ----------------------------------------------------------------------------------


class Balance(shared.Record):
    """A balance in its parts, whole points: `balance` = `available` + `pending` + `held`. `debt` is what the
    next credits repay.

    `euros` is what it stands for, 1 point = 1 euro. `posting_id` and `hold_id` name what the command
    that answered with this balance wrote; they are null on a plain reading. `next_expiring` may be null
    in the answer of a command, for an account of very many lots.
    """

    user_id: UUID
    unit: str
    balance: int
    available: int
    pending: int
    held: int
    debt: int
    euros: shared.Money
    next_expiry: datetime | None
    next_expiring: int | None
    as_of: datetime
    posting_id: UUID | None = None
    hold_id: UUID | None = None


class LotPart(shared.Record):
    """What a line did to a lot: positive where it made it or gave back, negative where it consumed."""

    lot_id: UUID
    amount: int
    funded: bool
    expires_at: datetime


class StatementLine(shared.Record):
    """One posting with the lots it touched. The reason of a gift is what was written with it."""

    id: UUID
    sequence: int
    kind: points.PostingKind
    contra: points.Contra
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
    reason: shared.Personal[str]
    grant_id: UUID | None
    effective_at: datetime
    recorded_at: datetime
    lots: tuple[LotPart, ...] = ()


class ExpiringLot(shared.Record):
    """What is left of a lot that ends within the window asked for."""

    lot_id: UUID
    amount: int
    funded: bool
    expires_at: datetime


class Expiring(shared.Record):
    """What expires within `days`: the total and the lots, soonest first."""

    user_id: UUID
    unit: str
    days: int
    total: int
    lots: tuple[ExpiringLot, ...]


class Summary(shared.Record):
    """An account at a glance: what was earned and spent in all, what is active, what expires in 60 days."""

    user_id: UUID
    unit: str
    earned: int
    spent: int
    expired: int
    active: int
    expiring: int
    last_activity: datetime | None


class PolicyView(shared.Record):
    """One version of a unit's policy."""

    unit: str
    version: int
    in_force_at: datetime
    validity_months: int | None
    maturity_days: int
    grace_days: int
    zone: str
    consumption: Consumption
    giftable: bool
    cents: int


class RateView(shared.Record):
    """One version of a rate: from an instant on, `give` of one unit become `get` of another."""

    unit: str
    to_unit: str
    version: int
    give: int
    get: int
    in_force_at: datetime


class BooksView(shared.Record):
    """How far the books of a unit are closed."""

    unit: str
    closed_through: datetime
    closed_at: datetime


class Units(shared.Record):
    """Everything that is counted: the policies in all versions, the rates, and how far books are closed."""

    policies: tuple[PolicyView, ...]
    rates: tuple[RateView, ...]
    books: tuple[BooksView, ...]


class Given(shared.Record):
    """A gift: who got it, and what the giver has left."""

    gift_id: UUID
    recipient_id: UUID
    amount: int
    balance: Balance


class Converted(shared.Record):
    """A conversion: what became what, and both balances after it."""

    conversion_id: UUID
    amount: int
    to_amount: int
    rate: str
    balance: Balance
    to_balance: Balance


# --- queries ----------------------------------------------------------------------------------


class GetBalance(shared.Query, kw_only=True):
    user_id: UUID
    unit: Unit = POINTS


class GetStatement(shared.Query, kw_only=True):
    """The lines of an account, newest first."""

    user_id: UUID
    unit: Unit = POINTS
    limit: Limit = 25
    cursor: str | None = None


class GetExpiring(shared.Query, kw_only=True):
    user_id: UUID
    unit: Unit = POINTS
    days: Days = 60


class ListUnits(shared.Query):
    """What is counted, and how."""


class Kept(shared.Record):
    """An account with its open lots and holds."""

    account: Account
    lots: tuple[Lot, ...]
    holds: tuple[Hold, ...] = ()


class PointsQueries(Protocol):
    """The read side of the ledger."""

    async def book(self, user_id: UUID, unit: str) -> Kept | None:
        """The account with its open lots and holds; None where it was never used."""
        ...

    async def policies(self, unit: str, at: datetime) -> list[Policy]:
        """The stored versions of a unit's policy; what came into force half a minute before `at` is there."""
        ...

    async def units(self) -> tuple[list[Policy], list[Rate], list[Books]]:
        """Every stored policy, rate and state of books."""
        ...

    async def lines(self, user_id: UUID, unit: str, limit: int, before: int | None) -> list[StatementLine]:
        """Postings with their lots, newest first."""
        ...


class HasPoints(Protocol):
    @property
    def points(self) -> PointsQueries: ...


class GiftNotes(Protocol):
    """What was written with gifts."""

    async def messages(self, gifts: Sequence[tuple[UUID, UUID]]) -> Mapping[UUID, str]:
        """By gift, of those that are named by who gave and which gift; what has none is left out."""
        ...


class HasStatement(HasPoints, Protocol):
    @property
    def gift_notes(self) -> GiftNotes: ...


def view_of(book: Book, at: datetime, posting_id: UUID | None = None, hold_id: UUID | None = None) -> Balance:
    parts, account = points.parts_of(book, at), book.account
    return Balance(
        account.user_id,
        account.unit,
        parts.balance,
        parts.available,
        parts.pending,
        parts.held,
        parts.debt,
        shared.Money(parts.balance * book.policy.cents),
        parts.next_expiry,
        parts.next_expiring,
        at,
        posting_id,
        hold_id,
    )
