"""The books of the oracle: lots, postings, holds and accounts, and a calendar of its own.

What has no id yet has a name: a posting and the lot that it made are ("line", user, unit, sequence), a hold
is ("hold", key), a grant ("grant", key), any other source ("source", key), after the key of the wish.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
TICK = timedelta(microseconds=1)
CONTRA = {
    "earned": "issuance",
    "bonus": "issuance",
    "revoked": "issuance",
    "repaid": "issuance",
    "opening": "opening",
    "spent": "redemption",
    "refunded": "redemption",
    "expired": "breakage",
    "adjustment": "adjustment",
    "given": "member",
    "received": "member",
    "converted": "conversion",
}
Name = tuple[Any, ...]
"""What stands for an id that the product makes."""


@lru_cache(100_000)
def day_after(day: date, zone: str) -> datetime:
    """The first instant at which the calendar of a zone shows a later day; found by halving."""
    low = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - 86_400
    high = low + 4 * 86_400
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, ZoneInfo(zone)).date() > day:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def months_later(day: date, months: int) -> date:
    """The same day so many months on, or the last one before it that exists."""
    years, month = divmod(day.month - 1 + months, 12)
    for number in range(day.day, 0, -1):
        try:
            return date(day.year + years, month + 1, number)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


@dataclass(frozen=True)
class Policy:
    unit: str
    version: int
    in_force_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    validity_months: int | None = 18
    maturity_days: int = 0
    grace_days: int = 30
    zone: str = "Europe/Paris"
    consumption: str = "earliest_expiry"
    giftable: bool = True
    cents: int = 100

    def end(self, since: datetime) -> datetime:
        """Until when what is given at an instant can be spent."""
        if self.validity_months is None:
            return FOREVER
        return day_after(months_later(local_day(since, self.zone), self.validity_months), self.zone)

    def grace(self, now: datetime) -> datetime:
        """Until when what comes back dead can be spent."""
        return day_after(local_day(now, self.zone) + timedelta(days=self.grace_days), self.zone)


@dataclass(frozen=True)
class Rate:
    unit: str
    to_unit: str
    version: int
    give: int
    get: int
    in_force_at: datetime


@dataclass
class Lot:
    name: Name
    amount: int
    remaining: int
    funded: bool
    available_at: datetime
    expires_at: datetime
    source: tuple[str, Any]
    grant: Any
    policy_version: int
    created_at: datetime
    warned: int = 0
    revoked: bool = False

    @property
    def age(self) -> int:
        """Lots of an account that were made later have higher numbers."""
        return int(self.name[-1])


Taken = list[tuple[Lot, int]]


@dataclass(frozen=True)
class Posting:
    name: Name
    kind: str
    amount: int
    source: tuple[str, Any]
    recorded_at: datetime
    effective_at: datetime
    balance_after: int
    base_amount: int
    debt: int = 0
    contra_id: UUID | None = None
    multiplier: int = 100
    rate: str = ""
    debit: Name | None = None
    author_id: UUID | None = None
    reason: str = ""
    available_at: datetime | None = None
    expires_at: datetime | None = None
    funded: bool | None = None
    grant: Name | None = None
    policy_version: int | None = None


@dataclass
class Hold:
    name: Name
    amount: int
    parts: list[tuple[Name, int]]
    source: tuple[str, Any]
    expires_at: datetime
    created_at: datetime
    state: str = "held"
    captured: int = 0
    closed_at: datetime | None = None


@dataclass
class Account:
    user: UUID
    unit: str
    lots: list[Lot] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    allocations: list[tuple[Name, Name, Name, int]] = field(default_factory=list)
    debt: int = 0
    closed_at: datetime | None = None

    def copied(self) -> "Account":
        lots, holds = [copy(lot) for lot in self.lots], [copy(hold) for hold in self.holds]
        history = {"postings": list(self.postings), "allocations": list(self.allocations)}
        return replace(self, lots=lots, holds=holds, **history)

    @property
    def balance(self) -> int:
        return self.postings[-1].balance_after if self.postings else 0

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds if hold.state == "held")

    def total(self, contra: str) -> int:
        return sum(posting.amount for posting in self.postings if CONTRA[posting.kind] == contra)

    def lot(self, name: Name) -> Lot:
        return next(lot for lot in self.lots if lot.name == name)

    def held_of(self, lot: Lot, now: datetime | None = None) -> int:
        """What open holds set aside of a lot; at an instant, without those whose time is over."""
        held = 0
        for hold in self.holds:
            if hold.state == "held" and (now is None or hold.expires_at > now):
                held += sum(part for name, part in hold.parts if name == lot.name)
        return held

    def latest(self, now: datetime) -> datetime:
        """Now, or when the last line was recorded, if several lines of one instant made that later."""
        return max(now, self.postings[-1].recorded_at) if self.postings else now

    def expired_of(self, lot: Lot) -> int:
        """What of a lot ended unspent."""
        ended = {posting.name for posting in self.postings if posting.kind == "expired"}
        return sum(
            part for _, posting, name, part in self.allocations if posting in ended and name == lot.name
        )

    def post(self, now: datetime, kind: str, amount: int, source: Any, then: Any = None, **more: Any) -> Name:
        """Write a line at the end of the history, effective `then`, or when it is recorded."""
        recorded = max(now, self.postings[-1].recorded_at + TICK) if self.postings else now
        name = ("line", self.user, self.unit, len(self.postings) + 1)
        facts = {"base_amount": abs(amount), **more}
        after = self.balance + amount
        self.postings.append(Posting(name, kind, amount, source, recorded, then or recorded, after, **facts))
        return name

    def credit(self, now: datetime, kind: str, amount: int, source: Any, then: Any, **more: Any) -> Name:
        """Write a credit, and make the lot that it promises."""
        recorded = max(now, self.postings[-1].recorded_at + TICK) if self.postings else now
        more["available_at"] = max(more["available_at"], then or recorded)
        own = {one: more[one] for one in ("funded", "grant", "policy_version", "available_at", "expires_at")}
        name = self.post(now, kind, amount, source, then, **more)
        self.lots.append(Lot(name, amount, amount, source=source, created_at=now, **own))
        return name

    def debit(
        self, now: datetime, kind: str, taken: Taken, source: Any, then: Any = None, **more: Any
    ) -> Name:
        """Write a debit, and what it takes of which lots."""
        name = self.post(now, kind, -sum(part for _, part in taken), source, then, **more)
        self.allocate(name, name, taken)
        return name

    def allocate(self, debit: Name, posting: Name, taken: Iterable[tuple[Lot, int]]) -> None:
        for lot, part in taken:
            lot.remaining -= part
            self.allocations.append((debit, posting, lot.name, part))
