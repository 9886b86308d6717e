"""Investments: a member reserves a share, pays, receives points, and may think again.

Each function decides for the investment, its payment and its share at once, so that no two of them
can disagree: money that arrived buys the share or goes back, exactly one of the two. A payment that
comes after its hold ran out, or after it was given up, is honoured while there is room, whether or
not anybody wrote the expiry down. Source: M14, M15, M16.

    RuleForbids
    ├── TooManyReservations      a member does not keep a project full without paying
    ├── OfferUnsound             an offer costs whole euros and grants at least a point for each
    └── WithdrawalWindowClosed   the days to think again are over
    StateForbids
    ├── InvestmentNotActive      only an active investment can be withdrawn from
    └── HoldStillRuns            the member may still pay
"""

from .losing import lose
from .records import (
    DEFAULT_OFFERS,
    Activated,
    Cancelled,
    Case,
    Expired,
    Investment,
    InvestmentEvent,
    InvestmentState,
    Lost,
    NotHonoured,
    Offer,
    Outcome,
    Policy,
    Reserved,
    Settlement,
    Terms,
    Wish,
    Withdrawn,
)
from .reserving import OfferUnsound, TooManyReservations, check_reservations, find_offer, reserve
from .settling import (
    HoldStillRuns,
    InvestmentNotActive,
    check_withdrawal,
    expire,
    give_up,
    settle_failed,
    settle_paid,
    tracking_code,
    withdraw,
    withdrawal_end,
)
from .withdrawing import ContributionKind, Withdrawal, WithdrawalWindowClosed, reckon

__all__ = [
    "DEFAULT_OFFERS",
    "Activated",
    "Cancelled",
    "Case",
    "ContributionKind",
    "Expired",
    "HoldStillRuns",
    "Investment",
    "InvestmentEvent",
    "InvestmentNotActive",
    "InvestmentState",
    "Lost",
    "NotHonoured",
    "Offer",
    "OfferUnsound",
    "Outcome",
    "Policy",
    "Reserved",
    "Settlement",
    "Terms",
    "TooManyReservations",
    "Wish",
    "Withdrawal",
    "WithdrawalWindowClosed",
    "Withdrawn",
    "check_reservations",
    "check_withdrawal",
    "expire",
    "find_offer",
    "give_up",
    "lose",
    "reckon",
    "reserve",
    "settle_failed",
    "settle_paid",
    "tracking_code",
    "withdraw",
    "withdrawal_end",
]
