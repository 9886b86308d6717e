"""The read side of projects in memory."""

from uuid import UUID

from ...application.projects import (
    FUNDINGS,
    PROJECT_SLUGS,
    PROJECTS,
    PUBLIC,
    Funded,
    Popularity,
    Sought,
)
from ...domain import projects
from ...domain.projects import Project
from .storage import MemoryStorage, newest


class ProjectsQueries:
    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def project(self, project_id: UUID) -> Funded | None:
        project = self._storage.find(PROJECTS.key(project_id))
        return self._funded(project) if project else None

    async def project_of_slug(self, slug: str) -> Funded | None:
        owner = self._storage.find(PROJECT_SLUGS.key(slug))
        return await self.project(owner.project_id) if owner else None

    async def projects(self, sought: Sought, limit: int, before: UUID | None) -> list[Funded]:
        found = [self._funded(one) for one in self._storage.all(PROJECTS)]
        fit = [one for one in found if _fits(one, sought)]
        return newest(fit, limit, before, lambda one: one.project.id)

    async def popular(self, by: Popularity, limit: int) -> list[Funded]:
        found = [self._funded(one) for one in self._storage.all(PROJECTS, lambda one: one.status in PUBLIC)]
        raised = [one for one in found if one.funding.taken_cents > 0]
        return sorted(raised, key=lambda one: _rank(one, by))[:limit]

    def _funded(self, project: Project) -> Funded:
        funding = self._storage.find(FUNDINGS.key(project.id))
        assert funding is not None, f"the money of the project {project.id} is there"
        return Funded(project, funding)


def _rank(one: Funded, by: Popularity) -> tuple[int, int, UUID]:
    members, cents = -one.funding.supporters, -one.funding.taken_cents
    return (members, cents, one.project.id) if by == "supporters" else (cents, members, one.project.id)


def _fits(found: Funded, sought: Sought) -> bool:
    project = found.project
    return (
        projects.shown_status(project, found.funding) in sought.statuses
        and sought.type in (None, project.type)
        and (sought.label is None or sought.label in project.labels)
        and sought.producer_id in (None, project.producer_id)
        and sought.featured in (None, project.featured)
    )
