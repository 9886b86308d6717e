"""What the points ledger must do, written a second time and as plainly as possible, from its description:
nothing of the product is imported, and nothing is quick.
"""

from datetime import date, datetime, timedelta
from typing import Any

from .ledger import Account, Hold, Lot, Name, Policy, Posting, Rate, Taken, day_after, half_even, months_later
from .rules import Refused, Rules, Wish

WARNINGS = (60, 30, 7)
"""Days before a lot ends at which its owner is warned."""


class Oracle(Rules):
    """Every wish that can be asked, a method each."""

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
        line = giver.debit(now, "given", taken, source, contra_id=wish.to)
        promises: dict[tuple[Any, ...], int] = {}
        for lot, part in taken:
            promise = (lot.expires_at, now, lot.funded, lot.policy_version)
            promises[promise] = promises.get(promise, 0) + part
        names = ("expires_at", "available_at", "funded", "policy_version")
        said = {"contra_id": wish.user, "grant": ("source", wish.key)}
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
