"""Projects that members pay for, with the money that each has taken (M10, M12)."""

from typing import Any
from uuid import UUID

from ..domain import shared
from ..domain.projects import Book, Funding, FundingEntry, Project
from .work import Kind, Wanted, Work


class ProjectSlug(shared.Record):
    """Whose a slug is. It stays theirs when they take another, so that old links hold."""

    slug: str
    project_id: UUID


PROJECTS = Kind(Project, "project", ("id",), root=True)
PROJECT_SLUGS = Kind(ProjectSlug, "project_slug", ("slug",), root=True)
FUNDINGS = Kind(Funding, "funding", ("project_id",), root=True)
FUNDING_ENTRIES = Kind(
    FundingEntry,
    "funding_entry",
    ("project_id", "id"),
    {"project": ("project_id",)},
    live=lambda entry: entry.state == "held",
)
KINDS: tuple[Kind[Any], ...] = (PROJECTS, PROJECT_SLUGS, FUNDINGS, FUNDING_ENTRIES)


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
