"""Rows sorted into dossiers: one of each account that any row tells of."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from ..shared import evolve
from .audit import Checkpoint, Dossier
from .records import Account, Allocation, Hold, Lot, Posting
from .seals import Leaf

Owned = tuple[UUID, str]
"""An account by its owner and unit."""


class _Folder:
    """What was found of one account."""

    __slots__ = ("account", "allocations", "holds", "lots", "postings")

    def __init__(self) -> None:
        self.account: Account | None = None
        self.postings: list[Posting] = []
        self.allocations: list[Allocation] = []
        self.lots: list[Lot] = []
        self.holds: list[Hold] = []


def dossiers_of(
    accounts: Iterable[Account],
    postings: Iterable[Posting],
    allocations: Iterable[Allocation],
    lots: Iterable[Lot],
    holds: Iterable[Hold],
    *,
    sealed: Mapping[Owned, Leaf],
    checkpoints: Mapping[Owned, Checkpoint],
    anchors: Mapping[Owned, bytes],
) -> list[Dossier]:
    """A dossier of each account that a row, a seal or a checkpoint tells of, in the order of owners and
    units. An allocation is of its posting's account; of its lot's where the posting is gone."""
    folders: dict[Owned, _Folder] = {key: _Folder() for key in (*sealed, *checkpoints)}
    of_rows: dict[tuple[UUID, UUID], _Folder] = {}
    for account in accounts:
        _in(folders, (account.user_id, account.unit)).account = account
    for lot in lots:
        folder = of_rows[lot.user_id, lot.id] = _in(folders, (lot.user_id, lot.unit))
        folder.lots.append(lot)
    for posting in postings:
        folder = of_rows[posting.user_id, posting.id] = _in(folders, (posting.user_id, posting.unit))
        folder.postings.append(posting)
    for one in allocations:
        found = of_rows.get((one.user_id, one.posting_id)) or of_rows.get((one.user_id, one.lot_id))
        (found or _in(folders, (one.user_id, ""))).allocations.append(one)
    for hold in holds:
        _in(folders, (hold.user_id, hold.unit)).holds.append(hold)
    return [
        Dossier(
            *key,
            folder.account,
            tuple(sorted(folder.postings, key=_number)),
            tuple(folder.allocations),
            tuple(folder.lots),
            tuple(folder.holds),
            checkpoints.get(key),
            anchors.get(key),
            sealed.get(key),
        )
        for key, folder in sorted(folders.items(), key=_key)
    ]


def _in(folders: dict[Owned, _Folder], key: Owned) -> _Folder:
    folder = folders.get(key)
    if folder is None:
        folder = folders[key] = _Folder()
    return folder


def _number(posting: Posting) -> int:
    return posting.sequence


def _key(pair: tuple[Owned, _Folder]) -> Owned:
    return pair[0]


def since(dossier: Dossier, mark: Checkpoint | None) -> Dossier:
    """What there is of an account since a checkpoint; all of it where there is none."""
    if mark is None:
        return dossier
    lines = tuple(one for one in dossier.postings if one.sequence > mark.sequence)
    ids = {one.id for one in lines}
    parts = tuple(one for one in dossier.allocations if one.posting_id in ids)
    touched = ids | {one.lot_id for one in parts}
    return evolve(
        dossier,
        postings=lines,
        allocations=parts,
        lots=tuple(one for one in dossier.lots if one.remaining or one.id in touched),
        checkpoint=mark,
        anchor=next((one.hash for one in dossier.postings if one.sequence == mark.sequence), None),
    )
