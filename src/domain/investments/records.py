"""The records, policies and events of investments."""

from datetime import datetime
from fractions import Fraction
from typing import Literal
from uuid import UUID

from .. import payments, points, projects, shared

InvestmentState = Literal["pending", "active", "cancelled", "withdrawn", "refunded", "expired"]
Verdict = Literal["honoured", "returned", "known"]


class Policy(shared.Record):
    """How long a share is reserved, how many of them a member may leave unpaid, how many days after the
    payment a member may withdraw; how many months a subscription is paid for, and how many days after each
    failed try the next one comes: after one more failure it ends."""

    hold_minutes: int = 30
    most_pending: int = 5
    withdrawal_days: int = 14
    zone: str = "Europe/Paris"
    period_months: int = 12
    retry_days: tuple[int, ...] = (2, 5)


class Terms(shared.Record):
    """What something costs, in cents, and the points that it grants in all."""

    price_cents: shared.Amount
    points: shared.Amount

    @property
    def funded_points(self) -> int:
        """The points that the price pays for."""
        return self.price_cents // points.CENTS_PER_POINT

    @property
    def bonus_points(self) -> int:
        """The points granted beyond the price."""
        return self.points - self.funded_points

    @property
    def bonus_bp(self) -> int:
        """The bonus in basis points of what was paid for: shown, and never computed with."""
        return round(Fraction(self.bonus_points * 10_000, self.funded_points))


class Offer(Terms, kw_only=True):
    """What a member can buy in a project."""

    type: projects.InvestmentType


DEFAULT_OFFERS = (
    Offer(5_000, 65, type="ruche"),
    Offer(8_000, 105, type="olivier"),
    Offer(15_000, 210, type="parcelle_familiale"),
)


class Investment(shared.Record):
    """A member's share of a project: what it cost, what it grants, and where it stands.

    `entry_id` is its share in the project's funding, `grant_id` the grant of its points.
    `refunded` means paid but not honoured, or taken back by the member's bank: the payment says which, and
    when the money is back.
    """

    user_id: UUID
    id: UUID
    project_id: UUID
    type: projects.InvestmentType
    amount_cents: int
    points: int
    funded_points: int
    bonus_points: int
    payment_id: UUID
    entry_id: UUID
    reserved_until: datetime
    created_at: datetime
    state: InvestmentState = "pending"
    tracking_id: str = ""
    active_at: datetime | None = None
    withdraw_until: datetime | None = None
    withdrawn_at: datetime | None = None
    grant_id: UUID | None = None
    notes: shared.Personal[shared.Note] = ""


class Wish(shared.Record):
    """Who invests, through which provider, and the ids of what that makes."""

    user_id: UUID
    investment_id: UUID
    payment_id: UUID
    entry_id: UUID
    provider: str
    notes: shared.Personal[str] = ""


class Case(shared.Record):
    """What a decision about an investment looks at, read under the locks of its owner and its project.

    `siblings` are the member's investments; those that are not active do not matter. `portions` is how many
    portions of subscriptions they have in the project.
    """

    investment: Investment
    payment: payments.Payment
    entry: projects.FundingEntry
    book: projects.Book
    siblings: tuple[Investment, ...] = ()
    portions: int = 0

    @property
    def others(self) -> int:
        """How many further shares of the project the member has."""
        mine = self.investment
        return self.portions + sum(
            one.state == "active" and one.project_id == mine.project_id and one.id != mine.id
            for one in self.siblings
        )


class Outcome(shared.Record):
    """Everything as it is now, to be saved together. Without events nothing changed."""

    investment: Investment
    payment: payments.Payment
    entry: projects.FundingEntry
    funding: projects.Funding
    receipt: payments.Receipt | None = None
    events: tuple[shared.Event, ...] = ()


class Settlement(Outcome):
    """What became of money that arrived.

    `honoured`: the points are to be granted, now and never again. `returned`: the payment is due
    back. `known`: this was settled before.
    """

    verdict: Verdict = "known"


class InvestmentEvent(shared.Event):
    """What every event of an investment tells; it has a tracking id once it is active."""

    user_id: UUID
    investment_id: UUID
    project_id: UUID
    amount_cents: int
    points: int
    tracking_id: str


class Reserved(InvestmentEvent, tag="investments.reserved"): ...


class Activated(InvestmentEvent, tag="investments.activated"): ...


class NotHonoured(InvestmentEvent, tag="investments.not_honoured"): ...


class Cancelled(InvestmentEvent, tag="investments.cancelled"): ...


class Expired(InvestmentEvent, tag="investments.expired"): ...


class Withdrawn(InvestmentEvent, tag="investments.withdrawn"): ...


class Lost(InvestmentEvent, tag="investments.lost"): ...


def told(kind: type[InvestmentEvent], one: Investment) -> InvestmentEvent:
    """An event of that kind of the investment."""
    return kind(one.user_id, one.id, one.project_id, one.amount_cents, one.points, one.tracking_id)
