"""Investments: reserve a share, pay, settle; think again within some days (M14, M15, M16).

Reserving, settling and withdrawing are use cases; the payment provider is called between them, by the
functions at the end, which every edge shares. What a provider repeats, or what was interrupted, is
done again and changes nothing that is done already.

Decision: docs/decisions/0010-the-payment-provider.md.
"""

from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from ...domain import investments, shared
from ...domain.investments import Case, Investment, Outcome
from ...domain.points import GrantPartlySpent, Source
from ...domain.projects import FundingEntry
from .. import identity, payments, points, projects
from ..identity import MEMBERS
from ..pages import Page, page_of, uuid_of
from ..payments import PAYMENTS, Gateway, Notification, PaymentView, PlayPayment, Sandbox
from ..runner import Runner
from ..work import ADMINS, ANYONE, SIGNED_IN, Key, Read, Wanted, Work, query, use_case
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
    Settle,
    Withdraw,
    is_open,
)

__all__ = [
    "INVESTMENTS",
    "KINDS",
    "OFFERS",
    "POLICY",
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

OFFERS = investments.DEFAULT_OFFERS
POLICY = investments.Policy()


# --- what is locked -------------------------------------------------------------------------------


def _mine(user_id: UUID) -> tuple[Wanted, ...]:
    """A member is locked before their investments change, so that their list holds still."""
    return (MEMBERS.key(user_id), INVESTMENTS.group("owner", user_id))


def _entry_key(one: Investment) -> Key[FundingEntry]:
    return projects.FUNDING_ENTRIES.key(one.project_id, one.entry_id)


def _all_of(one: Investment) -> Iterator[Wanted]:
    """Everything that a change of an investment touches, but for its project, which is only loaded."""
    yield from (INVESTMENTS.key(one.user_id, one.id), PAYMENTS.key(one.user_id, one.payment_id))
    yield from (_entry_key(one), *projects.funding_keys(one.project_id), *_mine(one.user_id))
    yield from points.book_keys(one.user_id)


def _key(command: Settle | Expire | Withdraw, work: Work) -> Key[Investment]:
    """The investment that a command speaks of: one's own, or that of a payment or a member."""
    if isinstance(command, Settle):
        payment = work.get(PAYMENTS.key(command.user_id, command.payment_id))
        return INVESTMENTS.key(command.user_id, payment.purpose_id)
    owner = command.user_id if isinstance(command, Expire) else work.actor.user_id
    return INVESTMENTS.key(owner, command.investment_id)


def _project(command: Settle | Expire | Withdraw, work: Work) -> tuple[Wanted, ...]:
    return (projects.PROJECTS.key(work.get(_key(command, work)).project_id),)


def _locks(command: Settle | Expire | Withdraw, work: Work) -> tuple[Wanted, ...]:
    return tuple(_all_of(work.get(_key(command, work))))


INVESTMENT_STEPS = (lambda command, work: (_key(command, work),), _project)
PAYMENT_STEPS = (
    lambda command, work: (PAYMENTS.key(command.user_id, command.payment_id),),
    *INVESTMENT_STEPS,
)


# --- use cases ----------------------------------------------------------------------------------


def _reserve_locks(command: Reserve, work: Work) -> tuple[Wanted, ...]:
    return (*_mine(work.actor.user_id), *projects.funding_keys(command.project_id))


@use_case(
    allow=SIGNED_IN,
    loads=(lambda command, work: (projects.PROJECTS.key(command.project_id),),),
    locks=_reserve_locks,
)
async def reserve(command: Reserve, work: Work) -> InvestmentView:
    """Set a share of a project aside and ask for its payment, both until the same instant.

    Raises TooManyReservations, InvestmentTypeMismatch, ProjectNotOpen, FundingExceeded.
    """
    member = work.get(MEMBERS.key(work.actor.user_id))
    siblings = work.list(INVESTMENTS.group("owner", member.user_id))
    investments.check_reservations(siblings, POLICY, work.now)
    ids = (work.new_id(), work.new_id(), work.new_id())
    wish = investments.Wish(member.user_id, *ids, command.provider, command.notes)
    book = projects.book_of(work, command.project_id)
    offer = investments.find_offer(OFFERS, command.offer)
    return _keep(work, investments.reserve(wish, book, offer, POLICY, work.now))


@use_case(allow=ADMINS, loads=PAYMENT_STEPS, locks=_locks)
async def settle(command: Settle, work: Work) -> InvestmentView:
    """Settle what the provider said: money that came buys the share with its points, or is due back.

    Whatever the provider repeats, in whatever order, this happens once.
    """
    case = _case(work, _key(command, work))
    if command.outcome == "succeeded":
        return await _settle_paid(case, work)
    if command.outcome == "failed":
        return _keep(work, investments.settle_failed(case, command.reason, work.now))
    return _keep(work, investments.give_up(case, command.reason, work.now))


@use_case(allow=ADMINS, loads=INVESTMENT_STEPS, locks=_locks)
async def expire(command: Expire, work: Work) -> InvestmentView:
    """Let a reservation go whose hold ran out, or `early`. Raises HoldStillRuns."""
    case = _case(work, _key(command, work))
    if command.early:
        return _keep(work, investments.give_up(case, "given_up", work.now))
    return _keep(work, investments.expire(case, work.now))


@use_case(allow=SIGNED_IN, loads=INVESTMENT_STEPS, locks=_locks)
async def withdraw(command: Withdraw, work: Work) -> InvestmentView:
    """Give one's own investment back: its points and its share go, all its money is due back.

    Raises InvestmentNotActive, WithdrawalWindowClosed, PointsAlreadySpent.
    """
    case = _case(work, _key(command, work))
    outcome = investments.withdraw(case, await _take_points_back(case.investment, work), work.now)
    view = _keep(work, outcome)
    _update_level(work, case.investment.user_id)
    return view


def _case(work: Work, key: Key[Investment]) -> Case:
    one = work.get(key)
    return Case(
        one,
        work.get(PAYMENTS.key(one.user_id, one.payment_id)),
        work.get(_entry_key(one)),
        projects.book_of(work, one.project_id),
        tuple(work.list(INVESTMENTS.group("owner", one.user_id))),
    )


async def _settle_paid(case: Case, work: Work) -> InvestmentView:
    settled = investments.settle_paid(case, work.new_id(), POLICY, work.now)
    view = _keep(work, settled)
    if settled.verdict == "honoured":
        await _grant_points(settled.investment, work)
    return view


async def _grant_points(one: Investment, work: Work) -> None:
    source = Source("investment", one.id)
    earned = await points.grant(
        work, one.user_id, funded=one.funded_points, bonus=one.bonus_points, source=source
    )
    work.save(shared.evolve(one, grant_id=earned.grant_id))
    _update_level(work, one.user_id)


async def _take_points_back(one: Investment, work: Work) -> int:
    """How many points of the investment are spent or set aside; where none is, all are taken back."""
    if one.grant_id is None:
        return 0
    try:
        await points.take_back(work, one.user_id, one.grant_id, one.points)
    except GrantPartlySpent as refusal:
        return refusal.spent
    return 0


def _update_level(work: Work, user_id: UUID) -> None:
    mine = work.list(INVESTMENTS.group("owner", user_id))
    active = sum(one.state == "active" for one in mine)
    identity.update_level(work, user_id, investments=active, subscriptions=0, reason="investment")


def _keep(work: Work, outcome: Outcome) -> InvestmentView:
    work.save(outcome.investment, outcome.payment, outcome.entry, outcome.funding)
    work.save(*filter(None, (outcome.receipt,)))
    work.record(*outcome.events)
    return _view(Paid(outcome.investment, outcome.payment))


@query(allow=ANYONE)
async def offers(question: ListOffers, read: Read[object]) -> Page[OfferView]:
    """What members can buy."""
    return Page(
        tuple(
            OfferView(
                one.type,
                shared.Money(one.price_cents),
                one.points,
                one.funded_points,
                one.bonus_points,
                one.bonus_bp,
            )
            for one in OFFERS
        )
    )


@query(allow=SIGNED_IN)
async def investment(question: GetInvestment, read: Read[HasInvestments]) -> InvestmentView:
    """An investment with its payment. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "investment", question.investment_id)
    found = await read.ports.investments.investment(question.user_id, question.investment_id)
    if found is None:
        raise shared.NotFound(kind="investment", id=str(question.investment_id))
    return _view(found)


@query(allow=SIGNED_IN)
async def listing(question: ListInvestments, read: Read[HasInvestments]) -> Page[InvestmentView]:
    """A member's investments, newest first. One's own; anybody's for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    before = uuid_of(question.cursor)
    found = await read.ports.investments.investments(question.user_id, question.limit + 1, before)
    return page_of([_view(one) for one in found], question.limit, lambda one: one.id)


def _view(paid: Paid) -> InvestmentView:
    one = paid.investment
    return shared.recast(
        InvestmentView,
        one,
        amount=shared.Money(one.amount_cents),
        granted_points=one.points if one.state == "active" else 0,
        payment=payments.view_of(paid.payment),
    )


# --- with the provider, outside any transaction ---------------------------------------------------


async def invest(
    command: Invest, run: Runner, gateway: Gateway, *, actor: shared.Actor, key: str | None = None
) -> InvestmentView:
    """Reserve a share for the actor and ask the provider for its payment.

    With the same key it is the same investment and the same payment. Raises what `reserve` raises, and
    GatewayUnavailable: the share is reserved then, and the same key asks for the payment again.
    """
    reserved = await run(reserve, reservation(command, gateway), actor=actor, key=key)
    return await open_payment(reserved, run, gateway, actor)


def reservation(command: Invest, gateway: Gateway) -> Reserve:
    """The first step of an investment that is to be paid through this provider."""
    return shared.recast(Reserve, command, provider=gateway.name)


async def open_payment(
    reserved: InvestmentView, run: Runner, gateway: Gateway, actor: shared.Actor
) -> InvestmentView:
    """The second step: a reserved investment with where to pay it. Raises GatewayUnavailable."""
    wanted = payments.GetPayment(user_id=reserved.user_id, payment_id=reserved.payment.id)
    known = await payments.open_payment(wanted, run, gateway, actor)
    asked = shared.evolve(reserved.payment, reference=known.reference, pay_url=known.pay_url)
    return shared.evolve(reserved, payment=asked)


async def hear(news: Notification, run: Runner, gateway: Gateway, actor: shared.Actor) -> InvestmentView:
    """The last step: settle what the provider tells, and give money back that bought nothing.

    Raises NotFound for a payment that this provider was not asked for.
    """
    question = payments.FindPayment(provider=gateway.name, reference=news.reference)
    whose = await run.read(payments.known_as, question, actor=payments.trusted(actor, actor.user_id))
    command = Settle(
        user_id=whose.user_id, payment_id=whose.payment_id, outcome=news.outcome, reason=news.reason
    )
    settled = await run(settle, command, actor=payments.trusted(actor, whose.user_id))
    return await money_back(settled, run, gateway, actor)


async def money_back(
    one: InvestmentView, run: Runner, gateway: Gateway, actor: shared.Actor
) -> InvestmentView:
    """The investment once its money went back, where any is due.

    From a provider that does not answer it stays due: `payments.return_money` asks again.
    """
    if one.payment.state != "refund_due":
        return one
    due = payments.ListRefundsDue(user_id=one.user_id, payment_id=one.payment.id)
    with suppress(payments.GatewayUnavailable):
        await payments.return_money(due, run, gateway, actor)
    again = GetInvestment(user_id=one.user_id, investment_id=one.id)
    return await run.read(investment, again, actor=payments.trusted(actor, one.user_id))


async def withdraw_and_refund(
    command: Withdraw, run: Runner, gateway: Gateway, *, actor: shared.Actor, key: str | None = None
) -> InvestmentView:
    """Give the actor's investment back, and its money. Raises what `withdraw` raises."""
    return await money_back(await run(withdraw, command, actor=actor, key=key), run, gateway, actor)


async def pay(
    command: PlayPayment, run: Runner, sandbox: Sandbox, *, actor: shared.Actor, key: str | None = None
) -> InvestmentView:
    """Pay for one's own investment in the sandbox. Raises PaymentNotOpen."""
    payment = await run(payments.play, command, actor=actor, key=key)
    return await played(payment, command, run, sandbox, actor)


async def played(
    payment: PaymentView, how: PlayPayment, run: Runner, sandbox: Sandbox, actor: shared.Actor
) -> InvestmentView:
    """The investment after everything that the sandbox tells of its payment was heard, in its order.

    Heard again, it changes nothing: a replay answers with the investment as it is by now.
    """
    told = sandbox.pay(payment.reference, how.behaviour)
    return [await hear(news, run, sandbox, actor) for news in told][-1]
