"""What is stored of subscriptions, what can be asked, and what is answered."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.investments.subscriptions import (
    Charge,
    ChargeState,
    Choice,
    PlanCode,
    Portion,
    RenewalVerdict,
    StopReason,
    Subscription,
    SubscriptionState,
    is_held,
)
from ...domain.payments import Payment
from ..pages import Limit
from ..payments import PaymentView
from ..work import Kind

SUBSCRIPTIONS = Kind(
    Subscription,
    "subscription",
    ("user_id", "id"),
    {"owner": ("user_id",)},
    root=True,
    live=is_held,
    changes=(
        *("plan", "provider", "payment_id", "state", "anchor", "period", "period_end", "paid_by", "due_at"),
        *("failures", "attempts", "cancel_at_period_end", "next_plan", "choices", "customer", "means"),
        *("notes", "stopped_at", "reason", "stop_note"),
    ),
)
CHARGES = Kind(
    Charge,
    "subscription_charge",
    ("user_id", "payment_id"),
    changes=(
        *("state", "starts_at", "ends_at", "paid_at", "withdraw_until", "withdrawn_at", "grant_id"),
        "rest_cents",
    ),
)
PORTIONS = Kind(
    Portion,
    "portion",
    ("user_id", "id"),
    {"project": ("user_id", "project_id"), "charge": ("user_id", "payment_id")},
    live=lambda one: one.state == "taken",
    changes=("state",),
)
KINDS: tuple[Kind[Any], ...] = (SUBSCRIPTIONS, CHARGES, PORTIONS)

Choices = Annotated[tuple[Choice, ...], msgspec.Meta(max_length=20)]


class Subscribe(shared.Command, kw_only=True):
    """Subscribe for a year, and the next ones. The money goes to the projects by their weights; without any
    it waits until some are chosen."""

    plan: PlanCode
    projects: Choices = ()
    notes: shared.Personal[shared.Note] = ""


class RequestSubscription(Subscribe, kw_only=True):
    """Subscribe, to be paid through this provider."""

    provider: shared.Code


class WishedPlan(shared.Command, kw_only=True):
    """The plan from the next period on."""

    plan: PlanCode


class ChoosePlan(WishedPlan, kw_only=True):
    subscription_id: UUID


class WishedProjects(shared.Command, kw_only=True):
    """The projects from now on, all of them; what still waits of the money paid goes to them at once."""

    projects: Choices


class ChooseProjects(WishedProjects, kw_only=True):
    subscription_id: UUID


class CancelSubscription(shared.Command, kw_only=True):
    """Stop at the end of the period that is paid."""

    subscription_id: UUID


class ResumeSubscription(shared.Command, kw_only=True):
    """Take the cancellation back."""

    subscription_id: UUID


class WishedStop(shared.Command, kw_only=True):
    """Why a member's subscription is to stop at once."""

    user_id: UUID
    reason: shared.Reason


class StopSubscription(WishedStop, kw_only=True):
    subscription_id: UUID


class PayNow(shared.Command, kw_only=True):
    """Pay by hand for a renewal that failed, through this provider."""

    subscription_id: UUID
    provider: shared.Code


class BeginRenewal(shared.Command, kw_only=True):
    """Do what is due for a subscription."""

    user_id: UUID
    subscription_id: UUID


class PlanView(shared.Record):
    """What a year costs and grants. `bonus_bp` is the bonus in hundredths of a percent, rounded."""

    code: PlanCode
    price: shared.Money
    points: int
    funded_points: int
    bonus_points: int
    bonus_bp: int


class PortionView(shared.Record):
    """What of a payment is in a project."""

    project_id: UUID
    amount: shared.Money


class ChargeView(shared.Record):
    """One try to have the money of one period, `number`. Of what was paid, `unplaced` is in no project yet;
    until `withdraw_until` it can be given back."""

    payment_id: UUID
    number: int
    attempt: int
    automatic: bool
    plan: PlanCode
    amount: shared.Money
    points: int
    funded_points: int
    bonus_points: int
    state: ChargeState
    unplaced: shared.Money
    starts_at: datetime | None
    ends_at: datetime | None
    paid_at: datetime | None
    withdraw_until: datetime | None
    withdrawn_at: datetime | None
    created_at: datetime


class SubscriptionView(shared.Record):
    """A yearly subscription, with its last charge and the payment of that.

    `period` counts the periods that were paid; the last one ends at `period_end`. At `due_at` it is renewed,
    or a failed renewal tried again. `means_saved`: there is something to charge then.
    """

    id: UUID
    user_id: UUID
    plan: PlanCode
    next_plan: PlanCode | None
    state: SubscriptionState
    anchor: date | None
    period: int
    period_end: datetime | None
    due_at: datetime | None
    failures: int
    cancel_at_period_end: bool
    projects: tuple[Choice, ...]
    means_saved: bool
    notes: shared.Personal[str]
    created_at: datetime
    stopped_at: datetime | None
    reason: StopReason
    charge: ChargeView
    payment: PaymentView


class RenewalView(shared.Record):
    """What is to be done for a subscription that is due: `charge` its last charge to the saved `means`.
    `refused`: that would pass the member's limit, and counts as a failure."""

    verdict: RenewalVerdict | Literal["refused"]
    means: shared.Personal[str]
    subscription: SubscriptionView


class PaidCharge(ChargeView, kw_only=True):
    """A charge with its payment, and the projects that it went to."""

    payment: PaymentView
    portions: tuple[PortionView, ...]


class ListPlans(shared.Query, kw_only=True):
    """What members can subscribe to."""


class GetSubscription(shared.Query, kw_only=True):
    """A subscription with the charge of a payment, the last one by default."""

    user_id: UUID
    subscription_id: UUID
    payment_id: UUID | None = None


class ListSubscriptions(shared.Query, kw_only=True):
    user_id: UUID
    limit: Limit = 25
    cursor: str | None = None


class ListCharges(shared.Query, kw_only=True):
    """All charges of a subscription."""

    user_id: UUID
    subscription_id: UUID


class Due(shared.Record):
    """A subscription for which there is something to do, since `due_at`."""

    due_at: datetime
    user_id: UUID
    subscription_id: UUID


class FindDue(shared.Query, kw_only=True):
    """Subscriptions that are due, behind a place, longest due first."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    after: Due | None = None


class CountDue(shared.Query, kw_only=True):
    """How many subscriptions are due."""


class Charged(shared.Record):
    """A charge with its payment and its portions."""

    charge: Charge
    payment: Payment
    portions: tuple[Portion, ...] = ()


class Subscribed(shared.Record):
    """A subscription with one of its charges."""

    subscription: Subscription
    charged: Charged


class SubscriptionsQueries(Protocol):
    """The read side of subscriptions."""

    async def subscription(self, user_id: UUID, id: UUID, payment_id: UUID | None) -> Subscribed | None:
        """A subscription with the charge of that payment, or the last."""
        ...

    async def subscriptions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Subscribed]:
        """A member's subscriptions with their last charges, newest first."""
        ...

    async def charges(self, user_id: UUID, id: UUID) -> list[Charged]:
        """All charges of a subscription, newest first, with the portions that are in projects."""
        ...

    async def due(self, at: datetime, limit: int, after: Due | None) -> list[Due]:
        """What is due at an instant, longest due first."""
        ...

    async def count_due(self, at: datetime) -> int: ...


class HasSubscriptions(Protocol):
    @property
    def subscriptions(self) -> SubscriptionsQueries: ...
