"""The books of an office (bookkeeping.py) as a world stores them: verified, sealed, changed by hand."""

from typing import Any
from uuid import UUID

from bookkeeping import KINDS, Office

from baobab.application.points import auditing, sealing
from baobab.application.points.auditing import Verify, verify
from baobab.application.points.sealing import GetProof, SealUnit
from baobab.application.work import Changes
from baobab.domain.points import POINTS
from builders import World


class Bureau:
    """A world that holds the books of an office."""

    def __init__(self, world: World, office: Office) -> None:
        self.world, self.office = world, office
        world.clock.now = office.clock.now
        self.known: dict[Any, dict[tuple[object, ...], Any]] = {kind: {} for kind in KINDS}

    async def store(self) -> "Bureau":
        """Write what the office wrote since the last time."""
        changes = Changes({}, {})
        for kind in KINDS:
            for key, record in self.office.rows[kind].items():
                if key not in self.known[kind]:
                    changes.added.setdefault(kind, []).append(record)
                elif self.known[kind][key] is not record:
                    changes.changed.setdefault(kind, []).append(record)
            self.known[kind] = dict(self.office.rows[kind])
        async with self.world.storage.begin() as transaction:
            await transaction.write(changes)
        self.world.clock.now = self.office.clock.now
        return self

    async def verify(self, keep: bool = True, **facts: Any) -> auditing.Verification:
        return await verify(Verify(**facts), self.world.run, actor=self.world.admin, keep=keep)

    async def found(self, **facts: Any) -> list[tuple[str, str, str]]:
        """The check, the table and the key of each finding."""
        return [(one.check, one.table, one.row) for one in (await self.verify(False, **facts)).findings]

    async def seal(self, unit: str = POINTS) -> sealing.SealView:
        return await sealing.seal(SealUnit(unit=unit), self.world.run, actor=self.world.admin)

    async def proof(self, user_id: UUID, **facts: Any) -> sealing.ProofView:
        question = GetProof(user_id=user_id, **facts)
        return await self.world.run.read(sealing.proof, question, actor=self.world.admin)
