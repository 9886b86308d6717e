"""The demo community: real places, seven projects, a shop of fifty products, and twenty months of history.

Everything is made through the use cases, on a clock that is set by hand, so that it is as it would be
had it happened. Each command has an idempotency key: loading again changes nothing, and what was
interrupted is completed.
"""

from datetime import datetime
from typing import Any, Literal

from ...application import catalog, identity, partners, projects
from ...application.pages import Page
from ...application.payments import sandbox_of
from ...application.runner import IdempotencyKeyReused, Runner
from ...application.work import ADMINS, RUNS, Key, Run, Work, use_case
from ...domain import shared
from ..container import Container
from ..program import OPERATOR, opened
from ..settings import Settings
from . import opening, playing
from .people import ACCOUNTS, Account
from .stage import AccountTaken, Clock, Stage

__all__ = ["ACCOUNTS", "Account", "AccountTaken", "Demo", "DemoNotHere", "DemoOutdated", "load", "load_demo"]

BEGUN, COMPLETE = "demo-begun", "demo-complete"


class DemoNotHere(shared.RuleForbids):
    message = "The demo community pays in the sandbox: it is not loaded where BAOBAB_SANDBOX is off."


class DemoOutdated(shared.StateForbids):
    message = "Another version of the demo community was loaded here in part: use an empty database."


class Demo(shared.Record):
    """What became of loading the demo, and what is there now.

    `made` counts what belongs to it. `found` counts what was there before it was first loaded, up to a
    hundred of a kind; it is empty where that was another time.
    """

    outcome: Literal["loaded", "completed", "there already"]
    since: datetime
    made: dict[str, int]
    found: dict[str, int]


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


async def load(container: Container) -> Demo:
    """Load the demo community, complete it, or find that it is there.

    Raises DemoNotHere, DemoOutdated, AccountTaken, and where a slug or SKU of it is another's, that.
    """
    if not container.settings().sandbox:
        raise DemoNotHere
    clock = Clock(container.clock()())
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


async def _count(run: Runner) -> dict[str, int]:
    """How much of what the demo makes is there, up to a page of each."""
    pages: dict[str, Page[Any]] = {
        "members": await run.read(identity.members, identity.ListMembers(limit=100), actor=OPERATOR),
        "producers": await run.read(partners.producers, partners.ListProducers(limit=100), actor=OPERATOR),
        "projects": await run.read(projects.listing, projects.ListProjects(limit=100), actor=OPERATOR),
        "products": await run.read(catalog.products, catalog.ListProducts(limit=100), actor=OPERATOR),
    }
    return {kind: len(page.items) for kind, page in pages.items()}
