"""The read side of every context in memory."""

from .audit import CommandLog
from .catalog import CatalogQueries
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
from .storage import MemoryStorage


class MemoryQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self.identity = IdentityQueries(storage)
        self.credentials = CredentialQueries(storage)
        self.people = PeopleQueries(storage)
        self.points = PointsQueries(storage)
        self.points_due = PointsDue(storage)
        self.points_reports = PointsReports(storage)
        self.seals = SealQueries(storage)
        self.audit = AuditQueries(storage)
        self.payments = PaymentsQueries(storage)
        self.webhook_events = EventsQueries(storage)
        self.partners = PartnersQueries(storage)
        self.projects = ProjectsQueries(storage)
        self.investments = InvestmentsQueries(storage)
        self.coverage = CoverageQueries(storage)
        self.money_checks = MoneyChecks(storage)
        self.standing = StandingQueries(storage)
        self.subscriptions = SubscriptionsQueries(storage)
        self.contributions = ContributionsQueries(storage)
        self.catalog = CatalogQueries(storage)
        self.inventory = InventoryQueries(storage)
        self.stock_checks = StockChecks(storage)
        self.orders = OrdersQueries(storage)
        self.fulfillment = FulfillmentQueries(storage)
        self.promise_checks = PromiseChecks(storage)
        self.command_log = CommandLog(storage)
        self.privacy = PrivacyQueries(storage)
        self.gift_notes = GiftNotes(storage)
