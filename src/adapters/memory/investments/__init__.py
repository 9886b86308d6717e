"""The read side of investments and subscriptions in memory."""

from .contributions import ContributionsQueries
from .coverage import CoverageQueries
from .reading import InvestmentsQueries
from .standing import StandingQueries
from .subscriptions import SubscriptionsQueries
from .verifying import MoneyChecks

__all__ = [
    "ContributionsQueries",
    "CoverageQueries",
    "InvestmentsQueries",
    "MoneyChecks",
    "StandingQueries",
    "SubscriptionsQueries",
]
