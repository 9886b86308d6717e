"""What can be asked of the ledger, what it answers, and the ports of its read side."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ...domain import points, shared
from ...domain.points import POINTS, Account, Book, Books, Consumption, Hold, Lot, Policy, Rate
from ..pages import Limit
from .commands import Days, Unit


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
