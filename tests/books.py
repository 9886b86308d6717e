"""One account as the functions of the domain move it, and what must hold of it at every instant."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import UUID

from baobab.domain import points, shared
from baobab.domain.points import Allocation, Book, Hold, Lot, Movement, Posting, Source

START = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
MEMBER, SHOP = UUID(int=7), Source("purchase", UUID(int=8))
Ids = Callable[[], UUID]


def fresh_ids(first: int = 1_000) -> Ids:
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


class Books:
    """One account with everything that was ever stored of it, as the domain's functions move it."""

    def __init__(self) -> None:
        self.at = START
        self.account = points.open_account(MEMBER, points.POINTS, START)
        self.policy = points.POLICIES[0]
        self.lots: dict[UUID, Lot] = {}
        self.holds: dict[UUID, Hold] = {}
        self.postings: list[Posting] = []
        self.allocations: list[Allocation] = []
        self.events: list[shared.Event] = []
        self.ids, self.sweep_ids = fresh_ids(), fresh_ids(10**9)

    @property
    def book(self) -> Book:
        """What a storage loads: the account, its open lots and holds."""
        lots = tuple(lot for lot in self.lots.values() if lot.remaining)
        holds = tuple(one for one in self.holds.values() if one.state == "held")
        return Book(self.account, lots, holds, self.policy)

    @property
    def parts(self) -> points.Parts:
        return points.parts_of(self.book, self.at)

    def keep(self, movement: Movement) -> Movement:
        for record in movement.changed:
            match record:
                case points.Account():
                    self.account = record
                case Lot():
                    self.lots[record.id] = record
                case Hold():
                    self.holds[record.id] = record
                case Posting():
                    self.postings.append(record)
                case Allocation():
                    self.allocations.append(record)
        self.events += movement.events
        assert movement.book.account == self.account
        return movement

    def sweep(self) -> Movement:
        return self.keep(points.settle(self.book, self.at, self.sweep_ids))

    def _move(self, step: Callable[..., Movement], *records: Any, **wish: Any) -> Movement:
        """Settle, then move; a refusal keeps neither."""
        settled = points.settle(self.book, self.at, self.sweep_ids)
        moved = step(settled.book, *records, at=self.at, **wish)
        self.keep(settled)
        return self.keep(moved)

    def earn(self, funded: int = 0, bonus: int = 0, multiplier: int = 100) -> Movement:
        wish = {"funded": funded, "bonus": bonus, "multiplier": multiplier}
        return self._move(points.earn, source=SHOP, ids=self.ids, **wish)

    def spend(self, amount: int) -> Movement:
        return self._move(points.spend, amount=amount, source=SHOP, ids=self.ids)

    def hold(self, amount: int, minutes: int = 30, **limits: int) -> Movement:
        until = self.at + timedelta(minutes=minutes)
        return self._move(points.hold, amount=amount, source=SHOP, until=until, ids=self.ids, **limits)

    def capture(self, hold: Hold, amount: int) -> Movement:
        return self._move(points.capture, hold, amount=amount, ids=self.ids)

    def release(self, hold: Hold) -> Movement:
        return self._move(points.release, hold, ids=self.ids)

    def refund(self, debit: Posting, amount: int | None = None) -> Movement:
        taken = [one for one in self.allocations if one.debit_id == debit.id]
        lots = [self.lots[one.lot_id] for one in taken]
        return self._move(points.refund, debit, taken, lots, amount=amount, ids=self.ids)

    def revoke(self, grant_id: UUID) -> Movement:
        def revoke(book: Book, **wish: Any) -> Movement:
            known = self.lots | {lot.id: lot for lot in book.lots}
            made = [lot for lot in known.values() if lot.grant_id == grant_id]
            return points.revoke(book, grant_id, made, **wish)

        return self._move(revoke, ids=self.ids)

    def adjust(self, amount: int) -> Movement:
        wish = {"author_id": MEMBER, "reason": "counted again", "source_id": SHOP.id}
        return self._move(points.adjust, amount=amount, ids=self.ids, **wish)

    def wait(self, **delta: float) -> None:
        self.at += timedelta(**delta)

    def debits(self) -> list[Posting]:
        return [posting for posting in self.postings if posting.kind == "spent"]

    def remaining(self) -> list[int]:
        return [lot.remaining for lot in self.lots.values()]


def balance_is_the_sum_of_postings_and_of_lots(books: Books) -> None:
    """1."""
    assert books.account.balance == sum(posting.amount for posting in books.postings)
    assert books.account.balance == sum(lot.remaining for lot in books.lots.values())


def nothing_goes_beyond_what_there_is(books: Books) -> None:
    """2."""
    assert all(0 <= lot.remaining <= lot.amount for lot in books.lots.values())
    open_holds = [hold for hold in books.holds.values() if hold.state == "held"]
    assert books.account.held == sum(hold.amount for hold in open_holds) <= books.account.balance
    for lot_id, held in points.held_by_lot(open_holds, START - timedelta(days=1)).items():
        assert held <= books.lots[lot_id].remaining
    parts = books.parts
    assert parts.balance == parts.available + parts.pending + parts.held <= books.account.balance
    assert min(parts.available, parts.pending, parts.held) >= 0


def totals_add_up(books: Books) -> None:
    """2 and 3: what came in by kind is what the account says of its life."""
    by_kind: dict[str, int] = defaultdict(int)
    for posting in books.postings:
        by_kind[posting.kind] += posting.amount
        assert posting.contra == points.CONTRA[posting.kind]
    assert books.account.earned == by_kind["earned"] + by_kind["bonus"] + by_kind["revoked"]
    assert books.account.spent == -by_kind["spent"] - by_kind["refunded"]
    assert books.account.expired == -by_kind["expired"]


def allocations_say_what_became_of_every_lot(books: Books) -> None:
    """4."""
    by_posting: dict[UUID, int] = defaultdict(int)
    by_lot: dict[UUID, int] = defaultdict(int)
    for one in books.allocations:
        by_posting[one.posting_id] += one.amount
        by_lot[one.lot_id] += one.amount
    for posting in books.postings:
        made = books.lots[posting.id].amount if posting.id in books.lots else 0
        assert posting.amount == made - by_posting[posting.id]
    assert all(by_lot[lot.id] == lot.amount - lot.remaining for lot in books.lots.values())


def history_has_no_gap(books: Books) -> None:
    """5."""
    assert [posting.sequence for posting in books.postings] == list(range(1, len(books.postings) + 1))
    assert books.account.sequence == len(books.postings)
    for before, after in pairwise(books.postings):
        assert after.recorded_at > before.recorded_at
        assert after.balance_after == before.balance_after + after.amount
    assert all(posting.effective_at <= posting.recorded_at for posting in books.postings)


def check(books: Books) -> None:
    balance_is_the_sum_of_postings_and_of_lots(books)
    nothing_goes_beyond_what_there_is(books)
    totals_add_up(books)
    allocations_say_what_became_of_every_lot(books)
    history_has_no_gap(books)
