"""Asking the payment provider about everything that is open, and settling what it says.

Nothing is lost where a message never came, or an answer was not heard: whatever the provider knows is done
now, once. What a person must see is told: another amount than was asked for, money for nothing that we
know, refunds that fail again and again.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from ...domain import shared
from ...domain.payments import PAID, PaymentDisputed, PaymentReferenceDiffers
from .. import payments
from ..payments import Audited, Gateway, Heard, PaymentView, PaymentWithReceipts, Settle, Standing
from ..runner import Runner
from .attending import NotOurs, known_payment, settle_standing
from .paying import PURCHASES

Watch = Callable[[int, int], None]

FRESH = timedelta(minutes=5)
"""A payment that was asked for so lately is left alone: its answer may be on the way."""
GRACE = timedelta(minutes=60)
"""How long after its hold ran out a payment may still be paid, before the provider is told not to wait."""
LOOKED_BACK = timedelta(days=7)
"""How far back the provider is asked for payments that we may not know of."""
PAGE = 100


class ReconcileStopped(shared.Unavailable):
    message = "The payment provider does not answer any more. What was settled stays: go on after {after}."
    after: str


class Finding(shared.Record):
    """Something that was settled or would be, or that a person must see."""

    reference: str
    payment_id: UUID | None
    user_id: UUID | None
    what: str


class Reconciled(shared.Record):
    """What a reconciliation found. `waiting` is open, and as it should be."""

    looked: int
    waiting: int
    settled: tuple[Finding, ...]
    differences: tuple[Finding, ...]


class _Round:
    """One reconciliation, as far as it has come."""

    def __init__(self, run: Runner, gateway: Gateway, actor: shared.Actor, dry_run: bool) -> None:
        self.run, self.gateway, self.dry_run = run, gateway, dry_run
        self.actor = payments.trusted(actor, actor.user_id)
        self.now = run.clock()
        self.seen: set[UUID] = set()
        self.waiting = 0
        self.settled: list[Finding] = []
        self.differences: list[Finding] = []

    async def listed(self, since: datetime) -> None:
        """What the provider was asked for lately, known to us or not."""
        if isinstance(self.gateway, Audited):
            async for standing in self.gateway.since(since):
                await self._listed(standing)

    async def _listed(self, standing: Standing) -> None:
        news, payment_id = standing.news, standing.payment_id
        if payment_id is None:  # somebody else's business with the same provider
            return
        told = Heard("", "", news.reference, None, payment_id, standing.user_id)
        try:
            known = await self._known(told)
        except shared.NotFound:
            if news.outcome == "succeeded":
                self._differs(news.reference, payment_id, standing.user_id, "paid, and not known here")
            return
        except shared.StateForbids as error:  # one more of a payment that the provider knows already
            if news.outcome == "succeeded":
                self._differs(news.reference, payment_id, standing.user_id, f"{error.code}: {error}")
            return
        self.seen.add(known.id)
        await self._settle(known, standing)

    async def _known(self, told: Heard) -> PaymentWithReceipts:
        """The payment; run dry, one whose reference was never heard of is only looked up."""
        if not self.dry_run:
            return await known_payment(told, self.run, self.gateway, self.actor)
        if told.user_id is None or told.payment_id is None:
            raise NotOurs(kind="payment", id=told.reference)
        wanted = payments.GetPayment(user_id=told.user_id, payment_id=told.payment_id)
        found = await self.run.read(payments.payment, wanted, actor=self.actor)
        if found.reference not in ("", told.reference):
            raise PaymentReferenceDiffers(known=found.reference, given=told.reference)
        return found

    async def open(self, one: PaymentView) -> None:
        """A payment that is not settled: ask, settle, give back what is due."""
        if one.id in self.seen:
            return
        self.seen.add(one.id)
        wanted = payments.GetPayment(user_id=one.user_id, payment_id=one.id)
        known = await self.run.read(payments.payment, wanted, actor=self.actor)
        if not known.reference:
            return await self._never_opened(known)
        try:
            await self._settle(known, await self.gateway.look(known.reference))
        except shared.NotFound:
            self._differs(known.reference, known.id, known.user_id, "not known to the provider")

    async def _never_opened(self, known: PaymentWithReceipts) -> None:
        """Nobody could pay what the provider never heard of; kept means of payment may have been charged."""
        if not self._is_over(known):
            self.waiting += 1
            return
        if known.saved:
            return self._differs(
                "", known.id, known.user_id, "never answered: `subscriptions renew` asks again"
            )
        self._does(known, "expired")
        if not self.dry_run:
            command = Settle(
                user_id=known.user_id, payment_id=known.id, outcome="expired", reason="never_opened"
            )
            service = payments.trusted(self.actor, known.user_id)
            await self.run(PURCHASES[known.purpose].settle, command, actor=service)

    async def _settle(self, known: PaymentWithReceipts, standing: Standing) -> None:
        """Do what the provider's knowledge asks for. What it refuses is told to a person."""
        todo = list(differences(known, standing))
        waits = standing.news.outcome in ("pending", "declined") and known.state == "pending"
        if waits and self._is_over(known):
            todo.append("expired")
        gone = ""
        try:
            if "expired" in todo and waits and not self.dry_run:
                standing = await self.gateway.cancel(known.reference)
                todo = list(differences(known, standing))
            if todo and not self.dry_run:
                await settle_standing(standing, known, self.run, self.gateway, self.actor)
            if known.refund_due.amount:
                gone = await self._give_back(known)
        except (shared.StateForbids, shared.RuleForbids) as error:
            return self._differs(known.reference, known.id, known.user_id, f"{error.code}: {error}")
        self.waiting += not todo and not gone and (known.state == "pending" or known.disputed == "opened")
        for what in (*todo, *filter(None, (gone,))):
            self._does(known, what)

    async def _give_back(self, known: PaymentView) -> str:
        """What becomes of money that is due: while the bank holds it, nothing."""
        if self.dry_run:
            return "" if known.disputed == "opened" else "refund"
        with suppress(PaymentDisputed):
            left = await payments.give_back(known, self.run, self.gateway, self.actor)
            return "refund failed" if left.refund_due.amount else "refund"
        return ""

    def _is_over(self, known: PaymentView) -> bool:
        return known.expires_at + GRACE <= self.now

    def _does(self, known: PaymentView, what: str) -> None:
        self.settled.append(Finding(known.reference, known.id, known.user_id, what))

    def _differs(self, reference: str, payment_id: UUID | None, user_id: UUID | None, what: str) -> None:
        self.differences.append(Finding(reference, payment_id, user_id, what))


def differences(known: PaymentWithReceipts, standing: Standing) -> Iterator[str]:
    """What a provider knows of a payment and we do not, in a word each."""
    outcome = standing.news.outcome
    if outcome == "succeeded" and known.state not in PAID:
        yield "paid"
    if outcome in ("failed", "expired") and known.state == "pending":
        yield outcome
    booked = {(one.reference, one.state) for one in known.refunds}
    if any((one.reference, one.state) not in booked for one in standing.refunds):
        yield "refunded"
    quarrels = {(one.reference, one.state) for one in known.disputes}
    for dispute in standing.disputes:
        if (dispute.reference, dispute.state) not in quarrels:
            yield f"dispute {dispute.state}"


async def reconcile(
    run: Runner,
    gateway: Gateway,
    actor: shared.Actor,
    *,
    after: UUID | None = None,
    looked_back: timedelta = LOOKED_BACK,
    dry_run: bool = False,
    watch: Watch = lambda done, total: None,
) -> Reconciled:
    """Ask about every payment that is not settled, after one of them, and about what the provider lists.

    Safe to stop and to run again; with `dry_run` nothing changes. Raises ReconcileStopped.
    """
    round, looked = _Round(run, gateway, actor, dry_run), 0
    try:
        await round.listed(round.now - looked_back)
        while page := await _page(round, after):
            for one in page:
                await round.open(one)
                after, looked = one.id, looked + 1
                watch(looked, looked + len(page))
    except payments.GatewayUnavailable:
        raise ReconcileStopped(after=str(after or "nothing")) from None
    return Reconciled(len(round.seen), round.waiting, tuple(round.settled), tuple(round.differences))


async def _page(round: _Round, after: UUID | None) -> tuple[PaymentView, ...]:
    wanted = payments.ListUnsettled(
        provider=round.gateway.name, before=round.now - FRESH, after=after, limit=PAGE
    )
    return await round.run.read(payments.unsettled, wanted, actor=round.actor)
