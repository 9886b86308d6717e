"""From a reservation to a share with its points, and back (M14, M15, M16).

What a provider repeats, or what was interrupted, is done again and changes nothing that is done already.
"""

from collections.abc import Iterator
from uuid import UUID

from ...domain import investments, shared
from ...domain.investments import Case, Investment, Outcome
from ...domain.points import GrantPartlySpent, Source
from ...domain.projects import FundingEntry
from .. import identity, points, projects
from ..identity import MEMBERS
from ..payments import PAYMENTS, Settle
from ..work import ADMINS, SIGNED_IN, Key, Wanted, Work, use_case
from .reading import OFFERS, view_of
from .records import INVESTMENTS, Expire, InvestmentView, Paid, Reserve, Withdraw

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
    return view_of(Paid(outcome.investment, outcome.payment))
