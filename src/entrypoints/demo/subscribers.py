"""Three years of subscriptions on a clock that is set by hand, in memory: renewed every morning.

Cards fail and work again, plans change, one stops and one thinks again; one began on 29 February, others on
the days around the change of the clocks. At the end everything adds up, to the cent.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from ...adapters.memory.queries import MemoryQueries
from ...adapters.memory.storage import MemoryStorage
from ...adapters.payments.sandbox import SandboxGateway
from ...application import identity, investments, partners, payments, points, projects
from ...application.identity import checks
from ...application.investments import PaidCharge, Renewals, SubscriptionView, coverage
from ...application.payments import Asked, Notification, PlayPayment
from ...application.points import auditing
from ...application.runner import Runner
from ...application.work import UseCase
from ...domain import shared
from ...domain.investments.subscriptions import Choice, PlanCode
from ...domain.projects import ProjectStatus
from ..program import OPERATOR
from .stage import NO_PASSWORD, Clock

BEGINS = date(2028, 2, 29)
YEARS, DAYS = 3, 365
MORNING = timedelta(hours=6)
CHECK_DAYS = 700
"""How long a check of somebody holds. Before it ends nearly everybody is checked again: who puts in so much
must be known."""
SITES = (("hives-of-the-three-years", 650_000), ("orchard-of-the-three-years", 120_000))
"""Projects with room, in cents, for less than what all pay."""


class Cards(SandboxGateway):
    """A provider who declines the next charges of some members."""

    def __init__(self) -> None:
        super().__init__()
        self.declines: dict[UUID, int] = {}

    async def charge(self, asked: Asked, means: str) -> Notification:
        left = self.declines.get(asked.user_id, 0)
        if left:
            self.declines[asked.user_id] = left - 1
        return await super().charge(asked, "sandbox_declined" if left else means)


class Subscriber(shared.Record):
    """Somebody in the three years: when they begin, what they choose, and what happens to them on a day."""

    name: str
    day: int
    plan: PlanCode
    weights: tuple[int, ...] = ()
    story: tuple[tuple[int, str], ...] = ()
    checked_again: bool = True


SUBSCRIBERS = (
    Subscriber("29 February", 0, "ambassadeur_standard", (1, 1)),
    Subscriber("before the clocks go forward", 25, "ambassadeur_premium", (2, 1)),
    Subscriber("after the clocks go forward", 26, "ambassadeur_standard", (1, 2)),
    Subscriber("before the clocks go back", 242, "ambassadeur_standard", (3, 1)),
    Subscriber("card fails once", 40, "ambassadeur_standard", (1, 1), ((400, "declines 1"),)),
    Subscriber("card fails twice", 50, "ambassadeur_premium", (1,), ((410, "declines 2"),)),
    Subscriber("card fails for good", 60, "ambassadeur_standard", (1, 1), ((420, "declines 3"),)),
    Subscriber("pays by hand", 70, "ambassadeur_standard", (1, 1), ((430, "declines 9"), (437, "pays"))),
    Subscriber("goes up", 80, "ambassadeur_standard", (1, 3), ((300, "goes-up"),)),
    Subscriber("goes down", 90, "ambassadeur_premium", (1, 1), ((310, "goes-down"),)),
    Subscriber("cancels", 100, "ambassadeur_standard", (1, 1), ((250, "cancels"), (260, "cancels"))),
    Subscriber("cancels, and stays", 110, "ambassadeur_standard", (), ((260, "cancels"), (270, "resumes"))),
    Subscriber("thinks again", 120, "ambassadeur_premium", (1, 1), ((125, "spends 60"), (130, "withdraws"))),
    Subscriber("is not checked again", 130, "ambassadeur_premium", (1, 1), (), checked_again=False),
    Subscriber("chooses late", 140, "ambassadeur_standard", (), ((700, "chooses"),)),
)


def euros(cents: int) -> shared.Money:
    """An amount in cents as money."""
    return shared.Money(cents)


class Line(shared.Record):
    """What became of one of them."""

    name: str
    began: date
    state: str
    reason: str
    periods: int
    tries: int
    charged: shared.Money
    refunded: shared.Money
    placed: shared.Money
    unplaced: shared.Money
    points: int


class Report(shared.Record):
    """What the three years came to. The two of each pair must be equal; see `pairs`."""

    years: tuple[Renewals, ...]
    lines: tuple[Line, ...]
    received: tuple[int, int]
    stayed: tuple[int, int]
    receipts: tuple[int, int]
    granted: tuple[int, int]
    unexplained: shared.Money
    broken: int

    def total(self) -> tuple[object, ...]:
        """The line of all of them together."""
        counted = (sum(getattr(one, name) for one in self.lines) for name in ("periods", "tries"))
        names = ("charged", "refunded", "placed", "unplaced")
        money = (euros(sum(getattr(one, name).amount for one in self.lines)) for name in names)
        return ("in all", "", "", "", *counted, *money, sum(one.points for one in self.lines))

    @property
    def adds_up(self) -> bool:
        """Whether nothing is missing and nothing is too much."""
        return all(one == other for _, one, other in self.pairs())

    def pairs(self) -> tuple[tuple[str, object, object], ...]:
        """What must be equal: its name, and the two."""
        came, receipts = map(euros, self.received)
        stayed, found = map(euros, self.stayed)
        return (
            ("money that came, and the receipts of it", came, receipts),
            ("money that stayed, and where it is", stayed, found),
            ("payments that were made, and receipts of a payment", *self.receipts),
            ("points of the periods, and points in the ledger", *self.granted),
            ("money without an explanation in the coverage", self.unexplained, euros(0)),
            ("accounts with a broken ledger", self.broken, 0),
        )


class _Known(NamedTuple):
    """Somebody who has come along."""

    who: Subscriber
    actor: shared.Actor
    one: SubscriptionView


class ThreeYears:
    """Where the three years are played: on any storage, through the use cases that every edge calls."""

    def __init__(self, run: Runner, clock: Clock) -> None:
        self.run, self.clock, self.gateway = run, clock, Cards()
        self._known: dict[str, _Known] = {}
        self._projects: list[UUID] = []
        self._years: list[Renewals] = []

    async def play(self) -> Report:
        """Every day, one after the other."""
        self.clock.now = _morning(0)
        self._projects = [await self._publish(slug, room) for slug, room in SITES]
        for day in range(YEARS * DAYS + 35):
            self.clock.now = _morning(day)
            if day % DAYS == 0:
                self._years.append(Renewals())
            for act in self._acts(day):
                await act()
            done = await investments.renew_due(self.run, self.gateway, actor=OPERATOR)
            self._years[-1] = _plus(self._years[-1], done)
        return await self._report()

    def _acts(self, day: int) -> Iterator[Callable[[], Awaitable[None]]]:
        """What happens on a day, in the order of the story."""
        for who in SUBSCRIBERS:
            if who.day == day:
                yield partial(self._begins, who)
            for on, what in who.story:
                if on == day:
                    yield partial(self._does, who.name, what)
            if who.checked_again and day == who.day + CHECK_DAYS:
                yield partial(self._check_again, who.name)

    # --- what they do ---------------------------------------------------------------------------

    async def _begins(self, who: Subscriber) -> None:
        actor = shared.Actor(self.run.new_id(), "member")
        email = f"subscriber-{len(self._known) + 1}@example.org"
        enrol = identity.Enrol(user_id=actor.user_id, email=email, name=who.name, password_hash=NO_PASSWORD)
        await self.run(identity.enrol, enrol, actor=OPERATOR)
        await self._check(actor.user_id)
        wish = investments.Subscribe(plan=who.plan, projects=self._choices(who.weights))
        asked = await investments.subscribe_and_open(wish, self.run, self.gateway, actor=actor)
        self._known[who.name] = _Known(who, actor, await self._pay(asked, actor))

    async def _check_again(self, name: str) -> None:
        await self._check(self._known[name].actor.user_id)

    async def _does(self, name: str, what: str) -> None:
        word, _, number = what.partition(" ")
        id, actor = self._known[name].one.id, self._known[name].actor
        match word:
            case "declines":
                self.gateway.declines[actor.user_id] = int(number)
            case "pays":
                await self._pays_by_hand(id, actor)
            case "spends":
                spend = points.Spend(user_id=actor.user_id, amount=int(number), source_id=id)
                await self.run(points.spend, spend, actor=OPERATOR)
            case "withdraws":
                back = investments.Withdraw(kind="subscription", contribution_id=id)
                await investments.withdraw_and_refund(back, self.run, self.gateway, actor=actor)
            case _:
                use_case, command = self._wish(word, id)
                await self.run(use_case, command, actor=actor)

    def _wish(self, word: str, id: UUID) -> tuple[UseCase[Any, SubscriptionView], shared.Command]:
        """What a member decides."""
        chosen = self._choices((1, 1))
        wishes: dict[str, tuple[UseCase[Any, SubscriptionView], shared.Command]] = {
            "cancels": (investments.cancel_subscription, investments.CancelSubscription(subscription_id=id)),
            "resumes": (investments.resume_subscription, investments.ResumeSubscription(subscription_id=id)),
            "chooses": (
                investments.choose_projects,
                investments.ChooseProjects(subscription_id=id, projects=chosen),
            ),
            "goes-up": (
                investments.choose_plan,
                investments.ChoosePlan(subscription_id=id, plan="ambassadeur_premium"),
            ),
            "goes-down": (
                investments.choose_plan,
                investments.ChoosePlan(subscription_id=id, plan="ambassadeur_standard"),
            ),
        }
        return wishes[word]

    async def _pays_by_hand(self, id: UUID, actor: shared.Actor) -> None:
        wish = investments.PayNow(subscription_id=id, provider=self.gateway.name)
        asked = await investments.pay_now_and_open(wish, self.run, self.gateway, actor=actor)
        await self._pay(asked, actor)
        self.gateway.declines[actor.user_id] = 0

    async def _pay(self, asked: SubscriptionView, actor: shared.Actor) -> SubscriptionView:
        how = PlayPayment(payment_id=asked.payment.id, behaviour="repeats")
        paid = await investments.pay(how, self.run, self.gateway, actor=actor)
        assert isinstance(paid, SubscriptionView), "what was paid for is a subscription"
        return paid

    async def _check(self, user_id: UUID) -> None:
        asked = await self.run(checks.ask, checks.AskCheck(user_id=user_id, level=2), actor=OPERATOR)
        verdict = checks.DecideCheck(
            user_id=user_id,
            check_id=asked.id,
            verdict="verified",
            reason="seen in person",
            valid_until=(self.clock.now + timedelta(days=CHECK_DAYS)).date(),
        )
        await self.run(checks.decide, verdict, actor=OPERATOR)

    def _choices(self, weights: tuple[int, ...]) -> tuple[Choice, ...]:
        return tuple(Choice(id, weight) for id, weight in zip(self._projects, weights, strict=False))

    async def _publish(self, slug: str, room: int) -> UUID:
        address = shared.Address("Rue du Pont 1", "Namur", "5000", "BE")
        place = shared.Place(50.46, 4.86, "Namur", "BE")
        farm = partners.RegisterProducer(
            slug=f"farm-of-{slug}", name=slug, type="beekeeper", place=place, address=address
        )
        producer = await self.run(partners.register, farm, actor=OPERATOR)
        draft = projects.DraftProject(
            slug=slug,
            name=slug,
            place=place,
            address=address,
            target_cents=room,
            type="beehive",
            producer_id=producer.id,
        )
        project = await self.run(projects.draft, draft, actor=OPERATOR)
        statuses: tuple[ProjectStatus, ...] = ("review", "active")
        for status in statuses:
            move = projects.MoveProject(project_id=project.id, status=status, version=project.version)
            project = await self.run(projects.move, move, actor=OPERATOR)
        return project.id

    # --- what came of it ------------------------------------------------------------------------

    async def _report(self) -> Report:
        lines, charges = list[Line](), list[PaidCharge]()
        receipts = list[payments.ReceiptView]()
        for known in self._known.values():
            mine = await self._charges(known)
            charges += mine
            for charge in mine:
                receipts += await self._receipts(charge.payment)
            lines.append(await self._line(known, mine))
        return await self._balanced(lines, charges, receipts)

    async def _balanced(
        self, lines: list[Line], charges: list[PaidCharge], receipts: list[payments.ReceiptView]
    ) -> Report:
        question = auditing.Verify()
        verified = await auditing.verify(question, self.run, actor=OPERATOR, keep=False)
        books = await self.run.read(coverage.coverage, coverage.GetCoverage(), actor=OPERATOR)
        came = [one.amount.amount for one in receipts if one.kind == "payment"]
        paid = [one for one in charges if one.state in ("paid", "withdrawn", "returned")]
        kept = sum(one.charged.amount - one.refunded.amount for one in lines)
        placed = sum(one.placed.amount + one.unplaced.amount for one in lines)
        return Report(
            years=tuple(self._years),
            lines=tuple(lines),
            received=(sum(one.amount.amount for one in paid), sum(came)),
            stayed=(kept, placed + books.kept_for_spent.amount),
            receipts=(len(paid), len(came)),
            granted=(
                sum(one.points for one in charges if one.state in ("paid", "withdrawn")),
                sum(one.points for one in lines),
            ),
            unexplained=books.unexplained,
            broken=verified.broken,
        )

    async def _line(self, known: _Known, charges: tuple[PaidCharge, ...]) -> Line:
        asked = investments.GetSubscription(user_id=known.actor.user_id, subscription_id=known.one.id)
        one = await self.run.read(investments.subscription, asked, actor=OPERATOR)
        paid = [charge for charge in charges if charge.state in ("paid", "withdrawn", "returned")]
        portions = [part.amount.amount for charge in charges for part in charge.portions]
        return Line(
            name=known.who.name,
            began=known.one.anchor or BEGINS,
            state=one.state,
            reason=one.reason,
            periods=one.period,
            tries=len(charges),
            charged=euros(sum(charge.amount.amount for charge in paid)),
            refunded=euros(sum(charge.payment.refunded.amount for charge in paid)),
            placed=euros(sum(portions)),
            unplaced=euros(sum(charge.unplaced.amount for charge in paid if charge.state == "paid")),
            points=await self._granted(known.actor),
        )

    async def _charges(self, known: _Known) -> tuple[PaidCharge, ...]:
        question = investments.ListCharges(user_id=known.actor.user_id, subscription_id=known.one.id)
        return (await self.run.read(investments.charges, question, actor=OPERATOR)).items

    async def _receipts(self, payment: payments.PaymentView) -> tuple[payments.ReceiptView, ...]:
        question = payments.GetPayment(user_id=payment.user_id, payment_id=payment.id)
        return (await self.run.read(payments.payment, question, actor=OPERATOR)).receipts

    async def _granted(self, actor: shared.Actor) -> int:
        question = points.GetStatement(user_id=actor.user_id, limit=100)
        lines = (await self.run.read(points.statement, question, actor=OPERATOR)).items
        return sum(one.amount for one in lines if one.kind in ("earned", "bonus"))


def _morning(day: int) -> datetime:
    start = datetime(BEGINS.year, BEGINS.month, BEGINS.day, tzinfo=UTC)
    return start + timedelta(days=day) + MORNING


def _plus(one: Renewals, other: Renewals) -> Renewals:
    names = Renewals.__struct_fields__
    return Renewals(**{name: getattr(one, name) + getattr(other, name) for name in names})


async def play() -> Report:
    """The three years, in memory: no database is touched."""
    clock, storage = Clock(_morning(0)), MemoryStorage()
    run = Runner(storage, MemoryQueries(storage), clock)
    try:
        return await ThreeYears(run, clock).play()
    finally:
        await run.close()
