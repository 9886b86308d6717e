"""The use cases that read the ledger."""

from datetime import timedelta

from ...domain import points
from ...domain.points import Book
from ..pages import Page, int_of, page_of
from ..work import SIGNED_IN, Read, query
from .records import (
    Balance,
    Expiring,
    ExpiringLot,
    GetBalance,
    GetExpiring,
    GetStatement,
    HasPoints,
    StatementLine,
    Summary,
    view_of,
)


@query(allow=SIGNED_IN)
async def balance(question: GetBalance, read: Read[HasPoints]) -> Balance:
    """The balance of an account in its parts. One's own; any for an admin."""
    return view_of(await _book(question, read), read.now)


@query(allow=SIGNED_IN)
async def statement(question: GetStatement, read: Read[HasPoints]) -> Page[StatementLine]:
    """The lines of an account, newest first, each with the lots it touched."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    unit = points.policy_of(question.unit).unit
    before = int_of(question.cursor)
    lines = await read.ports.points.lines(question.user_id, unit, question.limit + 1, before)
    return page_of(lines, question.limit, lambda line: line.sequence)


@query(allow=SIGNED_IN)
async def expiring(question: GetExpiring, read: Read[HasPoints]) -> Expiring:
    """What expires within some days, soonest first."""
    book = await _book(question, read)
    limit = read.now + timedelta(days=question.days)
    soon = [pair for pair in points.spendable(book.lots, (), read.now) if pair[0].expires_at <= limit]
    lots = tuple(ExpiringLot(lot.id, left, lot.funded, lot.expires_at) for lot, left in soon)
    return Expiring(question.user_id, question.unit, question.days, sum(lot.amount for lot in lots), lots)


@query(allow=SIGNED_IN)
async def summary(question: GetBalance, read: Read[HasPoints]) -> Summary:
    """An account at a glance."""
    book = await _book(question, read)
    account = book.account
    parts, limit = points.parts_of(book, read.now), read.now + timedelta(days=60)
    soon = sum(left for lot, left in points.spendable(book.lots, (), read.now) if lot.expires_at <= limit)
    return Summary(
        user_id=question.user_id,
        unit=question.unit,
        earned=account.earned,
        spent=account.spent,
        expired=account.expired + account.balance - parts.balance,
        active=parts.balance,
        expiring=soon,
        last_activity=account.recorded_at if account.sequence else None,
    )


async def _book(question: GetBalance | GetExpiring, read: Read[HasPoints]) -> Book:
    read.actor.must_own(question.user_id, "account", question.user_id)
    unit = points.policy_of(question.unit).unit
    found = await read.ports.points.book(question.user_id, unit)
    return found or Book(points.open_account(question.user_id, unit, read.now), ())
