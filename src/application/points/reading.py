"""The use cases that read the ledger."""

from datetime import datetime, timedelta
from uuid import UUID

from ...domain import points, shared
from ...domain.points import POINTS, Book, Lot
from ..pages import Page, int_of, page_of
from ..work import SIGNED_IN, Read, query
from .views import (
    Balance,
    Expiring,
    ExpiringLot,
    GetBalance,
    GetExpiring,
    GetStatement,
    HasPoints,
    HasStatement,
    StatementLine,
    Summary,
    view_of,
)


@query(allow=SIGNED_IN)
async def balance(question: GetBalance, read: Read[HasPoints]) -> Balance:
    """The balance of an account in its parts. One's own; any for an admin."""
    return view_of(await _book(question, read), read.now)


@query(allow=SIGNED_IN)
async def statement(question: GetStatement, read: Read[HasStatement]) -> Page[StatementLine]:
    """The lines of an account, newest first, each with the lots it touched."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    policies = await read.ports.points.policies(question.unit, read.now)
    points.policy_in_force(policies, question.unit, read.now)
    before = int_of(question.cursor)
    lines = await read.ports.points.lines(question.user_id, question.unit, question.limit + 1, before)
    lines = await _with_messages(lines, question.user_id, read)
    return page_of(lines, question.limit, lambda line: line.sequence)


async def _with_messages(
    lines: list[StatementLine], owner: UUID, read: Read[HasStatement]
) -> list[StatementLine]:
    """The lines with what was written with gifts, as long as who wrote it was not erased."""
    givers = {
        line.source_id: owner if line.kind == "given" else line.contra_id or owner
        for line in lines
        if line.kind in ("given", "received")
    }
    if not givers:
        return lines
    said = await read.ports.gift_notes.messages([(giver, gift) for gift, giver in givers.items()])
    return [
        shared.evolve(line, reason=said[line.source_id]) if line.source_id in said else line for line in lines
    ]


@query(allow=SIGNED_IN)
async def expiring(question: GetExpiring, read: Read[HasPoints]) -> Expiring:
    """What expires within some days, soonest first."""
    book = await _book(question, read)
    soon = _soon(book, read.now, question.days)
    lots = tuple(ExpiringLot(lot.id, lot.remaining, lot.funded, lot.expires_at) for lot in soon)
    return Expiring(question.user_id, question.unit, question.days, sum(lot.amount for lot in lots), lots)


@query(allow=SIGNED_IN)
async def summary(question: GetBalance, read: Read[HasPoints]) -> Summary:
    """An account at a glance."""
    book = await _book(question, read)
    account = book.account
    parts = points.parts_of(book, read.now)
    return Summary(
        user_id=question.user_id,
        unit=question.unit,
        earned=account.earned,
        spent=account.spent,
        expired=account.expired + account.balance - parts.balance,
        active=parts.balance,
        expiring=sum(lot.remaining for lot in _soon(book, read.now, 60)),
        last_activity=account.recorded_at if account.sequence else None,
    )


def _soon(book: Book, at: datetime, days: int) -> list[Lot]:
    """The lots that end within some days, held or not, soonest first."""
    limit = at + timedelta(days=days)
    return sorted((lot for lot in book.lots if at < lot.expires_at <= limit), key=points.order_of)


async def read_book(ports: HasPoints, user_id: UUID, unit: str, at: datetime) -> Book:
    """The book of an account as it is stored; an empty one where it was never used. Raises UnknownUnit."""
    policy = points.policy_in_force(await ports.points.policies(unit, at), unit, at)
    found = await ports.points.book(user_id, unit)
    if found is None:
        return Book(points.open_account(user_id, unit, at), (), (), policy)
    return Book(found.account, found.lots, found.holds, policy)


async def available(ports: HasPoints, user_id: UUID, at: datetime) -> int:
    """How many points a member may spend."""
    return points.parts_of(await read_book(ports, user_id, POINTS, at), at).available


async def _book(question: GetBalance | GetExpiring, read: Read[HasPoints]) -> Book:
    read.actor.must_own(question.user_id, "account", question.user_id)
    return await read_book(read.ports, question.user_id, question.unit, read.now)
