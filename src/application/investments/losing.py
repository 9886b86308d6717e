"""What becomes of an investment whose money the member's bank takes back."""

from contextlib import suppress

from ...domain import investments
from ...domain.investments import Investment
from ...domain.points import GrantAlreadyRevoked, GrantOver
from .. import payments, points, projects
from ..payments import PAYMENTS, BookDispute
from ..work import ADMINS, Key, Wanted, Work, use_case
from .holdings import update_level
from .investing import all_of, case_of, keep
from .records import INVESTMENTS, InvestmentView


def _payment(command: BookDispute, work: Work) -> tuple[Wanted, ...]:
    return (PAYMENTS.key(command.user_id, command.payment_id),)


def _key(command: BookDispute, work: Work) -> Key[Investment]:
    payment = work.get(PAYMENTS.key(command.user_id, command.payment_id))
    return INVESTMENTS.key(command.user_id, payment.purpose_id)


def _project(command: BookDispute, work: Work) -> tuple[Wanted, ...]:
    return (projects.PROJECTS.key(work.get(_key(command, work)).project_id),)


def _locks(command: BookDispute, work: Work) -> tuple[Wanted, ...]:
    one = work.get(_key(command, work))
    return (*all_of(one), *points.whole_keys(one.user_id), payments.dispute_key(command))


@use_case(
    allow=ADMINS, loads=(_payment, lambda command, work: (_key(command, work),), _project), locks=_locks
)
async def disputed(command: BookDispute, work: Work) -> InvestmentView:
    """Note what became of a dispute. Where all the money is lost, the share goes, and the points with it:
    those that are spent already become a debt."""
    payments.book_dispute(command, work)
    outcome = investments.lose(case_of(work, _key(command, work)), work.now)
    view = keep(work, outcome)
    if outcome.events:
        await _take_points(outcome.investment, f"chargeback {command.reference}", work)
        update_level(work, outcome.investment.user_id, "chargeback")
    return view


async def _take_points(one: Investment, reason: str, work: Work) -> None:
    """Take the points back; those that were taken back by hand, or ended, are gone already."""
    if one.grant_id is None:
        return
    await work.load(points.LOTS.group("grant", one.user_id, one.grant_id))
    command = points.ClawBack(user_id=one.user_id, grant_id=one.grant_id, reason=reason)
    with suppress(GrantAlreadyRevoked, GrantOver):
        await points.claw_back(command, work)
