"""What becomes of a subscription whose money the member's bank takes back."""

from contextlib import suppress

from ...domain.investments import subscriptions
from ...domain.investments.subscriptions import Charge
from ...domain.points import GrantAlreadyRevoked, GrantOver
from .. import payments, points
from ..payments import BookDispute
from ..work import ADMINS, Wanted, Work, use_case
from .holdings import mine, update_level
from .subscribing import case_of, charge_keys, keep
from .subscription_records import CHARGES, PORTIONS, SUBSCRIPTIONS, SubscriptionView
from .withdrawing import money_of, take_out


def _charge(command: BookDispute, work: Work) -> tuple[Wanted, ...]:
    portions = PORTIONS.group("charge", command.user_id, command.payment_id)
    return (*charge_keys(command.user_id, command.payment_id), portions)


def _locks(command: BookDispute, work: Work) -> tuple[Wanted, ...]:
    charge = work.get(CHARGES.key(command.user_id, command.payment_id))
    portions = work.list(PORTIONS.group("charge", command.user_id, command.payment_id))
    return (
        SUBSCRIPTIONS.key(command.user_id, charge.subscription_id),
        *(*mine(command.user_id), *points.whole_keys(command.user_id), *_charge(command, work)),
        *(*money_of(command.user_id, portions), payments.dispute_key(command)),
    )


@use_case(allow=ADMINS, loads=(_charge,), locks=_locks)
async def disputed_subscription(command: BookDispute, work: Work) -> SubscriptionView:
    """Note what became of a dispute. Where all the money of a period is lost, its points and its portions
    go, and the subscription with them: points that are spent already become a debt."""
    payments.book_dispute(command, work)
    charge = work.get(CHARGES.key(command.user_id, command.payment_id))
    case = case_of(work, SUBSCRIPTIONS.key(charge.user_id, charge.subscription_id), charge.payment_id)
    outcome = subscriptions.lose(case, work.now)
    view = keep(work, outcome)
    if outcome.events:
        await take_out(work, charge)
        await _take_points(charge, f"chargeback {command.reference}", work)
        update_level(work, charge.user_id, "chargeback")
    return view


async def _take_points(charge: Charge, reason: str, work: Work) -> None:
    """Take the points back; those that were taken back by hand, or ended, are gone already."""
    if charge.grant_id is None:
        return
    await work.load(points.LOTS.group("grant", charge.user_id, charge.grant_id))
    command = points.ClawBack(user_id=charge.user_id, grant_id=charge.grant_id, reason=reason)
    with suppress(GrantAlreadyRevoked, GrantOver):
        await points.claw_back(command, work)
