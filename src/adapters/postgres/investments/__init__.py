"""Investments and subscriptions in PostgreSQL. Home: `user_id`."""

from . import subscriptions, tables
from .contributions import ContributionsQueries
from .coverage import CoverageQueries
from .reading import InvestmentsQueries
from .standing import StandingQueries
from .subscriptions import SubscriptionsQueries
from .verifying import MoneyChecks

__all__ = [
    "STORED",
    "ContributionsQueries",
    "CoverageQueries",
    "InvestmentsQueries",
    "MoneyChecks",
    "StandingQueries",
    "SubscriptionsQueries",
]

STORED = (*tables.STORED, *subscriptions.STORED)
