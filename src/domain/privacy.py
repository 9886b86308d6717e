"""What stands against erasing a member, and what of them stays and why (M6).

Whoever is owed something, or owes, is not erased before that is settled; points go only where the member says
that they are given up. What stays says nothing of a person: ids, amounts, times.

    Forbidden
    └── SignInAgain     to erase oneself needs a session that was just opened
    RuleForbids
    └── GroundsNeeded   another's data are given out on grounds, not because somebody else wished it
    StateForbids
    └── MemberBound     something is owed or under way; every obstacle is named
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from . import shared
from .fulfillment import Shipment
from .identity import Member, Session
from .investments import Investment
from .investments.subscriptions import Subscription, is_held
from .orders import Order
from .payments import Payment
from .points import Account

Grounds = Literal["own_wish", "request", "law"]
"""Why somebody is erased or given their data: they asked here, they asked otherwise, a law or court asks."""
ErasureState = Literal["begun", "done"]
RECENT = timedelta(minutes=15)
"""How old a session may be that erases its member."""
UNDER_WAY = frozenset(("pending", "accepted", "picked", "shipped", "in_transit", "exception"))
OPEN_ORDER = frozenset(
    ("pending", "confirmed", "processing", "partly_shipped", "shipped", "partly_delivered")
)


class SignInAgain(shared.Forbidden):
    message = "Sign in again first: this needs a session that was opened less than {minutes} minutes ago."
    minutes: int


class GroundsNeeded(shared.RuleForbids):
    message = "The data of another member are given out on other grounds than a wish of one's own."


class MemberBound(shared.StateForbids):
    """Each obstacle is named by its code, with the ids of what stands there."""

    message = "The member cannot be erased yet: {reasons}."
    reasons: str
    obstacles: "tuple[Obstacle, ...]"


class Obstacle(shared.Record):
    """One thing that is to be settled first, and what of."""

    code: str
    what: str
    ids: tuple[str, ...] = ()


class Facts(shared.Record):
    """What a decision to erase looks at."""

    member: Member
    accounts: tuple[Account, ...] = ()
    orders: tuple[Order, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    payments: tuple[Payment, ...] = ()
    investments: tuple[Investment, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    gives_up_points: bool = False


class Kept(shared.Record):
    """What stays of one table: how many rows, by which rule, and until when it has to."""

    table: str
    rows: int
    why: str
    until: date | None


class Erasure(shared.Record):
    """That a member was erased, when, on which grounds, by whom; what stays is in `kept` once it is done."""

    user_id: UUID
    state: ErasureState
    grounds: Grounds
    asked_by: UUID
    begun_at: datetime
    done_at: datetime | None = None
    kept: tuple[Kept, ...] = ()


class MemberErased(shared.Event, tag="privacy.member_erased"):
    user_id: UUID


class DataExported(shared.Event, tag="privacy.data_exported"):
    user_id: UUID


class Rule(shared.Record):
    """Why rows of some tables stay, and for how many years; no number is as long as the books."""

    why: str
    years: int | None
    tables: tuple[str, ...]


RULES = (
    Rule(
        "Books and their vouchers are kept 10 years (Code de commerce, art. L123-22; our decision 0017).",
        10,
        (
            *("account", "lot", "posting", "allocation", "hold", "opening", "checkpoint"),
            *("payment", "receipt", "refund", "dispute", "payment_reference", "webhook_event", "withdrawal"),
            *("investment", "funding_entry", "subscription", "subscription_charge", "portion"),
            *("order", "order_line", "order_number", "order_status_change"),
            *("shipment", "shipment_line", "shipment_change"),
        ),
    ),
    Rule(
        "That we checked who pays is shown 5 years (Code monétaire et financier L561-12; decision 0017).",
        5,
        ("kyc_check", "level_change"),
    ),
    Rule(
        "Who did what, and who agreed to what, is shown 5 years (Code civil, art. 2224; our decision 0017).",
        5,
        ("command_log", "event", "consent", "erasure", "export"),
    ),
    Rule("The id alone, so that nobody else is given it.", None, ("member", "profile")),
)
"""*config*: decisions of ours, to be read by a lawyer in each country. Nothing that stays is personal."""


def obstacles(facts: Facts) -> list[Obstacle]:
    """Everything that is to be settled before the member is erased."""
    return shared.collect(OBSTACLES, facts)


def check_free(facts: Facts) -> None:
    """Raise MemberBound where something is owed or under way."""
    if found := obstacles(facts):
        raise MemberBound(reasons="; ".join(one.what for one in found), obstacles=tuple(found))


def check_recent(session: Session | None, at: datetime) -> None:
    """Raise SignInAgain unless the session was opened a moment ago."""
    if session is None or at - session.created_at > RECENT:
        raise SignInAgain(minutes=int(RECENT.total_seconds() // 60))


def still_acts(facts: Facts) -> Obstacle | None:
    if facts.member.role == "member":
        return None
    return Obstacle("role_held", f"they act as {facts.member.role}: make them a plain member first")


def orders_open(facts: Facts) -> Obstacle | None:
    open_ones = (one for one in facts.orders if one.status in OPEN_ORDER)
    return _some("order_open", "an order is open", (one.id for one in open_ones))


def shipments_under_way(facts: Facts) -> Obstacle | None:
    moving = (one for one in facts.shipments if one.state in UNDER_WAY)
    return _some("shipment_under_way", "a shipment is under way", (one.id for one in moving))


def payments_open(facts: Facts) -> Obstacle | None:
    open_ones = (one for one in facts.payments if one.state == "pending")
    return _some("payment_pending", "a payment is awaited", (one.id for one in open_ones))


def refunds_due(facts: Facts) -> Obstacle | None:
    owed = (one for one in facts.payments if one.state == "refund_due")
    return _some("refund_due", "money is to go back", (one.id for one in owed))


def disputes_open(facts: Facts) -> Obstacle | None:
    disputed = (one for one in facts.payments if one.disputed == "opened")
    return _some("payment_disputed", "a bank disputes a payment", (one.id for one in disputed))


def investments_pending(facts: Facts) -> Obstacle | None:
    pending = (one for one in facts.investments if one.state == "pending")
    return _some("investment_pending", "an investment awaits its payment", (one.id for one in pending))


def subscriptions_held(facts: Facts) -> Obstacle | None:
    held = (one for one in facts.subscriptions if is_held(one))
    return _some("subscription_active", "a subscription runs: cancel it first", (one.id for one in held))


def points_held(facts: Facts) -> Obstacle | None:
    held = (one.unit for one in facts.accounts if one.held)
    return _some("points_held", "points are held for something", held)


def points_owed(facts: Facts) -> Obstacle | None:
    owing = (one.unit for one in facts.accounts if one.debt)
    return _some("points_owed", "points are owed", owing)


def points_left(facts: Facts) -> Obstacle | None:
    if facts.gives_up_points:
        return None
    left = (one.unit for one in facts.accounts if one.balance)
    return _some("points_left", "points are left: spend them, or say that they are given up", left)


OBSTACLES: tuple[Callable[[Facts], Obstacle | None], ...] = (
    still_acts,
    orders_open,
    shipments_under_way,
    payments_open,
    refunds_due,
    disputes_open,
    investments_pending,
    subscriptions_held,
    points_held,
    points_owed,
    points_left,
)


def _some(code: str, what: str, ids: Iterable[object]) -> Obstacle | None:
    found = tuple(map(str, ids))
    return Obstacle(code, what, found) if found else None


def kept(counts: Mapping[str, int], at: datetime) -> tuple[Kept, ...]:
    """What stays of each table, by name."""
    return tuple(
        Kept(table, rows, rule.why, _until(rule, at))
        for table, rows in sorted(counts.items())
        if rows and (rule := rule_of(table)) is not None
    )


def rule_of(table: str) -> Rule | None:
    """The rule by which rows of a table stay; None where none has to."""
    return next((rule for rule in RULES if table in rule.tables), None)


def _until(rule: Rule, at: datetime) -> date | None:
    return None if rule.years is None else shared.add_months(at.date(), 12 * rule.years)
