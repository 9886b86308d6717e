"""The rules that every wish on the oracle's ledger is under: what time decides, which lots are taken, what is
in force, what is refused, and what is answered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .ledger import FOREVER, TICK, Account, Hold, Lot, Name, Policy, Posting, Rate, Taken, local_day


class Refused(Exception):
    """The code of the error that the product must answer, and its facts."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(f"{code} {facts}")
        self.code, self.facts = code, facts


@dataclass(frozen=True)
class Wish:
    """What is asked, under an idempotency key: a method of the oracle, and its facts by name."""

    key: str
    kind: str
    facts: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(name) from None


class Rules:
    """Every account of a world, the units and the closed periods.

    `ask(now, wish)` does what is wished, or raises Refused and changes nothing. Rules are methods, so that a
    test can change one and see the simulation notice.
    """

    def __init__(self, members: set[UUID], author: UUID) -> None:
        self.members, self.author = members, author
        self.accounts: dict[tuple[UUID, str], Account] = {}
        self.policies: list[Policy] = [Policy("points", 1)]
        self.rates: list[Rate] = []
        self.closed_through: dict[str, datetime] = {}
        self.warnings: list[tuple[UUID, str, int, datetime, int, tuple[tuple[Name, int], ...]]] = []
        self._drafts: dict[tuple[UUID, str], Account] = {}

    def ask(self, now: datetime, wish: Wish) -> dict[str, Any]:
        """What the product must answer to a wish, which is done."""
        self._drafts = {}
        answer: dict[str, Any] = getattr(self, wish.kind)(now, wish)
        self.accounts.update((key, draft) for key, draft in self._drafts.items() if draft.postings)
        return answer

    # --- what time decides ------------------------------------------------------------------------

    def open(self, user: UUID, unit: str, now: datetime) -> Account:
        """A draft of an account, with all that time has decided by now written down."""
        found = self.accounts.get((user, unit))
        account = self._drafts[user, unit] = found.copied() if found else Account(user, unit)
        self.settle(account, now)
        return account

    def settle(self, account: Account, now: datetime) -> None:
        ended = [hold for hold in account.holds if hold.state == "held" and hold.expires_at <= now]
        for hold in ended:
            hold.state, hold.closed_at = "expired", hold.expires_at
        self.bury(account, [(hold.expires_at, hold.parts) for hold in ended], now)

    def bury(self, account: Account, freed: list[tuple[datetime, Any]], now: datetime) -> None:
        """Points past their day expire, effective at that day; what a hold kept longer, when the hold ended
        (`freed` says when, and what)."""
        for lot in sorted(account.lots, key=lambda lot: (lot.expires_at, lot.funded, lot.age)):
            if lot.expires_at > now:
                continue
            kept: dict[datetime, int] = {}
            for ended_at, parts in freed:
                if ended_at > lot.expires_at:
                    freed_part = sum(part for name, part in parts if name == lot.name)
                    kept[ended_at] = kept.get(ended_at, 0) + freed_part
            dead = lot.remaining - account.held_of(lot)
            for instant, part in ((lot.expires_at, dead - sum(kept.values())), *sorted(kept.items())):
                if part > 0:
                    account.debit(now, "expired", [(lot, part)], lot.source, instant)

    # --- lots -------------------------------------------------------------------------------------

    def order(self, unit: str, lot: Lot, now: datetime) -> tuple[Any, ...]:
        """Where a lot stands in the order of consumption."""
        if self.policy(unit, now).consumption == "oldest_first":
            return (lot.age,)
        return (lot.expires_at, lot.funded, lot.age)

    def unexpired(self, account: Account, now: datetime) -> Taken:
        """What is free in lots that have not ended, ripe or not."""
        free = [(lot, lot.remaining - account.held_of(lot)) for lot in account.lots if lot.expires_at > now]
        left = [(lot, part) for lot, part in free if part > 0]
        return sorted(left, key=lambda pair: self.order(account.unit, pair[0], now))

    def usable(self, account: Account, now: datetime, then: datetime | None = None) -> Taken:
        """What can be taken now; for a line of the past, what could be taken then, too."""
        refunds = [one.recorded_at for one in account.postings if one.kind == "refunded"]
        if then is not None and refunds and then < refunds[-1]:
            raise Refused("effective_too_early", since=refunds[-1], effective_at=then)
        free = self.unexpired(account, now)
        return [(lot, part) for lot, part in free if lot.available_at <= (then or account.latest(now))]

    def take(self, usable: Taken, amount: int) -> Taken:
        taken: Taken = []
        for lot, free in usable:
            if part := min(free, amount - sum(part for _, part in taken)):
                taken.append((lot, part))
        return taken

    def take_all(self, usable: Taken, amount: int) -> Taken:
        available = sum(free for _, free in usable)
        if available < amount:
            raise Refused("insufficient_points", needed=amount, available=available)
        return self.take(usable, amount)

    def repay(self, account: Account, now: datetime) -> None:
        """A credit repays what the account owes first, from whatever is free."""
        taken = self.take(self.unexpired(account, now), account.debt)
        if amount := sum(part for _, part in taken):
            account.debit(now, "repaid", taken, taken[0][0].source, debt=-amount)
            account.debt -= amount

    def promise(self, policy: Policy, since: datetime, now: datetime) -> datetime:
        expires_at = policy.end(since)
        if expires_at <= now:
            raise Refused("already_expired", expires_at=expires_at)
        return expires_at

    # --- what is asked ------------------------------------------------------------------------------

    def answer(self, account: Account, now: datetime, line: Name = (), hold: Name = ()) -> dict[str, Any]:
        """The balance in its parts, and the names of what was written."""
        usable = self.usable(account, now)
        available = sum(part for _, part in usable)
        pending = sum(lot.remaining for lot in account.lots if lot.available_at > account.latest(now))
        first = min((lot.expires_at for lot, _ in usable), default=None)
        balance = available + pending + account.held
        return {
            "balance": balance,
            "available": available,
            "pending": pending,
            "held": account.held,
            "debt": account.debt,
            "cents": balance * self.policy(account.unit, now).cents,
            "next_expiry": first,
            "next_expiring": sum(part for lot, part in usable if lot.expires_at == first),
            "line": line,
            "hold": hold,
        }

    def balance(self, user: UUID, unit: str, now: datetime) -> dict[str, Any]:
        """What a reader must be told, whatever was written down."""
        return self.answer(self.open(user, unit, now), now)

    def as_of(self, user: UUID, unit: str, then: datetime, now: datetime) -> int:
        """What the account held at an instant of the past, by effective time."""
        history = self.open(user, unit, now).postings
        return sum(posting.amount for posting in history if posting.effective_at <= then)

    def debt_of(self, user: UUID, unit: str, then: datetime, now: datetime) -> int:
        history = self.open(user, unit, now).postings
        return sum(posting.debt for posting in history if posting.effective_at <= then)

    def owed(self, unit: str, now: datetime) -> dict[str, list[int]]:
        """What all members have in a unit, funded and not, by the month of the last day of its lots."""
        zone, owed = self.policy(unit, now).zone, dict[str, list[int]]()
        for user, other in list(self.accounts):
            for lot in self.open(user, unit, now).lots if other == unit else ():
                day = local_day(lot.expires_at - TICK, zone) if lot.expires_at < FOREVER else None
                month = owed.setdefault(f"{day:%Y-%m}" if day else "", [0, 0])
                month[not lot.funded] += lot.remaining
        return {month: both for month, both in owed.items() if any(both)}

    # --- what wishes have in common -----------------------------------------------------------------

    def begin(self, now: datetime, wish: Wish, **other: Any) -> Account:
        """The account that a wish is about, when it can move at all."""
        user, unit = other.get("user", wish.user), other.get("unit", wish.unit)
        then = wish.facts.get("effective_at")
        self.policy(unit, now)
        if then:
            self.check_effective(unit, then, now)
        account = self.open(user, unit, now)
        if account.closed_at:
            raise Refused("account_closed", user_id=user, unit=unit, closed_at=account.closed_at)
        return account

    def begin_with_hold(self, now: datetime, wish: Wish) -> tuple[Account, Hold]:
        found = self.accounts.get((wish.user, wish.unit))
        if found is None or all(hold.name != wish.hold for hold in found.holds):
            raise Refused("not_found", kind="hold")
        account = self.begin(now, wish)
        hold = next(hold for hold in account.holds if hold.name == wish.hold)
        if hold.state != "held":
            raise Refused("hold_closed", hold_id=hold.name, state=hold.state)
        return account, hold

    def posting(self, wish: Wish) -> Posting | None:
        account = self.accounts.get((wish.user, wish.unit))
        return next((one for one in account.postings if one.name == wish.debit), None) if account else None

    def policy(self, unit: str, at: datetime) -> Policy:
        known = [one for one in self.policies if one.unit == unit and one.in_force_at <= at]
        if not known:
            raise Refused("unknown_unit", unit=unit)
        return max(known, key=lambda one: one.version)

    def rate(self, unit: str, to_unit: str, at: datetime) -> Rate:
        pairs = [one for one in self.rates if (one.unit, one.to_unit) == (unit, to_unit)]
        known = [one for one in pairs if one.in_force_at <= at]
        if not known:
            raise Refused("no_rate", unit=unit, to_unit=to_unit)
        return max(known, key=lambda one: one.version)

    def check_owner(self, user: UUID) -> None:
        if user not in self.members:
            raise Refused("not_found", kind="member")

    def check_amount(self, amount: int) -> None:
        if not 1 <= amount <= 10**12:
            raise Refused("invalid_amount", given=amount, least=1, most=10**12)

    def check_effective(self, unit: str, then: datetime, now: datetime) -> None:
        if then > now:
            raise Refused("effective_in_future", effective_at=then, now=now)
        through = self.closed_through.get(unit)
        if through and then < through:
            raise Refused("period_closed", unit=unit, closed_through=through, effective_at=then)

    def check_notice(self, in_force_at: datetime, now: datetime) -> None:
        earliest = now + timedelta(minutes=1)
        if in_force_at < earliest:
            raise Refused("too_soon", earliest=earliest)
