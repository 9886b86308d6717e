"""The audit of an account: honest books pass every check, whatever is changed by hand is found and named."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from bookkeeping import Office, changed, first, found, without
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain.points import Part, Posting
from baobab.domain.points.audit import Dossier, checkpoint_of, conversions
from baobab.domain.points.checks import CHECKS
from baobab.domain.points.dossiers import since
from baobab.domain.points.tracing import chain, examine
from baobab.domain.shared import evolve

seeds = st.integers(0, 10**6)


def account_row(dossier: Dossier) -> str:
    return f"{dossier.user_id}/{dossier.unit}"


@given(seeds)
def test_honest_books_pass_every_check(seed: int) -> None:
    office = Office(seed).play(120)
    assert [one for dossier in office.dossiers() for one in found(dossier, office)] == []
    for member in office.members:
        assert list(conversions(one for one in office.dossiers() if one.user_id == member)) == []


@given(seeds)
def test_honest_books_pass_from_a_checkpoint_on(seed: int) -> None:
    office = Office(seed).play(80)
    before = {(one.user_id, one.unit): one for one in office.dossiers()}
    marks = {key: checkpoint_of(one, office.clock()) for key, one in before.items()}
    office.play(60)
    some = [since(one, marks.get((one.user_id, one.unit))) for one in office.dossiers()]
    assert [one for dossier in some for one in found(dossier, office)] == []
    assert any(dossier.checkpoint for dossier in some)


FIELDS = {
    "amount": 999,
    "balance_after": 7,
    "kind": "given",
    "contra": "opening",
    "contra_id": UUID(int=5),
    "debt": 3,
    "source_type": "gift",
    "source_id": UUID(int=6),
    "base_amount": 1,
    "multiplier": 200,
    "rate": "1/2",
    "debit_id": UUID(int=7),
    "author_id": UUID(int=8),
    "reason": "none",
    "available_at": datetime.fromisoformat("2026-01-01T00:00Z"),
    "expires_at": datetime.fromisoformat("2026-01-01T00:00Z"),
    "funded": None,
    "grant_id": UUID(int=9),
    "policy_version": 9,
    "effective_at": datetime.fromisoformat("2026-01-01T00:00Z"),
    "recorded_at": datetime.fromisoformat("2026-01-01T00:00Z"),
    "hash": bytes(32),
}


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("name", FIELDS)
def test_no_field_of_a_posting_can_be_changed(
    dossier: Dossier, office: Office, name: str, number: int
) -> None:
    posting = dossier.postings[number - 1]
    value = not posting.funded if name == "funded" else FIELDS[name]
    tampered = changed(dossier, "postings", posting.id, **{name: value})
    assert first(tampered, office) == ("chain", "posting", str(posting.id))


@given(seeds, st.data())
def test_a_changed_amount_is_named_with_what_it_was(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    posting = data.draw(st.sampled_from(honest.postings))
    amount = data.draw(st.integers(-999, 999).filter(lambda one: one != posting.amount))
    said = found(changed(honest, "postings", posting.id, amount=amount), office)
    assert [(one.check, one.table, one.row) for one in said] == [("chain", "posting", str(posting.id))]
    assert said[0].says == f"has amount {amount}; its hash proves that it was {posting.amount}."


def some_account(seed: int) -> tuple[Office, Dossier]:
    """The longest account of some honest books."""
    office = Office(seed).play(120)
    return office, max(office.dossiers(), key=lambda one: len(one.postings))


@given(seeds, st.data())
def test_a_deleted_posting_is_named_by_its_line(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    posting = data.draw(st.sampled_from(honest.postings))
    one = found(without(honest, "postings", posting.id), office)[0]
    assert (one.check, one.table, one.row) == ("sequence", "posting", f"line {posting.sequence}")


@given(seeds, st.data())
def test_postings_whose_numbers_were_exchanged_are_both_named(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    some = st.sampled_from(honest.postings)
    one, other = data.draw(st.tuples(some, some).filter(lambda pair: pair[0] is not pair[1]))
    tampered = changed(honest, "postings", one.id, sequence=other.sequence)
    tampered = changed(tampered, "postings", other.id, sequence=one.sequence)
    said = found(in_order(tampered), office)
    assert {(one.table, one.row) for one in said} == {("posting", str(one.id)), ("posting", str(other.id))}


def in_order(dossier: Dossier) -> Dossier:
    return evolve(dossier, postings=tuple(sorted(dossier.postings, key=lambda one: one.sequence)))


@given(seeds, st.data())
def test_postings_that_exchanged_what_they_say_are_named(seed: int, data: st.DataObject) -> None:
    """All but their keys and places."""
    office, honest = some_account(seed)
    plain = [one for one in honest.postings if one.kind == "spent"]
    if len(plain) < 2:
        return
    some = st.sampled_from(plain)
    one, other = data.draw(st.tuples(some, some).filter(lambda pair: pair[0] is not pair[1]))
    contents = {name: getattr(other, name) for name in Posting.__struct_fields__ if name not in PLACE}
    tampered = changed(honest, "postings", one.id, **contents)
    contents = {name: getattr(one, name) for name in Posting.__struct_fields__ if name not in PLACE}
    tampered = changed(tampered, "postings", other.id, **contents)
    earlier = min(one, other, key=lambda one: one.sequence)
    assert first(tampered, office) == ("chain", "posting", str(earlier.id))


PLACE = ("user_id", "id", "unit", "sequence")


def test_a_posting_that_was_moved_to_the_end_is_named(dossier: Dossier, office: Office) -> None:
    moved = dossier.postings[2]
    tampered = in_order(changed(dossier, "postings", moved.id, sequence=500))
    said = found(tampered, office)
    assert [(one.check, one.row) for one in said] == [("sequence", str(moved.id))]
    assert said[0].says == "stands as line 500; by its hash it is line 3."


def test_several_deleted_postings_are_named_together(dossier: Dossier, office: Office) -> None:
    tampered = without(dossier, "postings", *(dossier.postings[number].id for number in (2, 3)))
    one = found(tampered, office)[0]
    assert (one.row, one.says) == ("line 3", "is missing, and all up to line 4.")
    one = found(without(dossier, "postings", *(one.id for one in dossier.postings)), office)[0]
    assert (one.row, one.says) == ("line 1", "is missing, and all up to line 7.")


def test_a_posting_that_was_added_is_named(dossier: Dossier, office: Office) -> None:
    last = dossier.postings[-1]
    draft = evolve(
        dossier.postings[0],
        id=UUID(int=1),
        sequence=8,
        balance_after=61,
        recorded_at=last.recorded_at + timedelta(seconds=1),
    )
    forged = evolve(draft, hash=chain(last.hash, draft))
    assert dossier.account is not None
    richer = evolve(dossier, postings=(*dossier.postings, forged))
    assert {one.table for one in found(richer, office)} == {"account", "lot"}
    follows = evolve(dossier.account, sequence=8, hash=forged.hash, balance=61, earned=100)
    follows = evolve(follows, recorded_at=forged.recorded_at)
    said = found(evolve(richer, account=follows), office)
    assert (said[0].check, said[0].table, said[0].row) == ("lots", "lot", str(forged.id))


def test_not_looked_at_closely_a_broken_chain_is_only_stated(dossier: Dossier, office: Office) -> None:
    tampered = changed(dossier, "postings", dossier.postings[2].id, amount=-1)
    said = examine(tampered, office.clock(), closely=False)
    assert [(one.check, one.row) for one in said] == [("chain", account_row(dossier))]
    assert examine(dossier, office.clock(), closely=False) == []


OF_ACCOUNT = {
    "balance": ("balance", 1_000_000),
    "held": ("holds", 3),
    "debt": ("books", 5),
    "earned": ("books", 51),
    "spent": ("books", 0),
    "expired": ("books", 1),
    "matures_at": ("books", datetime.fromisoformat("2026-04-01T00:00Z")),
    "refunded_at": ("books", datetime.fromisoformat("2026-03-01T00:00Z")),
    "sequence": ("sequence", 6),
    "hash": ("chain", bytes(32)),
    "recorded_at": ("sequence", datetime.fromisoformat("2026-03-03T00:00Z")),
}


@pytest.mark.parametrize("name", OF_ACCOUNT)
def test_no_figure_of_an_account_can_be_changed(dossier: Dossier, office: Office, name: str) -> None:
    check, value = OF_ACCOUNT[name]
    assert dossier.account is not None
    said = found(evolve(dossier, account=evolve(dossier.account, **{name: value})), office)
    assert [(one.check, one.table, one.row) for one in said] == [(check, "account", account_row(dossier))]


def test_an_account_that_is_gone_is_missed(dossier: Dossier, office: Office) -> None:
    said = found(evolve(dossier, account=None), office)
    assert [(one.check, one.row) for one in said] == [("account", account_row(dossier))]


OF_LOT = {
    "amount": 51,
    "remaining": 1,
    "funded": False,
    "available_at": datetime.fromisoformat("2026-01-01T00:00Z"),
    "expires_at": datetime.fromisoformat("2036-01-01T00:00Z"),
    "source_type": "gift",
    "source_id": UUID(int=5),
    "grant_id": UUID(int=6),
    "policy_version": 2,
    "unit": "pearls",
    "expired": 1,
    "revoked": True,
}


@pytest.mark.parametrize("name", OF_LOT)
def test_no_promise_of_a_lot_can_be_changed(dossier: Dossier, office: Office, name: str) -> None:
    lot = next(one for one in dossier.lots if one.funded)
    assert first(changed(dossier, "lots", lot.id, **{name: OF_LOT[name]}), office) == (
        "lots",
        "lot",
        str(lot.id),
    )


@given(seeds, st.data())
def test_a_lot_with_more_or_less_left_is_named(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    lot = data.draw(st.sampled_from(honest.lots))
    left = data.draw(st.integers(0, lot.amount).filter(lambda one: one != lot.remaining))
    said = found(changed(honest, "lots", lot.id, remaining=left), office)
    assert (said[0].check, said[0].table, said[0].row) == ("lots", "lot", str(lot.id))
    assert "balance" in {one.check for one in said}


@given(seeds, st.data())
def test_a_deleted_lot_is_named(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    lot = data.draw(st.sampled_from(honest.lots))
    said = found(without(honest, "lots", lot.id), office)
    assert (said[0].table, said[0].row) == ("lot", str(lot.id))


def test_a_lot_that_no_posting_made_is_named(dossier: Dossier, office: Office) -> None:
    forged = evolve(dossier.lots[0], id=UUID(int=1))
    assert first(evolve(dossier, lots=(*dossier.lots, forged)), office) == ("lots", "lot", str(forged.id))


@pytest.mark.parametrize(("warned", "is_found"), [(0, False), (60, True), (30, True), (8, True)])
def test_a_warning_before_its_time_or_at_no_threshold_is_found(
    dossier: Dossier, office: Office, warned: int, is_found: bool
) -> None:
    lot = dossier.lots[0]
    said = found(changed(dossier, "lots", lot.id, warned=warned), office)
    assert [(one.check, one.row) for one in said] == [("warnings", str(lot.id))] * is_found


@given(seeds, st.data())
def test_a_changed_allocation_is_named_with_what_it_was(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    part = data.draw(st.sampled_from(honest.allocations))
    amount = data.draw(st.integers(-99, 99).filter(lambda one: one not in (0, part.amount)))
    key = (part.posting_id, part.lot_id)
    said = found(changed(honest, "allocations", key, amount=amount), office)
    row = f"{part.debit_id}/{part.posting_id}/{part.lot_id}"
    assert [(one.check, one.table, one.row) for one in said] == [("chain", "allocation", row)]
    assert said[0].says == f"is of {amount}; the hash of its posting proves that it was of {part.amount}."


@given(seeds, st.data())
def test_a_deleted_allocation_is_named(seed: int, data: st.DataObject) -> None:
    office, honest = some_account(seed)
    part = data.draw(st.sampled_from(honest.allocations))
    said = found(without(honest, "allocations", (part.posting_id, part.lot_id)), office)
    row = f"{part.debit_id}/{part.posting_id}/{part.lot_id}"
    assert [(one.table, one.row) for one in said] == [("allocation", row)]
    assert said[0].says == f"of {part.amount} is missing: the hash of its posting covers it."


def test_an_allocation_that_was_deleted_with_a_lot_that_has_it_back_is_named(
    dossier: Dossier, office: Office
) -> None:
    part = dossier.allocations[0]
    tampered = without(dossier, "allocations", (part.posting_id, part.lot_id))
    lot = next(one for one in dossier.lots if one.id == part.lot_id)
    said = found(changed(tampered, "lots", lot.id, remaining=lot.remaining + part.amount), office)
    assert [(one.table) for one in said[:2]] == ["allocation", "lot"]


def test_points_shifted_from_lot_to_lot_are_found(dossier: Dossier, office: Office) -> None:
    one, other = [part for part in dossier.allocations if part.posting_id == dossier.postings[5].id][:2]
    tampered = changed(dossier, "allocations", (one.posting_id, one.lot_id), amount=one.amount + 1)
    tampered = changed(tampered, "allocations", (one.posting_id, other.lot_id), amount=other.amount - 1)
    row = f"{one.debit_id}/{one.posting_id}/"
    assert first(tampered, office)[2].startswith(row)


def test_an_allocation_of_nothing_is_named(dossier: Dossier, office: Office) -> None:
    stray = evolve(dossier.allocations[0], posting_id=UUID(int=1))
    tampered = evolve(dossier, allocations=(*dossier.allocations, stray))
    assert first(tampered, office)[1] == "allocation"


@pytest.mark.parametrize(
    "facts",
    [
        {"amount": 5},
        {"state": "released"},
        {"state": "captured"},
        {"closed_at": datetime.fromisoformat("2026-03-04T00:00Z")},
        {"captured": 1},
        {"parts": ()},
        {"parts": (Part(UUID(int=1), 4),)},
    ],
)
def test_a_changed_hold_is_named(dossier: Dossier, office: Office, facts: dict[str, object]) -> None:
    hold = next(one for one in dossier.holds if one.state == "held")
    said = found(changed(dossier, "holds", hold.id, **facts), office)
    assert [(one.check, one.table, one.row) for one in said] == [("holds", "hold", str(hold.id))]


def test_a_capture_that_nobody_spent_is_named(dossier: Dossier, office: Office) -> None:
    hold = next(one for one in dossier.holds if one.state == "captured")
    said = found(changed(dossier, "holds", hold.id, captured=6), office)
    assert [(one.check, one.row) for one in said] == [("holds", str(hold.id))]


@pytest.mark.parametrize("released", [True, False])
def test_a_hold_that_is_gone_is_missed_by_its_account(
    dossier: Dossier, office: Office, released: bool
) -> None:
    hold = next(one for one in dossier.holds if one.state == "held")
    closed = {"state": "released", "closed_at": hold.created_at}
    tampered = (
        changed(dossier, "holds", hold.id, **closed) if released else without(dossier, "holds", hold.id)
    )
    assert first(tampered, office) == ("holds", "account", account_row(dossier))


def test_each_check_has_a_sentence_that_says_what_it_looks_at() -> None:
    sentences: list[Callable[..., object]] = [*CHECKS]
    assert all(check.__doc__ for check in sentences)
