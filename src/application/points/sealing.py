"""The daily seal of a unit, and the proof of one balance inside of it.

A seal is made in three steps, so that nobody waits for it: the balances are read from one snapshot, without
a lock; the leaves of the tree are kept piece by piece; the seal itself is written last, and only then counts.
A day is sealed once: who asks again is answered with the seal that is there.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date, datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec

from ...domain import points, shared
from ...domain.points import POINTS, seals
from ...domain.points.seals import Leaf, Proof, Seal, Step
from ..pages import Limit, Page, int_of, page_of
from ..runner import Runner
from ..work import ADMINS, ANYONE, SIGNED_IN, Key, Kind, Read, Work, query, use_case
from .commands import Unit
from .views import HasPoints


class SealTree(shared.Record):
    """Where the leaves of a seal are kept: `tops` are the roots of the pieces of the tree `tree_id`."""

    unit: str
    number: int
    tree_id: UUID
    tops: bytes


class SealChunk(shared.Record):
    """A piece of a tree: up to 1,024 leaves."""

    unit: str
    tree_id: UUID
    number: int
    leaves: bytes


_PROOF = "it is a proof itself"
SEALS = Kind(Seal, "seal", ("unit", "number"), changes=(), unaudited=_PROOF)
TREES = Kind(SealTree, "seal_tree", ("unit", "number"), changes=(), unaudited=_PROOF)
CHUNKS = Kind(SealChunk, "seal_chunk", ("unit", "tree_id", "number"), changes=(), unaudited=_PROOF)
KINDS: tuple[Kind[Any], ...] = (SEALS, TREES, CHUNKS)


# --- commands, views, queries -----------------------------------------------------------------------

Hash = Annotated[
    str,
    msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z", description="SHA-256 in hexadecimal.", examples=["5e" * 32]),
]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
FORMAT: Literal["baobab-proof-1"] = "baobab-proof-1"


class SealUnit(shared.Command, kw_only=True):
    """Seal the balances of a unit for today."""

    unit: Unit = POINTS


class KeepChunk(shared.Command, kw_only=True):
    """Keep one piece of a tree that is being made."""

    unit: Unit
    tree_id: UUID
    number: Number
    leaves: bytes


class KeepSeal(shared.Command, kw_only=True):
    """Write the seal over a tree of which every piece is kept, after the seal before `number`."""

    unit: Unit
    number: Number
    day: date
    tree_id: UUID
    tops: bytes
    accounts: Number
    sealed_at: datetime


class SealView(shared.Record):
    """What is published of a day: `total` is the sum of the balances of all `accounts`, and inside of `root`.
    `hash` covers every other field, and `previous` is that of the seal before."""

    unit: str
    number: Number
    day: date
    root: Hash
    total: Number
    accounts: Number
    previous: Hash
    sealed_at: datetime
    hash: Hash


class StepView(shared.Record):
    """A neighbour on the way up the tree: on which side, its hash and the sum below it."""

    side: Literal["left", "right"]
    hash: Hash
    sum: Number


class ProofView(shared.Record):
    """The proof that an account is inside of a seal with `balance`: its leaf, the way up, and the seal."""

    format: Literal["baobab-proof-1"]
    user_id: UUID
    sequence: Number
    posting_hash: Hash
    balance: Number
    path: tuple[StepView, ...]
    seal: SealView


class ListSeals(shared.Query, kw_only=True):
    """The seals of a unit, newest first."""

    unit: Unit = POINTS
    limit: Limit = 25
    cursor: str | None = None


class GetSeal(shared.Query, kw_only=True):
    unit: Unit = POINTS
    day: date


class GetProof(shared.Query, kw_only=True):
    """The proof of an account, in the seal of a day or in the newest."""

    user_id: UUID
    unit: Unit = POINTS
    day: date | None = None


class SealQueries(Protocol):
    """The read side of seals."""

    def leaves(self, unit: str) -> AsyncGenerator[list[Leaf], None]:
        """Every account of a unit in one snapshot, in the order of owners, `seals.CHUNK` at a time."""
        ...

    async def seals(self, unit: str, limit: int, before: int | None) -> list[Seal]:
        """The seals of a unit before a number, newest first."""
        ...

    async def seal(self, unit: str, day: date | None) -> Seal | None:
        """The seal of a day; the newest for no day."""
        ...

    async def tree(self, unit: str, number: int) -> SealTree | None: ...

    async def chunk(self, unit: str, tree_id: UUID, number: int) -> bytes | None:
        """The leaves of a piece of a tree."""
        ...


class HasSeals(HasPoints, Protocol):
    @property
    def seals(self) -> SealQueries: ...


# --- sealing ------------------------------------------------------------------------------------------


class Draft(shared.Record):
    """What a new seal begins with: the day, the one before, and the leaves of a snapshot, yet to be read."""

    day: date
    at: datetime
    newest: Seal | None
    leaves: AsyncGenerator[list[Leaf], None]


@query(allow=ADMINS)
async def begin(question: SealUnit, read: Read[HasSeals]) -> Draft:
    """The balances to be sealed. Raises UnknownUnit."""
    policies = await read.ports.points.policies(question.unit, read.now)
    policy = points.policy_in_force(policies, question.unit, read.now)
    newest = await read.ports.seals.seal(question.unit, None)
    day = shared.day_in(read.now, policy.zone)
    return Draft(day, read.now, newest, read.ports.seals.leaves(question.unit))


@use_case(allow=ADMINS)
async def keep_chunk(command: KeepChunk, work: Work) -> Number:
    """Keep a piece of a tree; its number."""
    work.save(shared.recast(SealChunk, command))
    return command.number


def _seals_near(command: KeepSeal, work: Work) -> tuple[Key[Seal], ...]:
    return SEALS.key(command.unit, command.number), SEALS.key(command.unit, command.number - 1)


@use_case(allow=ADMINS, locks=_seals_near)
async def keep_seal(command: KeepSeal, work: Work) -> SealView:
    """Write the seal of a day, or find the one that is there. Raises SealOutOfOrder."""
    there, before = (work.find(key) for key in _seals_near(command, work))
    if there is not None and there.day == command.day:
        return view_of(there)
    tops = seals.unpacked_tops(command.tops)
    made = seals.seal(
        command.unit,
        command.day,
        tops,
        command.accounts,
        previous=there or before,
        at=command.sealed_at,
    )
    work.save(made, SealTree(made.unit, made.number, command.tree_id, command.tops))
    return view_of(made)


async def seal(command: SealUnit, run: Runner, *, actor: shared.Actor) -> SealView:
    """Seal the balances of a unit as they are now; the seal of today where there is one. No account is
    locked. Raises UnknownUnit, SealOutOfOrder."""
    draft = await run.read(begin, command, actor=actor)
    if draft.newest is not None and draft.newest.day == draft.day:
        return view_of(draft.newest)
    tree_id, tops, accounts = run.new_id(), list[seals.Top](), 0
    async with aclosing(draft.leaves) as pieces:
        async for leaves in pieces:
            piece = KeepChunk(
                unit=command.unit, tree_id=tree_id, number=len(tops), leaves=seals.packed(leaves)
            )
            await run(keep_chunk, piece, actor=actor)
            tops.append(seals.top_of(command.unit, leaves))
            accounts += len(leaves)
    wish = KeepSeal(
        unit=command.unit,
        number=draft.newest.number + 1 if draft.newest else 1,
        day=draft.day,
        tree_id=tree_id,
        tops=seals.packed_tops(tops),
        accounts=accounts,
        sealed_at=draft.at,
    )
    return await run(keep_seal, wish, actor=actor)


# --- reading ------------------------------------------------------------------------------------------


@query(allow=ANYONE)
async def list_seals(question: ListSeals, read: Read[HasSeals]) -> Page[SealView]:
    """The seals of a unit, newest first. Public."""
    before = int_of(question.cursor)
    found = await read.ports.seals.seals(question.unit, question.limit + 1, before)
    return page_of([view_of(one) for one in found], question.limit, lambda one: one.number)


@query(allow=ANYONE)
async def show_seal(question: GetSeal, read: Read[HasSeals]) -> SealView:
    """The seal of a day. Public."""
    return view_of(await _seal_of(read, question.unit, question.day))


async def _seal_of(read: Read[HasSeals], unit: str, day: date | None) -> Seal:
    found = await read.ports.seals.seal(unit, day)
    if found is None:
        raise shared.NotFound(kind="seal", id=f"{unit}/{day or 'newest'}")
    return found


@query(allow=SIGNED_IN)
async def proof(question: GetProof, read: Read[HasSeals]) -> ProofView:
    """The proof that an account is inside of a seal. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "account", question.user_id)
    unit, user_id = question.unit, question.user_id
    sealed = await _seal_of(read, unit, question.day)
    tree = await read.ports.seals.tree(unit, sealed.number)
    tops = seals.unpacked_tops(tree.tops) if tree else []
    piece = seals.piece_with(tops, user_id)
    chunk = await read.ports.seals.chunk(unit, tree.tree_id, piece) if tree and piece is not None else None
    leaves = seals.unpacked(chunk or b"")
    place = next((place for place, leaf in enumerate(leaves) if leaf.user_id == user_id), None)
    if place is None or piece is None:
        raise shared.NotFound(kind="sealed account", id=f"{user_id}/{unit}")
    low = seals.path_of([seals.node_of(unit, leaf) for leaf in leaves], place)
    return proof_view(Proof(leaves[place], low + seals.path_of([top.node for top in tops], piece), sealed))


# --- as JSON: hashes in hex ---------------------------------------------------------------------------


def view_of(seal: Seal) -> SealView:
    return shared.recast(
        SealView, seal, root=seal.root.hex(), previous=seal.previous.hex(), hash=seal.hash.hex()
    )


def proof_view(proof: Proof) -> ProofView:
    leaf = proof.leaf
    path = tuple(StepView(step.side, step.hash.hex(), step.sum) for step in proof.path)
    return ProofView(
        FORMAT, leaf.user_id, leaf.sequence, leaf.hash.hex(), leaf.balance, path, view_of(proof.seal)
    )


def proof_of(view: ProofView) -> Proof:
    """The proof that was printed. Raises ValueError where a hash is not hex."""
    hex = bytes.fromhex
    leaf = Leaf(view.user_id, view.sequence, hex(view.posting_hash), view.balance)
    path = tuple(Step(step.side, hex(step.hash), step.sum) for step in view.path)
    one = view.seal
    sealed = shared.recast(Seal, one, root=hex(one.root), previous=hex(one.previous), hash=hex(one.hash))
    return Proof(leaf, path, sealed)
