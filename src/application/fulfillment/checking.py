"""Verify the stock: its counts, and what of it is promised, by movements and in shipments."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, get_args

from ...domain import shared
from ...domain.inventory.checks import Check, Finding, Promises, finding_of, mispromised
from ..inventory.checking import HasStockChecks, Promised, StockSize
from ..work import ADMINS, Read, query

MOST_SHOWN = 100
"""Findings of each check. What is wrong beyond them is found when these are mended."""
CHECKS: tuple[str, ...] = get_args(Check)


class PromiseChecks(Protocol):
    """What is read of shipments."""

    async def held(self) -> list[Promised]:
        """What shipments hold of batches, those that have neither left nor been cancelled."""
        ...


class HasPromises(HasStockChecks, Protocol):
    """What a verification of stock reads."""

    @property
    def promise_checks(self) -> PromiseChecks: ...


class VerifyStock(shared.Query, kw_only=True):
    """Verify all stock."""


class Verification(StockSize, kw_only=True):
    """What was verified, and what was found; causes first."""

    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    as_of: datetime


@query(allow=ADMINS)
async def verify(question: VerifyStock, read: Read[HasPromises]) -> Verification:
    """Compare batches with their movements, totals with their batches, and promises with shipments."""
    size = await read.ports.stock_checks.size()
    wrong = await read.ports.stock_checks.miscounts(MOST_SHOWN)
    findings = (*map(finding_of, wrong), *await _broken_promises(read.ports))
    return shared.recast(Verification, size, findings=findings, checks=CHECKS, as_of=read.now)


async def _broken_promises(ports: HasPromises) -> list[Finding]:
    """Shipments and movements have no snapshot in common (scale-out.md): what is found wrong is looked at
    twice. An order is placed once, and leaves or is cancelled once: only what is wrong is so again."""
    if not (found := await _look(ports)):
        return found
    again = frozenset(await _look(ports))
    return [one for one in found if one in again][:MOST_SHOWN]


async def _look(ports: HasPromises) -> list[Finding]:
    promised = await ports.stock_checks.promised()
    return list(mispromised(_by_place(promised), _by_place(await ports.promise_checks.held())))


def _by_place(promises: Iterable[Promised]) -> Promises:
    return {(one.order_id, one.batch_id): one.quantity for one in promises}
