"""Where the demo is played: a Runner whose clock is set by hand, and everything that is there so far."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar
from uuid import UUID

from ...application import identity, inventory
from ...application.catalog import VariantView
from ...application.fulfillment import OrderView, ShipmentView
from ...application.identity import MemberView, Secrets
from ...application.investments import InvestmentView, SubscriptionView
from ...application.payments import Sandbox
from ...application.runner import Runner
from ...application.work import UseCase
from ...domain import shared
from ...domain.identity import EmailTaken
from ..program import OPERATOR
from .people import ACCOUNTS, Person

C = TypeVar("C", bound=shared.Record)
V = TypeVar("V")

NO_PASSWORD = "!"
"""Where a hash would be: no password fits it."""

Act = tuple[int, Callable[[], Awaitable[None]]]
"""What is done, so many days before the demo's today."""


class AccountTaken(shared.StateForbids):
    message = "{email} is somebody else's account here: the demo community needs it, and does not take it."
    email: str


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Stage:
    """What the demo is played with. Everything is looked up by the names that its data use: e-mails,
    slugs, SKUs, and the story's own names of orders."""

    def __init__(self, run: Runner, clock: Clock, secrets: Secrets, sandbox: Sandbox) -> None:
        self.run, self.clock, self.today = run, clock, clock.now
        self.secrets, self.sandbox = secrets, sandbox
        self._one_at_a_time = asyncio.Semaphore(1)
        self._passwords = {account.email: account.password for account in ACCOUNTS}
        self._hashes = {
            email: asyncio.ensure_future(self._hash(one)) for email, one in self._passwords.items()
        }
        self.people: dict[str, shared.Actor] = {}
        self.producers: dict[str, UUID] = {}
        self.projects: dict[str, UUID] = {}
        self.categories: dict[str, UUID] = {}
        self.products: dict[str, UUID] = {}
        self.variants: dict[str, VariantView] = {}
        self.batches: dict[str, list[inventory.BatchView]] = {}
        self.shares: dict[tuple[str, int], InvestmentView] = {}
        self.subscriptions: dict[str, SubscriptionView] = {}
        self.orders: dict[str, OrderView] = {}
        self.left: dict[str, list[ShipmentView]] = {}

    async def play(self, acts: Iterable[Act]) -> None:
        """Do everything, the oldest first; what happened on one day happens at once."""
        for day, together in groupby(sorted(acts, key=lambda act: -act[0]), key=lambda act: act[0]):
            moment = self.today - timedelta(days=day)
            self.clock.now = moment.replace(hour=8 + day * 7 % 11, minute=day * 17 % 60)
            await asyncio.gather(*(do() for _, do in together))
        self.clock.now = self.today

    async def do(self, use_case: UseCase[C, V], command: C, key: str, actor: shared.Actor = OPERATOR) -> V:
        """The result of a command, which is run once, however often the demo is loaded."""
        return await self.run(use_case, command, actor=actor, key=f"demo-{key}")

    def buyer_of(self, order: OrderView) -> shared.Actor:
        return next(who for who in self.people.values() if who.user_id == order.user_id)

    def counts(self) -> dict[str, int]:
        """How much there is by now."""
        return {
            "members": len(self.people),
            "producers": len(self.producers),
            "projects": len(self.projects),
            "investments": len(self.shares),
            "subscriptions": len(self.subscriptions),
            "categories": len(self.categories),
            "products": len(self.products),
            "variants": len(self.variants),
            "batches": sum(map(len, self.batches.values())),
            "orders": len(self.orders),
            "shipments": sum(len(order.shipments) for order in self.orders.values()),
        }

    async def join(self, person: Person, producer: str = "") -> None:
        """Somebody signs up, and is given their role; a partner acts for a producer. Raises AccountTaken."""
        member = await self._known(person) or await self._enrolled(person)
        if person.role != "member":
            role = identity.SetRole(
                user_id=member.user_id, role=person.role, producer_id=self.producers.get(producer)
            )
            member = await self.do(identity.set_role, role, f"role-{person.email}")
        self.people[person.email] = shared.Actor(member.user_id, member.role, member.producer_id)

    async def _known(self, person: Person) -> MemberView | None:
        """The member whom an earlier loading enrolled; nobody else is given the roles of the demo."""
        question = identity.GetAccount(email=person.email)
        account = await self.run.read(identity.account, question, actor=OPERATOR)
        if account is None:
            return None
        hashed = account.password.hash if account.password else NO_PASSWORD
        password = self._passwords.get(person.email)
        if password is None:
            same = hashed == NO_PASSWORD
        else:
            same = await self.secrets.matches(hashed, password)
        if not same:
            raise AccountTaken(email=person.email)
        return await self.run.read(
            identity.member, identity.GetMember(user_id=account.member.user_id), actor=OPERATOR
        )

    async def _enrolled(self, person: Person) -> MemberView:
        hashed = self._hashes.get(person.email)
        command = identity.Enrol(
            user_id=self.run.new_id(),
            email=person.email,
            name=person.name,
            password_hash=await hashed if hashed else NO_PASSWORD,
        )
        try:
            return await self.run(identity.enrol, command, actor=OPERATOR)
        except EmailTaken:  # another program loads the same demo
            return await self._known(person) or await self._enrolled(person)

    async def _hash(self, password: str) -> str:
        async with self._one_at_a_time:
            return await self.secrets.hash(password)
