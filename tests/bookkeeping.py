"""Honest books: histories that the functions of the ledger wrote, with everything that would be stored.

office = Office(seed=7)
office.play(200)                    some members, many movements, over months
office.dossier(user_id, "points")   what is stored of one account
"""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from baobab.application.points import ACCOUNTS, ALLOCATIONS, HOLDS, LOTS, POSTINGS
from baobab.application.work import Kind
from baobab.domain import points, shared
from baobab.domain.points import Account, Book, Hold, Lot, Movement, Policy, Posting, Rate, Source
from baobab.domain.points.audit import Dossier, Finding
from baobab.domain.points.tracing import examine
from baobab.domain.shared import evolve
from builders import START, Clock

PEARLS = Policy(unit="pearls", version=1, validity_months=None, maturity_days=10, cents=0)
RATE = Rate("points", "pearls", 1, 2, 3, START)
KINDS: tuple[Kind[Any], ...] = (ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS)
AUTHOR = UUID(int=99)


class Office:
    """Keeps the books of a few members in two units, from one seed."""

    def __init__(self, seed: int = 1, members: int = 3) -> None:
        self.chance, self.clock = Random(seed), Clock()
        self.rows: dict[Kind[Any], dict[tuple[object, ...], Any]] = {kind: {} for kind in KINDS}
        self.members = sorted(self.new_id() for _ in range(members))
        self.policies = {"points": points.policy_in_force((), "points", START), "pearls": PEARLS}

    def new_id(self) -> UUID:
        """Ids rise, as those of UUIDv7 do."""
        self._count = getattr(self, "_count", 0) + 1
        return UUID(int=(self._count << 64) | self.chance.getrandbits(62) | 1 << 63)

    # --- what is stored ---

    def all(self, kind: type[shared.R]) -> list[shared.R]:
        return list(self.rows[Kind.of[kind]].values())

    def keep(self, *movements: Movement) -> Movement:
        for movement in movements:
            for record in movement.changed:
                kind = Kind.of[type(record)]
                self.rows[kind][kind.values_of(record)] = record
        return movements[-1]

    def open(self, user_id: UUID, unit: str = "points") -> Book:
        """The account as time left it."""
        now = self.clock()
        account = self.rows[ACCOUNTS].get((user_id, unit)) or points.open_account(user_id, unit, now)
        mine = [one for one in self.all(Lot) if (one.user_id, one.unit) == (user_id, unit) and one.remaining]
        held = [one for one in self.all(Hold) if (one.user_id, one.unit) == (user_id, unit)]
        holds = tuple(one for one in held if one.state == "held")
        book = Book(account, tuple(mine), holds, self.policies[unit])
        return self.keep(points.settle(book, now, self.new_id)).book

    def dossier(self, user_id: UUID, unit: str = "points") -> Dossier:
        """Everything that is stored of an account."""
        lines = [one for one in self.all(Posting) if (one.user_id, one.unit) == (user_id, unit)]
        ids = {one.id for one in lines}
        return Dossier(
            user_id,
            unit,
            self.rows[ACCOUNTS].get((user_id, unit)),
            tuple(sorted(lines, key=lambda one: one.sequence)),
            tuple(one for one in self.all(points.Allocation) if one.posting_id in ids),
            tuple(one for one in self.all(Lot) if (one.user_id, one.unit) == (user_id, unit)),
            tuple(one for one in self.all(Hold) if (one.user_id, one.unit) == (user_id, unit)),
        )

    def dossiers(self) -> list[Dossier]:
        return [self.dossier(one.user_id, one.unit) for one in self.all(Account)]

    # --- what happens ---

    def play(self, movements: int) -> "Office":
        """So many things happen, to anybody, over months; what is refused leaves no trace."""
        for _ in range(movements):
            self.clock.advance(hours=self.chance.choice((0, 0, 0, 1, 20, 24 * 4, 24 * 30)))
            user_id = self.chance.choice(self.members)
            deed = self.chance.choice(DEEDS)
            try:
                deed(self, user_id)
            except shared.DomainError:
                continue
        return self

    def _options(self, **more: Any) -> dict[str, Any]:
        return {"at": self.clock(), "ids": self.new_id, **more}

    def earn(self, user_id: UUID, amount: int | None = None, unit: str = "points") -> Movement:
        book = self.open(user_id, unit)
        funded, bonus = (
            amount or self.chance.randrange(60),
            self.chance.randrange(1, 20) if amount is None else 0,
        )
        source = Source("investment", self.new_id())
        earned = points.earn(book, funded=funded, bonus=bonus, source=source, **self._options())
        return self.keep(earned)

    def spend(self, user_id: UUID, amount: int | None = None) -> Movement:
        book, source = self.open(user_id), Source("purchase", self.new_id())
        wanted = amount or self.chance.randrange(1, 30)
        return self.keep(points.spend(book, amount=wanted, source=source, **self._options()))

    def hold(self, user_id: UUID, amount: int | None = None, days: int = 5) -> Movement:
        book, source = self.open(user_id), Source("purchase", self.new_id())
        until = self.clock() + timedelta(days=days)
        wanted = amount or self.chance.randrange(1, 20)
        return self.keep(points.hold(book, amount=wanted, source=source, until=until, **self._options()))

    def capture(self, user_id: UUID, amount: int | None = None) -> Movement:
        book = self.open(user_id)
        hold = self._any(book.holds)
        wanted = amount or self.chance.randrange(1, hold.amount + 1)
        return self.keep(points.capture(book, hold, amount=wanted, **self._options()))

    def release(self, user_id: UUID) -> Movement:
        book = self.open(user_id)
        return self.keep(points.release(book, self._any(book.holds), **self._options()))

    def refund(self, user_id: UUID, debit: Posting | None = None, amount: int | None = None) -> Movement:
        book = self.open(user_id)
        lines = [one for one in self.all(Posting) if one.user_id == user_id and one.kind == "spent"]
        debit = debit or self._any(lines)
        taken = [one for one in self.all(points.Allocation) if one.debit_id == debit.id]
        lots = [self.rows[LOTS][user_id, one.lot_id] for one in taken]
        left = sum(one.amount for one in taken)
        wanted = amount or (self.chance.randrange(1, left + 1) if left else None)
        return self.keep(points.refund(book, debit, taken, lots, amount=wanted, **self._options()))

    def adjust(self, user_id: UUID, amount: int | None = None) -> Movement:
        book = self.open(user_id)
        change = amount or self.chance.choice((-7, 3, 12))
        facts = {"author_id": AUTHOR, "reason": "counted again", "source_id": self.new_id()}
        return self.keep(points.adjust(book, amount=change, **self._options(**facts)))

    def claw_back(self, user_id: UUID) -> Movement:
        book = self.open(user_id)
        grant_id = self._any([one for one in self.all(Lot) if one.user_id == user_id]).grant_id
        lots = [one for one in self.all(Lot) if one.grant_id == grant_id and one.unit == "points"]
        facts = {"author_id": AUTHOR, "reason": "paid back"}
        return self.keep(points.claw_back(book, grant_id, lots, **self._options(**facts)))

    def give(self, user_id: UUID, amount: int | None = None) -> UUID:
        to = self.chance.choice([one for one in self.members if one != user_id])
        giver, receiver, gift_id = self.open(user_id), self.open(to), self.new_id()
        wanted = amount or self.chance.randrange(1, 15)
        facts = {"amount": wanted, "gift_id": gift_id}
        self.keep(*points.give(giver, receiver, **self._options(**facts)))
        return gift_id

    def convert(self, user_id: UUID, amount: int | None = None) -> UUID:
        book, other, conversion_id = self.open(user_id), self.open(user_id, "pearls"), self.new_id()
        wanted = amount or self.chance.randrange(1, 5) * 2
        facts = {"amount": wanted, "conversion_id": conversion_id}
        self.keep(*points.convert(book, other, RATE, **self._options(**facts)))
        return conversion_id

    def warn(self, user_id: UUID) -> Movement:
        return self.keep(points.warn(self.open(user_id), self.clock()))

    def _any(self, some: Any) -> Any:
        if not some:
            raise shared.NotFound(kind="anything", id="there")
        return self.chance.choice(list(some))


DEEDS: tuple[Callable[[Office, UUID], object], ...] = (
    *(Office.earn, Office.earn, Office.spend, Office.spend, Office.hold, Office.hold, Office.capture),
    *(
        Office.release,
        Office.refund,
        Office.adjust,
        Office.claw_back,
        Office.give,
        Office.convert,
        Office.warn,
        Office.open,
    ),
)


def changed(dossier: Dossier, where: str, key: object, **facts: Any) -> Dossier:
    """A dossier in which somebody changed a row of `postings`, `lots`, ... by hand."""
    rows = getattr(dossier, where)
    assert any(_key_of(one) == key for one in rows), "the row is there"
    return evolve(
        dossier, **{where: tuple(evolve(one, **facts) if _key_of(one) == key else one for one in rows)}
    )


def without(dossier: Dossier, where: str, *keys: object) -> Dossier:
    """A dossier of which somebody deleted rows."""
    rows = getattr(dossier, where)
    left = tuple(one for one in rows if _key_of(one) not in keys)
    assert len(left) == len(rows) - len(keys), "the rows were there"
    return evolve(dossier, **{where: left})


def _key_of(record: Any) -> object:
    if isinstance(record, points.Allocation):
        return record.posting_id, record.lot_id
    return record.id


def found(dossier: Dossier, office: Office) -> list[Finding]:
    """What an audit finds in what is stored of an account."""
    return examine(dossier, office.clock())


def first(dossier: Dossier, office: Office) -> tuple[str, str, str]:
    """The check, the table and the key of what is found first."""
    one = found(dossier, office)[0]
    assert (one.user_id, one.unit) == (dossier.user_id, dossier.unit)
    return one.check, one.table, one.row
