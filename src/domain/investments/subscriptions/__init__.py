"""Subscriptions (M17): a year at a time, paid before it counts, renewed on our own clock.

`pending` until the first payment; `active`; `past_due` while a failed renewal is tried again, with its
benefits; then over: `ended` for want of money, `cancelled` because somebody wished so, `withdrawn` within the
days to think again. Each function decides for the subscription, its charge and its payment at once.

    RuleForbids
    └── ProjectChosenTwice    one weight for each project
    StateForbids
    ├── AlreadySubscribed     one at a time
    ├── SubscriptionStopped   what is over is not changed any more
    ├── PeriodPaid            the money of one charge is enough
    ├── PeriodOver            nobody pays for a year that is gone
    ├── NothingToPay          no renewal failed
    ├── ChargeUnderWay        the outcome of a charge is not known yet
    └── NothingToWithdraw     only what was paid is given back

Decision: docs/decisions/0016-subscriptions.md.
"""

from .beginning import AlreadySubscribed, ProjectChosenTwice, find_plan, subscribe
from .changing import (
    NothingToWithdraw,
    cancel,
    check_withdrawal,
    choose_plan,
    choose_projects,
    lose,
    resume,
    stop,
    withdraw,
)
from .periods import end_of_period
from .placing import Placed, place, split, split_within, take_out
from .records import (
    DEFAULT_PLANS,
    Begun,
    CancellationAsked,
    CancellationUndone,
    Cancelled,
    Case,
    Charge,
    ChargeState,
    Choice,
    Ended,
    FellPastDue,
    Lost,
    NotHonoured,
    Outcome,
    Plan,
    PlanChosen,
    PlanCode,
    Portion,
    PortionState,
    ProjectsChosen,
    RenewalVerdict,
    Renewed,
    Requested,
    Settlement,
    StopReason,
    Subscription,
    SubscriptionEvent,
    SubscriptionState,
    Wish,
    Withdrawn,
    is_held,
    is_live,
)
from .renewing import ChargeUnderWay, NothingToPay, begin_renewal, pay_now
from .settling import PeriodOver, PeriodPaid, SubscriptionStopped, give_up, settle_failed, settle_paid

__all__ = [
    "DEFAULT_PLANS",
    "AlreadySubscribed",
    "Begun",
    "CancellationAsked",
    "CancellationUndone",
    "Cancelled",
    "Case",
    "Charge",
    "ChargeState",
    "ChargeUnderWay",
    "Choice",
    "Ended",
    "FellPastDue",
    "Lost",
    "NotHonoured",
    "NothingToPay",
    "NothingToWithdraw",
    "Outcome",
    "PeriodOver",
    "PeriodPaid",
    "Placed",
    "Plan",
    "PlanChosen",
    "PlanCode",
    "Portion",
    "PortionState",
    "ProjectChosenTwice",
    "ProjectsChosen",
    "RenewalVerdict",
    "Renewed",
    "Requested",
    "Settlement",
    "StopReason",
    "Subscription",
    "SubscriptionEvent",
    "SubscriptionState",
    "SubscriptionStopped",
    "Wish",
    "Withdrawn",
    "begin_renewal",
    "cancel",
    "check_withdrawal",
    "choose_plan",
    "choose_projects",
    "end_of_period",
    "find_plan",
    "give_up",
    "is_held",
    "is_live",
    "lose",
    "pay_now",
    "place",
    "resume",
    "settle_failed",
    "settle_paid",
    "split",
    "split_within",
    "stop",
    "subscribe",
    "take_out",
    "withdraw",
]
