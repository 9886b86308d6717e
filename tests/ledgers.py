"""The account of one member, and what may be asked of it: what tests of the ledger are made with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from baobab.application import identity, points
from baobab.application.pages import Page
from baobab.application.points import Balance, StatementLine
from baobab.domain import shared
from builders import START, World

ORDER = UUID(int=1)
END = datetime.fromisoformat("2027-09-02T22:00+00:00")
"""Until when points last that are given at START: the end of that day in Paris, 18 months later."""
LAST_WEEK = START - timedelta(days=7)


class Ledger:
    """The account of one member in one unit. An administrator moves, the member gives and converts."""

    def __init__(self, world: World, member: shared.Actor | None = None, unit: str = "points") -> None:
        self.world, self.clock, self.member, self.unit = world, world.clock, member or world.member(), unit

    def another(self) -> "Ledger":
        """The account of another member in the same unit."""
        return Ledger(self.world, unit=self.unit)

    def counted_in(self, unit: str) -> "Ledger":
        """The account of the same member in another unit."""
        return Ledger(self.world, self.member, unit)

    async def ask(self, which: Any, command: type[shared.Record], **facts: Any) -> Any:
        """A wish of the administrator about this account."""
        wish = command(user_id=self.member.user_id, **facts)
        return await self.world.run(which, wish, actor=self.world.admin)

    # --- what is moved ---

    async def earn(self, funded: int = 0, bonus: int = 0, **facts: Any) -> Balance:
        facts = {"source_id": ORDER, "unit": self.unit, **facts}
        found: Balance = await self.ask(points.earn, points.Earn, funded=funded, bonus=bonus, **facts)
        return found

    async def spend(self, amount: int, **facts: Any) -> Balance:
        facts = {"source_id": ORDER, "unit": self.unit, **facts}
        found: Balance = await self.ask(points.spend, points.Spend, amount=amount, **facts)
        return found

    async def hold(self, amount: int, **facts: Any) -> Balance:
        facts = {"source_id": ORDER, "unit": self.unit, **facts}
        found: Balance = await self.ask(points.hold, points.PlaceHold, amount=amount, **facts)
        return found

    async def capture(self, hold_id: UUID | None, amount: int | None = None) -> Balance:
        found: Balance = await self.ask(points.capture, points.CaptureHold, hold_id=hold_id, amount=amount)
        return found

    async def release(self, hold_id: UUID | None) -> Balance:
        found: Balance = await self.ask(points.release, points.ReleaseHold, hold_id=hold_id)
        return found

    async def refund(self, debit_id: UUID | None, amount: int | None = None) -> Balance:
        found: Balance = await self.ask(points.refund, points.Refund, debit_id=debit_id, amount=amount)
        return found

    async def adjust(self, amount: int, reason: str = "counted again", **facts: Any) -> Balance:
        facts = {"unit": self.unit, **facts}
        found: Balance = await self.ask(points.adjust, points.Adjust, amount=amount, reason=reason, **facts)
        return found

    async def expire(self) -> Balance:
        found: Balance = await self.ask(points.expire, points.Expire, unit=self.unit)
        return found

    async def claw_back(self, grant_id: UUID, reason: str = "never paid") -> Balance:
        found: Balance = await self.ask(points.claw_back, points.ClawBack, grant_id=grant_id, reason=reason)
        return found

    async def close(self) -> Balance:
        facts = {"unit": self.unit, "reason": "moved away"}
        found: Balance = await self.ask(points.close_account, points.CloseAccount, **facts)
        return found

    async def reopen(self) -> Balance:
        facts = {"unit": self.unit, "reason": "came back"}
        found: Balance = await self.ask(points.reopen_account, points.ReopenAccount, **facts)
        return found

    async def give(self, to: "Ledger | str", amount: int, **facts: Any) -> points.Given:
        recipient = to if isinstance(to, str) else str(to.member.user_id)
        wish = points.Give(
            user_id=self.member.user_id, recipient=recipient, unit=self.unit, amount=amount, **facts
        )
        return await self.world.run(points.give, wish, actor=self.member)

    async def convert(self, amount: int, to_unit: str) -> points.Converted:
        wish = points.Convert(user_id=self.member.user_id, unit=self.unit, to_unit=to_unit, amount=amount)
        return await self.world.run(points.convert, wish, actor=self.member)

    # --- what is read ---

    async def _read(self, which: Any, query: type[shared.Record], **facts: Any) -> Any:
        question = query(user_id=self.member.user_id, unit=self.unit, **facts)
        return await self.world.run.read(which, question, actor=self.member)

    async def balance(self) -> Balance:
        found: Balance = await self._read(points.balance, points.GetBalance)
        return found

    async def statement(self, **facts: Any) -> Page[StatementLine]:
        found: Page[StatementLine] = await self._read(points.statement, points.GetStatement, **facts)
        return found

    async def expiring(self, days: int) -> points.Expiring:
        found: points.Expiring = await self._read(points.expiring, points.GetExpiring, days=days)
        return found

    async def summary(self) -> points.Summary:
        found: points.Summary = await self._read(points.summary, points.GetBalance)
        return found

    async def last_line(self) -> StatementLine:
        return (await self.statement(limit=1)).items[0]

    async def lines(self) -> list[StatementLine]:
        """The lines of the account, the oldest first."""
        return [*reversed((await self.statement(limit=100)).items)]

    async def left(self) -> list[tuple[bool, int]]:
        """What may be spent of each lot, in the order of expiry: whether it was paid for, and how much."""
        return [(lot.funded, lot.amount) for lot in (await self.expiring(800)).lots]

    async def lots(self) -> list[Any]:
        """The lots that have something left."""
        return await stored(self.world, points.LOTS, "account", self.member.user_id, self.unit)

    async def grant(self, funded: int = 0, bonus: int = 0, **facts: Any) -> UUID:
        """Points that are given, by the name of the grant."""
        given = await self.earn(funded, bonus, **facts)
        found: UUID = next(lot.grant_id for lot in await self.lots() if lot.id == given.posting_id)
        return found


async def stored(world: World, kind: Any, group: str, *values: object) -> list[Any]:
    """The live records of a group, as they are stored."""
    wanted = kind.group(group, *values)
    async with world.storage.begin() as transaction:
        return list((await transaction.load([wanted], lock=False)).groups[wanted])


async def enrolled(world: World, email: str) -> Ledger:
    """The account of a member with an e-mail."""
    actor = shared.Actor(world.run.new_id(), "member")
    wish = identity.Enrol(user_id=actor.user_id, email=email, name="Member", password_hash="-")
    await world.run(identity.enrol, wish, actor=world.admin)
    return Ledger(world, actor)


async def set_policy(world: World, unit: str, **facts: Any) -> points.PolicyView:
    """A new version of a unit's policy, which is in force when this returns."""
    wish = points.SetPolicy(unit=unit, in_force_at=world.clock.now + timedelta(minutes=1), **facts)
    found = await world.run(points.set_policy, wish, actor=world.admin)
    world.clock.advance(minutes=1)
    return found


async def set_rate(world: World, unit: str, to_unit: str, give: int, get: int) -> points.RateView:
    """A new version of a rate, which is in force when this returns."""
    soon = world.clock.now + timedelta(minutes=1)
    wish = points.SetRate(unit=unit, to_unit=to_unit, give=give, get=get, in_force_at=soon)
    found = await world.run(points.set_rate, wish, actor=world.admin)
    world.clock.advance(minutes=1)
    return found


async def close_month(world: World, month: str, unit: str = "points") -> points.BooksView:
    wish = points.ClosePeriod(unit=unit, month=month)
    return await world.run(points.close_period, wish, actor=world.admin)


def parts(balance: Balance) -> tuple[int, int, int, int]:
    return balance.balance, balance.available, balance.pending, balance.held


def touched(line: StatementLine) -> list[tuple[bool, int]]:
    """What a line did to lots: whether each was paid for, and how much."""
    return [(part.funded, part.amount) for part in line.lots]


def day(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


async def expiries(ledger: Ledger) -> list[tuple[int, datetime]]:
    """What ended on an account, and when."""
    return [(line.amount, line.effective_at) for line in await ledger.lines() if line.kind == "expired"]


def shared_storage(world: World) -> World:
    """The same world, as another process has it."""
    twin = World(world.storage, world.queries)
    twin.clock, twin.admin = world.clock, world.admin
    twin.run = twin.runner()
    return twin
