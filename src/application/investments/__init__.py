"""Investments: reserve a share, pay, settle; think again within some days (M14, M15, M16).

Reserving, settling and withdrawing are use cases; the payment provider is called between them, by the
functions of `paying`, which every edge shares.

Decisions: docs/decisions/0010-the-payment-provider.md, 0015-the-till.md.
"""

from ..payments import Settle
from .investing import POLICY, expire, reserve, settle, withdraw
from .paying import (
    Bought,
    Purchase,
    hear,
    invest,
    money_back,
    open_payment,
    pay,
    played,
    reservation,
    withdraw_and_refund,
)
from .reading import OFFERS, investment, listing, offers
from .records import (
    INVESTMENTS,
    KINDS,
    Expire,
    GetInvestment,
    HasInvestments,
    Invest,
    InvestmentsQueries,
    InvestmentView,
    ListInvestments,
    ListOffers,
    OfferView,
    Paid,
    Reserve,
    Withdraw,
    is_open,
)

__all__ = [
    "INVESTMENTS",
    "KINDS",
    "OFFERS",
    "POLICY",
    "Bought",
    "Expire",
    "GetInvestment",
    "HasInvestments",
    "Invest",
    "InvestmentView",
    "InvestmentsQueries",
    "ListInvestments",
    "ListOffers",
    "OfferView",
    "Paid",
    "Purchase",
    "Reserve",
    "Settle",
    "Withdraw",
    "expire",
    "hear",
    "invest",
    "investment",
    "is_open",
    "listing",
    "money_back",
    "offers",
    "open_payment",
    "pay",
    "played",
    "reservation",
    "reserve",
    "settle",
    "withdraw",
    "withdraw_and_refund",
]
