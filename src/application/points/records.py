"""The records of the ledger as the application knows them: kinds, commands, views, queries."""

from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import points, shared
from ...domain.points import POINTS, Account, Allocation, Book, Hold, Lot, Posting, SourceType
from ..pages import Limit
from ..work import Kind

ACCOUNTS = Kind(Account, "account", ("user_id", "unit"), root=True)
LOTS = Kind(
    Lot,
    "lot",
    ("user_id", "id"),
    {"account": ("user_id", "unit")},
    live=lambda lot: lot.remaining > 0,
    changes=("remaining", "expires_at"),
)
POSTINGS = Kind(Posting, "posting", ("user_id", "id"), changes=())
ALLOCATIONS = Kind(
    Allocation,
    "allocation",
    ("user_id", "debit_id", "posting_id", "lot_id"),
    {"debit": ("user_id", "debit_id")},
    changes=(),
)
HOLDS = Kind(
    Hold,
    "hold",
    ("user_id", "id"),
    {"account": ("user_id", "unit")},
    live=lambda hold: hold.state == "held",
    changes=("state", "captured"),
)
KINDS: tuple[Kind[Any], ...] = (ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS)

Days = Annotated[int, msgspec.Meta(ge=1, le=800, description="How many days ahead.")]
Unit = Annotated[
    str, msgspec.Meta(min_length=1, max_length=50, description="What is counted, such as `points`.")
]


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


class Spend(shared.Command, kw_only=True):
    """Take `amount` points for something bought."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    source_type: SourceType = "purchase"
    source_id: UUID


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


class Expire(shared.Command, kw_only=True):
    """Write down what time already decided for one account."""

    user_id: UUID
    unit: Unit = POINTS


# --- views ----------------------------------------------------------------------------------


class Balance(shared.Record):
    """A balance in its parts, whole points: `balance` = `available` + `pending` + `held`.

    `euros` is what it stands for, 1 point = 1 euro. `posting_id` and `hold_id` name what the command
    that answered with this balance wrote; they are null on a plain reading.
    """

    user_id: UUID
    unit: str
    balance: int
    available: int
    pending: int
    held: int
    euros: shared.Money
    next_expiry: datetime | None
    next_expiring: int
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
    """One posting with the lots it touched."""

    id: UUID
    sequence: int
    kind: points.PostingKind
    contra: points.Contra
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


class PointsQueries(Protocol):
    """The read side of the ledger."""

    async def book(self, user_id: UUID, unit: str) -> Book | None:
        """The account with its open lots and holds; None where it was never used."""
        ...

    async def lines(self, user_id: UUID, unit: str, limit: int, before: int | None) -> list[StatementLine]:
        """Postings with their lots, newest first."""
        ...


class HasPoints(Protocol):
    @property
    def points(self) -> PointsQueries: ...


def view_of(book: Book, at: datetime) -> Balance:
    parts, account = points.parts_of(book, at), book.account
    return Balance(
        account.user_id,
        account.unit,
        parts.balance,
        parts.available,
        parts.pending,
        parts.held,
        shared.Money(parts.balance * points.CENTS_PER_POINT),
        parts.next_expiry,
        parts.next_expiring,
        at,
    )
