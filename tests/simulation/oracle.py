"""What the points ledger must do, written a second time and as plainly as possible, from its rules alone
(ledger.md): nothing of the product is imported, and nothing is quick.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from .ledger import (
    FOREVER,
    TICK,
    Account,
    Hold,
    Lot,
    Name,
    Policy,
    Posting,
    Rate,
    Taken,
    day_after,
    half_even,
    local_day,
    months_later,
)

WARNINGS = (60, 30, 7)


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


class Oracle:
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

    # --- wishes that give -------------------------------------------------------------------------

    def earn(self, now: datetime, wish: Wish) -> dict[str, Any]:
        self.check_owner(wish.user)
        account, since = self.begin(now, wish), wish.effective_at or now
        policy, base = self.policy(wish.unit, since), wish.funded + wish.bonus
        self.check_amount(base)
        gain = half_even(base * wish.multiplier, 100) - base
        facts = {
            "multiplier": wish.multiplier,
            "grant": ("grant", wish.key),
            "policy_version": policy.version,
            "available_at": since + timedelta(days=policy.maturity_days),
            "expires_at": self.promise(policy, since, now),
        }
        line: Name = ()
        for kind, base, amount in (
            ("earned", wish.funded, wish.funded),
            ("bonus", wish.bonus, wish.bonus + gain),
        ):
            if amount:
                own = {"base_amount": base, "funded": kind == "earned"}
                line = account.credit(now, kind, amount, wish.source, wish.effective_at, **own, **facts)
        self.repay(account, now)
        return self.answer(account, now, line)

    def bring(self, now: datetime, wish: Wish) -> dict[str, Any]:
        """Points of another system, which keep the day on which they end."""
        self.check_owner(wish.user)
        policy = self.policy(wish.unit, now)
        self.check_amount(wish.amount)
        account, expires_at = self.begin(now, wish), day_after(wish.last_day, policy.zone)
        if expires_at <= now:
            raise Refused("already_expired", expires_at=expires_at)
        facts = {
            "funded": wish.funded,
            "grant": ("source", wish.key),
            "policy_version": policy.version,
            "available_at": now,
            "expires_at": expires_at,
        }
        account.credit(now, "opening", wish.amount, ("opening", ("source", wish.key)), None, **facts)
        self.repay(account, now)
        return {"points": wish.amount}

    def adjust(self, now: datetime, wish: Wish) -> dict[str, Any]:
        self.check_owner(wish.user)
        account, since = self.begin(now, wish), wish.effective_at or now
        policy = self.policy(wish.unit, since)
        self.check_amount(abs(wish.amount))
        source, said = ("manual", ("source", wish.key)), {"author_id": self.author, "reason": wish.reason}
        if wish.amount < 0:
            taken = self.take_all(self.usable(account, now, wish.effective_at), -wish.amount)
            line = account.debit(now, "adjustment", taken, source, wish.effective_at, **said)
            return self.answer(account, now, line)
        facts = {
            "funded": False,
            "grant": ("grant", wish.key),
            "policy_version": policy.version,
            "available_at": since,
            "expires_at": self.promise(policy, since, now),
        }
        line = account.credit(now, "adjustment", wish.amount, source, wish.effective_at, **facts, **said)
        self.repay(account, now)
        return self.answer(account, now, line)

    def give(self, now: datetime, wish: Wish) -> dict[str, Any]:
        self.check_owner(wish.to)
        giver = self.begin(now, wish)
        receiver = self.begin(now, wish, user=wish.to) if wish.to != wish.user else giver
        if not self.policy(wish.unit, now).giftable:
            raise Refused("not_giftable", unit=wish.unit)
        if receiver is giver:
            raise Refused("gift_to_self")
        taken = self.take_all(self.usable(giver, now), wish.amount)
        source = ("gift", ("source", wish.key))
        line = giver.debit(now, "given", taken, source, contra_id=wish.to, reason=wish.message)
        promises: dict[tuple[Any, ...], int] = {}
        for lot, part in taken:
            promise = (lot.expires_at, now, lot.funded, lot.policy_version)
            promises[promise] = promises.get(promise, 0) + part
        names = ("expires_at", "available_at", "funded", "policy_version")
        said = {"contra_id": wish.user, "reason": wish.message, "grant": ("source", wish.key)}
        for promise, part in promises.items():
            receiver.credit(
                now, "received", part, source, None, **dict(zip(names, promise, strict=True)), **said
            )
        self.repay(receiver, now)
        return self.answer(giver, now, line)

    def convert(self, now: datetime, wish: Wish) -> dict[str, Any]:
        self.policy(wish.unit, now)
        policy = self.policy(wish.to_unit, now)
        if wish.unit == wish.to_unit:
            raise Refused("same_unit", unit=wish.unit)
        rate = self.rate(wish.unit, wish.to_unit, now)
        account, other = self.begin(now, wish), self.begin(now, wish, unit=wish.to_unit)
        if wish.amount * rate.get % rate.give:
            least = next(one for one in range(1, rate.give + 1) if one * rate.get % rate.give == 0)
            pair = {"unit": wish.unit, "to_unit": wish.to_unit, "give": rate.give, "get": rate.get}
            raise Refused("rate_leaves_rest", **pair, multiple=least)
        result = wish.amount * rate.get // rate.give
        taken = self.take_all(self.usable(account, now), wish.amount)
        source, label = ("conversion", ("source", wish.key)), f"{rate.get}/{rate.give}"
        line = account.debit(now, "converted", taken, source, rate=label)
        funded = result * sum(part for lot, part in taken if lot.funded) // wish.amount
        facts = {
            "rate": label,
            "grant": ("source", wish.key),
            "policy_version": policy.version,
            "available_at": now + timedelta(days=policy.maturity_days),
            "expires_at": policy.end(now),
        }
        for part, is_funded in ((funded, True), (result - funded, False)):
            if part:
                other.credit(now, "converted", part, source, None, funded=is_funded, **facts)
        self.repay(other, now)
        return self.answer(account, now, line)

    # --- wishes that take -------------------------------------------------------------------------

    def spend(self, now: datetime, wish: Wish) -> dict[str, Any]:
        account = self.begin(now, wish)
        taken = self.take_all(self.usable(account, now, wish.effective_at), wish.amount)
        line = account.debit(now, "spent", taken, wish.source, wish.effective_at)
        return self.answer(account, now, line)

    def hold(self, now: datetime, wish: Wish) -> dict[str, Any]:
        account = self.begin(now, wish)
        taken = self.take_all(self.usable(account, now), wish.amount)
        parts, until = [(lot.name, part) for lot, part in taken], now + timedelta(minutes=wish.minutes)
        name = ("hold", wish.key)
        account.holds.append(Hold(name, wish.amount, parts, wish.source, until, now))
        return self.answer(account, now, hold=name)

    def capture(self, now: datetime, wish: Wish) -> dict[str, Any]:
        account, held = self.begin_with_hold(now, wish)
        amount = held.amount if wish.amount is None else wish.amount
        if amount > held.amount:
            raise Refused("capture_too_large", held=held.amount, wanted=amount)
        parts = [(account.lot(name), part) for name, part in held.parts]
        taken = self.take(parts, amount)
        line = account.debit(now, "spent", taken, held.source)
        held.state, held.captured, held.closed_at = "captured", amount, now
        used = {lot.name: part for lot, part in taken}
        self.bury(account, [(now, [(lot.name, part - used.get(lot.name, 0)) for lot, part in parts])], now)
        return self.answer(account, now, line, held.name)

    def release(self, now: datetime, wish: Wish) -> dict[str, Any]:
        account, held = self.begin_with_hold(now, wish)
        held.state, held.closed_at = "released", now
        self.bury(account, [(now, held.parts)], now)
        return self.answer(account, now, hold=held.name)

    def refund(self, now: datetime, wish: Wish) -> dict[str, Any]:
        if (spent := self.posting(wish)) is None:
            raise Refused("not_found", kind="posting")
        account = self.begin(now, wish)
        if spent.kind != "spent":
            raise Refused("not_found", kind="debit")
        left: dict[Name, int] = {}
        for debit, _, lot, part in account.allocations:
            if debit == spent.name:
                left[lot] = left.get(lot, 0) + part
        total = sum(left.values())
        amount = total if wish.amount is None else wish.amount
        if not 0 < amount <= total:
            raise Refused("refund_too_large", refundable=total, wanted=amount)
        lots = [(account.lot(name), part) for name, part in left.items()]
        lots.sort(key=lambda pair: (pair[0].expires_at, pair[0].funded, pair[0].age), reverse=True)
        line = self.give_back(account, now, spent, self.take(lots, amount))
        self.repay(account, now)
        return self.answer(account, now, line)

    def give_back(self, account: Account, now: datetime, spent: Posting, back: Taken) -> Name:
        """Every lot gets what it gave; one that has ended in between lives again until the grace is over."""
        grace = self.policy(account.unit, now).grace(now)
        dead = [lot for lot, _ in back if lot.expires_at <= now]
        amount, facts = sum(part for _, part in back), {"expires_at": grace if dead else None}
        line = account.post(now, "refunded", amount, spent.source, debit=spent.name, **facts)
        account.allocate(spent.name, line, [(lot, -part) for lot, part in back])
        for lot in dead:
            lot.expires_at, lot.warned = grace, 0
        return line

    def claw_back(self, now: datetime, wish: Wish) -> dict[str, Any]:
        found = self.accounts.get((wish.user, wish.unit))
        if found is None or all(lot.grant != wish.grant for lot in found.lots):
            raise Refused("not_found", kind="grant")
        account = self.begin(now, wish)
        lots = [lot for lot in account.lots if lot.grant == wish.grant]
        if any(lot.revoked for lot in lots):
            raise Refused("grant_already_revoked", grant_id=wish.grant)
        due = sum(lot.amount - account.expired_of(lot) for lot in lots)
        if not due:
            raise Refused("grant_over", grant_id=wish.grant)
        free = self.unexpired(account, now)
        own = [(lot, part) for lot, part in free if lot.grant == wish.grant]
        taken = self.take(own + [pair for pair in free if pair not in own], due)
        missing = due - sum(part for _, part in taken)
        said = {"base_amount": due, "debt": missing, "author_id": self.author, "reason": wish.reason}
        line = account.debit(now, "revoked", taken, lots[0].source, **said)
        account.debt += missing
        for lot in lots:
            lot.revoked = True
        return self.answer(account, now, line)

    # --- wishes about accounts and units ------------------------------------------------------------

    def expire(self, now: datetime, wish: Wish) -> dict[str, Any]:
        told = self.answer(self.begin(now, wish), now)
        del told["line"], told["hold"]
        return told

    def close_account(self, now: datetime, wish: Wish) -> dict[str, Any]:
        if (wish.user, wish.unit) not in self.accounts:
            raise Refused("not_found", kind="account")
        account = self.begin(now, wish)
        if account.balance or account.debt:
            left = {"balance": account.balance, "held": account.held, "debt": account.debt}
            raise Refused("account_not_empty", **left)
        account.closed_at = now
        return self.answer(account, now)

    def reopen_account(self, now: datetime, wish: Wish) -> dict[str, Any]:
        if (wish.user, wish.unit) not in self.accounts:
            raise Refused("not_found", kind="account")
        account = self.open(wish.user, wish.unit, now)
        if account.closed_at is None:
            raise Refused("account_open", user_id=wish.user, unit=wish.unit)
        account.closed_at = None
        return self.answer(account, now)

    def set_policy(self, now: datetime, wish: Wish) -> dict[str, Any]:
        self.check_notice(wish.in_force_at, now)
        version = 1 + max((one.version for one in self.policies if one.unit == wish.unit), default=0)
        self.policies.append(Policy(version=version, **wish.facts))
        return {"unit": wish.unit, "version": version}

    def set_rate(self, now: datetime, wish: Wish) -> dict[str, Any]:
        self.policy(wish.unit, now), self.policy(wish.to_unit, now)
        if wish.unit == wish.to_unit:
            raise Refused("same_unit", unit=wish.unit)
        self.check_notice(wish.in_force_at, now)
        version = 1 + sum((one.unit, one.to_unit) == (wish.unit, wish.to_unit) for one in self.rates)
        self.rates.append(Rate(version=version, **wish.facts))
        return {"unit": wish.unit, "to_unit": wish.to_unit, "version": version}

    def close_period(self, now: datetime, wish: Wish) -> dict[str, Any]:
        first = date.fromisoformat(f"{wish.month}-01")
        through = day_after(months_later(first, 1) - timedelta(days=1), self.policy(wish.unit, now).zone)
        if through > now:
            raise Refused("period_not_over", month=wish.month, ends_at=through)
        closed = self.closed_through.get(wish.unit)
        if closed and through <= closed:
            facts = {"closed_through": closed, "effective_at": through}
            raise Refused("period_closed", unit=wish.unit, **facts)
        unwritten = [
            lot.expires_at
            for (_, unit), account in self.accounts.items()
            for lot in account.lots
            if unit == wish.unit and lot.expires_at <= through and lot.remaining > account.held_of(lot, now)
        ]
        if unwritten:
            raise Refused("period_not_swept", expires_at=min(unwritten))
        self.closed_through[wish.unit] = through
        return {"unit": wish.unit, "closed_through": through}

    def sweep(self, now: datetime) -> None:
        """Write down for every account what time has decided."""
        self._drafts = {}
        for user, unit in self.accounts:
            self.open(user, unit, now)
        self.accounts.update(self._drafts)

    def warn(self, now: datetime) -> None:
        """Say to every owner what ends soon: each lot once for each threshold, a late one for the nearest."""
        for account in self.accounts.values():
            due: dict[tuple[datetime, int], list[Lot]] = {}
            for lot in account.lots:
                reached = [days for days in WARNINGS if now < lot.expires_at <= now + timedelta(days=days)]
                if lot.remaining and reached and not 0 < lot.warned <= min(reached):
                    lot.warned = min(reached)
                    due.setdefault((lot.expires_at, lot.warned), []).append(lot)
            for (expires_at, days), lots in due.items():
                left = tuple((lot.name, lot.remaining) for lot in lots)
                total = sum(lot.remaining for lot in lots)
                self.warnings.append((account.user, account.unit, days, expires_at, total, left))

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
