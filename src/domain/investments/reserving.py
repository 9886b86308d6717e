"""From a wish to a reservation (M14, M15)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from .. import payments, points, projects, shared
from .records import Investment, Offer, Outcome, Policy, Reserved, Terms, Wish, told


class TooManyReservations(shared.RuleForbids):
    message = "{pending} shares are reserved for you and not paid yet: {most} at most."
    pending: int
    most: int


class OfferUnsound(shared.RuleForbids):
    message = (
        "{price_cents} cents for {points} points: an offer costs whole euros and grants a point for each."
    )
    price_cents: int
    points: int


def find_offer(offers: Iterable[Offer], type: projects.InvestmentType) -> Offer:
    """The offer of that type. Raises NotFound."""
    for offer in offers:
        if offer.type == type:
            return offer
    raise shared.NotFound(kind="offer", id=type)


def check_offer(offer: Terms) -> None:
    """Raise OfferUnsound unless it costs whole euros and grants at least a point for each."""
    euros, cents = divmod(offer.price_cents, points.CENTS_PER_POINT)
    if euros < 1 or cents or offer.bonus_points < 0:
        raise OfferUnsound(price_cents=offer.price_cents, points=offer.points)


def check_reservations(siblings: Iterable[Investment], policy: Policy, at: datetime) -> None:
    """Raise TooManyReservations unless the member, whose investments these are, may reserve one more."""
    pending = sum(one.state == "pending" and at < one.reserved_until for one in siblings)
    if pending >= policy.most_pending:
        raise TooManyReservations(pending=pending, most=policy.most_pending)


def reserve(wish: Wish, book: projects.Book, offer: Offer, policy: Policy, at: datetime) -> Outcome:
    """A pending investment, its share held and its payment asked for, all until the same instant.

    Raises OfferUnsound, InvestmentTypeMismatch, ProjectNotOpen, FundingExceeded.
    """
    check_offer(offer)
    projects.check_investment_type(book.project, offer.type)
    investment = _pending(wish, book.project.id, offer, at + timedelta(minutes=policy.hold_minutes), at)
    share = projects.hold_share(book, _entry_of(investment), at)
    asked = payments.request(_payment_of(investment, wish.provider))
    events = (*share.events, *asked.events, told(Reserved, investment))
    return Outcome(investment, asked.payment, share.entry, share.funding, events=events)


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
