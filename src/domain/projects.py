"""Projects that members pay for, and the money that each has taken.

A project is reference data and never hot; its money lives in one `Funding` row, the lock, and one
`FundingEntry` a share. A hold stops counting at the instant it runs out, whether or not anybody
wrote that down. Source: M10, M12; the home of funding is `project_id` (scale-out.md).

    RuleForbids
    ├── ProjectDatesReversed         it would mature before it is launched
    ├── CeilingBelowTarget           a ceiling must leave room for the target
    ├── InvestmentTypeMismatch       a hive is not bought in a vineyard
    └── FundingExceeded              there is less room than was asked for
    StateForbids
    ├── ProjectTransitionForbidden   this status does not lead to that one
    ├── ProjectNotOpen               only an active project takes money
    └── ShareTransitionForbidden     a taken share is not taken again, nor one returned that was not
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from . import partners, shared

ProjectType = Literal["beehive", "olive_tree", "vineyard"]
InvestmentType = Literal["ruche", "olivier", "parcelle_familiale"]
ProjectStatus = Literal["draft", "review", "active", "funded", "closed", "suspended"]
FundingPolicy = Literal["refuse", "ceiling"]
EntryState = Literal["held", "taken", "released", "returned"]

INVESTMENT_TYPES: Mapping[ProjectType, InvestmentType] = {
    "beehive": "ruche",
    "olive_tree": "olivier",
    "vineyard": "parcelle_familiale",
}
"""The one code list that joins what a project is with what a member buys in it (M10)."""

TRANSITIONS: Mapping[ProjectStatus, tuple[ProjectStatus, ...]] = {
    "draft": ("review", "closed"),
    "review": ("draft", "active", "closed"),
    "active": ("funded", "suspended", "closed"),
    "funded": ("active", "suspended", "closed"),
    "suspended": ("active", "closed"),
    "closed": (),
}
"""From which status an administrator may move a project to which."""

FIXED = ("id", "type", "producer_id", "status", "created_at")
"""What no amendment of a project changes."""


class ProjectDatesReversed(shared.RuleForbids):
    message = "A project cannot mature on {maturity}, before its launch on {launch}."
    launch: date
    maturity: date


class CeilingBelowTarget(shared.RuleForbids):
    message = "The ceiling of {ceiling} cents is below the target of {target} cents."
    ceiling: int
    target: int


class InvestmentTypeMismatch(shared.RuleForbids):
    message = "A project of type {project_type} is supported with {expected}, not with {given}."
    project_type: str
    expected: str
    given: str


class FundingExceeded(shared.RuleForbids):
    message = "{needed} cents were asked for, but the project has room for {room}."
    needed: int
    room: int


class ProjectTransitionForbidden(shared.StateForbids):
    message = "A project that is {before} cannot become {after}."
    before: str
    after: str


class ProjectNotOpen(shared.StateForbids):
    message = "The project is {status}: it takes no money."
    status: str


class ShareTransitionForbidden(shared.StateForbids):
    message = "A share that is {before} cannot become {after}."
    before: str
    after: str


class ImpactMetrics(shared.Record, forbid_unknown_fields=True):
    """What a project does for the living: kilograms of CO2 a year, species, square metres."""

    co2_kg_per_year: shared.Count = 0
    species_protected: shared.Count = 0
    area_m2: shared.Count = 0


class Project(shared.Record):
    """A project. Amounts are in euro cents; `ceiling_cents` counts under the policy `ceiling` only."""

    id: UUID
    slug: shared.Slug
    name: shared.Name
    type: ProjectType
    place: shared.Place
    address: shared.Address
    producer_id: UUID
    target_cents: shared.Amount
    created_at: datetime
    description: shared.Text = ""
    long_description: shared.Text = ""
    funding_policy: FundingPolicy = "refuse"
    ceiling_cents: shared.Price = 0
    status: ProjectStatus = "draft"
    launch_date: date | None = None
    maturity_date: date | None = None
    labels: tuple[str, ...] = ()
    impact_metrics: ImpactMetrics = ImpactMetrics()
    images: tuple[str, ...] = ()
    seo_title: shared.Note = ""
    seo_description: shared.Note = ""
    featured: bool = False
    version: int = 1


class Funding(shared.Record):
    """The money of one project: whoever changes its entries locks this row first.

    `taken_cents` is the sum of the taken entries, `supporters` the number of members who have one,
    `sequence` counts every change.
    """

    project_id: UUID
    taken_cents: int = 0
    supporters: int = 0
    sequence: int = 0


class FundingEntry(shared.Record):
    """One share of a project. `recorded_at` is when it came into its state."""

    project_id: UUID
    id: UUID
    investment_id: UUID
    user_id: UUID
    amount_cents: int
    expires_at: datetime
    recorded_at: datetime
    state: EntryState = "held"


class Book(shared.Record):
    """What a decision about a project's money looks at.

    `held` are all its held entries; any in another state among them do not count.
    """

    project: Project
    funding: Funding
    held: tuple[FundingEntry, ...] = ()


class Drafted(shared.Event, tag="projects.drafted"):
    project_id: UUID
    producer_id: UUID


class Amended(shared.Event, tag="projects.amended"):
    project_id: UUID
    version: int


class Published(shared.Event, tag="projects.published"):
    project_id: UUID
    producer_id: UUID


class StatusChanged(shared.Event, tag="projects.status_changed"):
    project_id: UUID
    before: ProjectStatus
    after: ProjectStatus


class ShareEvent(shared.Event):
    """What every event of a share tells; `taken_cents` is the project's money after it."""

    user_id: UUID
    project_id: UUID
    investment_id: UUID
    amount_cents: int
    taken_cents: int


class ShareTaken(ShareEvent, tag="projects.share_taken"): ...


class ShareReturned(ShareEvent, tag="projects.share_returned"): ...


class TargetReached(shared.Event, tag="projects.target_reached"):
    project_id: UUID
    target_cents: int
    taken_cents: int


class Draft(shared.Record):
    """A new project with the row that will hold its money."""

    project: Project
    funding: Funding
    events: tuple[shared.Event, ...]


class Change(shared.Record):
    """A project as it is now, and what happened to it."""

    project: Project
    events: tuple[shared.Event, ...]


class Share(shared.Record):
    """A share as it is now, its project's funding, and what happened.

    `refusal` is the code of the error for which a paid share was not taken, empty otherwise.
    """

    funding: Funding
    entry: FundingEntry
    events: tuple[shared.Event, ...] = ()
    refusal: str = ""


def draft(wished: Project, producer: partners.Producer) -> Draft:
    """A new project of an active producer, as a draft.

    Raises ProducerNotActive, ProjectDatesReversed, CeilingBelowTarget, InvalidAmount.
    """
    partners.check_active(producer)
    check_terms(wished)
    project = shared.evolve(wished, producer_id=producer.id, status="draft", version=1)
    return Draft(project, Funding(project.id), (Drafted(project.id, producer.id),))


def amend(current: Project, wished: Project, version: int) -> Change:
    """`current` with the wished facts, but for what is FIXED.

    `version` is the one that was read. Raises StaleVersion, and for the terms what `draft` raises.
    """
    shared.check_version("project", version, current.version)
    check_terms(wished)
    kept = {name: getattr(current, name) for name in FIXED}
    amended = shared.evolve(wished, **kept, version=current.version + 1)
    return Change(amended, (Amended(current.id, amended.version),))


def move(project: Project, to: ProjectStatus, version: int, producer: partners.Producer) -> Change:
    """The project in another status, on an administrator's word; `producer` is its own.

    Raises StaleVersion, ProjectTransitionForbidden, and ProducerNotActive where it would open.
    """
    shared.check_version("project", version, project.version)
    if to not in TRANSITIONS[project.status]:
        raise ProjectTransitionForbidden(before=project.status, after=to)
    if to == "active":
        partners.check_active(producer)
    moved = shared.evolve(project, status=to, version=project.version + 1)
    if (project.status, to) == ("review", "active"):
        return Change(moved, (Published(project.id, project.producer_id),))
    return Change(moved, (StatusChanged(project.id, project.status, to),))


def check_terms(project: Project) -> None:
    """Raise ProjectDatesReversed, CeilingBelowTarget or InvalidAmount where the terms make no sense."""
    target = shared.check_amount(project.target_cents)
    ceiling = shared.check_amount(project.ceiling_cents, least=0)
    if project.funding_policy == "ceiling" and ceiling < target:
        raise CeilingBelowTarget(ceiling=ceiling, target=target)
    impact = project.impact_metrics
    for count in (impact.co2_kg_per_year, impact.species_protected, impact.area_m2):
        shared.check_amount(count, least=0)
    launch, maturity = project.launch_date, project.maturity_date
    if launch is not None and maturity is not None and maturity < launch:
        raise ProjectDatesReversed(launch=launch, maturity=maturity)


def check_investment_type(project: Project, given: InvestmentType) -> None:
    """Raise InvestmentTypeMismatch unless that is what a member buys in this type of project."""
    expected = INVESTMENT_TYPES[project.type]
    if given != expected:
        raise InvestmentTypeMismatch(project_type=project.type, expected=expected, given=given)


def limit(project: Project) -> int:
    """Cents beyond which the project takes nothing: its target, or its ceiling where it has one."""
    return max(project.target_cents, project.ceiling_cents if project.funding_policy == "ceiling" else 0)


def room(project: Project, funding: Funding, held: Iterable[FundingEntry], at: datetime) -> int:
    """Cents that may still be asked for: the limit less what is taken and what is held at that time."""
    promised = sum(entry.amount_cents for entry in held if entry.state == "held" and entry.expires_at > at)
    return max(0, limit(project) - funding.taken_cents - promised)


def progress_bp(project: Project, funding: Funding) -> int:
    """How much of the target is taken, in basis points rounded down; above 10,000 when overfunded."""
    return funding.taken_cents * 10_000 // project.target_cents


def shown_status(project: Project, funding: Funding) -> ProjectStatus:
    """The status to show: an active project that has taken its target is funded, without a write."""
    reached = project.status == "active" and funding.taken_cents >= project.target_cents
    return "funded" if reached else project.status


def only_an_active_project_takes_money(book: Book, amount_cents: int, at: datetime) -> ProjectNotOpen | None:
    return None if book.project.status == "active" else ProjectNotOpen(status=book.project.status)


def nothing_goes_beyond_the_limit(book: Book, amount_cents: int, at: datetime) -> FundingExceeded | None:
    free = room(book.project, book.funding, book.held, at)
    return None if amount_cents <= free else FundingExceeded(needed=amount_cents, room=free)


TAKING_MONEY: tuple[Callable[[Book, int, datetime], shared.DomainError | None], ...] = (
    only_an_active_project_takes_money,
    nothing_goes_beyond_the_limit,
)


def why_not(book: Book, amount_cents: int, at: datetime) -> tuple[shared.DomainError, ...]:
    """What forbids this project to take that amount now; empty when nothing does."""
    return tuple(shared.collect(TAKING_MONEY, book, amount_cents, at))


def hold_share(book: Book, wished: FundingEntry, at: datetime) -> Share:
    """Set a new share aside until it runs out. Raises ProjectNotOpen, FundingExceeded, InvalidAmount."""
    for objection in why_not(book, shared.check_amount(wished.amount_cents), at):
        raise objection
    return Share(_counted(book.funding), shared.evolve(wished, state="held", recorded_at=at))


def take_share(book: Book, entry: FundingEntry, others: int, at: datetime) -> Share:
    """A paid share: taken, or released with the `refusal` for which its money must go back.

    A share whose hold ran out, or was released, is taken where there is still room. `others` is how
    many further shares of the project the member has taken. Raises ShareTransitionForbidden.
    """
    if entry.state not in ("held", "released"):
        raise ShareTransitionForbidden(before=entry.state, after="taken")
    without_it = shared.evolve(book, held=tuple(one for one in book.held if one.id != entry.id))
    for objection in why_not(without_it, entry.amount_cents, at):
        return shared.evolve(release_share(book.funding, entry, at), refusal=objection.code)
    taken = shared.evolve(entry, state="taken", recorded_at=at)
    funding = _counted(book.funding, entry.amount_cents, int(others == 0))
    return Share(funding, taken, _taken_events(book, funding, taken))


def release_share(funding: Funding, entry: FundingEntry, at: datetime) -> Share:
    """Give up a hold; a share that is released already stays so. Raises ShareTransitionForbidden."""
    if entry.state == "released":
        return Share(funding, entry)
    if entry.state != "held":
        raise ShareTransitionForbidden(before=entry.state, after="released")
    return Share(_counted(funding), shared.evolve(entry, state="released", recorded_at=at))


def return_share(funding: Funding, entry: FundingEntry, others: int, at: datetime) -> Share:
    """Give a taken share back, and its room to others. Raises ShareTransitionForbidden."""
    if entry.state != "taken":
        raise ShareTransitionForbidden(before=entry.state, after="returned")
    counted = _counted(funding, -entry.amount_cents, -int(others == 0))
    returned = shared.evolve(entry, state="returned", recorded_at=at)
    return Share(counted, returned, (_say(ShareReturned, counted, returned),))


def _counted(funding: Funding, cents: int = 0, supporters: int = 0) -> Funding:
    taken, members = funding.taken_cents + cents, funding.supporters + supporters
    return shared.evolve(funding, taken_cents=taken, supporters=members, sequence=funding.sequence + 1)


def _taken_events(book: Book, funding: Funding, entry: FundingEntry) -> tuple[shared.Event, ...]:
    target, event = book.project.target_cents, _say(ShareTaken, funding, entry)
    if book.funding.taken_cents < target <= funding.taken_cents:
        return event, TargetReached(entry.project_id, target, funding.taken_cents)
    return (event,)


def _say(kind: type[ShareEvent], funding: Funding, entry: FundingEntry) -> ShareEvent:
    who, what = entry.user_id, entry.investment_id
    return kind(who, entry.project_id, what, entry.amount_cents, funding.taken_cents)
