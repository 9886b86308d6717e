"""Investments: a member reserves a share, pays, receives points, and may think again.

Each function decides for the investment, its payment and its share at once, so that no two of them
can disagree: money that arrived buys the share or goes back, exactly one of the two. A payment that
comes after its hold ran out, or after it was given up, is honoured while there is room, whether or
not anybody wrote the expiry down. Source: M14, M15, M16.

    RuleForbids
    ├── OfferUnsound             an offer costs whole euros and grants at least a point for each
    ├── WithdrawalWindowClosed   the days to think again are over
    └── PointsAlreadySpent       the points must be whole to be given back
    StateForbids
    ├── InvestmentNotActive      only an active investment can be withdrawn from
    └── HoldStillRuns            the member may still pay
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal
from uuid import UUID

from . import payments, projects, shared

InvestmentState = Literal["pending", "active", "cancelled", "withdrawn", "refunded", "expired"]
Verdict = Literal["honoured", "returned", "known"]

CENTS_A_POINT = 100
"""A point is worth one euro (ledger.md)."""

TRACKING_PREFIXES: Mapping[projects.InvestmentType, str] = {
    "ruche": "RUCHE",
    "olivier": "OLIVIER",
    "parcelle_familiale": "PARCELLE",
}
TRACKING_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing that is mistaken for something else when read aloud."""


class OfferUnsound(shared.RuleForbids):
    message = (
        "{price_cents} cents for {points} points: an offer costs whole euros and grants a point for each."
    )
    price_cents: int
    points: int


class WithdrawalWindowClosed(shared.RuleForbids):
    message = "It was possible to withdraw until {until}."
    until: datetime


class PointsAlreadySpent(shared.RuleForbids):
    message = "{spent} of the points of this investment are spent already."
    spent: int


class InvestmentNotActive(shared.StateForbids):
    message = "The investment is {state}: only an active one can be withdrawn from."
    state: str


class HoldStillRuns(shared.StateForbids):
    message = "The share is reserved until {until}."
    until: datetime


class Policy(shared.Record):
    """How long a share is reserved, and how many days after the payment a member may withdraw."""

    hold_minutes: int = 30
    withdrawal_days: int = 14
    zone: str = "Europe/Paris"


class Offer(shared.Record):
    """What a member can buy: the price in cents, and the points that are granted in all."""

    type: projects.InvestmentType
    price_cents: shared.Amount
    points: shared.Amount

    @property
    def funded_points(self) -> int:
        """The points that the price pays for."""
        return self.price_cents // CENTS_A_POINT

    @property
    def bonus_points(self) -> int:
        """The points granted beyond the price."""
        return self.points - self.funded_points

    @property
    def bonus_bp(self) -> int:
        """The bonus in basis points of what was paid for: shown, and never computed with."""
        return round(Fraction(self.bonus_points * 10_000, self.funded_points))


DEFAULT_OFFERS = (
    Offer("ruche", 5_000, 65),
    Offer("olivier", 8_000, 105),
    Offer("parcelle_familiale", 15_000, 210),
)


class Investment(shared.Record):
    """A member's share of a project: what it cost, what it grants, and where it stands.

    `entry_id` is its share in the project's funding, `grant_id` the grant of its points.
    `refunded` means paid but not honoured: the payment says when the money is back.
    """

    user_id: UUID
    id: UUID
    project_id: UUID
    type: projects.InvestmentType
    amount_cents: int
    points: int
    funded_points: int
    bonus_points: int
    payment_id: UUID
    entry_id: UUID
    reserved_until: datetime
    created_at: datetime
    state: InvestmentState = "pending"
    tracking_id: str = ""
    active_at: datetime | None = None
    withdraw_until: datetime | None = None
    grant_id: UUID | None = None
    notes: shared.Note = ""


class Wish(shared.Record):
    """Who invests, through which provider, and the ids of what that makes."""

    user_id: UUID
    investment_id: UUID
    payment_id: UUID
    entry_id: UUID
    provider: str
    notes: str = ""


class Case(shared.Record):
    """What a decision about an investment looks at, read under the locks of its owner and its project.

    `siblings` are the member's investments; those that are not active do not matter.
    """

    investment: Investment
    payment: payments.Payment
    entry: projects.FundingEntry
    book: projects.Book
    siblings: tuple[Investment, ...] = ()

    @property
    def others(self) -> int:
        """How many further shares of the project the member has."""
        mine = self.investment
        return sum(
            one.state == "active" and one.project_id == mine.project_id and one.id != mine.id
            for one in self.siblings
        )


class Outcome(shared.Record):
    """Everything as it is now, to be saved together. Without events nothing changed."""

    investment: Investment
    payment: payments.Payment
    entry: projects.FundingEntry
    funding: projects.Funding
    receipt: payments.Receipt | None = None
    events: tuple[shared.Event, ...] = ()


class Settlement(Outcome):
    """What became of money that arrived.

    `honoured`: the points are to be granted, now and never again. `returned`: the payment is due
    back. `known`: this was settled before.
    """

    verdict: Verdict = "known"


class InvestmentEvent(shared.Event):
    """What every event of an investment tells; it has a tracking id once it is active."""

    user_id: UUID
    investment_id: UUID
    project_id: UUID
    amount_cents: int
    points: int
    tracking_id: str


class Reserved(InvestmentEvent, tag="investments.reserved"): ...


class Activated(InvestmentEvent, tag="investments.activated"): ...


class NotHonoured(InvestmentEvent, tag="investments.not_honoured"): ...


class Cancelled(InvestmentEvent, tag="investments.cancelled"): ...


class Expired(InvestmentEvent, tag="investments.expired"): ...


class Withdrawn(InvestmentEvent, tag="investments.withdrawn"): ...


def find_offer(offers: Iterable[Offer], type: projects.InvestmentType) -> Offer:
    """The offer of that type. Raises NotFound."""
    for offer in offers:
        if offer.type == type:
            return offer
    raise shared.NotFound(kind="offer", id=type)


def check_offer(offer: Offer) -> None:
    """Raise OfferUnsound unless it costs whole euros and grants at least a point for each."""
    if offer.price_cents < CENTS_A_POINT or offer.price_cents % CENTS_A_POINT or offer.bonus_points < 0:
        raise OfferUnsound(price_cents=offer.price_cents, points=offer.points)


def tracking_code(type: projects.InvestmentType, id: UUID) -> str:
    """The name of a member's own hive or tree, such as `RUCHE-7K3MQ-9TX2B`.

    Ten letters stand for the last 50 bits of the investment's id, which are random in a UUIDv7.
    """
    letters = "".join(TRACKING_LETTERS[id.int >> shift & 31] for shift in range(45, -1, -5))
    return f"{TRACKING_PREFIXES[type]}-{letters[:5]}-{letters[5:]}"


def withdrawal_end(active_at: datetime, policy: Policy) -> datetime:
    """The instant at which the last day to withdraw is over: that day counts whole, the first does not."""
    last = shared.day_in(active_at, policy.zone) + timedelta(days=policy.withdrawal_days)
    return shared.end_of_day(last, policy.zone)


def reserve(wish: Wish, book: projects.Book, offer: Offer, policy: Policy, at: datetime) -> Outcome:
    """A pending investment, its share held and its payment asked for, all until the same instant.

    Raises OfferUnsound, InvestmentTypeMismatch, ProjectNotOpen, FundingExceeded.
    """
    check_offer(offer)
    projects.check_investment_type(book.project, offer.type)
    investment = _pending(wish, book.project.id, offer, at + timedelta(minutes=policy.hold_minutes), at)
    share = projects.hold_share(book, _entry_of(investment), at)
    asked = payments.request(_payment_of(investment, wish.provider))
    events = (*share.events, *asked.events, _say(Reserved, investment))
    return Outcome(investment, asked.payment, share.entry, share.funding, events=events)


def settle_paid(case: Case, receipt_id: UUID, grant_id: UUID, policy: Policy, at: datetime) -> Settlement:
    """The money has arrived: it buys the share, or all of it is due back.

    It goes back where the project is no longer active, or the hold ran out and the room is gone.
    """
    paid = payments.succeeded(case.payment, receipt_id, at)
    if not paid.events:
        return Settlement(case.investment, case.payment, case.entry, case.book.funding)
    share = projects.take_share(case.book, case.entry, case.others, at)
    if share.refusal:
        return _returned(case.investment, paid, share)
    active = _active(case.investment, grant_id, policy, at)
    events = (*paid.events, *share.events, _say(Activated, active))
    return Settlement(active, paid.payment, share.entry, share.funding, paid.receipt, events, "honoured")


def settle_failed(case: Case, reason: str, at: datetime) -> Outcome:
    """The payment failed: the share is free again, and the investment cancelled."""
    failed = payments.failed(case.payment, reason, at)
    if not failed.events:
        return _unchanged(case)
    share = projects.release_share(case.book.funding, case.entry, at)
    cancelled = shared.evolve(case.investment, state="cancelled")
    events = (*failed.events, *share.events, _say(Cancelled, cancelled))
    return Outcome(cancelled, failed.payment, share.entry, share.funding, events=events)


def expire(case: Case, at: datetime) -> Outcome:
    """Write down that the hold of a pending investment ran out. Raises HoldStillRuns.

    Nothing happens to an investment that is not pending any more.
    """
    if case.investment.state != "pending":
        return _unchanged(case)
    if at < case.investment.reserved_until:
        raise HoldStillRuns(until=case.investment.reserved_until)
    gone = payments.cancelled(case.payment, "hold_expired", at)
    share = projects.release_share(case.book.funding, case.entry, at)
    expired = shared.evolve(case.investment, state="expired")
    events = (*gone.events, *share.events, _say(Expired, expired))
    return Outcome(expired, gone.payment, share.entry, share.funding, events=events)


def only_an_active_investment(investment: Investment, spent: int, at: datetime) -> InvestmentNotActive | None:
    return None if investment.state == "active" else InvestmentNotActive(state=investment.state)


def only_within_the_window(investment: Investment, spent: int, at: datetime) -> WithdrawalWindowClosed | None:
    until = investment.withdraw_until
    return None if until is None or at < until else WithdrawalWindowClosed(until=until)


def only_with_all_its_points(investment: Investment, spent: int, at: datetime) -> PointsAlreadySpent | None:
    return None if spent == 0 else PointsAlreadySpent(spent=spent)


WITHDRAWING: tuple[Callable[[Investment, int, datetime], shared.DomainError | None], ...] = (
    only_an_active_investment,
    only_within_the_window,
    only_with_all_its_points,
)


def why_not_withdraw(investment: Investment, spent: int, at: datetime) -> tuple[shared.DomainError, ...]:
    """What forbids the withdrawal now; empty when nothing does. `spent` counts points of its grant."""
    return tuple(shared.collect(WITHDRAWING, investment, spent, at))


def withdraw(case: Case, spent: int, at: datetime) -> Outcome:
    """Undo an active investment: the share is free again and all the money due back.

    The caller takes back the points of `grant_id`, of which the member has spent `spent`. Raises
    InvestmentNotActive, WithdrawalWindowClosed, PointsAlreadySpent.
    """
    for objection in why_not_withdraw(case.investment, spent, at):
        raise objection
    owing = payments.refund_due(case.payment, case.investment.amount_cents, "withdrawal")
    share = projects.return_share(case.book.funding, case.entry, case.others, at)
    withdrawn = shared.evolve(case.investment, state="withdrawn")
    events = (*owing.events, *share.events, _say(Withdrawn, withdrawn))
    return Outcome(withdrawn, owing.payment, share.entry, share.funding, events=events)


def _pending(wish: Wish, project_id: UUID, offer: Offer, until: datetime, at: datetime) -> Investment:
    return Investment(
        user_id=wish.user_id,
        id=wish.investment_id,
        project_id=project_id,
        type=offer.type,
        amount_cents=offer.price_cents,
        points=offer.points,
        funded_points=offer.funded_points,
        bonus_points=offer.bonus_points,
        payment_id=wish.payment_id,
        entry_id=wish.entry_id,
        reserved_until=until,
        created_at=at,
        notes=wish.notes,
    )


def _entry_of(one: Investment) -> projects.FundingEntry:
    ids = one.project_id, one.entry_id, one.id, one.user_id
    return projects.FundingEntry(*ids, one.amount_cents, one.reserved_until, one.created_at)


def _payment_of(one: Investment, provider: str) -> payments.Payment:
    ids = one.user_id, one.payment_id
    return payments.Payment(
        *ids, "investment", one.id, one.amount_cents, provider, one.reserved_until, one.created_at
    )


def _active(investment: Investment, grant_id: UUID, policy: Policy, at: datetime) -> Investment:
    return shared.evolve(
        investment,
        state="active",
        tracking_id=tracking_code(investment.type, investment.id),
        active_at=at,
        withdraw_until=withdrawal_end(at, policy),
        grant_id=grant_id,
    )


def _returned(investment: Investment, paid: payments.Change, share: projects.Share) -> Settlement:
    owing = payments.refund_due(paid.payment, investment.amount_cents, share.refusal)
    refunded = shared.evolve(investment, state="refunded")
    events = (*paid.events, *share.events, *owing.events, _say(NotHonoured, refunded))
    return Settlement(refunded, owing.payment, share.entry, share.funding, paid.receipt, events, "returned")


def _unchanged(case: Case) -> Outcome:
    return Outcome(case.investment, case.payment, case.entry, case.book.funding)


def _say(kind: type[InvestmentEvent], one: Investment) -> InvestmentEvent:
    return kind(one.user_id, one.id, one.project_id, one.amount_cents, one.points, one.tracking_id)
