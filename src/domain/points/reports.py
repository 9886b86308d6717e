"""What the books say over time: what was so at an instant, what comes, and how each month closes.

A month begins and ends in its unit's zone. Points that end with its last day end in it: an expiry belongs
to the month of the instant before, everything else to the month of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from ..shared import NOBODY, Money, Record, RuleForbids, add_months, day_in, end_of_day
from .book import parts_of, settle
from .records import CONTRA, FOREVER, Book, Posting, PostingKind

INSTANT = timedelta(microseconds=1)
ALERT_PERCENT = 80
"""From which part of a threshold on somebody should look."""


class NotKnownYet(RuleForbids):
    message = "What is so at {at} was not known at {known_at}, which lies before."
    at: datetime
    known_at: datetime


class MonthToCome(RuleForbids):
    message = "The month {month} has not begun: it is {current}."
    month: str
    current: str


def check_known(at: datetime, known_at: datetime, now: datetime) -> None:
    """Raise NotKnownYet unless `known_at` is not to come, and `at` was there by then."""
    for one, by in ((known_at, now), (at, known_at)):
        if one > by:
            raise NotKnownYet(at=one, known_at=by)


def unwritten(book: Book, at: datetime) -> tuple[Posting, ...]:
    """The expiries that time decided by an instant and nobody wrote down, under no ids of their own."""
    return tuple(one for one in settle(book, at, lambda: NOBODY).changed if isinstance(one, Posting))


# --- months -------------------------------------------------------------------------------------


def month_of(at: datetime, zone: str) -> str:
    """The month of an instant in a zone, as 2026-03."""
    return f"{day_in(at, zone):%Y-%m}"


def expiry_month(expires_at: datetime, zone: str) -> str:
    """The month with whose days points end; empty where they never do."""
    return "" if expires_at >= FOREVER else month_of(expires_at - INSTANT, zone)


def months_from(month: str, count: int) -> tuple[str, ...]:
    """`count` months one after the other, the first of them given."""
    return tuple(f"{_later(month, number):%Y-%m}" for number in range(count))


def months_until(last: str | None, count: int, zone: str, now: datetime) -> tuple[str, ...]:
    """`count` months up to a last one, by default the one that runs. Raises MonthToCome."""
    current = month_of(now, zone)
    if last is not None and last > current:
        raise MonthToCome(month=last, current=current)
    return months_from(f"{_later(last or current, 1 - count):%Y-%m}", count)


def bounds_of(months: Sequence[str], zone: str) -> tuple[datetime, ...]:
    """The instants (UTC) at which months that follow each other begin, and the one at which the last ends."""
    firsts = (*(_later(month, 0) for month in months), _later(months[-1], 1))
    return tuple(end_of_day(first - timedelta(days=1), zone) for first in firsts)


def _later(month: str, months: int) -> date:
    return add_months(date.fromisoformat(f"{month}-01"), months)


# --- what comes -----------------------------------------------------------------------------------


class Ahead(Record):
    """What an account will hold at the end of a month if nothing moves. `expiring` and `ripening` are what
    ends and what becomes available during it, or, in the first, from now on."""

    month: str
    ends_at: datetime
    balance: int
    available: int
    pending: int
    expiring: int
    ripening: int


def forecast(book: Book, months: int, at: datetime) -> tuple[Ahead, ...]:
    """What an account will hold at the end of this month and of those that follow."""
    zone = book.policy.zone
    names = months_from(month_of(at, zone), months)
    before, since, coming = parts_of(book, at), at, list[Ahead]()
    for name, end in zip(names, bounds_of(names, zone)[1:], strict=True):
        then = parts_of(book, end)
        ripening = sum(lot.remaining for lot in book.lots if since < lot.available_at <= end)
        gone = before.balance - then.balance
        coming.append(Ahead(name, end, then.balance, then.available, then.pending, gone, ripening))
        before, since = then, end
    return tuple(coming)


# --- how months close -----------------------------------------------------------------------------


class Moved(Record):
    """What the lines of one kind moved in a month, by its place among those asked for: 0 stands for all
    before them, one more than there are for all after. Not `written`: time decided it alone."""

    month: int
    kind: PostingKind
    amount: int
    written: bool = True


class KindSum(Record):
    """What the lines of one kind changed in all, signed."""

    kind: PostingKind
    amount: int


class Period(Record):
    """One month of a unit's books, to the point.

    `closing_balance` = `opening_balance` + `brought` + `issuance` − `redemption` − `breakage` +
    `adjustments` + `gifts` + `conversions`. Issuance is less what was revoked and repaid, redemption less
    refunds. Of the breakage, `unwritten` is what time decided and nobody wrote down yet. `kinds` is the same
    by the kind of line.
    """

    month: str
    opening_balance: int
    brought: int
    issuance: int
    redemption: int
    breakage: int
    adjustments: int
    gifts: int
    conversions: int
    closing_balance: int
    euros: Money
    unwritten: int
    kinds: tuple[KindSum, ...]


def close_months(
    months: Sequence[str], moved: Iterable[Moved], booked: int, cents: int
) -> tuple[Period, ...]:
    """The books of some months: from the total that is booked now backwards, by what moved in and after
    them."""
    known = list(moved)
    settled = booked + sum(one.amount for one in known if not one.written)
    closing = settled - sum(one.amount for one in known if one.month > len(months))
    periods = list[Period]()
    for place, month in reversed(list(enumerate(months, start=1))):
        period = _closed(month, [one for one in known if one.month == place], closing, cents)
        periods.append(period)
        closing = period.opening_balance
    return tuple(reversed(periods))


def _closed(month: str, moved: Sequence[Moved], closing: int, cents: int) -> Period:
    contras: dict[str, int] = {}
    kinds: dict[PostingKind, int] = {}
    for one in moved:
        contras[CONTRA[one.kind]] = contras.get(CONTRA[one.kind], 0) + one.amount
        kinds[one.kind] = kinds.get(one.kind, 0) + one.amount
    return Period(
        month=month,
        opening_balance=closing - sum(contras.values()),
        brought=contras.get("opening", 0),
        issuance=contras.get("issuance", 0),
        redemption=-contras.get("redemption", 0),
        breakage=-contras.get("breakage", 0),
        adjustments=contras.get("adjustment", 0),
        gifts=contras.get("member", 0),
        conversions=contras.get("conversion", 0),
        closing_balance=closing,
        euros=Money(closing * cents),
        unwritten=-sum(one.amount for one in moved if not one.written),
        kinds=tuple(KindSum(kind, amount) for kind, amount in sorted(kinds.items())),
    )


# --- what is owed ---------------------------------------------------------------------------------


class Owed(Record):
    """What is left of the points that end in one month, whole points; `month` is empty where they never
    end. Past months hold only what a hold keeps."""

    unit: str
    month: str
    funded: int
    bonus: int


# --- the limited network --------------------------------------------------------------------------


def twelve_months_before(now: datetime, zone: str) -> datetime:
    """The instant at which the same day of the year before begins."""
    return end_of_day(add_months(day_in(now, zone), -12) - timedelta(days=1), zone)


def alert_of(redeemed: int, threshold: int) -> bool:
    """Whether a figure has come to 80 % of its threshold."""
    return redeemed * 100 >= threshold * ALERT_PERCENT


def basis_points(part: int, whole: int) -> int | None:
    """A part in hundredths of a percent of a whole, rounded down; None where there is no whole."""
    return part * 10_000 // whole if whole else None
