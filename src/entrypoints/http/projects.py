"""Projects over HTTP."""

from uuid import UUID

from ...application import projects
from ...application.pages import Limit, Page, Reference
from ...application.projects import Popularity, ProjectView
from ...domain import shared
from ...domain.projects import ProjectStatus, ProjectType
from .ask import Ask
from .routes import ADMINS, ANYONE, get, post, put


@get("/projects", allow=ANYONE, statuses=())
async def list_projects(
    ask: Ask,
    type: ProjectType | None = None,
    status: ProjectStatus | None = None,
    label: shared.Name | None = None,
    producer_id: UUID | None = None,
    featured: bool | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[ProjectView]:
    """List projects with the money that each has taken, newest first."""
    question = projects.ListProjects(
        type=type,
        status=status,
        label=label,
        producer_id=producer_id,
        featured=featured,
        limit=limit,
        cursor=cursor,
    )
    return await ask.read(projects.listing, question)


@get("/popular-projects", allow=ANYONE, statuses=())
async def list_popular_projects(
    ask: Ask, by: Popularity = "supporters", limit: Limit = 25
) -> Page[ProjectView]:
    """List the projects that most members support, or that raised most: the first of them."""
    return await ask.read(projects.popular, projects.ListPopular(by=by, limit=limit))


@get("/projects/{project_id:str}", allow=ANYONE)
async def show_project(project_id: Reference, ask: Ask) -> ProjectView:
    """Read a project with the money it has taken, by its id or by any slug that it has or had."""
    return await ask.read(projects.project, projects.GetProject(reference=project_id))


@post("/projects", allow=ADMINS)
async def draft_project(data: projects.DraftProject, ask: Ask) -> ProjectView:
    """Draft a project (administrators)."""
    return await ask(projects.draft, data)


@put("/projects/{project_id:uuid}", allow=ADMINS)
async def amend_project(project_id: UUID, data: projects.ProjectRevision, ask: Ask) -> ProjectView:
    """Replace what is said of a project (administrators). Its type and producer stay."""
    return await ask(projects.amend, shared.recast(projects.AmendProject, data, project_id=project_id))


@post("/projects/{project_id:uuid}/status", allow=ADMINS, status_code=200)
async def move_project(project_id: UUID, data: projects.ProjectStanding, ask: Ask) -> ProjectView:
    """Bring a project into another status: submit, publish, suspend or close it (administrators)."""
    return await ask(projects.move, shared.recast(projects.MoveProject, data, project_id=project_id))


HANDLERS = [list_projects, list_popular_projects, show_project, draft_project, amend_project, move_project]
