"""What happens in a world, drawn from its seed: the wishes of its clients, and the jumps of its clock.

Every draw has a generator of its own, made from the seed and its place, so that nothing that depends on who
came first changes what is drawn later.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from .ledger import FOREVER, Account, months_later
from .oracle import Oracle
from .rules import Wish

ZONES = ("Europe/Paris", "Africa/Cairo", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "UTC")
STARTS = ("2026-03-27", "2026-10-23", "2027-01-30", "2027-08-30", "2028-02-27", "2027-12-30")
"""Days before the clocks change, before short months, before leap days, before a year is over."""
TICK = timedelta(microseconds=1)
OWN_UNITS = ("tokens", "pearls")
"""Made in each world, with rules that are drawn."""


def at_seed(*place: Any) -> Random:
    """The generator of a place in a world."""
    return Random("/".join(str(one) for one in place))


def new_id(chance: Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)


def start_of(seed: int) -> datetime:
    chance = at_seed(seed, "start")
    day = date.fromisoformat(chance.choice(STARTS))
    since = timedelta(seconds=chance.randrange(86_400), microseconds=chance.randrange(10**6))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + since


def policy_of(chance: Random, unit: str) -> dict[str, Any]:
    """The rules of a unit."""
    forever = unit == "pearls" and chance.random() < 0.7
    return {
        "unit": unit,
        "validity_months": None if forever else chance.choice((1, 1, 2, 3, 6)),
        "maturity_days": chance.choice((0, 0, 1, 3, 14)),
        "grace_days": chance.choice((0, 7, 30)),
        "zone": chance.choice(ZONES),
        "consumption": chance.choice(("earliest_expiry", "earliest_expiry", "oldest_first")),
        "giftable": chance.random() < 0.8,
        "cents": chance.choice((0, 1, 10, 100)),
    }


# --- the clock ------------------------------------------------------------------------------------


def next_instant(chance: Random, oracle: Oracle, members: list[UUID], now: datetime) -> datetime:
    """When the next round is: a little later, much later, or right at an instant that decides something."""
    draw = chance.random()
    if draw < 0.15:
        return now + timedelta(seconds=chance.randrange(5_400))
    if draw < 0.4:
        return now + timedelta(hours=chance.randrange(1, 80), microseconds=chance.randrange(10**6))
    if draw < 0.7:
        return now + timedelta(days=chance.randrange(3, 75), seconds=chance.randrange(86_400))
    ahead = sorted(one for one in _instants(chance, oracle, members, now) if now < one < FOREVER)
    aim = chance.choice(ahead[:12]) if ahead else now + timedelta(days=1)
    return max(now + TICK, aim + chance.choice((-TICK, timedelta(0), timedelta(0), TICK)))


def _instants(chance: Random, oracle: Oracle, members: list[UUID], now: datetime) -> list[datetime]:
    """When something is decided: ends of lots and holds, warnings, ripening, new months, leap days."""
    found = [
        datetime.combine(months_later(now.date().replace(day=1), 1), datetime.min.time(), UTC),
        datetime(now.year + -now.year % 4, 2, 29, chance.randrange(24), tzinfo=UTC),
    ]
    for (user, _), account in oracle.accounts.items():
        if user in members:
            found += [hold.expires_at for hold in account.holds if hold.state == "held"]
            for lot in account.lots:
                if lot.remaining:
                    ahead = (
                        timedelta(days=chance.choice((0, 0, 7, 30, 60))) if lot.expires_at < FOREVER else None
                    )
                    found += [lot.available_at, lot.expires_at - ahead if ahead is not None else FOREVER]
    return found


def some_instant(chance: Random, account: Account, now: datetime) -> datetime:
    """An instant of the past: about a line of an account, or any."""
    line = chance.choice(account.postings)
    near = chance.choice((line.effective_at, line.recorded_at)) + chance.choice((-TICK, timedelta(0), TICK))
    return min(now, chance.choice((near, near, now - (now - near) * chance.random())))


# --- wishes ---------------------------------------------------------------------------------------

Draw = Callable[["Drawing"], dict[str, Any] | None]


class Drawing:
    """One wish as it is drawn: for whom, by whom, when, and what its client knows of the world."""

    def __init__(
        self, chance: Random, key: str, oracle: Oracle, now: datetime, mine: list[UUID], *, hot: bool = False
    ) -> None:
        self.hot = hot
        self.chance, self.key, self.oracle, self.now, self.mine = chance, key, oracle, now, mine
        self.user = chance.choice(mine)
        self.unit = chance.choices(("points", *OWN_UNITS, "shells"), (45, 40, 15, 0.5))[0]

    def wish(self) -> Wish:
        while True:
            kind = self.chance.choices(KINDS, WEIGHTS)[0]
            facts = DRAWS[kind](self)
            if facts is not None:
                kind = "earn" if kind == "many" else kind
                return Wish(self.key, kind, {"user": self.user, "unit": self.unit, **facts})

    @property
    def account(self) -> Account:
        return self.oracle.accounts.get((self.user, self.unit)) or Account(self.user, self.unit)

    def source(self, *types: str) -> tuple[str, UUID]:
        return self.chance.choice(types), new_id(self.chance)

    def amount(self) -> int:
        """A little, about all there is, or too much."""
        balance = self.account.balance
        near = [max(1, balance + self.chance.randrange(-1, 2)), self.chance.randrange(1, 2 + balance)]
        return self.chance.choice((*near, *near, self.chance.randrange(1, 40), self.chance.randrange(1, 10)))

    def then(self) -> datetime | None:
        """Mostly now; else an instant of the past, seldom of the future."""
        draw = self.chance.random()
        if draw < 0.82:
            return None
        if draw < 0.83:
            return self.now + timedelta(seconds=1 + self.chance.randrange(1000))
        back = self.chance.choice((timedelta(0), TICK, timedelta(hours=1), timedelta(days=1)))
        return self.now - back * self.chance.randrange(1, 50)

    def seldom(self, value: Any, else_value: Any, share: float = 0.03) -> Any:
        return value if self.chance.random() < share else else_value


def _earn(draw: Drawing) -> dict[str, Any]:
    chance = draw.chance
    funded, bonus = (
        chance.choice(((1, 0), (0, 1), (50, 15), (10, 3), (7, 7))) if chance.random() < 0.9 else (0, 0)
    )
    times = chance.randrange(1, 9)
    draw.user = draw.seldom(new_id(chance), draw.user, 0.01)
    return {
        "funded": funded * times,
        "bonus": bonus * times,
        "multiplier": chance.choice((100, 100, 100, 125, 150, 999)),
        "source": draw.source("investment", "subscription", "bonus", "manual"),
        "effective_at": draw.then(),
    }


def _bring(draw: Drawing) -> dict[str, Any] | None:
    last_day = draw.now.date() + timedelta(days=draw.seldom(-2, draw.chance.randrange(0, 900), 0.1))
    facts = {"amount": draw.amount(), "funded": draw.chance.random() < 0.5, "last_day": last_day}
    return None if draw.hot else facts


def _many(draw: Drawing) -> dict[str, Any]:
    """One of many little grants, so that an account has more lots than are looked at first."""
    draw.user, draw.unit = draw.mine[0], "tokens"
    return {**_earn(draw), "funded": draw.chance.randrange(2), "bonus": 1, "multiplier": 100}


def _spend(draw: Drawing) -> dict[str, Any]:
    return {"amount": draw.amount(), "source": draw.source("purchase"), "effective_at": draw.then()}


def _hold(draw: Drawing) -> dict[str, Any]:
    minutes = draw.chance.choice((1, 30, 90, 1_440, 10_000, 44_640, draw.chance.randrange(1, 44_640)))
    return {"amount": draw.amount(), "minutes": minutes, "source": draw.source("purchase")}


def _some_hold(draw: Drawing) -> Any:
    """A hold that stands, seldom one that does not, or that nobody made."""
    holds = draw.account.holds
    standing = [hold for hold in holds if hold.state == "held"]
    if draw.chance.random() < 0.02:
        return ("absent", draw.key)
    held = standing if standing and draw.chance.random() < 0.85 else holds
    return draw.chance.choice(held).name if held else None


def _capture(draw: Drawing) -> dict[str, Any] | None:
    hold = _some_hold(draw)
    return hold and {"hold": hold, "amount": draw.chance.choice((None, None, draw.chance.randrange(1, 30)))}


def _release(draw: Drawing) -> dict[str, Any] | None:
    hold = _some_hold(draw)
    return hold and {"hold": hold}


def _refund(draw: Drawing) -> dict[str, Any] | None:
    lines = draw.account.postings
    spent = [line for line in lines if line.kind == "spent"]
    chosen = draw.chance.choice(spent[-8:] or lines or [None])  # type: ignore[list-item]
    if draw.chance.random() < 0.02:
        return {"debit": ("absent", draw.key), "amount": None}
    if chosen is None:
        return None
    chosen = draw.seldom(draw.chance.choice(lines), chosen)
    return {"debit": chosen.name, "amount": draw.chance.choice((None, draw.chance.randrange(1, 20)))}


def _claw_back(draw: Drawing) -> dict[str, Any] | None:
    grants = [lot.grant for lot in draw.account.lots][-10:]
    if draw.chance.random() < 0.02:
        grants = [("absent", draw.key)]
    return {"grant": draw.chance.choice(grants), "reason": "the payment was taken back"} if grants else None


def _adjust(draw: Drawing) -> dict[str, Any]:
    amount = draw.amount() * draw.chance.choice((1, -1))
    return {
        "amount": draw.seldom(0, amount),
        "reason": f"counted again: {draw.key}",
        "effective_at": draw.then(),
    }


def _give(draw: Drawing) -> dict[str, Any]:
    to = draw.chance.choice([one for one in draw.mine if one != draw.user] or draw.mine)
    to = draw.seldom(draw.user, draw.seldom(new_id(draw.chance), to))
    return {"to": to, "amount": draw.amount(), "message": "pour toi"}


def _convert(draw: Drawing) -> dict[str, Any]:
    to_unit = draw.chance.choices(("points", *OWN_UNITS, "shells"), (30, 30, 30, 1))[0]
    return {"to_unit": to_unit, "amount": draw.amount()}


def _expire(draw: Drawing) -> dict[str, Any]:
    return {}


def _close(draw: Drawing) -> dict[str, Any] | None:
    account = draw.account
    worth = account.balance == 0 or draw.chance.random() < 0.1
    return {"reason": "left the community"} if account.postings and worth else None


def _reopen(draw: Drawing) -> dict[str, Any] | None:
    closed = draw.account.closed_at is not None or draw.chance.random() < 0.03
    return {"reason": "came back again"} if closed else None


DRAWS: dict[str, Draw] = {
    "earn": _earn,
    "many": _many,
    "bring": _bring,
    "spend": _spend,
    "hold": _hold,
    "capture": _capture,
    "release": _release,
    "refund": _refund,
    "claw_back": _claw_back,
    "adjust": _adjust,
    "give": _give,
    "convert": _convert,
    "expire": _expire,
    "close_account": _close,
    "reopen_account": _reopen,
}
SHARES = {
    "earn": 24,
    "many": 14,
    "bring": 4,
    "spend": 24,
    "hold": 12,
    "capture": 8,
    "release": 6,
    "refund": 12,
    "claw_back": 6,
    "adjust": 5,
    "give": 6,
    "convert": 4,
    "expire": 2,
    "close_account": 2,
    "reopen_account": 6,
}
KINDS, WEIGHTS = tuple(SHARES), tuple(SHARES.values())
