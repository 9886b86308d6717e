"""Points that go to another member, or become another unit."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from ..shared import Record, check_amount, evolve
from .book import Free, credit, debit, repay, spendable, take
from .errors import GiftToSelf, InsufficientPoints, NotGiftable, SameUnit
from .events import PointsConverted, PointsGiven, PointsReceived
from .records import Book, Line, Lot, Movement, Rate
from .units import converted, expiry_of


def give(
    giver: Book,
    receiver: Book,
    *,
    amount: int,
    gift_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
) -> tuple[Movement, Movement]:
    """Give points to another member: what the giver's lots lose, new lots of the receiver get, with the same
    end and as funded as before. Raises NotGiftable, GiftToSelf, InsufficientPoints."""
    check_amount(amount)
    if not giver.policy.giftable:
        raise NotGiftable(unit=giver.account.unit)
    if giver.account.user_id == receiver.account.user_id:
        raise GiftToSelf
    taken = _take(giver, amount, at)
    to = receiver.account.user_id
    line = Line("given", -amount, "gift", gift_id, contra_id=to)
    given, posting, changed = debit(giver, line, taken, at, ids)
    account = given.account
    event = PointsGiven(account.user_id, account.unit, gift_id, to, amount)
    got = _receive(receiver, taken, account.user_id, gift_id, at, ids)
    return Movement(given, changed, (event,), posting.id), repay(got, at, ids)


def _take(book: Book, amount: int, at: datetime) -> list[Free]:
    return take(
        spendable(book, at),
        amount,
        lambda available: InsufficientPoints(needed=amount, available=available),
    )


def _receive(
    book: Book,
    taken: Iterable[Free],
    giver_id: UUID,
    gift_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
) -> Movement:
    """One lot for each promise among what was taken."""
    promises: dict[tuple[datetime, bool, int], int] = {}
    for lot, part in taken:
        promise = (lot.expires_at, lot.funded, lot.policy_version)
        promises[promise] = promises.get(promise, 0) + part
    account, lots, changed = book.account, list[Lot](), list[Record]()
    posting_id = gift_id
    for (expires_at, funded, version), part in promises.items():
        line = Line(
            "received",
            part,
            "gift",
            gift_id,
            contra_id=giver_id,
            available_at=at,
            expires_at=expires_at,
            funded=funded,
            grant_id=gift_id,
            policy_version=version,
        )
        account, posting, lot = credit(account, line, at, ids)
        posting_id = posting.id
        lots.append(lot)
        changed.append(posting)
    amount = sum(promises.values())
    event = PointsReceived(account.user_id, account.unit, gift_id, giver_id, amount)
    grown = evolve(book, account=account, lots=book.lots + tuple(lots))
    return Movement(grown, (account, *lots, *changed), (event,), posting_id)


def convert(
    book: Book,
    other: Book,
    rate: Rate,
    *,
    amount: int,
    conversion_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
) -> tuple[Movement, Movement]:
    """Turn points of one unit into another at a rate that both postings record. What was funded stays so,
    pro rata; the new points live under their own unit's policy. Raises SameUnit, RateLeavesRest,
    InsufficientPoints."""
    check_amount(amount)
    if book.account.unit == other.account.unit:
        raise SameUnit(unit=book.account.unit)
    result, label = converted(rate, amount), f"{rate.get}/{rate.give}"
    taken = _take(book, amount, at)
    line = Line("converted", -amount, "conversion", conversion_id, rate=label)
    left, posting, changed = debit(book, line, taken, at, ids)
    funded = result * sum(part for lot, part in taken if lot.funded) // amount
    got = _become(other, funded, result - funded, label, conversion_id, at, ids)
    account = left.account
    event = PointsConverted(account.user_id, account.unit, amount, other.account.unit, result, conversion_id)
    return Movement(left, changed, (event,), posting.id), repay(got, at, ids)


def _become(
    book: Book,
    funded: int,
    bonus: int,
    rate: str,
    conversion_id: UUID,
    at: datetime,
    ids: Callable[[], UUID],
) -> Movement:
    account, lots, changed = book.account, list[Lot](), list[Record]()
    posting_id = conversion_id
    for amount, is_funded in ((funded, True), (bonus, False)):
        if not amount:
            continue
        line = Line(
            "converted",
            amount,
            "conversion",
            conversion_id,
            rate=rate,
            available_at=at + timedelta(days=book.policy.maturity_days),
            expires_at=expiry_of(book.policy, at),
            funded=is_funded,
            grant_id=conversion_id,
            policy_version=book.policy.version,
        )
        account, posting, lot = credit(account, line, at, ids)
        posting_id = posting.id
        lots.append(lot)
        changed.append(posting)
    grown = evolve(book, account=account, lots=book.lots + tuple(lots))
    return Movement(grown, (account, *lots, *changed), (), posting_id)
