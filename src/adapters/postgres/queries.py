"""The read side of every context on PostgreSQL."""

from .audit import CommandLog
from .catalog import CatalogQueries
from .database import Database
from .fulfillment import FulfillmentQueries, PromiseChecks
from .identity import CredentialQueries, IdentityQueries, PeopleQueries
from .inventory import InventoryQueries, StockChecks
from .investments import (
    ContributionsQueries,
    CoverageQueries,
    InvestmentsQueries,
    MoneyChecks,
    StandingQueries,
    SubscriptionsQueries,
)
from .orders import OrdersQueries
from .partners import PartnersQueries
from .payments import EventsQueries, PaymentsQueries
from .points import AuditQueries, GiftNotes, PointsDue, PointsQueries, PointsReports, SealQueries
from .privacy import PrivacyQueries
from .projects import ProjectsQueries
from .stored import STORED


class PostgresQueries:
    def __init__(self, database: Database) -> None:
        self.identity = IdentityQueries(database)
        self.credentials = CredentialQueries(database)
        self.people = PeopleQueries(database)
        self.points = PointsQueries(database)
        self.points_due = PointsDue(database)
        self.points_reports = PointsReports(database)
        self.seals = SealQueries(database)
        self.audit = AuditQueries(database)
        self.payments = PaymentsQueries(database)
        self.webhook_events = EventsQueries(database)
        self.partners = PartnersQueries(database)
        self.projects = ProjectsQueries(database)
        self.investments = InvestmentsQueries(database)
        self.coverage = CoverageQueries(database)
        self.money_checks = MoneyChecks(database)
        self.standing = StandingQueries(database)
        self.subscriptions = SubscriptionsQueries(database)
        self.contributions = ContributionsQueries(database)
        self.catalog = CatalogQueries(database)
        self.inventory = InventoryQueries(database)
        self.stock_checks = StockChecks(database)
        self.orders = OrdersQueries(database)
        self.fulfillment = FulfillmentQueries(database)
        self.promise_checks = PromiseChecks(database)
        self.command_log = CommandLog(database)
        self.privacy = PrivacyQueries(database, STORED)
        self.gift_notes = GiftNotes(database)
