"""What is stored of accounts, in memory, as a verification reads it."""

from collections.abc import Callable
from itertools import groupby
from typing import Any
from uuid import UUID

from ....application.points import ACCOUNTS, ALLOCATIONS, HOLDS, LOTS, POSTINGS
from ....application.points.auditing import CHECKPOINTS, AuditPage, Size
from ....application.points.sealing import CHUNKS, SEALS, TREES
from ....domain.points import Posting, seals
from ....domain.points.audit import Checkpoint, Dossier, Gift
from ....domain.points.dossiers import dossiers_of, since
from ....domain.points.seals import Leaf
from ..storage import MemoryStorage


class AuditQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def page(self, first: UUID, last: UUID, lines: int) -> AuditPage:
        every = self._dossiers(lambda one: first <= one.user_id <= last)
        return _cut(every, lines)

    async def moved(self, first: UUID, last: UUID, lines: int) -> AuditPage:
        every = {
            (one.user_id, one.unit): one for one in self._dossiers(lambda one: first <= one.user_id <= last)
        }
        marks = self._storage.all(CHECKPOINTS, lambda one: first <= one.user_id <= last)
        known = {(one.user_id, one.unit): one for one in marks}
        found = [
            since(every.get(key, Dossier(*key, None, ())), known.get(key))
            for key in sorted(every.keys() | known.keys())
            if _has_moved(every.get(key), known.get(key))
        ]
        return _cut(found, lines)

    async def gifts(self, limit: int) -> list[Gift]:
        lines = self._storage.all(POSTINGS, lambda one: one.kind in ("given", "received"))
        lines.sort(key=_gift)
        found = [_gift_of(list(some)) for _, some in groupby(lines, key=_gift)]
        return [one for one in found if one.givers != 1 or one.total or not one.mutual][:limit]

    async def size(self, first: UUID, last: UUID) -> Size:
        found = self._storage.all(ACCOUNTS, lambda one: first <= one.user_id <= last)
        return Size(len(found), sum(one.sequence for one in found))

    def _dossiers(self, where: Callable[[Any], bool]) -> list[Dossier]:
        rows = (self._storage.all(kind, where) for kind in (ACCOUNTS, POSTINGS, ALLOCATIONS, LOTS, HOLDS))
        sealed = {key: leaf for key, leaf in self._sealed().items() if where(leaf)}
        return dossiers_of(*rows, sealed=sealed, checkpoints={}, anchors={})

    def _sealed(self) -> dict[tuple[UUID, str], Leaf]:
        """What the newest seal of each unit says of each account."""
        newest = {one.unit: one for one in self._storage.all(SEALS)}
        trees = {tree.tree_id for tree in self._storage.all(TREES) if newest[tree.unit].number == tree.number}
        chunks = self._storage.all(CHUNKS, lambda one: one.tree_id in trees)
        return {(leaf.user_id, one.unit): leaf for one in chunks for leaf in seals.unpacked(one.leaves)}


def _cut(found: list[Dossier], lines: int) -> AuditPage:
    """The first owners, with about so many lines."""
    shown, count = list[Dossier](), 0
    for user_id, some in groupby(found, key=lambda one: one.user_id):
        of_owner = list(some)
        if shown and count + sum(len(one.postings) for one in of_owner) > lines:
            return AuditPage(tuple(shown), shown[-1].user_id)
        shown += of_owner
        count += sum(len(one.postings) for one in of_owner)
        assert user_id == shown[-1].user_id
    return AuditPage(tuple(shown), None)


def _has_moved(dossier: Dossier | None, mark: Checkpoint | None) -> bool:
    account = dossier.account if dossier else None
    if account is None:
        return mark is not None
    return mark is None or (account.sequence, account.hash) != (mark.sequence, mark.hash)


def _gift(one: Posting) -> tuple[str, UUID]:
    return one.unit, one.source_id


def _gift_of(lines: list[Posting]) -> Gift:
    givers = [one for one in lines if one.kind == "given"]
    sides = {
        (one.user_id, one.contra_id) if one.kind == "given" else (one.contra_id, one.user_id) for one in lines
    }
    first = min(givers or lines, key=lambda one: one.id)
    total = sum(one.amount for one in lines)
    return Gift(first.unit, first.source_id, first.user_id, first.id, len(givers), total, len(sides) == 1)
