"""Points given, spent, given back and corrected."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from ..shared import NotFound, check_amount, evolve
from .book import credit, debit, multiplied, order_of, post, repay, replaced, spendable, take
from .errors import AlreadyExpired, InsufficientPoints, RefundTooLarge
from .events import PointsAdjusted, PointsEarned, PointsRefunded, PointsSpent
from .records import Allocation, Book, Line, Lot, Movement, Policy, Posting, PostingKind, Source
from .units import expiry_of, grace_of, in_utc


def earn(
    book: Book,
    *,
    funded: int,
    bonus: int,
    source: Source,
    at: datetime,
    ids: Callable[[], UUID],
    multiplier: int = 100,
    effective_at: datetime | None = None,
    terms: Policy | None = None,
) -> Movement:
    """Grant points: a funded lot for what was paid, a bonus lot for the rest (multiplied on the base
    of both, the gain being bonus). A grant of the past promises by the `terms` that were in force then.
    Raises AlreadyExpired for one of long ago."""
    check_amount(funded, least=0), check_amount(bonus, least=0), check_amount(funded + bonus)
    extra = multiplied(funded + bonus, multiplier) - funded - bonus
    grant_id, since, terms = ids(), _since(effective_at, at), terms or book.policy
    expires_at = promise(terms, since, at)
    available_at = since + timedelta(days=terms.maturity_days)
    account, lots, changed = book.account, [], []
    given: tuple[tuple[PostingKind, int, int], ...] = (
        ("earned", funded, funded),
        ("bonus", bonus, bonus + extra),
    )
    for kind, base, amount in given:
        if not amount:
            continue
        line = Line(
            kind,
            amount,
            source.type,
            source.id,
            base_amount=base,
            multiplier=multiplier,
            available_at=available_at,
            expires_at=expires_at,
            funded=kind == "earned",
            grant_id=grant_id,
            policy_version=terms.version,
        )
        account, posting, lot = credit(account, line, at, ids, effective_at)
        lots.append(lot)
        changed.append(posting)
    event = PointsEarned(account.user_id, account.unit, grant_id, funded, bonus + extra, source, expires_at)
    grown = evolve(book, account=account, lots=book.lots + tuple(lots))
    return repay(Movement(grown, (account, *lots, *changed), (event,), changed[-1].id), at, ids)


def _since(effective_at: datetime | None, at: datetime) -> datetime:
    return at if effective_at is None else in_utc(effective_at)


def promise(policy: Policy, since: datetime, now: datetime) -> datetime:
    """Until when points last that are given at `since`. Raises AlreadyExpired where that is over now."""
    expires_at = expiry_of(policy, since)
    if expires_at <= now:
        raise AlreadyExpired(expires_at=expires_at)
    return expires_at


def bring(
    book: Book,
    *,
    amount: int,
    funded: bool,
    expires_at: datetime,
    source_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
) -> Movement:
    """Open an account with points from another system, which keep their own expiry. Raises AlreadyExpired."""
    check_amount(amount)
    if expires_at <= at:
        raise AlreadyExpired(expires_at=expires_at)
    line = Line(
        "opening",
        amount,
        "opening",
        source_id,
        available_at=at,
        expires_at=expires_at,
        funded=funded,
        grant_id=source_id,
        policy_version=book.policy.version,
    )
    account, posting, lot = credit(book.account, line, at, ids)
    paid = amount if funded else 0
    source = Source("opening", source_id)
    event = PointsEarned(account.user_id, account.unit, source_id, paid, amount - paid, source, expires_at)
    grown = evolve(book, account=account, lots=(*book.lots, lot))
    return repay(Movement(grown, (account, lot, posting), (event,), posting.id), at, ids)


def spend(
    book: Book,
    *,
    amount: int,
    source: Source,
    at: datetime,
    ids: Callable[[], UUID],
    effective_at: datetime | None = None,
) -> Movement:
    """Consume `amount` points in the order of consumption. Raises InsufficientPoints."""
    check_amount(amount)
    taken = take(
        spendable(book, at, effective_at),
        amount,
        lambda available: InsufficientPoints(needed=amount, available=available),
    )
    line = Line("spent", -amount, source.type, source.id)
    spent, posting, changed = debit(book, line, taken, at, ids, effective_at)
    event = PointsSpent(posting.user_id, posting.unit, posting.id, amount, source)
    return Movement(spent, changed, (event,), posting.id)


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
    order = sorted((known[id] for id in left), key=order_of, reverse=True)
    taken = [
        (lot, part)
        for lot, part in take(
            ((lot, left[lot.id]) for lot in order),
            wanted,
            lambda refundable: RefundTooLarge(refundable=refundable, wanted=wanted),
        )
        if part
    ]
    grace = grace_of(book.policy, at)
    died = any(lot.expires_at <= at for lot, _ in taken)
    line = Line(
        "refunded",
        wanted,
        debit.source_type,
        debit.source_id,
        debit_id=debit.id,
        expires_at=grace if died else None,
    )
    account, posting = post(book.account, line, at, ids(), None, [(lot.id, -part) for lot, part in taken])
    back = [_given_back(lot, part, grace, at) for lot, part in taken]
    given = [Allocation(lot.user_id, debit.id, posting.id, lot.id, -part) for lot, part in taken]
    event = PointsRefunded(account.user_id, account.unit, debit.id, wanted)
    whole = evolve(book, account=account, lots=replaced(book.lots, back))
    return repay(Movement(whole, (account, *back, posting, *given), (event,), posting.id), at, ids)


def _given_back(lot: Lot, part: int, grace: datetime, at: datetime) -> Lot:
    """A lot with some of its points back: one that has ended lasts until the end of grace, and is warned
    of anew."""
    lot = evolve(lot, remaining=lot.remaining + part)
    return lot if lot.expires_at > at else evolve(lot, expires_at=grace, warned=0)


def adjust(
    book: Book,
    *,
    amount: int,
    author_id: UUID,
    reason: str,
    source_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
    effective_at: datetime | None = None,
    terms: Policy | None = None,
) -> Movement:
    """Correct a balance by a signed amount, with an author and a reason: points given this way are
    bonus; taken ones leave as a debit does. Raises InsufficientPoints."""
    check_amount(abs(amount))
    event = PointsAdjusted(book.account.user_id, book.account.unit, amount, author_id, reason)
    if amount < 0:
        line = Line("adjustment", amount, "manual", source_id, author_id=author_id, reason=reason)
        taken = take(
            spendable(book, at, effective_at),
            -amount,
            lambda available: InsufficientPoints(needed=-amount, available=available),
        )
        adjusted, posting, changed = debit(book, line, taken, at, ids, effective_at)
        return Movement(adjusted, changed, (event,), posting.id)
    since, terms = _since(effective_at, at), terms or book.policy
    line = Line(
        "adjustment",
        amount,
        "manual",
        source_id,
        author_id=author_id,
        reason=reason,
        available_at=since,
        expires_at=promise(terms, since, at),
        funded=False,
        grant_id=ids(),
        policy_version=terms.version,
    )
    account, posting, lot = credit(book.account, line, at, ids, effective_at)
    grown = evolve(book, account=account, lots=(*book.lots, lot))
    return repay(Movement(grown, (account, lot, posting), (event,), posting.id), at, ids)
