"""The records and events of subscriptions."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from ... import payments, shared
from ..records import Terms

PlanCode = Literal["ambassadeur_standard", "ambassadeur_premium"]
SubscriptionState = Literal["pending", "active", "past_due", "cancelled", "ended", "withdrawn"]
ChargeState = Literal["pending", "paid", "failed", "given_up", "returned", "withdrawn", "lost"]
PortionState = Literal["taken", "returned"]
StopReason = Literal[
    "",
    "payment_failed",
    "hold_expired",
    "dunning",
    "lapsed",
    "period_end",
    "member",
    "admin",
    "withdrawal",
    "chargeback",
]
Verdict = Literal["honoured", "returned", "known"]
RenewalVerdict = Literal["not_due", "charge", "stopped"]


class Plan(Terms, kw_only=True):
    """What a year costs and grants."""

    code: PlanCode


DEFAULT_PLANS = (
    Plan(20_000, 280, code="ambassadeur_standard"),
    Plan(35_000, 525, code="ambassadeur_premium"),
)


class Choice(shared.Record, forbid_unknown_fields=True):
    """A project that a subscription supports, and how much beside the others."""

    project_id: UUID
    weight: shared.Weight = 1


class Subscription(shared.Record):
    """A member's yearly subscription.

    `pending` has never been paid; `ended` stopped for want of money, `cancelled` because somebody wished so.
    `anchor` is the day of the first payment, from which every period is counted; `period` is the number of
    the last one that was paid, by the charge `paid_by`, and `period_end` its end. `due_at` is when there is
    something to do: renew, try again, or give up who never paid. `failures` counts the tries that failed
    since. `payment_id` is the last charge; `attempts` counts them all. `customer` and `means` are what the
    provider knows the member and the saved means of payment by.
    """

    user_id: UUID
    id: UUID
    plan: PlanCode
    provider: str
    payment_id: UUID
    created_at: datetime
    state: SubscriptionState = "pending"
    anchor: date | None = None
    period: int = 0
    period_end: datetime | None = None
    paid_by: UUID | None = None
    due_at: datetime | None = None
    failures: int = 0
    attempts: int = 0
    cancel_at_period_end: bool = False
    next_plan: PlanCode | None = None
    choices: tuple[Choice, ...] = ()
    customer: shared.Personal[str] = ""
    means: shared.Personal[str] = ""
    notes: shared.Personal[shared.Note] = ""
    stopped_at: datetime | None = None
    reason: StopReason = ""
    stop_note: shared.Personal[shared.Note] = ""


def is_held(one: Any) -> Any:
    """Whether a subscription runs, or may still begin: said of a record or of columns."""
    return (one.state == "active") | (one.state == "past_due") | (one.state == "pending")


def is_live(one: Any) -> Any:
    """Whether a subscription has its benefits, also while its renewal is tried again: said of a record or of
    columns."""
    return (one.state == "active") | (one.state == "past_due")


class Charge(shared.Record):
    """One try to have the money of one period: `number` is the period's, `attempt` the try's.

    The points are those of the plan as it is charged. An `automatic` one goes to the saved means while the
    member is away. Of a paid one `rest_cents` are in no project yet, and `grant_id` is the grant of its
    points.
    """

    user_id: UUID
    payment_id: UUID
    subscription_id: UUID
    number: int
    attempt: int
    automatic: bool
    plan: PlanCode
    amount_cents: int
    points: int
    funded_points: int
    bonus_points: int
    expires_at: datetime
    created_at: datetime
    state: ChargeState = "pending"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    paid_at: datetime | None = None
    withdraw_until: datetime | None = None
    withdrawn_at: datetime | None = None
    grant_id: UUID | None = None
    rest_cents: int = 0


class Portion(shared.Record):
    """What of a paid charge is in a project: the funding entry of the same id."""

    user_id: UUID
    id: UUID
    payment_id: UUID
    subscription_id: UUID
    project_id: UUID
    amount_cents: int
    placed_at: datetime
    state: PortionState = "taken"


class Wish(shared.Record):
    """Who subscribes, through which provider, for which projects, and the ids of what that makes."""

    user_id: UUID
    subscription_id: UUID
    payment_id: UUID
    provider: str
    choices: tuple[Choice, ...] = ()
    notes: shared.Personal[str] = ""


class Case(shared.Record):
    """A charge as a decision looks at it, under the lock of its owner. `held` are the member's subscriptions
    that run or may still begin."""

    subscription: Subscription
    charge: Charge
    payment: payments.Payment
    held: tuple[Subscription, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether the outcome of the charge is awaited, for a period that is not paid."""
        return self.charge.state == "pending" and self.charge.number > self.subscription.period


class Outcome(shared.Record):
    """Everything as it is now, to be saved together. Without events nothing changed."""

    subscription: Subscription
    charge: Charge | None = None
    payment: payments.Payment | None = None
    events: tuple[shared.Event, ...] = ()


class Settlement(shared.Record):
    """What became of money that arrived.

    `honoured`: the points are to be granted and the money placed, now and never again. `returned`: the
    payment is due back. `known`: this was settled before.
    """

    subscription: Subscription
    charge: Charge
    payment: payments.Payment
    receipt: payments.Receipt | None = None
    events: tuple[shared.Event, ...] = ()
    verdict: Verdict = "known"


class Renewal(shared.Record):
    """What is to be done for a subscription whose day has come, and everything that changed, in order.

    `charge`: ask the provider for the payment of its last charge. `stopped`: the subscription is over.
    """

    verdict: RenewalVerdict
    subscription: Subscription
    changed: tuple[shared.Record, ...] = ()
    events: tuple[shared.Event, ...] = ()


class SubscriptionEvent(shared.Event):
    """What every event of a subscription tells."""

    user_id: UUID
    subscription_id: UUID
    plan: PlanCode
    period: int
    reason: StopReason


class Requested(SubscriptionEvent, tag="investments.subscription_requested"): ...


class Begun(SubscriptionEvent, tag="investments.subscription_begun"): ...


class Renewed(SubscriptionEvent, tag="investments.subscription_renewed"): ...


class FellPastDue(SubscriptionEvent, tag="investments.subscription_past_due"): ...


class NotHonoured(SubscriptionEvent, tag="investments.subscription_not_honoured"): ...


class CancellationAsked(SubscriptionEvent, tag="investments.subscription_cancellation_asked"): ...


class CancellationUndone(SubscriptionEvent, tag="investments.subscription_cancellation_undone"): ...


class PlanChosen(SubscriptionEvent, tag="investments.subscription_plan_chosen"): ...


class ProjectsChosen(SubscriptionEvent, tag="investments.subscription_projects_chosen"): ...


class Cancelled(SubscriptionEvent, tag="investments.subscription_cancelled"): ...


class Ended(SubscriptionEvent, tag="investments.subscription_ended"): ...


class Withdrawn(SubscriptionEvent, tag="investments.subscription_withdrawn"): ...


class Lost(SubscriptionEvent, tag="investments.subscription_lost"): ...


def told(kind: type[SubscriptionEvent], one: Subscription) -> SubscriptionEvent:
    """An event of that kind of the subscription; a chosen plan is told as the next one."""
    return kind(one.user_id, one.id, one.next_plan or one.plan, one.period, one.reason)
