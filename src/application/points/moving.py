"""The use cases that move points."""

from datetime import datetime, timedelta

from ...domain import points
from ...domain.points import Hold, Movement, Posting
from .. import identity
from ..work import ADMINS, Key, Wanted, Work, use_case
from .book import book_keys, books_key, debit_keys, give_back, keep, open_book, policy_of, whole_keys
from .commands import Adjust, CaptureHold, Earn, Expire, PlaceHold, Refund, ReleaseHold, Spend
from .records import ACCOUNTS, HOLDS, POSTINGS
from .views import Balance, view_of


def _locks(command: Spend | PlaceHold, work: Work) -> tuple[Wanted, ...]:
    effective_at = command.effective_at if isinstance(command, Spend) else None
    return (*books_key(command.unit, effective_at), *book_keys(command.user_id, command.unit))


def _credit_locks(command: Earn | Adjust, work: Work) -> tuple[Wanted, ...]:
    return (*books_key(command.unit, command.effective_at), *book_keys(command.user_id, command.unit))


def _owner(command: Earn | Adjust, work: Work) -> tuple[Wanted, ...]:
    return (identity.MEMBERS.key(command.user_id),)


def check_owner(work: Work, user_id: object, unit: str) -> None:
    """Raise NotFound where a new account would belong to nobody."""
    if work.find(ACCOUNTS.key(user_id, unit)) is None:
        work.get(identity.MEMBERS.key(user_id))


@use_case(allow=ADMINS, loads=(_owner,), locks=_credit_locks)
async def earn(command: Earn, work: Work) -> Balance:
    """Give points to a member."""
    check_owner(work, command.user_id, command.unit)
    opened = await open_book(work, command.user_id, command.unit, needed=0, effective_at=command.effective_at)
    earned = points.earn(
        opened.book,
        funded=command.funded,
        bonus=command.bonus,
        source=points.Source(command.source_type, command.source_id),
        at=work.now,
        ids=work.new_id,
        multiplier=command.multiplier,
        effective_at=command.effective_at,
        terms=policy_of(work, command.unit, command.effective_at),
    )
    keep(work, opened, earned)
    return balance_of(earned, work.now)


@use_case(allow=ADMINS, locks=_locks)
async def spend(command: Spend, work: Work) -> Balance:
    """Spend points of a member."""
    opened = await open_book(
        work, command.user_id, command.unit, needed=command.amount, effective_at=command.effective_at
    )
    spent = points.spend(
        opened.book,
        amount=command.amount,
        source=points.Source(command.source_type, command.source_id),
        at=work.now,
        ids=work.new_id,
        effective_at=command.effective_at,
    )
    keep(work, opened, spent)
    return balance_of(spent, work.now)


@use_case(allow=ADMINS, locks=_locks)
async def hold(command: PlaceHold, work: Work) -> Balance:
    """Set points of a member aside."""
    opened = await open_book(work, command.user_id, command.unit, needed=command.amount)
    held = points.hold(
        opened.book,
        amount=command.amount,
        source=points.Source(command.source_type, command.source_id),
        until=work.now + timedelta(minutes=command.minutes),
        at=work.now,
        ids=work.new_id,
    )
    keep(work, opened, held)
    return balance_of(held, work.now)


def _hold_key(command: CaptureHold | ReleaseHold, work: Work) -> tuple[Key[Hold]]:
    return (HOLDS.key(command.user_id, command.hold_id),)


def _hold_locks(command: CaptureHold | ReleaseHold, work: Work) -> tuple[Wanted, ...]:
    unit = work.get(HOLDS.key(command.user_id, command.hold_id)).unit
    return (*whole_keys(command.user_id, unit), *_hold_key(command, work))


@use_case(allow=ADMINS, loads=(_hold_key,), locks=_hold_locks)
async def capture(command: CaptureHold, work: Work) -> Balance:
    """Spend what a hold set aside, in whole or in part."""
    held = work.get(HOLDS.key(command.user_id, command.hold_id))
    opened = await open_book(work, command.user_id, held.unit)
    amount = held.amount if command.amount is None else command.amount
    captured = points.capture(opened.book, held, amount=amount, at=work.now, ids=work.new_id)
    keep(work, opened, captured)
    return balance_of(captured, work.now)


@use_case(allow=ADMINS, loads=(_hold_key,), locks=_hold_locks)
async def release(command: ReleaseHold, work: Work) -> Balance:
    """Give back what a hold set aside."""
    held = work.get(HOLDS.key(command.user_id, command.hold_id))
    opened = await open_book(work, command.user_id, held.unit)
    released = points.release(opened.book, held, at=work.now, ids=work.new_id)
    keep(work, opened, released)
    return balance_of(released, work.now)


def _debit_key(command: Refund, work: Work) -> tuple[Key[Posting]]:
    return (POSTINGS.key(command.user_id, command.debit_id),)


def _refund_locks(command: Refund, work: Work) -> tuple[Wanted, ...]:
    unit = work.get(POSTINGS.key(command.user_id, command.debit_id)).unit
    return (*book_keys(command.user_id, unit), *debit_keys(command.user_id, command.debit_id))


@use_case(allow=ADMINS, loads=(_debit_key,), locks=_refund_locks)
async def refund(command: Refund, work: Work) -> Balance:
    """Give points of a spend back to the very lots they came from."""
    back = await give_back(work, command.user_id, command.debit_id, command.amount)
    return balance_of(back, work.now)


@use_case(allow=ADMINS, loads=(_owner,), locks=_credit_locks)
async def adjust(command: Adjust, work: Work) -> Balance:
    """Correct a balance, with a reason and an author."""
    check_owner(work, command.user_id, command.unit)
    opened = await open_book(
        work,
        command.user_id,
        command.unit,
        needed=max(0, -command.amount),
        effective_at=command.effective_at,
    )
    adjusted = points.adjust(
        opened.book,
        amount=command.amount,
        author_id=work.actor.user_id,
        reason=command.reason,
        source_id=work.new_id(),
        at=work.now,
        ids=work.new_id,
        effective_at=command.effective_at,
        terms=policy_of(work, command.unit, command.effective_at),
    )
    keep(work, opened, adjusted)
    return balance_of(adjusted, work.now)


def _whole(command: Expire, work: Work) -> tuple[Wanted, ...]:
    return whole_keys(command.user_id, command.unit)


@use_case(allow=ADMINS, locks=_whole)
async def expire(command: Expire, work: Work) -> Balance:
    """Write down what time already decided for an account. What may be spent does not change."""
    opened = await open_book(work, command.user_id, command.unit)
    keep(work, opened)
    return balance_of(opened, work.now)


def balance_of(movement: Movement, at: datetime) -> Balance:
    """The balance after a movement, naming the posting and the hold that it wrote."""
    holds = [record.id for record in movement.changed if type(record) is Hold]
    return view_of(movement.book, at, movement.posting_id, holds[-1] if holds else None)
