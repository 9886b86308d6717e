"""A till under siege: answers lost, programs stopped between any two steps, messages repeated, late and in
any order, money given back in the dashboard, refunds that fail and disputes. Once it is quiet, what the bank
knows is what is booked, every cent is explained, and nothing went back that nobody decided.

Every story follows from its seed."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from random import Random
from typing import Any
from uuid import UUID

import pytest
from investing import Investor, check_books, hives, join
from subscribing import Subscriber

from baobab.application import investments, payments
from baobab.application.investments import attending, verifying
from baobab.application.payments import (
    PAYMENTS,
    REFUNDS,
    WEBHOOK_EVENTS,
    Asked,
    DisputeNews,
    GatewayRefused,
    GatewayUnavailable,
    Heard,
    Intent,
    Notification,
    RefundNews,
    Standing,
)
from baobab.application.work import HAPPENINGS
from baobab.domain import shared
from baobab.domain.payments import PAID
from baobab.domain.payments.refunding import MOST_FAILED
from builders import World

ALL = timedelta(days=9_999)


class Killed(BaseException):
    """The program was stopped here."""


class Bank:
    """A provider that does what it is asked, once a key, and tells of it; its answers may be lost."""

    name = "sandbox"

    def __init__(self, chance: Random) -> None:
        self.chance, self.is_calm = chance, False
        self.asked: dict[str, Asked] = {}
        self.states: dict[str, Any] = {}
        self.refunds = defaultdict[str, list[RefundNews]](list)
        self.disputes: dict[str, DisputeNews] = {}
        self.messages: list[Heard] = []

    async def create(self, asked: Asked) -> Intent:
        reference = f"sandbox_{asked.payment_id.hex}"
        with self.answering():
            self.asked.setdefault(reference, asked)
            self.states.setdefault(reference, "pending")
        return Intent(reference, "/pay", self.customer(reference))

    async def charge(self, asked: Asked, means: str) -> Notification:
        reference = f"sandbox_{asked.payment_id.hex}"
        with self.answering():
            if reference not in self.asked:
                self.asked[reference] = asked
                self.become(reference, self.chance.choice(("succeeded", "succeeded", "failed", "pending")))
        return self.news(reference)

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        with self.answering():
            known = [one for one in self.refunds[reference] if one.key == key]
            given = known[0] if known else self.give(reference, amount_cents, key)
        return given

    async def look(self, reference: str) -> Standing:
        with self.answering():
            pass
        asked = self.asked[reference]
        disputes = tuple(one for one in self.disputes.values() if one.payment == reference)
        return Standing(
            self.news(reference), tuple(self.refunds[reference]), disputes, asked.payment_id, asked.user_id
        )

    async def cancel(self, reference: str) -> Standing:
        if self.states[reference] == "pending":
            self.become(reference, "expired")
        return await self.look(reference)

    async def since(self, at: datetime) -> AsyncIterator[Standing]:
        for reference in tuple(self.asked):
            yield await self.look(reference)

    def read(self, headers: Mapping[str, str], body: bytes) -> Heard:
        return self.parse(body.decode())

    def parse(self, body: str) -> Heard:
        return self.messages[int(body)]

    # --- what happens there ---

    def answering(self) -> Any:
        """What is asked is done or not, and answered or not."""
        return _Answering(self)

    def become(self, reference: str, state: str) -> None:
        self.states[reference] = state
        self.tell(self.news(reference), reference)

    def give(self, reference: str, cents: int, key: str = "") -> RefundNews:
        if cents > self.left(reference) or self.is_disputed(reference):
            raise GatewayRefused(reason="no")
        number = sum(map(len, self.refunds.values()))
        news = RefundNews(reference, f"re_{number}", cents, key=key)
        self.refunds[reference].append(news)
        self.tell(news, reference)
        return news

    def fail(self, reference: str, place: int) -> None:
        """A refund comes back."""
        news = shared.evolve(self.refunds[reference][place], state="failed", reason="account_closed")
        self.refunds[reference][place] = news
        self.tell(news, reference)

    def dispute(self, reference: str, cents: int, state: Any) -> None:
        news = DisputeNews(reference, f"dp_{reference}", cents, state)
        self.disputes[reference] = news
        self.tell(news, reference)

    def tell(self, news: Any, reference: str) -> None:
        asked, number = self.asked[reference], len(self.messages)
        self.messages.append(
            Heard(f"evt_{number}", type(news).__name__, reference, news, asked.payment_id, asked.user_id)
        )

    # --- what is known there ---

    def news(self, reference: str) -> Notification:
        state, asked = self.states[reference], self.asked[reference]
        paid, means = (asked.amount.amount, "card" * asked.saved) if state == "succeeded" else (None, "")
        return Notification(reference, state, "", paid, "EUR", self.customer(reference), means)

    def customer(self, reference: str) -> str:
        return f"cus_{self.asked[reference].user_id.hex}" * self.asked[reference].saved

    def is_disputed(self, reference: str) -> bool:
        return reference in self.disputes and self.disputes[reference].state == "opened"

    def given(self, reference: str) -> list[RefundNews]:
        return [one for one in self.refunds[reference] if one.state == "succeeded"]

    def lost(self, reference: str) -> int:
        one = self.disputes.get(reference)
        return one.amount_cents if one and one.state == "lost" else 0

    def left(self, reference: str) -> int:
        if self.states[reference] != "succeeded":
            return 0
        back = sum(one.amount_cents for one in self.given(reference))
        return self.asked[reference].amount.amount - back - self.lost(reference)


class _Answering:
    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def __enter__(self) -> None:
        self._maybe()

    def __exit__(self, *error: object) -> None:
        if error == (None, None, None):
            self._maybe()

    def _maybe(self) -> None:
        chance = 1.0 if self.bank.is_calm else self.bank.chance.random()
        if chance < 0.12:
            raise GatewayUnavailable
        if chance < 0.16:
            raise Killed


class Stopping:
    """A Runner of a program that may be stopped before and after each step."""

    def __init__(self, run: Any, bank: Bank) -> None:
        self._run, self._bank = run, bank

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    async def __call__(self, *args: Any, **named: Any) -> Any:
        self._maybe()
        done = await self._run(*args, **named)
        self._maybe()
        return done

    def _maybe(self) -> None:
        if not self._bank.is_calm and self._bank.chance.random() < 0.025:
            raise Killed


class Siege:
    """Three members, a project with room for nine shares, and everything that may happen."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, Random(seed)
        self.bank = Bank(self.chance)
        self.run: Any = Stopping(world.run, self.bank)
        self.storage: Any = world.storage

    async def open(self) -> None:
        self.project_id = await hives(self.world, 9)
        members = [await join(self.world, number) for number in range(3)]
        bank: Any = self.bank
        self.investors = [Investor(self.world, one, bank, self.run) for one in members]
        self.subscribers = [Subscriber(self.world, one, bank, self.run) for one in members]

    def actions(self) -> list[Callable[[], Awaitable[Any]]]:
        often = (
            self.invest,
            self.pay,
            self.hear,
            self.wait,
            self.pay,
            self.hear,
            self.invest,
            self.reconcile,
        )
        rare = (self.spend, self.withdraw, self.give_part, self.dashboard, self.refund_fails, self.dispute)
        more = (self.close_dispute, self.subscribe, self.renew, self.think_again, self.process, self.year)
        return [*often, *often, *rare, *more, self.close_dispute, self.give_part, self.withdraw]

    async def invest(self) -> None:
        await self.chance.choice(self.investors).invest(self.project_id)

    async def pay(self) -> None:
        waiting = [one for one, state in self.bank.states.items() if state == "pending"]
        self.bank.become(self.chance.choice(waiting), "succeeded")

    async def hear(self) -> None:
        number = self.chance.choice(
            (len(self.bank.messages) - 1, self.chance.randrange(len(self.bank.messages)))
        )
        await self.receive(number)
        await self.process()

    async def receive(self, number: int) -> None:
        gateway: Any = self.bank
        await attending.receive({}, str(number).encode(), self.run, gateway, self.world.admin)

    async def process(self) -> None:
        gateway: Any = self.bank
        await investments.attend_due(self.run, gateway, self.world.admin)

    async def reconcile(self) -> investments.Reconciled:
        gateway: Any = self.bank
        return await investments.reconcile(self.run, gateway, self.world.admin, looked_back=ALL)

    async def renew(self) -> None:
        gateway: Any = self.bank
        await investments.renew_due(self.run, gateway, actor=self.world.admin)

    async def wait(self) -> None:
        self.world.clock.advance(minutes=self.chance.choice((1, 10, 60, 3_000)))

    async def year(self) -> None:
        self.world.clock.advance(days=self.chance.choice((30, 200)))

    async def spend(self) -> None:
        await self.chance.choice(self.investors).spend(self.chance.choice((1, 7, 30)))

    async def withdraw(self) -> None:
        one = self.chance.choice(self.storage.all(investments.INVESTMENTS))
        await self._withdraw("investment", one.user_id, one.id)

    async def think_again(self) -> None:
        one = self.chance.choice(self.storage.all(investments.SUBSCRIPTIONS))
        await self._withdraw("subscription", one.user_id, one.id)

    async def _withdraw(self, kind: Any, user_id: UUID, id: UUID) -> None:
        gateway: Any = self.bank
        wish = investments.Withdraw(kind=kind, contribution_id=id)
        actor = shared.Actor(user_id, "member")
        await investments.withdraw_and_refund(wish, self.run, gateway, actor=actor)

    async def subscribe(self) -> None:
        chosen = self.chance.choice(((), (self.project_id,)))
        await self.chance.choice(self.subscribers).subscribe(*chosen)

    async def give_part(self) -> None:
        one = self.chance.choice([one for one in self.storage.all(PAYMENTS) if one.state in PAID])
        cents = self.chance.choice((100, 999, one.amount_cents))
        wish = payments.RefundPayment(
            user_id=one.user_id, payment_id=one.id, amount_cents=cents, reason=f"goodwill {cents}"
        )
        gateway: Any = self.bank
        owed = await self.run(payments.refund, wish, actor=self.world.admin)
        await payments.refund_now(owed, self.run, gateway, self.world.admin)

    def _paid(self) -> str:
        return self.chance.choice([one for one in self.bank.asked if self.bank.left(one) > 0])

    async def dashboard(self) -> None:
        reference = self._paid()
        self.bank.give(reference, min(self.bank.left(reference), self.chance.choice((50, 1_000, 5_000))))

    async def refund_fails(self) -> None:
        places = [
            (reference, place)
            for reference, given in self.bank.refunds.items()
            for place, one in enumerate(given)
            if one.state == "succeeded"
        ]
        self.bank.fail(*self.chance.choice(places))

    async def dispute(self) -> None:
        reference = self._paid()
        if reference not in self.bank.disputes:
            left = self.bank.left(reference)
            self.bank.dispute(reference, self.chance.choice((left, max(1, left // 2))), "opened")

    async def close_dispute(self) -> None:
        opened = [one for one in self.bank.disputes.values() if one.state == "opened"]
        one = self.chance.choice(opened)
        self.bank.dispute(one.payment, one.amount_cents, self.chance.choice(("won", "lost")))

    async def calm(self) -> investments.Reconciled:
        """Nothing is lost any more, and everybody has all the time that they need."""
        self.bank.is_calm = True
        for _ in range(10):
            self.world.clock.advance(hours=30)
            for number in range(len(self.bank.messages)):
                await self.receive(number)
            await self.process()
            await self.reconcile()
            await self.renew()
        return await self.reconcile()


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_lost_or_repeated_what_the_bank_knows_is_booked_once(seed: int) -> None:
    siege = Siege(World.in_memory(), seed)
    await siege.open()
    actions = siege.actions()
    for _ in range(110):
        with suppress(shared.DomainError, Killed, IndexError, ValueError):
            await siege.chance.choice(actions)()
    last = await siege.calm()
    assert last.settled == ()
    assert {one.what.partition(":")[0] for one in last.differences} <= {"refund_given_up"}
    assert [one for one in siege.storage.all(WEBHOOK_EVENTS) if one.state == "set_aside"] == []
    _compare(siege)
    assert (await verifying.verify(siege.world.run, siege.world.admin)).findings == ()
    await check_books(siege.world)


def _compare(siege: Siege) -> None:
    bank, known = siege.bank, {one.id: one for one in siege.storage.all(PAYMENTS)}
    decided = _decided(siege)
    for reference, asked in bank.asked.items():
        one = known[asked.payment_id]
        assert (one.state in PAID) == (bank.states[reference] == "succeeded")
        back = sum(given.amount_cents for given in bank.given(reference))
        assert (one.refunded_cents, one.charged_back_cents) == (back, bank.lost(reference))
        ours = sum(given.amount_cents for given in bank.given(reference) if given.key)
        assert ours <= decided[one.id]
        if one.refund_due_cents and one.disputed != "opened":
            refunds = [given for given in siege.storage.all(REFUNDS) if given.payment_id == one.id]
            assert sum(given.state == "failed" for given in refunds) >= MOST_FAILED


def _decided(siege: Siege) -> dict[UUID, int]:
    """Cents that somebody decided to give back of each payment, here or in a dashboard where that failed."""
    decided = defaultdict[UUID, int](int)
    for one in siege.storage.all(HAPPENINGS):
        if one.type == "payments.refund_due":
            told = json.loads(one.body)
            decided[UUID(told["payment_id"])] += told["amount_cents"]
    for given in chain.from_iterable(siege.bank.refunds.values()):
        if given.state == "failed" and not given.key:
            decided[siege.bank.asked[given.payment].payment_id] += given.amount_cents
    return decided
