"""The daily seal: a published total that every balance is inside of, and the proof of one.

Over the accounts of a unit, in the order of `user_id`, stands a Merkle-sum tree (SHA-256, ‖ joins bytes,
numbers are 8 bytes, big-endian):

    leaf = H(0x00 ‖ user_id ‖ unit ‖ sequence ‖ hash of the last posting ‖ balance), its sum is the balance
    node = H(0x01 ‖ left hash ‖ left sum ‖ right hash ‖ right sum), its sum is left sum + right sum

A node without a neighbour is carried up as it is. A seal holds the root, names the seal before it, and is
hashed itself. What a member is told is their leaf and the neighbours on the way up; whoever has the
published root can go that way without asking anybody. Source: ledger.md, "proof"; how to check:
docs/how-to/check-a-proof.md.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from struct import Struct
from typing import Literal
from uuid import UUID

from ..shared import Record, RuleForbids, StateForbids, collect, evolve

CHUNK = 1_024
"""How many leaves are kept in one piece: a power of two, so that each piece is a tree of the tree."""
_LEAF = Struct(">16sQ32sQ")
_TOP = Struct(">16s32sQ")
_HIGHEST = 2**64


class SealOutOfOrder(StateForbids):
    message = "The newest seal of {unit} is of {newest}: none can be made of {day} any more."
    unit: str
    newest: date
    day: date


class ProofFails(RuleForbids):
    message = "The proof does not hold: {reason}"
    reason: str


class Leaf(Record):
    """One account as it is sealed: where its chain stands, and its balance."""

    user_id: UUID
    sequence: int
    hash: bytes
    balance: int


class Node(Record):
    """A hash, and the sum of all balances below it."""

    hash: bytes
    sum: int


class Step(Record):
    """One step up: the neighbour, and on which side it stands."""

    side: Literal["left", "right"]
    hash: bytes
    sum: int


class Seal(Record):
    """What is published of a day: the root and the sum of all balances of a unit, in a chain of its own.

    `day` is that of `sealed_at` in the unit's zone; `previous` the hash of the seal before, empty for the
    first; `hash` covers every other field.
    """

    unit: str
    number: int
    day: date
    root: bytes
    total: int
    accounts: int
    previous: bytes
    sealed_at: datetime
    hash: bytes


class Top(Record):
    """The root of one chunk, and the first owner in it."""

    first: UUID
    node: Node


class Proof(Record):
    """That the balance of one account is inside of a seal."""

    leaf: Leaf
    path: tuple[Step, ...]
    seal: Seal


def packed(leaves: Iterable[Leaf]) -> bytes:
    """The leaves of a chunk, 64 bytes each."""
    return b"".join(_LEAF.pack(one.user_id.bytes, one.sequence, one.hash, one.balance) for one in leaves)


def unpacked(chunk: bytes) -> list[Leaf]:
    """What `packed` packed."""
    return [Leaf(UUID(bytes=owner), *rest) for owner, *rest in _LEAF.iter_unpack(chunk)]


def packed_tops(tops: Iterable[Top]) -> bytes:
    """The roots of chunks, 56 bytes each."""
    return b"".join(_TOP.pack(one.first.bytes, one.node.hash, one.node.sum) for one in tops)


def unpacked_tops(tops: bytes) -> list[Top]:
    """What `packed_tops` packed."""
    return [Top(UUID(bytes=first), Node(hash, sum)) for first, hash, sum in _TOP.iter_unpack(tops)]


def piece_with(tops: Sequence[Top], user_id: UUID) -> int | None:
    """The number of the chunk in which an owner is, if anywhere; None before the first."""
    place = bisect_right(tops, user_id, key=_first)
    return place - 1 if place else None


def pieces_between(tops: Sequence[Top], first: UUID, last: UUID) -> range:
    """The numbers of the chunks in which the owners of a range are."""
    return range(max(0, bisect_right(tops, first, key=_first) - 1), bisect_right(tops, last, key=_first))


def _first(top: Top) -> UUID:
    return top.first


def node_of(unit: str, leaf: Leaf) -> Node:
    """The lowest node: it covers a leaf."""
    owner = leaf.user_id.bytes + unit.encode()
    rest = _eight(leaf.sequence) + leaf.hash.ljust(32, b"\0") + _eight(leaf.balance)
    return Node(hashlib.sha256(b"\0" + owner + rest).digest(), leaf.balance)


def joined(left: Node, right: Node) -> Node:
    """The node above two."""
    both = left.hash + _eight(left.sum) + right.hash + _eight(right.sum)
    return Node(hashlib.sha256(b"\1" + both).digest(), left.sum + right.sum)


def _eight(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _levels(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """Each level of the tree, from the lowest to that of the root."""
    yield nodes
    while len(nodes) > 1:
        carried = nodes[len(nodes) & ~1 :]
        pairs = zip(nodes[::2], nodes[1::2], strict=False)
        nodes = [*(joined(left, right) for left, right in pairs), *carried]
        yield nodes


def root_of(nodes: Sequence[Node]) -> Node:
    """The root above some nodes; of none, the hash of nothing and 0."""
    return [*_levels(nodes)][-1][0] if nodes else Node(hashlib.sha256().digest(), 0)


def path_of(nodes: Sequence[Node], place: int) -> tuple[Step, ...]:
    """The neighbours on the way from the node at `place` up to the root."""
    steps = []
    for level in _levels(nodes):
        beside = place ^ 1
        if beside < len(level):
            neighbour = level[beside]
            steps.append(Step("right" if beside > place else "left", neighbour.hash, neighbour.sum))
        place //= 2
    return tuple(steps)


def top_of(unit: str, leaves: Sequence[Leaf]) -> Top:
    """The root of a chunk (at least one leaf)."""
    return Top(leaves[0].user_id, root_of([node_of(unit, leaf) for leaf in leaves]))


def seal(
    unit: str, day: date, tops: Sequence[Top], accounts: int, *, previous: Seal | None, at: datetime
) -> Seal:
    """The seal of a day over all chunks of a unit, after the one before. Raises SealOutOfOrder."""
    if previous is not None and day <= previous.day:
        raise SealOutOfOrder(unit=unit, newest=previous.day, day=day)
    root = root_of([top.node for top in tops])
    number, before = (previous.number + 1, previous.hash) if previous else (1, b"")
    draft = Seal(unit, number, day, root.hash, root.sum, accounts, before, at, b"")
    return evolve(draft, hash=hash_of(draft))


def hash_of(seal: Seal) -> bytes:
    """The hash that covers a seal: SHA-256 of 0x02 and its fields as text, joined by `|`."""
    fields = (
        str(seal.number),
        seal.day.isoformat(),
        seal.root.hex(),
        str(seal.total),
        str(seal.accounts),
        seal.previous.hex(),
        seal.sealed_at.isoformat().replace("+00:00", "Z"),
        seal.unit,
    )
    return hashlib.sha256(b"\2" + "|".join(fields).encode()).digest()


def _numbers_fit(proof: Proof, root: bytes) -> str | None:
    """Also what makes that no sum is ever below another: nothing is negative."""
    leaf, seal = proof.leaf, proof.seal
    numbers = [leaf.sequence, leaf.balance, seal.total, *(step.sum for step in proof.path)]
    fits = all(0 <= number < _HIGHEST for number in numbers) and leaf.balance + sum(numbers[3:]) < _HIGHEST
    return None if fits else "a number is negative or too large."


def _hashes_have_their_length(proof: Proof, root: bytes) -> str | None:
    hashes = [proof.leaf.hash, proof.seal.root, *(step.hash for step in proof.path)]
    return None if all(len(hash) == 32 for hash in hashes) else "a hash is not of 32 bytes."


def _path_leads_to_the_root(proof: Proof, root: bytes) -> str | None:
    node = node_of(proof.seal.unit, proof.leaf)
    for step in proof.path:
        beside = Node(step.hash, step.sum)
        node = joined(beside, node) if step.side == "left" else joined(node, beside)
    if node.hash != proof.seal.root:
        return "the balance and the path do not lead to the root of the seal."
    return None if node.sum == proof.seal.total else "the sums do not add up to the total of the seal."


def _root_is_the_published(proof: Proof, root: bytes) -> str | None:
    return None if proof.seal.root == root else "the root of its seal is not the published one."


def _seal_is_whole(proof: Proof, root: bytes) -> str | None:
    return None if hash_of(proof.seal) == proof.seal.hash else "the seal is not covered by its hash."


RULES = (_numbers_fit, _hashes_have_their_length)
RULES_OF_THE_TREE = (_path_leads_to_the_root, _root_is_the_published, _seal_is_whole)


def check_proof(proof: Proof, root: bytes) -> None:
    """Raise ProofFails unless the balance is inside of the total that was published with `root`."""
    for rules in (RULES, RULES_OF_THE_TREE):
        for reason in collect(rules, proof, root):
            raise ProofFails(reason=reason)
