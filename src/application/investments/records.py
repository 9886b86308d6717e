"""What is stored of investments, what can be asked, and what is answered."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from ...domain import shared
from ...domain.investments import Investment, InvestmentState
from ...domain.payments import Payment
from ...domain.projects import InvestmentType
from ..pages import Limit
from ..payments import PaymentView
from ..work import Kind


def is_open(one: Any) -> Any:
    """Whether an investment is a share or may still become one: said of a record or of columns."""
    return (one.state == "active") | (one.state == "pending")


INVESTMENTS = Kind(
    Investment,
    "investment",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    root=True,
    live=is_open,
    changes=(
        "state",
        "tracking_id",
        "active_at",
        "withdraw_until",
        "withdrawn_at",
        "grant_id",
    ),
)
KINDS: tuple[Kind[Any], ...] = (INVESTMENTS,)


class Invest(shared.Command, kw_only=True):
    """Buy a share of a project: what is offered for a project of its type."""

    project_id: UUID
    offer: InvestmentType
    notes: shared.Personal[shared.Note] = ""


class Reserve(Invest, kw_only=True):
    """Set a share aside that is to be paid through this provider."""

    provider: shared.Code


class ExpireInvestment(shared.Command, kw_only=True):
    """Let a reservation go whose hold ran out; with `early`, though its hold still runs."""

    user_id: UUID
    investment_id: UUID
    early: bool = False


class OfferView(shared.Record):
    """What a member can buy. `bonus_bp` is the bonus in hundredths of a percent, rounded."""

    type: InvestmentType
    price: shared.Money
    points: int
    funded_points: int
    bonus_points: int
    bonus_bp: int


class InvestmentView(shared.Record):
    """A member's share of a project.

    `points` is what it grants in all, `granted_points` what it has granted by now; from then on the
    member may withdraw until `withdraw_until`.
    """

    id: UUID
    user_id: UUID
    project_id: UUID
    type: InvestmentType
    state: InvestmentState
    amount: shared.Money
    points: int
    funded_points: int
    bonus_points: int
    granted_points: int
    tracking_id: str
    notes: shared.Personal[str]
    reserved_until: datetime
    active_at: datetime | None
    withdraw_until: datetime | None
    withdrawn_at: datetime | None
    created_at: datetime
    payment: PaymentView


class ListOffers(shared.Query, kw_only=True):
    """What members can buy."""


class GetInvestment(shared.Query, kw_only=True):
    user_id: UUID
    investment_id: UUID


class ListInvestments(shared.Query, kw_only=True):
    user_id: UUID
    limit: Limit = 25
    cursor: str | None = None


class Paid(shared.Record):
    """An investment with its payment."""

    investment: Investment
    payment: Payment


class InvestmentsQueries(Protocol):
    """The read side of investments."""

    async def investment(self, user_id: UUID, investment_id: UUID) -> Paid | None: ...

    async def investments(self, user_id: UUID, limit: int, before: UUID | None) -> list[Paid]:
        """A member's investments, newest first."""
        ...


class HasInvestments(Protocol):
    @property
    def investments(self) -> InvestmentsQueries: ...
