"""From a reservation to a share with its points (M14, M15).

What a provider repeats, or what was interrupted, is done again and changes nothing that is done already.
"""

from collections.abc import Iterator

from ...domain import investments, shared
from ...domain.investments import Case, Investment, Outcome
from ...domain.points import Source
from ...domain.projects import FundingEntry
from .. import points, projects
from ..identity import MEMBERS
from ..payments import PAYMENTS, Settle
from ..work import ADMINS, SIGNED_IN, Key, Wanted, Work, use_case
from .holdings import mine, portions_in, update_level
from .reading import OFFERS, view_of
from .records import INVESTMENTS, ExpireInvestment, InvestmentView, Paid, Reserve
from .standing import check_contribution, contribution_keys, passes_limit
from .subscription_records import PORTIONS

POLICY = investments.Policy()


# --- what is locked -------------------------------------------------------------------------------


def _entry_key(one: Investment) -> Key[FundingEntry]:
    return projects.FUNDING_ENTRIES.key(one.project_id, one.entry_id)


def all_of(one: Investment) -> Iterator[Wanted]:
    """Everything that a change of an investment touches, but for its project, which is only loaded."""
    yield from (INVESTMENTS.key(one.user_id, one.id), PAYMENTS.key(one.user_id, one.payment_id))
    yield from (_entry_key(one), *projects.funding_keys(one.project_id), *mine(one.user_id))
    yield from (*portions_in(one.user_id, (one.project_id,)), *points.book_keys(one.user_id))
    yield from contribution_keys(one.user_id)


def _key(command: Settle | ExpireInvestment, work: Work) -> Key[Investment]:
    """The investment that a command speaks of: that of a payment, or of a member."""
    if isinstance(command, Settle):
        payment = work.get(PAYMENTS.key(command.user_id, command.payment_id))
        return INVESTMENTS.key(command.user_id, payment.purpose_id)
    return INVESTMENTS.key(command.user_id, command.investment_id)


def _project(command: Settle | ExpireInvestment, work: Work) -> tuple[Wanted, ...]:
    return (projects.PROJECTS.key(work.get(_key(command, work)).project_id),)


def _locks(command: Settle | ExpireInvestment, work: Work) -> tuple[Wanted, ...]:
    return tuple(all_of(work.get(_key(command, work))))


INVESTMENT_STEPS = (lambda command, work: (_key(command, work),), _project)
PAYMENT_STEPS = (
    lambda command, work: (PAYMENTS.key(command.user_id, command.payment_id),),
    *INVESTMENT_STEPS,
)


# --- use cases ----------------------------------------------------------------------------------


def _reserve_locks(command: Reserve, work: Work) -> tuple[Wanted, ...]:
    who = work.actor.user_id
    return (*mine(who), *contribution_keys(who), *projects.funding_keys(command.project_id))


@use_case(
    allow=SIGNED_IN,
    loads=(lambda command, work: (projects.PROJECTS.key(command.project_id),),),
    locks=_reserve_locks,
)
async def reserve(command: Reserve, work: Work) -> InvestmentView:
    """Set a share of a project aside and ask for its payment, both until the same instant.

    Raises EmailNotVerified, ContributionLimit, TooManyReservations, InvestmentTypeMismatch, ProjectNotOpen,
    FundingExceeded.
    """
    member = work.get(MEMBERS.key(work.actor.user_id))
    siblings = work.list(INVESTMENTS.group("owner", member.user_id))
    investments.check_reservations(siblings, POLICY, work.now)
    ids = (work.new_id(), work.new_id(), work.new_id())
    wish = investments.Wish(member.user_id, *ids, command.provider, command.notes)
    book = projects.book_of(work, command.project_id)
    offer = investments.find_offer(OFFERS, command.offer)
    check_contribution(work, member.user_id, offer.price_cents)
    return keep(work, investments.reserve(wish, book, offer, POLICY, work.now))


@use_case(allow=ADMINS, loads=PAYMENT_STEPS, locks=_locks)
async def settle(command: Settle, work: Work) -> InvestmentView:
    """Settle what the provider said: money that came buys the share with its points, or is due back.

    Whatever the provider repeats, in whatever order, this happens once. Who was declined may try again.
    """
    case = case_of(work, _key(command, work))
    if command.outcome == "succeeded":
        return await _settle_paid(case, work)
    if command.outcome == "failed":
        return keep(work, investments.settle_failed(case, command.reason, work.now))
    if command.outcome == "expired":
        return keep(work, investments.give_up(case, command.reason, work.now))
    return view_of(Paid(case.investment, case.payment))


@use_case(allow=ADMINS, loads=INVESTMENT_STEPS, locks=_locks)
async def expire(command: ExpireInvestment, work: Work) -> InvestmentView:
    """Let a reservation go whose hold ran out, or `early`. Raises HoldStillRuns."""
    case = case_of(work, _key(command, work))
    if command.early:
        return keep(work, investments.give_up(case, "given_up", work.now))
    return keep(work, investments.expire(case, work.now))


def case_of(work: Work, key: Key[Investment]) -> Case:
    one = work.get(key)
    return Case(
        one,
        work.get(PAYMENTS.key(one.user_id, one.payment_id)),
        work.get(_entry_key(one)),
        projects.book_of(work, one.project_id),
        tuple(work.list(INVESTMENTS.group("owner", one.user_id))),
        len(work.list(PORTIONS.group("project", one.user_id, one.project_id))),
    )


async def _settle_paid(case: Case, work: Work) -> InvestmentView:
    refusal = "contribution_limit" if passes_limit(work, case.payment) else ""
    settled = investments.settle_paid(case, work.new_id(), POLICY, work.now, refusal)
    view = keep(work, settled)
    if settled.verdict == "honoured":
        await _grant_points(settled.investment, work)
    return view


async def _grant_points(one: Investment, work: Work) -> None:
    source = Source("investment", one.id)
    earned = await points.grant(
        work, one.user_id, funded=one.funded_points, bonus=one.bonus_points, source=source
    )
    work.save(shared.evolve(one, grant_id=earned.grant_id))
    update_level(work, one.user_id, "investment")


def keep(work: Work, outcome: Outcome) -> InvestmentView:
    work.save(outcome.investment, outcome.payment, outcome.entry, outcome.funding)
    work.save(*filter(None, (outcome.receipt,)))
    work.record(*outcome.events)
    return view_of(Paid(outcome.investment, outcome.payment))
