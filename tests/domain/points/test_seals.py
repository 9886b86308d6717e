"""The tree of balances and its proofs: everybody's leads to the root, nothing can be inflated."""

import hashlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain.points import seals
from baobab.domain.points.seals import Leaf, Proof, ProofFails, Seal, SealOutOfOrder, Step, Top
from baobab.domain.shared import evolve
from builders import START

UNIT = "points"
leaves = st.builds(
    Leaf,
    st.uuids(),
    st.integers(0, 10**9),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 10**12),
)
accounts = st.lists(leaves, min_size=1, max_size=40, unique_by=lambda leaf: leaf.user_id).map(
    lambda some: sorted(some, key=lambda leaf: leaf.user_id)
)


def leaf(number: int, balance: int = 10) -> Leaf:
    return Leaf(UUID(int=number), number, bytes([number % 256]) * 32, balance)


def tops_of(found: list[Leaf], size: int = seals.CHUNK) -> list[Top]:
    return [seals.top_of(UNIT, found[first : first + size]) for first in range(0, len(found), size)]


def sealed(found: list[Leaf], previous: Seal | None = None) -> Seal:
    day = date(2026, 3, 2) if previous is None else previous.day + timedelta(days=1)
    return seals.seal(UNIT, day, tops_of(found), len(found), previous=previous, at=START)


def proof_of(found: list[Leaf], place: int) -> Proof:
    nodes = [seals.node_of(UNIT, one) for one in found]
    return Proof(found[place], seals.path_of(nodes, place), sealed(found))


def fails(proof: Proof, root: bytes) -> bool:
    try:
        seals.check_proof(proof, root)
    except ProofFails:
        return True
    return False


# --- the tree -----------------------------------------------------------------------------------


@given(accounts)
def test_the_root_holds_the_sum_of_all_balances(found: list[Leaf]) -> None:
    seal = sealed(found)
    assert (seal.total, seal.accounts) == (sum(one.balance for one in found), len(found))


@given(accounts)
def test_everybodys_proof_leads_to_the_root(found: list[Leaf]) -> None:
    for place in range(len(found)):
        proof = proof_of(found, place)
        seals.check_proof(proof, proof.seal.root)
        assert len(proof.path) <= (len(found) - 1).bit_length()


@given(st.lists(leaves, min_size=1, max_size=70), st.sampled_from([1, 2, 4, 8, 64]))
def test_the_tree_of_pieces_is_the_tree_of_the_whole(found: list[Leaf], size: int) -> None:
    """Which is why a proof reads one piece and the roots of the others."""
    whole = seals.root_of([seals.node_of(UNIT, one) for one in found])
    tops = [top.node for top in tops_of(found, size)]
    assert seals.root_of(tops) == whole
    for place, one in enumerate(found):
        number, inside = divmod(place, size)
        piece = [seals.node_of(UNIT, other) for other in found[number * size : (number + 1) * size]]
        path = seals.path_of(piece, inside) + seals.path_of(tops, number)
        assert path == seals.path_of([seals.node_of(UNIT, other) for other in found], place)
        seal = evolve(sealed(found), root=whole.hash, total=whole.sum)
        proof = Proof(one, path, evolve(seal, hash=seals.hash_of(seal)))
        seals.check_proof(proof, whole.hash)


def test_two_leaves_hash_as_the_page_says() -> None:
    """The formula once more, written out by hand."""
    first, second = leaf(1, 5), leaf(2, 7)

    def low(one: Leaf) -> bytes:
        packed = one.user_id.bytes + b"points" + one.sequence.to_bytes(8, "big") + one.hash
        return hashlib.sha256(b"\x00" + packed + one.balance.to_bytes(8, "big")).digest()

    both = low(first) + (5).to_bytes(8, "big") + low(second) + (7).to_bytes(8, "big")
    assert sealed([first, second]).root == hashlib.sha256(b"\x01" + both).digest()


def test_of_no_accounts_there_is_a_root_too() -> None:
    seal = sealed([])
    assert (seal.total, seal.accounts, len(seal.root)) == (0, 0, 32)


@given(accounts)
def test_what_is_packed_is_unpacked(found: list[Leaf]) -> None:
    assert seals.unpacked(seals.packed(found)) == found
    tops = tops_of(found, 4)
    assert seals.unpacked_tops(seals.packed_tops(tops)) == tops


# --- seals ----------------------------------------------------------------------------------------


def test_seals_name_the_one_before() -> None:
    first = sealed([leaf(1)])
    second = sealed([leaf(1), leaf(2)], first)
    assert (first.number, first.previous) == (1, b"")
    assert (second.number, second.previous) == (2, first.hash)
    assert second.day == date(2026, 3, 3)


@pytest.mark.parametrize("days", [0, -1])
def test_no_day_is_sealed_twice_or_afterwards(days: int) -> None:
    first = sealed([leaf(1)])
    day = first.day + timedelta(days=days)
    with pytest.raises(SealOutOfOrder) as caught:
        seals.seal(UNIT, day, [], 0, previous=first, at=START)
    assert (caught.value.newest, caught.value.day) == (first.day, day)


CHANGES = {
    "unit": "pearls",
    "number": 2,
    "day": date(2026, 3, 3),
    "root": bytes(32),
    "total": 31,
    "accounts": 4,
    "previous": b"x",
    "sealed_at": START + timedelta(microseconds=1),
    "hash": bytes(32),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_field_of_a_seal_can_be_changed(name: str) -> None:
    proof = proof_of([leaf(1), leaf(2), leaf(3)], 1)
    assert not fails(proof, proof.seal.root)
    assert fails(evolve(proof, seal=evolve(proof.seal, **{name: CHANGES[name]})), proof.seal.root)
    assert CHANGES.keys() == set(Seal.__struct_fields__)


# --- proofs cannot be bent ----------------------------------------------------------------------------


def bits_of(proof: Proof) -> list[tuple[str, int]]:
    """Each bit of a leaf and a path, as (where, which)."""
    places = [("user_id", 128), ("sequence", 64), ("hash", 256), ("balance", 64)]
    steps = [(f"{number}.{name}", width) for number in range(len(proof.path)) for name, width in PER_STEP]
    return [(where, bit) for where, width in (*places, *steps) for bit in range(width)]


PER_STEP = (("side", 1), ("hash", 256), ("sum", 64))


def flipped(proof: Proof, where: str, bit: int) -> Proof:
    number, _, name = where.rpartition(".")
    if not number:
        return evolve(proof, leaf=evolve(proof.leaf, **{where: turned(getattr(proof.leaf, where), bit)}))
    step = proof.path[int(number)]
    changed = evolve(step, **{name: turned(getattr(step, name), bit)})
    path = tuple(changed if place == int(number) else one for place, one in enumerate(proof.path))
    return evolve(proof, path=path)


def turned(value: Any, bit: int) -> Any:
    match value:
        case UUID():
            return UUID(int=value.int ^ 1 << bit)
        case bytes():
            return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")
        case int():
            return value ^ 1 << bit
    return "left" if value == "right" else "right"


@given(accounts, st.data())
def test_any_changed_bit_fails(found: list[Leaf], data: st.DataObject) -> None:
    proof = proof_of(found, data.draw(st.integers(0, len(found) - 1)))
    where, bit = data.draw(st.sampled_from(bits_of(proof)))
    assert fails(flipped(proof, where, bit), proof.seal.root)


def test_every_bit_of_one_proof_matters() -> None:
    proof = proof_of([leaf(number) for number in range(1, 6)], 2)
    held = [place for place in bits_of(proof) if not fails(flipped(proof, *place), proof.seal.root)]
    assert held == []
    assert len(bits_of(proof)) == 512 + 321 * 3


@given(accounts, st.data(), st.integers(1, 10**12))
def test_nobodys_balance_can_be_more_or_less_inside_the_same_total(
    found: list[Leaf], data: st.DataObject, more: int
) -> None:
    """Neither by asking for more and lowering a neighbour, nor by lowering one's own."""
    proof = proof_of(found, data.draw(st.integers(0, len(found) - 1)))
    richer = evolve(proof, leaf=evolve(proof.leaf, balance=proof.leaf.balance + more))
    assert fails(richer, proof.seal.root)
    for number, step in enumerate(proof.path):
        path = list(proof.path)
        path[number] = evolve(step, sum=step.sum - more)
        assert fails(evolve(richer, path=tuple(path)), proof.seal.root)


def test_a_negative_sum_cannot_hide_a_debt() -> None:
    """A tree that its maker built with a negative neighbour, so that everything adds up."""
    mine = seals.node_of(UNIT, leaf(1, 100))
    for below, total in ((-60, 40), (2**64 - 60, 40), (2**64 - 100, 2**64)):
        seal = evolve(sealed([leaf(1, 100)]), root=bytes(32), total=total)
        step = Step("right", bytes(32), below)
        proof = Proof(leaf(1, 100), (step,), evolve(seal, hash=seals.hash_of(seal)))
        with pytest.raises(ProofFails, match="negative or too large"):
            seals.check_proof(proof, bytes(32))
    assert mine.sum == 100


def test_a_path_without_its_last_step_or_with_one_too_many_fails() -> None:
    found = [leaf(number) for number in range(1, 6)]
    proof = proof_of(found, 1)
    for path in (proof.path[:-1], (*proof.path, Step("left", bytes(32), 0)), proof.path[::-1], ()):
        assert fails(evolve(proof, path=path), proof.seal.root)


def test_a_node_is_never_taken_for_a_leaf() -> None:
    """The same bytes below another first byte hash to something else."""
    left, right = seals.node_of(UNIT, leaf(1)), seals.node_of(UNIT, leaf(2))
    both = left.hash + left.sum.to_bytes(8, "big") + right.hash + right.sum.to_bytes(8, "big")
    posing = Leaf(UUID(bytes=both[:16]), int.from_bytes(both[16:24], "big"), both[24:56], 0)
    assert seals.node_of("", posing).hash != seals.joined(left, right).hash


@pytest.mark.parametrize(
    ("of_leaf", "of_seal", "reason"),
    [
        ({"balance": -1}, {}, "negative"),
        ({"hash": b"short"}, {}, "32 bytes"),
        ({"balance": 11}, {}, "do not lead to the root"),
        ({}, {"total": 31}, "do not add up"),
        ({}, {"accounts": 9}, "not covered by its hash"),
    ],
)
def test_a_refusal_says_why(of_leaf: dict[str, Any], of_seal: dict[str, Any], reason: str) -> None:
    proof = proof_of([leaf(1), leaf(2), leaf(3)], 0)
    bent = evolve(proof, leaf=evolve(proof.leaf, **of_leaf), seal=evolve(proof.seal, **of_seal))
    with pytest.raises(ProofFails, match=reason):
        seals.check_proof(bent, proof.seal.root)


def test_a_proof_of_another_root_is_refused() -> None:
    proof = proof_of([leaf(1), leaf(2)], 0)
    with pytest.raises(ProofFails, match="not the published"):
        seals.check_proof(proof, sealed([leaf(3)]).root)
