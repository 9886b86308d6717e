"""Points given, spent, given back, taken back and corrected."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from ..shared import NotFound, check_amount, day_in, end_of_day, evolve
from .book import (
    debit,
    expiry_of,
    multiplied,
    policy_of,
    post,
    replaced,
    spendable,
    take,
)
from .records import (
    Allocation,
    Book,
    GrantPartlySpent,
    GrantRevoked,
    InsufficientPoints,
    Line,
    Lot,
    Movement,
    PointsAdjusted,
    PointsEarned,
    PointsRefunded,
    PointsSpent,
    Posting,
    RefundTooLarge,
    Source,
)


def earn(
    book: Book,
    *,
    funded: int,
    bonus: int,
    source: Source,
    at: datetime,
    ids: Callable[[], UUID],
    multiplier: int = 100,
) -> Movement:
    """Grant points: a funded lot for what was paid, a bonus lot for the rest (multiplied on the base
    of both, the gain being bonus). The movement's first event names the grant."""
    check_amount(funded, least=0), check_amount(bonus, least=0), check_amount(funded + bonus)
    policy = policy_of(book.account.unit)
    extra = multiplied(funded + bonus, multiplier) - funded - bonus
    grant_id, expires_at = ids(), expiry_of(policy, at)
    available_at = at + timedelta(days=policy.maturity_days)
    account, lots, changed = book.account, [], []
    for kind, base, amount in (("earned", funded, funded), ("bonus", bonus, bonus + extra)):
        if not amount:
            continue
        line = Line(kind, amount, source.type, source.id, base_amount=base, multiplier=multiplier)  # type: ignore[arg-type]
        account, posting = post(account, line, at, ids(), at)
        lots.append(
            Lot(
                account.user_id,
                posting.id,
                account.unit,
                amount,
                amount,
                kind == "earned",
                available_at,
                expires_at,
                source.type,
                source.id,
                grant_id,
                policy.version,
                at,
            )
        )
        changed.append(posting)
    event = PointsEarned(account.user_id, account.unit, grant_id, funded, bonus + extra, source, expires_at)
    grown = Book(account, book.lots + tuple(lots), book.holds)
    return Movement(grown, (account, *lots, *changed), (event,))


def spend(book: Book, *, amount: int, source: Source, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Consume `amount` points, earliest expiry first. Raises InsufficientPoints. The last event names
    the debit."""
    check_amount(amount)
    taken = take(
        spendable(book.lots, book.holds, at),
        amount,
        lambda available: InsufficientPoints(needed=amount, available=available),
    )
    spent, posting, changed = debit(book, Line("spent", -amount, source.type, source.id), taken, at, ids)
    event = PointsSpent(posting.user_id, posting.unit, posting.id, amount, source)
    return Movement(spent, changed, (event,))


def refundable(allocations: Iterable[Allocation]) -> dict[UUID, int]:
    """What is still to give back to each lot of a debit, in the order in which it was consumed."""
    left: dict[UUID, int] = {}
    for allocation in allocations:
        left[allocation.lot_id] = left.get(allocation.lot_id, 0) + allocation.amount
    return left


def refund(
    book: Book,
    debit: Posting,
    allocations: Iterable[Allocation],
    lots: Iterable[Lot],
    *,
    amount: int | None,
    at: datetime,
    ids: Callable[[], UUID],
) -> Movement:
    """Give points of a debit back to the very lots it consumed, the last consumed first; in part and
    repeatedly, never more than was spent. `amount` None means all that is left.

    A lot that has expired in between comes back for the policy's grace (default 30 days).
    Raises NotFound for a posting that is no spend, RefundTooLarge.
    """
    if debit.kind != "spent":
        raise NotFound(kind="debit", id=str(debit.id))
    left = refundable(allocations)
    total = sum(left.values())
    wanted = total if amount is None else check_amount(amount)
    if not 0 < wanted <= total:
        raise RefundTooLarge(refundable=total, wanted=wanted)
    known = {lot.id: lot for lot in lots} | {lot.id: lot for lot in book.lots}
    order = sorted(
        (known[id] for id in left),
        key=lambda lot: (lot.expires_at, lot.funded, lot.created_at, lot.id),
        reverse=True,
    )
    taken = take(
        ((lot, left[lot.id]) for lot in order),
        wanted,
        lambda refundable: RefundTooLarge(refundable=refundable, wanted=wanted),
    )
    line = Line("refunded", wanted, debit.source_type, debit.source_id, debit_id=debit.id)
    account, posting = post(book.account, line, at, ids(), at)
    policy = policy_of(account.unit)
    grace = end_of_day(day_in(at, policy.zone) + timedelta(days=policy.grace_days), policy.zone)
    back = [
        evolve(
            lot, remaining=lot.remaining + part, expires_at=lot.expires_at if lot.expires_at > at else grace
        )
        for lot, part in taken
        if part
    ]
    given = [Allocation(lot.user_id, debit.id, posting.id, lot.id, -part) for lot, part in taken if part]
    event = PointsRefunded(account.user_id, account.unit, debit.id, wanted)
    whole = Book(account, replaced(book.lots, back), book.holds)
    return Movement(whole, (account, *back, posting, *given), (event,))


def revoke(book: Book, grant_id: UUID, granted: int, *, at: datetime, ids: Callable[[], UUID]) -> Movement:
    """Take one untouched grant back. `granted` is what it gave. Raises GrantPartlySpent when any of it
    is spent, held or expired."""
    lots = [pair for pair in spendable(book.lots, book.holds, at) if pair[0].grant_id == grant_id]
    left = sum(free for _, free in lots)
    if left < granted:
        raise GrantPartlySpent(spent=granted - left)
    source = lots[0][0]
    line = Line("revoked", -left, source.source_type, source.source_id)
    revoked, _, changed = debit(book, line, lots, at, ids)
    event = GrantRevoked(book.account.user_id, book.account.unit, grant_id, left)
    return Movement(revoked, changed, (event,))


def adjust(
    book: Book,
    *,
    amount: int,
    author_id: UUID,
    reason: str,
    source_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
) -> Movement:
    """Correct a balance by a signed amount, with an author and a reason: points given this way are
    bonus; taken ones leave as a debit does. Raises InsufficientPoints."""
    check_amount(abs(amount))
    line = Line("adjustment", amount, "manual", source_id, author_id=author_id, reason=reason)
    event = PointsAdjusted(book.account.user_id, book.account.unit, amount, author_id, reason)
    if amount < 0:
        taken = take(
            spendable(book.lots, book.holds, at),
            -amount,
            lambda available: InsufficientPoints(needed=-amount, available=available),
        )
        adjusted, _, changed = debit(book, line, taken, at, ids)
        return Movement(adjusted, changed, (event,))
    policy = policy_of(book.account.unit)
    account, posting = post(book.account, line, at, ids(), at)
    lot = Lot(
        account.user_id,
        posting.id,
        account.unit,
        amount,
        amount,
        False,
        at,
        expiry_of(policy, at),
        "manual",
        source_id,
        ids(),
        policy.version,
        at,
    )
    return Movement(Book(account, (*book.lots, lot), book.holds), (account, lot, posting), (event,))
