"""A chain of postings that was made anew, with all hashes: the sums tell, or the seal."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from bookkeeping import Office, changed, first, found, without

from baobab.domain.points import Posting
from baobab.domain.points.audit import Dossier, checkpoint_of
from baobab.domain.points.dossiers import since
from baobab.domain.points.seals import Leaf
from baobab.domain.points.tracing import chain
from baobab.domain.shared import evolve


def rechained(dossier: Dossier, *postings: Posting) -> Dossier:
    """The account with other lines, and every hash made anew."""
    previous, lines = b"", []
    for one in postings:
        parts = [(part.lot_id, part.amount) for part in dossier.allocations if part.posting_id == one.id]
        previous = chain(previous, one, parts)
        lines.append(evolve(one, hash=previous))
    assert dossier.account is not None
    account = evolve(dossier.account, hash=previous, sequence=len(lines), recorded_at=lines[-1].recorded_at)
    return evolve(dossier, postings=tuple(lines), account=account)


EARLY = datetime.fromisoformat("2026-03-01T00:00Z")


def rewritten(dossier: Dossier, number: int, **facts: object) -> Dossier:
    lines = list(dossier.postings)
    lines[number - 1] = evolve(lines[number - 1], **facts)
    return rechained(dossier, *lines)


@pytest.mark.parametrize(
    ("number", "facts", "check"),
    [
        (1, {"amount": 60}, "sequence"),
        (3, {"balance_after": 44}, "sequence"),
        (3, {"recorded_at": EARLY, "effective_at": EARLY}, "sequence"),
        (3, {"effective_at": datetime.fromisoformat("2026-04-01T00:00Z")}, "sequence"),
        (1, {"contra": "redemption"}, "books"),
        (1, {"contra_id": UUID(int=1)}, "books"),
        (1, {"kind": "spent", "contra": "redemption"}, "books"),
        (3, {"debt": -1}, "books"),
        (4, {"debit_id": None}, "allocations"),
        (3, {"effective_at": datetime.fromisoformat("2026-01-01T00:00Z")}, "swept"),
    ],
)
def test_each_line_has_to_make_sense_even_if_all_hashes_fit(
    dossier: Dossier, office: Office, number: int, facts: dict[str, object], check: str
) -> None:
    said = found(rewritten(dossier, number, **facts), office)
    assert check in {one.check for one in said}
    assert "chain" not in {one.check for one in said}


def test_a_debit_that_took_more_or_less_of_lots_than_it_says_is_found(
    dossier: Dossier, office: Office
) -> None:
    spent = dossier.postings[2]
    for amount in (19, 21):
        parts = tuple(
            evolve(part, amount=amount) if part.posting_id == spent.id else part
            for part in dossier.allocations
        )
        said = found(rechained(evolve(dossier, allocations=parts), *dossier.postings), office)
        assert [one.row for one in said if one.check == "allocations"] == [str(spent.id)]


def test_more_given_back_than_was_taken_is_found(dossier: Dossier, office: Office) -> None:
    refund, debit = dossier.postings[3], dossier.postings[2]
    parts = tuple(
        evolve(part, amount=-50) if part.posting_id == refund.id else part for part in dossier.allocations
    )
    said = found(rechained(evolve(dossier, allocations=parts), *dossier.postings), office)
    assert [one.row for one in said if one.check == "refunds"] == [
        f"{debit.id}/{refund.id}/{part.lot_id}" for part in parts if part.posting_id == refund.id
    ]


def test_a_refund_of_what_was_no_spend_is_found(dossier: Dossier, office: Office) -> None:
    said = found(rewritten(dossier, 4, debit_id=dossier.postings[0].id), office)
    assert [one.row for one in said if one.check == "refunds"] == [str(dossier.postings[3].id)]


def test_a_gift_or_a_conversion_posted_twice_is_found() -> None:
    office = Office(members=2)
    giver = office.members[0]
    office.earn(giver, 50)
    office.give(giver, 4), office.give(giver, 4)
    office.convert(giver, 4), office.convert(giver, 4)
    honest = office.dossier(giver)
    assert found(honest, office) == []
    for kind in ("given", "converted"):
        one, other = [line for line in honest.postings if line.kind == kind]
        twice = rewritten(honest, other.sequence, source_id=one.source_id)
        assert [(one.check, one.row) for one in found(twice, office)] == [("once", str(other.id))]


def test_points_that_were_taken_after_their_end_are_found() -> None:
    office = Office(members=1)
    member = office.members[0]
    office.earn(member, 50)
    office.clock.advance(days=30)
    office.earn(member, 50)
    office.clock.advance(days=530)
    office.spend(member, 10)
    honest = office.dossier(member)
    assert [one.kind for one in honest.postings] == ["earned", "earned", "expired", "spent"]
    dead, alive = sorted(honest.lots, key=lambda one: one.expires_at)
    assert found(honest, office) == []
    swapped = tuple(
        evolve(part, lot_id={dead.id: alive.id, alive.id: dead.id}[part.lot_id])
        for part in honest.allocations
    )
    tampered = rechained(evolve(honest, allocations=swapped), *honest.postings)
    tampered = changed(tampered, "lots", dead.id, remaining=40, expired=0)
    tampered = changed(tampered, "lots", alive.id, remaining=0, expired=50)
    assert {one.check for one in found(tampered, office)} == {"swept"}


def test_what_has_ended_and_did_not_expire_when_its_owner_moved_is_found() -> None:
    office = Office(members=1)
    member = office.members[0]
    office.earn(member, 50)
    office.clock.advance(days=1)
    office.earn(member, 9)
    honest = office.dossier(member)
    lot = honest.lots[0]
    gone = lot.available_at + timedelta(hours=1)
    tampered = changed(rewritten(honest, 1, expires_at=gone), "lots", lot.id, expires_at=gone)
    assert [(one.check, one.row) for one in found(tampered, office)] == [("swept", str(lot.id))]


@pytest.fixture
def kept() -> Office:
    """50 points, of which a hold kept 20 beyond their end."""
    office = Office(members=1)
    member = office.members[0]
    office.earn(member, 50)
    office.clock.advance(days=547)
    office.hold(member, 20, days=20)
    office.clock.advance(days=10)
    return office


def test_what_a_hold_kept_beyond_its_end_may_be_spent(kept: Office) -> None:
    kept.capture(kept.members[0], 15)
    honest = kept.dossier(kept.members[0])
    assert [(one.kind, one.amount) for one in honest.postings] == [
        *(("earned", 50), ("expired", -30), ("spent", -15), ("expired", -5))
    ]
    assert found(honest, kept) == []
    stranger = evolve(honest, holds=())
    assert [(one.check, one.row) for one in found(stranger, kept)] == [("swept", str(honest.postings[2].id))]


def test_what_a_hold_kept_expires_when_the_hold_ends(kept: Office) -> None:
    hold = kept.dossier(kept.members[0]).holds[0]
    kept.clock.advance(days=30)
    kept.earn(kept.members[0], 5)
    honest = kept.dossier(kept.members[0])
    assert [one.effective_at for one in honest.postings if one.kind == "expired"][1] == hold.expires_at
    assert found(honest, kept) == []
    assert "swept" in {one.check for one in found(evolve(honest, holds=()), kept)}


def sealed(dossier: Dossier, number: int) -> Leaf:
    line = dossier.postings[number - 1]
    return Leaf(dossier.user_id, number, line.hash, line.balance_after)


def test_an_account_that_moved_on_still_has_the_line_that_was_sealed(
    dossier: Dossier, office: Office
) -> None:
    for number in range(1, 8):
        assert found(evolve(dossier, sealed=sealed(dossier, number)), office) == []


def test_a_tail_that_was_cut_off_with_its_account_and_lots_set_back_is_found_by_the_seal() -> None:
    """All that the account's own rows can show fits: only what was published does not."""
    office = Office(members=1)
    member = office.members[0]
    office.earn(member, 50)
    office.clock.advance(days=1)
    before = office.dossier(member)
    office.spend(member, 20)
    after = office.dossier(member)
    assert found(before, office) == []
    one = found(evolve(before, sealed=sealed(after, 2)), office)
    assert [(one.check, one.table, one.row) for one in one] == [("seal", "posting", "line 2")]


def test_a_line_that_was_rewritten_with_all_hashes_is_found_by_the_seal(
    dossier: Dossier, office: Office
) -> None:
    tampered = evolve(rewritten(dossier, 5, reason="a better reason"), sealed=sealed(dossier, 6))
    assert [(one.check, one.row) for one in found(tampered, office)] == [
        ("seal", str(dossier.postings[5].id))
    ]


def test_a_line_before_the_checkpoint_that_was_changed_with_all_hashes_is_found(
    dossier: Dossier, office: Office
) -> None:
    assert dossier.account is not None
    mark = checkpoint_of(dossier, office.clock())
    assert mark is not None
    later = since(dossier, mark)
    assert (later.postings, found(later, office)) == ((), [])
    other = evolve(later, anchor=bytes(32))
    assert [(one.check, one.row) for one in found(other, office)] == [("watermark", "line 7")]
    gone = evolve(later, anchor=None, account=evolve(dossier.account, sequence=6))
    assert next(one.check for one in found(gone, office)) == "watermark"


def test_a_lot_that_was_changed_since_the_checkpoint_is_named(dossier: Dossier, office: Office) -> None:
    later = since(dossier, checkpoint_of(dossier, office.clock()))
    lot = next(one for one in later.lots if one.remaining)
    for facts in ({"remaining": 0}, {"expires_at": office.clock()}):
        assert first(changed(later, "lots", lot.id, **facts), office) == ("lots", "lot", str(lot.id))
    assert first(without(later, "lots", lot.id), office)[1:] == ("lot", str(lot.id))


def test_an_account_that_is_gone_has_no_checkpoint(dossier: Dossier) -> None:
    assert checkpoint_of(evolve(dossier, account=None), dossier.postings[0].recorded_at) is None
