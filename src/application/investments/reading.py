"""What can be asked of investments."""

from ...domain import investments, shared
from .. import payments
from ..pages import Page, page_of, uuid_of
from ..work import ANYONE, SIGNED_IN, Read, query
from .records import (
    GetInvestment,
    HasInvestments,
    InvestmentView,
    ListInvestments,
    ListOffers,
    OfferView,
    Paid,
)

OFFERS = investments.DEFAULT_OFFERS


def terms_of(one: investments.Terms) -> tuple[shared.Money, int, int, int, int]:
    """What something costs and grants, in the order in which an offer and a plan are shown."""
    return shared.Money(one.price_cents), one.points, one.funded_points, one.bonus_points, one.bonus_bp


@query(allow=ANYONE)
async def offers(question: ListOffers, read: Read[object]) -> Page[OfferView]:
    """What members can buy."""
    return Page(tuple(OfferView(one.type, *terms_of(one)) for one in OFFERS))


@query(allow=SIGNED_IN)
async def investment(question: GetInvestment, read: Read[HasInvestments]) -> InvestmentView:
    """An investment with its payment. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "investment", question.investment_id)
    found = await read.ports.investments.investment(question.user_id, question.investment_id)
    if found is None:
        raise shared.NotFound(kind="investment", id=str(question.investment_id))
    return view_of(found)


@query(allow=SIGNED_IN)
async def listing(question: ListInvestments, read: Read[HasInvestments]) -> Page[InvestmentView]:
    """A member's investments, newest first. One's own; anybody's for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    before = uuid_of(question.cursor)
    found = await read.ports.investments.investments(question.user_id, question.limit + 1, before)
    return page_of([view_of(one) for one in found], question.limit, lambda one: one.id)


def view_of(paid: Paid) -> InvestmentView:
    """An investment as it is shown."""
    one = paid.investment
    return shared.recast(
        InvestmentView,
        one,
        amount=shared.Money(one.amount_cents),
        granted_points=one.points if one.state == "active" else 0,
        payment=payments.view_of(paid.payment),
    )
