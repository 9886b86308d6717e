"""Investments over HTTP: offers, shares, and how anything is paid for in the sandbox."""

from uuid import UUID

from ....application import investments, payments
from ....application.investments import InvestmentView, OfferView, SubscriptionView
from ....application.pages import Limit, Page
from ..ask import Ask
from ..routes import ADMINS, ANYONE, SIGNED_IN, get, post


@get("/offers", allow=ANYONE, statuses=())
async def list_offers(ask: Ask) -> Page[OfferView]:
    """List what members can buy, each for projects of one type."""
    return await ask.read(investments.offers, investments.ListOffers())


@post("/investments", allow=SIGNED_IN, moves=True)
async def invest(data: investments.Invest, ask: Ask) -> InvestmentView:
    """Reserve a share of a project; the answer says where to pay, and until when."""
    reserved = await ask(investments.reserve, investments.reservation(data, ask.gateway))
    return await investments.open_payment(reserved, ask.runner, ask.gateway, ask.actor)


@get("/investments", allow=SIGNED_IN)
async def list_investments(
    ask: Ask, user_id: UUID | None = None, limit: Limit = 25, cursor: str | None = None
) -> Page[InvestmentView]:
    """List investments, newest first: one's own, or a member's for administrators."""
    question = investments.ListInvestments(user_id=user_id or ask.actor.user_id, limit=limit, cursor=cursor)
    return await ask.read(investments.listing, question)


@get("/investments/{investment_id:uuid}", allow=SIGNED_IN)
async def show_investment(investment_id: UUID, ask: Ask, user_id: UUID | None = None) -> InvestmentView:
    """Read an investment with its payment: one's own, or a member's for administrators."""
    question = investments.GetInvestment(user_id=user_id or ask.actor.user_id, investment_id=investment_id)
    return await ask.read(investments.investment, question)


@post("/investments/expirations", allow=ADMINS, moves=True, status_code=200)
async def expire(data: investments.ExpireInvestment, ask: Ask) -> InvestmentView:
    """Let a reservation go whose hold ran out, or earlier (administrators, services)."""
    return await ask(investments.expire, data)


@post("/payments/{payment_id:uuid}/sandbox", allow=SIGNED_IN, moves=True, status_code=200)
async def pay(payment_id: UUID, data: payments.Play, ask: Ask) -> InvestmentView | SubscriptionView:
    """Pay in the sandbox, and choose how it goes. Where real money is taken there is no such thing."""
    sandbox = payments.sandbox_of(ask.gateway)
    how = payments.PlayPayment(payment_id=payment_id, behaviour=data.behaviour)
    payment = await ask(payments.play, how)
    found: InvestmentView | SubscriptionView = await investments.played(
        payment, how, ask.runner, sandbox, ask.actor
    )
    return found


HANDLERS = [list_offers, invest, list_investments, show_investment, expire, pay]
