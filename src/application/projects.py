"""Projects that members pay for, with the money that each has taken (M10, M12)."""

from datetime import date, datetime
from typing import Any, Literal, Protocol, get_args
from uuid import UUID

from ..domain import projects, shared
from ..domain.projects import (
    Book,
    Funding,
    FundingEntry,
    FundingPolicy,
    ImpactMetrics,
    InvestmentType,
    Project,
    ProjectStatus,
    ProjectType,
)
from .pages import Limit, Page, Reference, id_of, page_of, uuid_of
from .partners import PRODUCERS
from .work import ADMINS, ANYONE, Kind, Read, Wanted, Work, query, use_case


class ProjectSlug(shared.Record):
    """Whose a slug is. It stays theirs when they take another, so that old links hold."""

    slug: str
    project_id: UUID


PROJECTS = Kind(Project, "project", ("id",), root=True)
PROJECT_SLUGS = Kind(ProjectSlug, "project_slug", ("slug",), root=True, changes=())
FUNDINGS = Kind(Funding, "funding", ("project_id",), root=True, unaudited="the sum of its entries")
FUNDING_ENTRIES = Kind(
    FundingEntry,
    "funding_entry",
    ("project_id", "id"),
    {"project": ("project_id",)},
    live=lambda entry: entry.state == "held",
    changes=("state", "recorded_at"),
)
KINDS: tuple[Kind[Any], ...] = (PROJECTS, PROJECT_SLUGS, FUNDINGS, FUNDING_ENTRIES)

Popularity = Literal["supporters", "raised"]
PUBLIC: tuple[ProjectStatus, ...] = ("active", "funded", "closed")
"""The statuses in which everybody sees a project."""


class ProjectSlugTaken(shared.StateForbids):
    message = "Another project has the slug {slug}."
    slug: str


# --- commands, views, queries -------------------------------------------------------------------


class ProjectFacts(shared.Command, kw_only=True):
    """What may be said of a project, amounts in euro cents."""

    slug: shared.Slug
    name: shared.Name
    place: shared.Place
    address: shared.Address
    target_cents: shared.Amount
    description: shared.Text = ""
    long_description: shared.Text = ""
    funding_policy: FundingPolicy = "refuse"
    ceiling_cents: shared.Price = 0
    launch_date: date | None = None
    maturity_date: date | None = None
    labels: shared.Names = ()
    impact_metrics: ImpactMetrics = ImpactMetrics()
    images: shared.Urls = ()
    seo_title: shared.Note = ""
    seo_description: shared.Note = ""
    featured: bool = False


class DraftProject(ProjectFacts, kw_only=True):
    """A new project. It takes nothing beyond its target, or its ceiling under the policy `ceiling`."""

    type: ProjectType
    producer_id: UUID


class ProjectRevision(ProjectFacts, kw_only=True):
    """What a project is to be from now on, whole, and the version that was read."""

    version: shared.Version


class AmendProject(ProjectRevision, kw_only=True):
    """Change what is said of a project. Its earlier slugs go on leading to it."""

    project_id: UUID


class ProjectStanding(shared.Command, kw_only=True):
    """The status a project is to have, and the version that was read."""

    status: ProjectStatus
    version: shared.Version


class MoveProject(ProjectStanding, kw_only=True):
    """Bring a project into another status."""

    project_id: UUID


class FundingView(shared.Record):
    """The money of a project: `progress_bp` is what is taken of the target, in hundredths of a percent.

    `limit` is what it takes at most; `supporters` are the members who have a share.
    """

    target: shared.Money
    limit: shared.Money
    taken: shared.Money
    progress_bp: int
    supporters: int


class ProjectView(shared.Record):
    """A project. An active one that has taken its target is shown as funded."""

    id: UUID
    slug: str
    name: str
    type: ProjectType
    investment_type: InvestmentType
    producer_id: UUID
    place: shared.Place
    address: shared.Address
    description: str
    long_description: str
    funding_policy: FundingPolicy
    status: ProjectStatus
    launch_date: date | None
    maturity_date: date | None
    labels: tuple[str, ...]
    impact_metrics: ImpactMetrics
    images: tuple[str, ...]
    seo_title: str
    seo_description: str
    featured: bool
    created_at: datetime
    version: int
    funding: FundingView


class GetProject(shared.Query, kw_only=True):
    reference: Reference


class ListProjects(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None
    type: ProjectType | None = None
    status: ProjectStatus | None = None
    label: shared.Name | None = None
    producer_id: UUID | None = None
    featured: bool | None = None


class ListPopular(shared.Query, kw_only=True):
    """Projects by how many members support them, or by the euros that they raised."""

    by: Popularity = "supporters"
    limit: Limit = 25


class Funded(shared.Record):
    """A project with its money."""

    project: Project
    funding: Funding


class Sought(shared.Record):
    """Which projects are looked for: shown in one of the statuses, and what else is not None."""

    statuses: tuple[ProjectStatus, ...]
    type: ProjectType | None = None
    label: str | None = None
    producer_id: UUID | None = None
    featured: bool | None = None


class ProjectsQueries(Protocol):
    """The read side of projects."""

    async def project(self, project_id: UUID) -> Funded | None: ...

    async def project_of_slug(self, slug: str) -> Funded | None:
        """The project that has or had this slug."""
        ...

    async def projects(self, sought: Sought, limit: int, before: UUID | None) -> list[Funded]:
        """Projects, newest first."""
        ...

    async def popular(self, by: Popularity, limit: int) -> list[Funded]:
        """Projects that everybody sees and somebody supports, the most popular first; of equals the one
        that leads in the other way, then the oldest."""
        ...


class HasProjects(Protocol):
    @property
    def projects(self) -> ProjectsQueries: ...


# --- for use cases above ------------------------------------------------------------------------


def funding_keys(project_id: UUID) -> tuple[Wanted, ...]:
    """What to lock in order to move the money of a project; the project itself is only loaded."""
    return (FUNDINGS.key(project_id), FUNDING_ENTRIES.group("project", project_id))


def book_of(work: Work, project_id: UUID) -> Book:
    """What a decision about a project's money looks at. Raises NotFound.

    For use cases whose `loads` give `PROJECTS.key(project_id)` and whose locks cover `funding_keys`.
    """
    return Book(
        work.get(PROJECTS.key(project_id)),
        work.get(FUNDINGS.key(project_id)),
        tuple(work.list(FUNDING_ENTRIES.group("project", project_id))),
    )


# --- use cases ----------------------------------------------------------------------------------


@use_case(
    allow=ADMINS,
    loads=(lambda command, work: (PRODUCERS.key(command.producer_id),),),
    locks=lambda command, work: (PROJECT_SLUGS.key(command.slug),),
)
async def draft(command: DraftProject, work: Work) -> ProjectView:
    """Draft a project of an active producer.

    Raises ProjectSlugTaken, ProducerNotActive, ProjectDatesReversed, CeilingBelowTarget.
    """
    wished = shared.recast(Project, command, id=work.new_id(), created_at=work.now)
    drafted = projects.draft(wished, work.get(PRODUCERS.key(command.producer_id)))
    _name(work, drafted.project)
    work.save(drafted.project, drafted.funding)
    work.record(*drafted.events)
    return _view(Funded(drafted.project, drafted.funding))


def _funding(command: AmendProject | MoveProject, work: Work) -> tuple[Wanted, ...]:
    return (PROJECTS.key(command.project_id), FUNDINGS.key(command.project_id))


def _amend_locks(command: AmendProject, work: Work) -> tuple[Wanted, ...]:
    return (PROJECTS.key(command.project_id), PROJECT_SLUGS.key(command.slug))


@use_case(allow=ADMINS, loads=(_funding,), locks=_amend_locks)
async def amend(command: AmendProject, work: Work) -> ProjectView:
    """Change what is said of a project; its type and producer stay.

    Raises StaleVersion, ProjectSlugTaken, ProjectDatesReversed, CeilingBelowTarget.
    """
    current = work.get(PROJECTS.key(command.project_id))
    fixed = {name: getattr(current, name) for name in projects.FIXED}
    wished = shared.recast(Project, command, **fixed)
    change = projects.amend(current, wished, command.version)
    _name(work, change.project)
    return _keep(work, change)


def _producer(command: MoveProject, work: Work) -> tuple[Wanted, ...]:
    return (PRODUCERS.key(work.get(PROJECTS.key(command.project_id)).producer_id),)


@use_case(
    allow=ADMINS,
    loads=(_funding, _producer),
    locks=lambda command, work: (PROJECTS.key(command.project_id),),
)
async def move(command: MoveProject, work: Work) -> ProjectView:
    """Bring a project into another status: submit, publish, suspend, close it.

    Raises StaleVersion, ProjectTransitionForbidden, ProducerNotActive.
    """
    current = work.get(PROJECTS.key(command.project_id))
    producer = work.get(PRODUCERS.key(current.producer_id))
    return _keep(work, projects.move(current, command.status, command.version, producer))


def _name(work: Work, project: Project) -> None:
    """Take the project's slug for it. Raises ProjectSlugTaken."""
    owner = work.find(PROJECT_SLUGS.key(project.slug)) or ProjectSlug(project.slug, project.id)
    if owner.project_id != project.id:
        raise ProjectSlugTaken(slug=project.slug)
    work.save(owner)


def _keep(work: Work, change: projects.Change) -> ProjectView:
    work.save(change.project)
    work.record(*change.events)
    return _view(Funded(change.project, work.get(FUNDINGS.key(change.project.id))))


@query(allow=ANYONE)
async def project(question: GetProject, read: Read[HasProjects]) -> ProjectView:
    """A project by its id or slug: one that is open to everybody; any for an admin and its own partners."""
    ports, id = read.ports.projects, id_of(question.reference)
    found = await (ports.project_of_slug(question.reference) if id is None else ports.project(id))
    if found is None:
        raise shared.NotFound(kind="project", id=question.reference)
    if found.project.status not in PUBLIC:
        read.actor.must_act_for(found.project.producer_id, "project", question.reference)
    return _view(found)


@query(allow=ANYONE)
async def listing(question: ListProjects, read: Read[HasProjects]) -> Page[ProjectView]:
    """Projects, newest first: those open to everybody; an admin, and a partner of their own, see all."""
    mine = question.producer_id is not None and question.producer_id == read.actor.producer_id
    seen: tuple[ProjectStatus, ...] = get_args(ProjectStatus) if read.actor.is_admin or mine else PUBLIC
    statuses = tuple(status for status in seen if question.status in (None, status))
    sought = shared.recast(Sought, question, statuses=statuses)
    found = await read.ports.projects.projects(sought, question.limit + 1, uuid_of(question.cursor))
    return page_of([_view(one) for one in found], question.limit, lambda one: one.id)


@query(allow=ANYONE)
async def popular(question: ListPopular, read: Read[HasProjects]) -> Page[ProjectView]:
    """The most popular projects, first those that most support: no further pages, as the order changes."""
    found = await read.ports.projects.popular(question.by, question.limit)
    return Page(tuple(_view(one) for one in found))


def _view(found: Funded) -> ProjectView:
    project, funding = found.project, found.funding
    return shared.recast(
        ProjectView,
        project,
        status=projects.shown_status(project, funding),
        investment_type=projects.INVESTMENT_TYPES[project.type],
        funding=FundingView(
            target=shared.Money(project.target_cents),
            limit=shared.Money(projects.limit(project)),
            taken=shared.Money(funding.taken_cents),
            progress_bp=projects.progress_bp(project, funding),
            supporters=funding.supporters,
        ),
    )
