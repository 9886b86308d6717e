"""A year of the demo community after its today: who invested, ordered, gave, set aside and thought again.

Days are those of the story, so they are negative here. The same happens every month, each time by others.
Some quarters are swept; what ended since the last one nobody has written down.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from ...application import investments, points
from ...application.points import sweeping
from ...domain.points import POINTS
from ..program import OPERATOR
from .people import ADMIN
from .places import CITADEL_HIVES, HEDGE_OLIVES
from .playing import PLAYS
from .stage import Act, Stage
from .story import Arrives, Cancels, Invests, Leaves, Orders, S, Step, Withdraws, check_all

DAYS = 365
MONTH = 30
LAST_SWEEP = 9
"""In this month time's decisions are written down for the last time."""


class Gives(Step, kw_only=True):
    """A member gives points to another."""

    who: str
    to: str
    amount: int


class Reserves(Step, kw_only=True):
    """Points of a member are set aside for a place at a table; `used` of them are spent, or none, and the
    rest is free again."""

    who: str
    amount: int
    used: int


class Corrects(Step, kw_only=True):
    """The administrator corrects a balance."""

    who: str
    amount: int
    reason: str


class Disputes(Step, kw_only=True):
    """A bank asks for the points of a member's share back, some of which are spent."""

    who: str
    bought: int


class Sweeps(Step, kw_only=True):
    """What time decided is written down for everybody."""


class Renews(Step, kw_only=True):
    """Subscriptions whose year is over are charged for the next."""


def story() -> tuple[Step, ...]:
    """Everything that happens in the year."""
    monthly = [step for month in range(12) for step in _month(month, -1 - MONTH * month)]
    return (*monthly, *_once())


def _month(month: int, day: int) -> Iterator[Step]:
    """What happens every month from a day on, by members who take turns."""
    who = [S[(month + turn) % len(S)] for turn in range(8)]
    wine, soap = f"year-wine-{month}", f"year-soap-{month}"
    yield Invests(day=day, who=who[0], project=CITADEL_HIVES)
    yield Invests(day=day - 3, who=who[5], project=HEDGE_OLIVES)
    yield Orders(day=day - 8, name=wine, who=who[0], wants={"AST-BARB-75": 2}, to="Lyon")
    yield from (Leaves(day=day - 10, order=wine), Arrives(day=day - 13, order=wine, stars=5))
    yield Orders(day=day - 12, name=soap, who=who[5], wants={"NAM-SOAP-100": 2, "TAF-VERBENA-50": 1})
    if month % 4 == 1:
        yield Cancels(day=day - 14, order=soap, reason="Ordered twice by mistake.")
    yield Gives(day=day - 15, who=who[5], to=who[6], amount=5 + month)
    yield Reserves(day=day - 18, who=who[0], amount=12, used=9 if month % 3 else 0)
    if month % 3 == 0 and month <= LAST_SWEEP:
        yield Sweeps(day=day - 25)


def _once() -> Iterator[Step]:
    """What happens once."""
    yield from check_all(-120, S)
    yield Invests(day=-40, who=S[7], project=CITADEL_HIVES)
    yield Withdraws(day=-45, who=S[7], bought=-40)
    yield Corrects(day=-100, who=S[3], amount=5, reason="A parcel came late: with our thanks.")
    yield Corrects(day=-200, who=S[4], amount=-2, reason="Given twice by mistake.")
    yield Disputes(day=-260, who=S[8], bought=-1 - MONTH * 8)
    yield Renews(day=-177)


def acts(stage: Stage) -> Iterator[Act]:
    """Every step of the year, on its day."""
    return ((step.day, partial({**PLAYS, **MORE}[type(step)], stage, step)) for step in story())


async def _gives(stage: Stage, step: Gives) -> None:
    who, to = stage.people[step.who], stage.people[step.to]
    wish = points.Give(user_id=who.user_id, recipient=str(to.user_id), amount=step.amount)
    await stage.do(points.give, wish, f"give-{step.day}", who)


async def _reserves(stage: Stage, step: Reserves) -> None:
    user_id = stage.people[step.who].user_id
    wish = points.PlaceHold(
        user_id=user_id, amount=step.amount, minutes=3 * 1_440, source_id=_source(stage, step)
    )
    held = await stage.do(points.hold, wish, f"hold-{step.day}")
    assert held.hold_id is not None, "who sets points aside is told where"
    if step.used:
        capture = points.CaptureHold(user_id=user_id, hold_id=held.hold_id, amount=step.used)
        await stage.do(points.capture, capture, f"capture-{step.day}")
    else:
        release = points.ReleaseHold(user_id=user_id, hold_id=held.hold_id)
        await stage.do(points.release, release, f"release-{step.day}")


async def _corrects(stage: Stage, step: Corrects) -> None:
    user_id = stage.people[step.who].user_id
    wish = points.Adjust(user_id=user_id, amount=step.amount, reason=step.reason)
    await stage.do(points.adjust, wish, f"adjust-{step.day}", stage.people[ADMIN])


async def _disputes(stage: Stage, step: Disputes) -> None:
    share, who = stage.shares[step.who, step.bought], stage.people[step.who]
    lines = points.GetStatement(user_id=who.user_id, limit=100)
    found = await stage.run.read(points.statement, lines, actor=who)
    grant_id = next(one.grant_id for one in found.items if one.source_id == share.id and one.grant_id)
    wish = points.ClawBack(user_id=who.user_id, grant_id=grant_id, reason="The bank disputes the payment.")
    await stage.do(points.claw_back, wish, f"dispute-{step.day}", stage.people[ADMIN])


async def _sweeps(stage: Stage, step: Sweeps) -> None:
    everybody = tuple(sorted(one.user_id for one in stage.people.values()))
    wish = sweeping.Settle(unit=POINTS, user_ids=everybody)
    await stage.do(sweeping.settle, wish, f"sweep-{step.day}")


async def _renews(stage: Stage, step: Renews) -> None:
    await investments.renew_due(stage.run, stage.sandbox, actor=OPERATOR)


def _source(stage: Stage, step: Step) -> UUID:
    """What points are set aside for: the same, however often the year is played."""
    return UUID(int=(stage.today.toordinal() << 16) - step.day)


MORE: dict[type[Step], Callable[[Stage, Any], Awaitable[None]]] = {
    Gives: _gives,
    Reserves: _reserves,
    Corrects: _corrects,
    Disputes: _disputes,
    Sweeps: _sweeps,
    Renews: _renews,
}
