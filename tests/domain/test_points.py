"""The points ledger: what each step does, and what no sequence of steps can break (ledger.md)."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baobab.domain import points, shared
from baobab.domain.points import Allocation, Book, Hold, Lot, Movement, Posting, Source

START = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
END = datetime(2027, 9, 2, 22, 0, tzinfo=UTC)
"""Until when points last that are given at START."""
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


@pytest.fixture
def books() -> Books:
    return Books()


# --- invariants, by their numbers in ledger.md --------------------------------------------------


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


def first_wrong(postings: list[Posting], allocations: list[Allocation]) -> int | None:
    """6: the place of the first posting whose hash is not that of its fields and the hash before it,
    computed here anew."""
    previous = b""
    for place, posting in enumerate(postings):
        texts = {name: text_of(getattr(posting, name)) for name in posting.__struct_fields__}
        reason, _ = texts.pop("reason"), texts.pop("hash")
        parts = sorted((one.lot_id, one.amount) for one in allocations if one.posting_id == posting.id)
        taken = (f"{lot_id.hex}:{amount}" for lot_id, amount in parts)
        covered = "|".join((*texts.values(), *taken, reason)).encode()
        if posting.hash != hashlib.sha256(previous + covered).digest():
            return place
        previous = posting.hash
    return None


def text_of(value: object) -> str:
    match value:
        case None:
            return ""
        case UUID():
            return value.hex
        case datetime():
            return value.isoformat()
    return str(value)


def check(books: Books) -> None:
    balance_is_the_sum_of_postings_and_of_lots(books)
    nothing_goes_beyond_what_there_is(books)
    totals_add_up(books)
    allocations_say_what_became_of_every_lot(books)
    history_has_no_gap(books)


# --- sequences ----------------------------------------------------------------------------------

amounts = st.integers(1, 40)
places = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("earn"), st.integers(20, 90), st.integers(0, 20), st.sampled_from((100, 150, 333))),
    st.tuples(st.just("spend"), amounts),
    st.tuples(st.just("hold"), amounts, st.sampled_from((30, 44_640))),
    st.tuples(st.just("capture"), places, st.integers(1, 20)),
    st.tuples(st.just("release"), places),
    st.tuples(st.just("refund"), places, st.none() | st.integers(1, 20)),
    st.tuples(st.just("revoke"), places),
    st.tuples(st.just("adjust"), st.integers(-30, 30)),
    st.tuples(st.just("wait"), st.sampled_from((0, 1, 20, 31, 200, 540, 560))),
)
histories = st.lists(steps, min_size=8, max_size=30).map(lambda some: [("earn", 90, 20, 100), *some])
many = settings(max_examples=max(100, settings().max_examples))
Step = tuple[Any, ...]


def take(books: Books, step: Step) -> str:
    """Take a step: what came of it, the name of the error if it was refused."""
    name, *wish = step
    try:
        match name:
            case "wait":
                books.wait(days=wish[0])
            case "capture" | "release":
                hold = pick(list(books.holds.values()), wish.pop(0))
                getattr(books, name)(hold, *wish)
            case "refund":
                books.refund(pick(books.debits(), wish[0]), wish[1])
            case "revoke":
                books.revoke(pick(list(books.lots.values()), wish[0]).grant_id)
            case _:
                getattr(books, name)(*wish)
    except (shared.DomainError, Nothing) as error:
        return type(error).__name__
    return "done"


class Nothing(Exception):
    """There is nothing yet to take this step with."""


def pick(found: list[Any], place: int) -> Any:
    if not found:
        raise Nothing
    return found[place % len(found)]


@many
@given(histories)
def test_no_sequence_of_steps_breaks_an_invariant(history: list[Step]) -> None:
    books = Books()
    for step in history:
        take(books, step)
        check(books)
    books.sweep()
    check(books)
    assert books.parts.balance == books.account.balance


@many
@given(histories, st.sets(st.integers(0, 30)))
def test_lazy_equals_swept(history: list[Step], sweeps: set[int]) -> None:
    """8: what may be spent at any time, and what is refused, is the same whenever the sweep runs."""
    lazy, swept = Books(), Books()
    for place, step in enumerate(history):
        lazy.ids = swept.ids = fresh_ids(1_000 * (place + 1))
        came_of_it = take(lazy, step)
        swept.ids = fresh_ids(1_000 * (place + 1))
        if place in sweeps:
            swept.sweep()
            swept.sweep()
        assert take(swept, step) == came_of_it
        for later in (0, 1, 40, 600):
            at = lazy.at + timedelta(days=later)
            assert points.parts_of(lazy.book, at) == points.parts_of(swept.book, at)
    lazy.sweep()
    swept.sweep()
    assert (lazy.lots, lazy.holds) == (swept.lots, swept.holds)
    assert lazy.account.expired == swept.account.expired


@many
@given(histories, st.data())
def test_a_changed_or_missing_line_is_found(history: list[Step], data: st.DataObject) -> None:
    """6."""
    books = Books()
    for step in history:
        take(books, step)
    assert first_wrong(books.postings, books.allocations) is None
    place = data.draw(st.integers(0, len(books.postings) - 1))
    name = data.draw(st.sampled_from(Posting.__struct_fields__))
    changed = shared.evolve(books.postings[place], **{name: other_than(getattr(books.postings[place], name))})
    assert (
        first_wrong([*books.postings[:place], changed, *books.postings[place + 1 :]], books.allocations)
        == place
    )
    if place < len(books.postings) - 1:
        assert (
            first_wrong([*books.postings[:place], *books.postings[place + 1 :]], books.allocations) == place
        )


def other_than(value: Any) -> Any:
    match value:
        case None | UUID():
            return UUID(int=99)
        case datetime():
            return value + timedelta(microseconds=1)
        case bytes():
            return value[::-1]
        case str():
            return value + "x"
    return value + 1


@many
@given(histories, amounts, st.sampled_from((0, 1, 600)))
def test_paying_and_cancelling_gives_every_lot_back_what_it_gave(
    history: list[Step], amount: int, days: int
) -> None:
    """10: to the point; what has ended in between comes back for the grace, never silently dead."""
    books = Books()
    for step in history:
        take(books, step)
    books.sweep()
    before = dict(books.lots)
    if take(books, ("spend", amount)) != "done":
        return
    debit = books.debits()[-1]
    gave = {one.lot_id: one.amount for one in books.allocations if one.debit_id == debit.id}
    books.wait(days=days)
    books.sweep()
    kept = dict(books.lots)
    books.refund(debit)
    for lot_id, given_back in gave.items():
        lot = books.lots[lot_id]
        assert lot.remaining == kept[lot_id].remaining + given_back
        assert lot.expires_at > books.at
        if before[lot_id].expires_at > books.at:
            assert lot == before[lot_id]
    check(books)


# --- earning ------------------------------------------------------------------------------------


def test_a_grant_makes_a_funded_and_a_bonus_lot_under_one_name(books: Books) -> None:
    books.earn(50, 15)
    funded, bonus = books.lots.values()
    assert (funded.amount, funded.funded, bonus.amount, bonus.funded) == (50, True, 15, False)
    assert funded.grant_id == bonus.grant_id
    assert {lot.expires_at for lot in books.lots.values()} == {END}
    event = books.events[-1]
    assert event == points.PointsEarned(MEMBER, points.POINTS, funded.grant_id, 50, 15, SHOP, END)


@pytest.mark.parametrize(
    ("given_at", "expires_at"),
    [
        ("2025-08-31T10:00+00:00", "2027-02-28T23:00+00:00"),
        ("2025-08-31T22:30+00:00", "2027-03-01T23:00+00:00"),
        ("2026-03-02T10:30+00:00", "2027-09-02T22:00+00:00"),
        ("2026-08-29T10:00+00:00", "2028-02-29T23:00+00:00"),
    ],
    ids=["no such day", "already September in Paris", "into summer time", "a leap day"],
)
def test_points_last_to_the_end_of_the_day_18_months_later(given_at: str, expires_at: str) -> None:
    policy = points.policy_in_force((), points.POINTS, START)
    assert points.expiry_of(policy, datetime.fromisoformat(given_at)) == datetime.fromisoformat(expires_at)


@pytest.mark.parametrize(
    ("base", "multiplier", "points_given"),
    [
        (65, 100, 65),
        (50, 125, 62),
        (54, 125, 68),
        (3, 150, 4),
        (5, 150, 8),
        (1, 149, 1),
        (1, 151, 2),
        (7, 999, 70),
    ],
)
def test_a_multiplier_rounds_half_to_even(base: int, multiplier: int, points_given: int) -> None:
    assert points.multiplied(base, multiplier) == points_given


@pytest.mark.parametrize("multiplier", [0, 99, 1_000])
def test_a_multiplier_has_its_range(books: Books, multiplier: int) -> None:
    with pytest.raises(points.MultiplierOutOfRange):
        books.earn(10, multiplier=multiplier)


def test_the_gain_of_a_multiplier_is_bonus_and_each_line_keeps_its_base(books: Books) -> None:
    books.earn(50, 0, multiplier=150)
    funded, bonus = books.postings
    assert (funded.amount, funded.base_amount, funded.multiplier) == (50, 50, 150)
    assert (bonus.amount, bonus.base_amount, bonus.multiplier) == (25, 0, 150)


@pytest.mark.parametrize("amount", [0, -1, 1.0, True, "5", shared.MOST + 1])
def test_an_amount_is_a_whole_positive_number(books: Books, amount: Any) -> None:
    books.earn(50)
    for attempt in (books.spend, books.hold, lambda amount: books.earn(amount, amount)):
        with pytest.raises(shared.InvalidAmount):
            attempt(amount)
    check(books)


def test_nothing_is_counted_in_an_unknown_unit() -> None:
    with pytest.raises(points.UnknownUnit, match="pearls"):
        points.policy_in_force((), "pearls", START)


# --- spending -----------------------------------------------------------------------------------


def lot(number: int, **changes: Any) -> Lot:
    made = Lot(
        user_id=MEMBER,
        id=UUID(int=number),
        unit=points.POINTS,
        amount=10,
        remaining=10,
        funded=False,
        available_at=START,
        expires_at=END,
        source_type="manual",
        source_id=SHOP.id,
        grant_id=UUID(int=number),
        policy_version=1,
        expired=0,
        warned=0,
        revoked=False,
        created_at=START,
    )
    return shared.evolve(made, **changes)


def test_lots_are_consumed_by_expiry_then_bonus_then_age() -> None:
    day = timedelta(days=1)
    lots = (
        lot(1, funded=True),
        lot(3),
        lot(2),
        lot(4, funded=True, expires_at=END - day),
        lot(5, expires_at=START),
        lot(6, available_at=START + day),
        lot(7, remaining=0),
    )
    book = Book(points.open_account(MEMBER, points.POINTS, START), lots, (), points.POLICIES[0])
    assert [one.id.int for one, _ in points.spendable(book, START)] == [4, 2, 3, 1]
    by_age = shared.evolve(book, policy=shared.evolve(book.policy, consumption="oldest_first"))
    assert [one.id.int for one, _ in points.spendable(by_age, START)] == [1, 2, 3, 4]


def test_points_that_are_not_mature_are_pending() -> None:
    account = shared.evolve(points.open_account(MEMBER, points.POINTS, START), balance=20)
    lots = (lot(1), lot(2, available_at=START + timedelta(days=1)))
    book = Book(account, lots, (), points.POLICIES[0])
    parts = points.parts_of(book, START)
    assert (parts.balance, parts.available, parts.pending) == (20, 10, 10)
    assert points.parts_of(book, START + timedelta(days=1)).available == 20


def test_a_refusal_says_what_was_needed_and_what_there_is(books: Books) -> None:
    books.earn(40)
    for attempt in (books.spend, books.hold, lambda amount: books.adjust(-amount)):
        with pytest.raises(points.InsufficientPoints) as caught:
            attempt(65)
        assert caught.value.facts() == {"needed": 65, "available": 40}


def test_lines_of_one_instant_are_recorded_one_after_the_other(books: Books) -> None:
    books.earn(10)
    books.spend(1)
    books.spend(1)
    times = [posting.recorded_at - START for posting in books.postings]
    assert times == [timedelta(microseconds=number) for number in range(3)]


# --- holding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [0, 0.5, 31 * 1_440 + 1])
def test_a_hold_lasts_from_a_minute_to_31_days(books: Books, minutes: Any) -> None:
    books.earn(10)
    with pytest.raises(points.HoldTooLong, match="31 days"):
        books.hold(5, minutes)


def test_a_hold_may_be_allowed_more_days(books: Books) -> None:
    books.earn(10)
    books.hold(5, 60 * 1_440, most_days=60)
    assert books.parts.held == 5


def test_a_hold_sets_aside_what_would_be_spent_first(books: Books) -> None:
    books.earn(10, 4)
    books.hold(6)
    (hold,) = books.holds.values()
    funded, bonus = books.lots.values()
    assert hold.parts == (points.Part(bonus.id, 4), points.Part(funded.id, 2))
    assert books.events[-1] == points.HoldChanged(MEMBER, points.POINTS, hold.id, "held", 6)


def test_a_capture_takes_the_first_of_what_was_held(books: Books) -> None:
    books.earn(10, 4)
    books.hold(6)
    (hold,) = books.holds.values()
    books.capture(hold, 5)
    assert books.remaining() == [9, 0]
    assert (books.holds[hold.id].state, books.holds[hold.id].captured) == ("captured", 5)
    changed, spent = books.events[-2:]
    assert changed == points.HoldChanged(MEMBER, points.POINTS, hold.id, "captured", 5)
    assert spent == points.PointsSpent(MEMBER, points.POINTS, books.postings[-1].id, 5, SHOP)
    check(books)


def test_a_capture_takes_no_more_than_was_held(books: Books) -> None:
    books.earn(10)
    books.hold(6)
    (hold,) = books.holds.values()
    with pytest.raises(points.CaptureTooLarge) as caught:
        books.capture(hold, 7)
    assert caught.value.facts() == {"held": 6, "wanted": 7}


@pytest.mark.parametrize("end", ["captured", "released", "expired"])
def test_a_hold_ends_once(books: Books, end: str) -> None:
    books.earn(10)
    books.hold(6)
    (hold,) = books.holds.values()
    match end:
        case "captured":
            books.capture(hold, 6)
        case "released":
            books.release(hold)
        case "expired":
            books.wait(minutes=30)
    for attempt in (
        lambda: books.capture(books.holds[hold.id], 1),
        lambda: books.release(books.holds[hold.id]),
    ):
        with pytest.raises(points.HoldClosed) as caught:
            attempt()
        assert caught.value.facts() == {"hold_id": hold.id, "state": end}


def test_a_hold_that_runs_out_frees_its_points_and_says_so(books: Books) -> None:
    books.earn(10)
    books.hold(6)
    books.wait(minutes=30)
    assert books.parts.available == 10
    books.sweep()
    (hold,) = books.holds.values()
    assert (hold.state, books.account.held) == ("expired", 0)
    assert books.events[-1] == points.HoldChanged(MEMBER, points.POINTS, hold.id, "expired", 6)


# --- expiring -----------------------------------------------------------------------------------


def test_an_expiry_is_effective_when_the_lot_ended_and_recorded_when_it_was_written(books: Books) -> None:
    books.earn(10, 4)
    books.spend(2)
    books.at = END + timedelta(days=3)
    books.sweep()
    bonus, funded = books.postings[-2:]
    assert (bonus.amount, funded.amount) == (-2, -10)
    assert {one.effective_at for one in (bonus, funded)} == {END}
    assert bonus.recorded_at == books.at
    expired = [event for event in books.events if isinstance(event, points.PointsExpired)]
    assert [(event.amount, event.expired_at) for event in expired] == [(2, END), (10, END)]


def test_settling_what_is_settled_changes_nothing(books: Books) -> None:
    books.earn(10)
    books.at = END
    assert books.sweep().changed
    assert books.sweep() == Movement(books.book)


def test_what_is_held_of_a_lot_ends_when_the_hold_does(books: Books) -> None:
    books.at = END - timedelta(minutes=10)
    books.keep(points.earn(books.book, funded=10, bonus=0, source=SHOP, at=START, ids=books.ids))
    books.hold(4, 30)
    books.at = END
    books.sweep()
    assert (books.account.balance, books.parts.held, books.parts.available) == (4, 4, 0)
    (hold,) = books.holds.values()
    books.release(hold)
    assert books.parts.balance == 0
    books.sweep()
    assert books.account.balance == 0
    check(books)


# --- giving back, taking back, correcting -------------------------------------------------------


def test_a_refund_goes_to_the_lots_consumed_last_first(books: Books) -> None:
    books.earn(10, 4)
    books.spend(8)
    (debit,) = books.debits()
    books.refund(debit, 5)
    assert books.remaining() == [10, 1]
    books.refund(debit)
    assert books.remaining() == [10, 4]
    assert books.events[-1] == points.PointsRefunded(MEMBER, points.POINTS, debit.id, 3)
    for amount in (None, 1):
        with pytest.raises(points.RefundTooLarge):
            books.refund(debit, amount)


def test_a_lot_that_has_ended_comes_back_for_30_days(books: Books) -> None:
    books.earn(10)
    books.spend(8)
    books.at = END + timedelta(days=60)
    books.refund(books.debits()[0])
    (back,) = books.lots.values()
    assert (back.remaining, back.expires_at) == (8, datetime(2027, 12, 1, 23, 0, tzinfo=UTC))


def test_only_what_was_spent_is_given_back(books: Books) -> None:
    books.earn(10)
    with pytest.raises(shared.NotFound, match="debit"):
        books.refund(books.postings[0])


def test_an_untouched_grant_is_taken_back_whole(books: Books) -> None:
    books.earn(50, 15)
    books.earn(7)
    grant_id = next(iter(books.lots.values())).grant_id
    books.revoke(grant_id)
    assert books.remaining() == [0, 0, 7]
    assert books.account.earned == 7
    assert books.events[-1] == points.GrantRevoked(MEMBER, points.POINTS, grant_id, 65, 0)
    check(books)
    with pytest.raises(points.GrantAlreadyRevoked):
        books.revoke(grant_id)


@pytest.mark.parametrize("touch", ["spend", "hold"])
def test_of_a_grant_that_was_touched_what_is_left_is_taken_back(books: Books, touch: str) -> None:
    books.earn(50, 15)
    getattr(books, touch)(20)
    grant_id = next(iter(books.lots.values())).grant_id
    books.revoke(grant_id)
    assert books.events[-1] == points.GrantRevoked(MEMBER, points.POINTS, grant_id, 45, 0)
    assert all(lot.revoked for lot in books.lots.values())
    assert sum(books.remaining()) == (20 if touch == "hold" else 0)
    check(books)


def test_of_a_grant_that_is_all_spent_nothing_is_taken_back(books: Books) -> None:
    books.earn(50, 15)
    books.spend(65)
    before = len(books.postings)
    books.revoke(next(iter(books.lots.values())).grant_id)
    assert len(books.postings) == before
    assert not any(lot.revoked for lot in books.lots.values())


def test_a_correction_up_makes_a_bonus_lot_and_down_takes_as_a_debit_does(books: Books) -> None:
    books.earn(10)
    books.adjust(5)
    _, given_lot = books.lots.values()
    assert (given_lot.amount, given_lot.funded, given_lot.expires_at) == (5, False, END)
    assert books.postings[-1].reason == "counted again"
    books.adjust(-7)
    assert books.remaining() == [8, 0]
    assert books.events[-1] == points.PointsAdjusted(MEMBER, points.POINTS, -7, MEMBER, "counted again")
    with pytest.raises(shared.InvalidAmount):
        books.adjust(0)
    check(books)
