"""Investments: a member reserves a share, pays, receives points, and may think again.

Each function decides for the investment, its payment and its share at once, so that no two of them
can disagree: money that arrived buys the share or goes back, exactly one of the two. A payment that
comes after its hold ran out, or after it was given up, is honoured while there is room, whether or
not anybody wrote the expiry down. Source: M14, M15, M16.

    RuleForbids
    ├── TooManyReservations      a member does not keep a project full without paying
    ├── OfferUnsound             an offer costs whole euros and grants at least a point for each
    ├── WithdrawalWindowClosed   the days to think again are over
    └── PointsAlreadySpent       the points must be whole to be given back
    StateForbids
    ├── InvestmentNotActive      only an active investment can be withdrawn from
    └── HoldStillRuns            the member may still pay
"""

from .records import (
    DEFAULT_OFFERS,
    Activated,
    Cancelled,
    Case,
    Expired,
    Investment,
    InvestmentEvent,
    InvestmentState,
    NotHonoured,
    Offer,
    Outcome,
    Policy,
    Reserved,
    Settlement,
    Verdict,
    Wish,
    Withdrawn,
)
from .reserving import (
    OfferUnsound,
    TooManyReservations,
    check_offer,
    check_reservations,
    find_offer,
    reserve,
)
from .settling import (
    TRACKING_LETTERS,
    TRACKING_PREFIXES,
    WITHDRAWING,
    HoldStillRuns,
    InvestmentNotActive,
    PointsAlreadySpent,
    WithdrawalWindowClosed,
    expire,
    give_up,
    only_an_active_investment,
    only_with_all_its_points,
    only_within_the_window,
    settle_failed,
    settle_paid,
    tracking_code,
    why_not_withdraw,
    withdraw,
    withdrawal_end,
)

__all__ = [
    "DEFAULT_OFFERS",
    "TRACKING_LETTERS",
    "TRACKING_PREFIXES",
    "WITHDRAWING",
    "Activated",
    "Cancelled",
    "Case",
    "Expired",
    "HoldStillRuns",
    "Investment",
    "InvestmentEvent",
    "InvestmentNotActive",
    "InvestmentState",
    "NotHonoured",
    "Offer",
    "OfferUnsound",
    "Outcome",
    "PointsAlreadySpent",
    "Policy",
    "Reserved",
    "Settlement",
    "TooManyReservations",
    "Verdict",
    "Wish",
    "WithdrawalWindowClosed",
    "Withdrawn",
    "check_offer",
    "check_reservations",
    "expire",
    "find_offer",
    "give_up",
    "only_an_active_investment",
    "only_with_all_its_points",
    "only_within_the_window",
    "reserve",
    "settle_failed",
    "settle_paid",
    "tracking_code",
    "why_not_withdraw",
    "withdraw",
    "withdrawal_end",
]
