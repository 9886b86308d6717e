"""What no sequence of steps breaks, by the numbers of the invariants in ledger.md."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from books import Books, check, fresh_ids
from hypothesis import given, settings
from hypothesis import strategies as st

from baobab.domain import points, shared
from baobab.domain.points import Allocation, Posting


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
