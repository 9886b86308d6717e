"""The demo community: real places, seven projects, a shop of fifty products, and twenty months of history.

Everything is made through the use cases, on a clock that is set by hand, so that it is as it would be
had it happened. Each command has an idempotency key: loading again changes nothing, and what was
interrupted is completed.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from ...application import catalog, identity, partners, projects
from ...application.investments import coverage
from ...application.investments.coverage import Coverage
from ...application.pages import Page
from ...application.payments import sandbox_of
from ...application.points import reports
from ...application.points.reports import Liability, LimitedNetwork, Periods
from ...application.runner import IdempotencyKeyReused, Runner
from ...application.work import ADMINS, RUNS, Key, Run, Work, use_case
from ...domain import shared
from ..container import Container
from ..program import OPERATOR, opened
from ..settings import Settings
from . import opening, playing, year
from .people import ACCOUNTS, Account
from .stage import AccountTaken, Clock, Stage

__all__ = [
    "ACCOUNTS",
    "Account",
    "AccountTaken",
    "Demo",
    "DemoNotHere",
    "DemoOutdated",
    "Year",
    "YearNotOver",
    "load",
    "load_demo",
    "load_year",
    "play_year",
]

BEGUN, COMPLETE = "demo-begun", "demo-complete"


class DemoNotHere(shared.RuleForbids):
    message = "The demo community pays in the sandbox: it is not loaded where BAOBAB_SANDBOX is off."


class DemoOutdated(shared.StateForbids):
    message = "Another version of the demo community was loaded here in part: use an empty database."


class YearNotOver(shared.RuleForbids):
    message = "The demo community's year from {began_at} to {ends_at} is not over: use an empty database."
    began_at: datetime
    ends_at: datetime


class Demo(shared.Record):
    """What became of loading the demo, and what is there now.

    `made` counts what belongs to it. `found` counts what was there before it was first loaded, up to a
    hundred of a kind; it is empty where that was another time.
    """

    outcome: Literal["loaded", "completed", "there already"]
    since: datetime
    made: dict[str, int]
    found: dict[str, int]


class Year(shared.Record):
    """The books of the demo community at the end of the year after its history, to the cent."""

    demo: Demo
    ends_at: datetime
    liability: Liability
    periods: Periods
    coverage: Coverage
    limited_network: LimitedNetwork


class Begin(shared.Command):
    """The demo's today is now, however often it is asked for."""


class Begun(shared.Record):
    at: datetime


class Complete(shared.Command, kw_only=True):
    """Everything is there."""

    began_at: datetime
    made: dict[str, int]


class Look(shared.Command):
    """How far the demo was loaded."""


class Progress(shared.Record):
    """When the loading began, and what it made, once it was complete."""

    began_at: datetime | None = None
    complete: Complete | None = None


@use_case(allow=ADMINS)
async def begin(command: Begin, work: Work) -> Begun:
    """Remember when the demo was first loaded: its history is told from there."""
    return Begun(work.now)


@use_case(allow=ADMINS)
async def complete(command: Complete, work: Work) -> Complete:
    """Remember that nothing is left to be done."""
    return command


def _marks(command: Look, work: Work) -> tuple[Key[Run], Key[Run]]:
    return RUNS.key(work.actor.user_id, BEGUN), RUNS.key(work.actor.user_id, COMPLETE)


@use_case(allow=ADMINS, loads=(_marks,))
async def look(command: Look, work: Work) -> Progress:
    """Look in the command log how far the demo is. To be run dry."""
    begun, done = (work.find(mark) for mark in _marks(command, work))
    return Progress(
        begin.decode_result(begun.result).at if begun else None,
        complete.decode_result(done.result) if done else None,
    )


async def load_demo(settings: Settings) -> Demo:
    """Load the demo community into the database of the settings. Raises what `load` raises."""
    async with opened(Container(settings=settings)) as container:
        return await load(container)


async def load(container: Container, today: datetime | None = None) -> Demo:
    """Load the demo community, complete it, or find that it is there. Its history ends now, or `today`.

    Raises DemoNotHere, DemoOutdated, AccountTaken, and where a slug or SKU of it is another's, that.
    """
    if not container.settings().sandbox:
        raise DemoNotHere
    clock = Clock(today or container.clock()())
    run = Runner(container.storage(), container.queries(), clock)
    progress = await run(look, Look(), actor=OPERATOR, dry_run=True)
    if progress.complete is not None:
        return Demo("there already", progress.complete.began_at, progress.complete.made, {})
    found = {} if progress.began_at else await _count(run)
    clock.now = (await run(begin, Begin(), actor=OPERATOR, key=BEGUN)).at
    stage = Stage(run, clock, container.secrets(), sandbox_of(container.gateway()))
    made = await _make(stage)
    return Demo("completed" if progress.began_at else "loaded", stage.today, made, found)


async def _make(stage: Stage) -> dict[str, int]:
    try:
        await stage.play((*opening.acts(stage), *playing.acts(stage)))
        mark = Complete(began_at=stage.today, made=stage.counts())
        return (await stage.run(complete, mark, actor=OPERATOR, key=COMPLETE)).made
    except IdempotencyKeyReused:
        raise DemoOutdated from None
    finally:
        await stage.run.close()


async def load_year(settings: Settings, until: datetime | None = None) -> Year:
    """Play the year in the database of the settings. Raises what `play_year` raises."""
    async with opened(Container(settings=settings)) as container:
        return await play_year(container, until)


async def play_year(container: Container, until: datetime | None = None) -> Year:
    """Load the demo community as it was a year before now, or before `until`, and play that year.

    Where it is there already its year begins where its history ends. Raises YearNotOver, and what `load`
    raises.
    """
    now = container.clock()()
    wanted = (until or now) - timedelta(days=year.DAYS)
    _end_of_year(wanted, now)
    demo = await load(container, wanted)
    ends_at = _end_of_year(demo.since, now)
    clock = Clock(demo.since)
    run = Runner(container.storage(), container.queries(), clock)
    stage = Stage(run, clock, container.secrets(), sandbox_of(container.gateway()))
    try:
        await stage.play((*opening.acts(stage), *playing.acts(stage), *year.acts(stage)))
        clock.now = ends_at
        return await _books(run, demo, ends_at, container.settings().limited_network_cents)
    finally:
        await run.close()


def _end_of_year(began_at: datetime, now: datetime) -> datetime:
    """When the year that began then ends. Raises YearNotOver."""
    ends_at = began_at + timedelta(days=year.DAYS)
    if ends_at > now:
        raise YearNotOver(began_at=began_at, ends_at=ends_at)
    return ends_at


async def _books(run: Runner, demo: Demo, ends_at: datetime, threshold_cents: int) -> Year:
    """The reports at the end of the year, over the whole of the community's time."""
    network = reports.GetLimitedNetwork(threshold_cents=threshold_cents)
    return Year(
        demo=demo,
        ends_at=ends_at,
        liability=await run.read(reports.liability, reports.GetLiability(), actor=OPERATOR),
        periods=await run.read(reports.periods, reports.GetPeriods(months=13), actor=OPERATOR),
        coverage=await run.read(coverage.coverage, coverage.GetCoverage(), actor=OPERATOR),
        limited_network=await run.read(reports.limited_network, network, actor=OPERATOR),
    )


async def _count(run: Runner) -> dict[str, int]:
    """How much of what the demo makes is there, up to a page of each."""
    pages: dict[str, Page[Any]] = {
        "members": await run.read(identity.members, identity.ListMembers(limit=100), actor=OPERATOR),
        "producers": await run.read(partners.producers, partners.ListProducers(limit=100), actor=OPERATOR),
        "projects": await run.read(projects.listing, projects.ListProjects(limit=100), actor=OPERATOR),
        "products": await run.read(catalog.products, catalog.ListProducts(limit=100), actor=OPERATOR),
    }
    return {kind: len(page.items) for kind, page in pages.items()}
