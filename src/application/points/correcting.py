"""The use cases that take a grant back, and close and reopen accounts."""

from ...domain import points, shared
from ..work import ADMINS, Wanted, Work, use_case
from .book import book_keys, keep, open_book, policy_of, whole_keys
from .commands import ClawBack, CloseAccount, ReopenAccount
from .moving import balance_of
from .records import ACCOUNTS, LOTS
from .views import Balance


def _grant(command: ClawBack, work: Work) -> tuple[Wanted, ...]:
    return (LOTS.group("grant", command.user_id, command.grant_id),)


def _grant_locks(command: ClawBack, work: Work) -> tuple[Wanted, ...]:
    made = work.list(LOTS.group("grant", command.user_id, command.grant_id))
    if not made:
        raise shared.NotFound(kind="grant", id=str(command.grant_id))
    return (*whole_keys(command.user_id, made[0].unit), *_grant(command, work))


@use_case(allow=ADMINS, loads=(_grant,), locks=_grant_locks)
async def claw_back(command: ClawBack, work: Work) -> Balance:
    """Take one grant back though some of it may be spent; what is missing becomes a debt."""
    group = LOTS.group("grant", command.user_id, command.grant_id)
    opened = await open_book(work, command.user_id, work.list(group)[0].unit)
    keep(work, opened)
    taken = points.claw_back(
        opened.book,
        command.grant_id,
        work.list(group),
        author_id=work.actor.user_id,
        reason=command.reason,
        at=work.now,
        ids=work.new_id,
    )
    keep(work, taken)
    return balance_of(taken, work.now)


def _whole(command: CloseAccount, work: Work) -> tuple[Wanted, ...]:
    return whole_keys(command.user_id, command.unit)


def _own(command: ReopenAccount, work: Work) -> tuple[Wanted, ...]:
    return book_keys(command.user_id, command.unit)


@use_case(allow=ADMINS, locks=_whole)
async def close_account(command: CloseAccount, work: Work) -> Balance:
    """Close an empty account: no movement any more."""
    work.get(ACCOUNTS.key(command.user_id, command.unit))
    opened = await open_book(work, command.user_id, command.unit)
    closed = points.close(opened.book, reason=command.reason, at=work.now)
    keep(work, opened, closed)
    return balance_of(closed, work.now)


@use_case(allow=ADMINS, locks=_own)
async def reopen_account(command: ReopenAccount, work: Work) -> Balance:
    """Open a closed account again."""
    account = work.get(ACCOUNTS.key(command.user_id, command.unit))
    book = points.Book(account, (), (), policy_of(work, command.unit))
    reopened = points.reopen(book, reason=command.reason)
    keep(work, reopened)
    return balance_of(reopened, work.now)
