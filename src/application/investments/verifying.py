"""Verify the money: for each payment that what came is where the books say it is, and for each project."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, get_args
from uuid import UUID

from ...domain import shared
from ...domain.investments import verifying
from ...domain.investments.verifying import STANDS, Account, Check, Finding, Funded
from ..runner import Runner
from ..work import ADMINS, Read, query

CHECKS: tuple[str, ...] = get_args(Check)
MOST_SHOWN = 100
"""Findings. What is wrong beyond them is found when these are mended."""
PAGE = 1_000
"""Payments that are looked at by one statement."""
Place = tuple[UUID, UUID]
"""The owner and the id of a payment."""


class Totals(shared.Record):
    """Where the money of all payments is, in cents: `received` = `placed` + `waiting` + `refunded` +
    `refunds_due` + `charged_back` + `kept` − `conceded`.

    `placed` stands in projects, `waiting` is to be placed; `kept` is for points that were spent before a
    withdrawal; `conceded` went or goes back, or was lost, though what it bought stands.
    """

    payments: int = 0
    received: int = 0
    placed: int = 0
    waiting: int = 0
    refunded: int = 0
    refunds_due: int = 0
    charged_back: int = 0
    kept: int = 0
    conceded: int = 0


class Verification(Totals, kw_only=True):
    """What was verified, and what was found; the first is the first bad row."""

    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    as_of: datetime


class ListAccounts(shared.Query, kw_only=True):
    """Payments with what came of their money, by owner and id, after one of them."""

    after: Place | None = None
    limit: int = PAGE


class CheckProjects(shared.Query):
    """Whether projects have what members have in them."""


class MoneyChecks(Protocol):
    """What a verification of money reads."""

    async def accounts(self, after: Place | None, limit: int) -> list[Account]:
        """Payments with what came of their money, by owner and id, as of one moment."""
        ...

    async def funded(self) -> list[Funded]:
        """Every project with what it counts."""
        ...

    async def held(self) -> dict[UUID, int]:
        """Cents that members have in each project."""
        ...


class HasMoneyChecks(Protocol):
    @property
    def money_checks(self) -> MoneyChecks: ...


@query(allow=ADMINS)
async def accounts(question: ListAccounts, read: Read[HasMoneyChecks]) -> tuple[Account, ...]:
    """A page of payments with what came of their money."""
    return tuple(await read.ports.money_checks.accounts(question.after, question.limit))


@query(allow=ADMINS)
async def misfunded(question: CheckProjects, read: Read[HasMoneyChecks]) -> tuple[Finding, ...]:
    """Projects and members have no snapshot in common (scale-out.md): what is found wrong is looked at
    twice, and only what is wrong in the same way again is."""
    if not (found := await _look(read.ports.money_checks)):
        return ()
    again = frozenset(await _look(read.ports.money_checks))
    return tuple(one for one in found if one in again)


async def verify(
    run: Runner, actor: shared.Actor, watch: Callable[[int, int], None] = lambda done, total: None
) -> Verification:
    """Look at every payment and every project; nothing is changed, and nobody waits for it."""
    sums, found, after = Totals(), list[Finding](), None
    while page := await run.read(accounts, ListAccounts(after=after), actor=actor):
        for one in page:
            sums = added(sums, one)
            found += verifying.findings(one) if len(found) < MOST_SHOWN else ()
        after = page[-1].payment.user_id, page[-1].payment.id
        watch(sums.payments, sums.payments)
    wrong = await run.read(misfunded, CheckProjects(), actor=actor)
    shown = (*found, *wrong)[:MOST_SHOWN]
    return shared.recast(Verification, sums, findings=shown, checks=CHECKS, as_of=run.clock())


def added(sums: Totals, one: Account) -> Totals:
    """The totals with one payment more."""
    stands, paid = one.bought in STANDS, one.payment
    return Totals(
        payments=sums.payments + 1,
        received=sums.received + one.received,
        placed=sums.placed + one.placed,
        waiting=sums.waiting + one.waits,
        refunded=sums.refunded + paid.refunded_cents,
        refunds_due=sums.refunds_due + paid.refund_due_cents,
        charged_back=sums.charged_back + paid.charged_back_cents,
        kept=sums.kept + (0 if stands else one.received - one.back),
        conceded=sums.conceded + (one.back if stands else 0),
    )


async def _look(ports: MoneyChecks) -> list[Finding]:
    return list(verifying.misfunded(await ports.funded(), await ports.held()))
