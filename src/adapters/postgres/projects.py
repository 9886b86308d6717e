"""Projects in PostgreSQL. The projects are reference tables; the home of their money is `project_id`."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
)

from ...application import projects as app
from ...application.projects import Funded, Sought
from ...domain import projects
from .database import Database
from .partners import producer
from .rows import LAST_ID, Statement, Stored, plain
from .schema import Int, Json, Time, Uuid, field, holds, one_of, table

project = table(
    "project",
    "reference",
    field("id", Uuid, primary_key=True),
    field("slug", Text),
    field("name", Text),
    field("type", Text),
    field("place", Json),
    field("address", Json),
    field("producer_id", Uuid, ForeignKey(producer.c.id)),
    field("target_cents", Int),
    field("created_at", Time),
    field("description", Text),
    field("long_description", Text),
    field("funding_policy", Text),
    field("ceiling_cents", Int),
    field("status", Text),
    field("launch_date", Date, nullable=True),
    field("maturity_date", Date, nullable=True),
    field("labels", Json),
    field("impact_metrics", Json),
    field("images", Json),
    field("seo_title", Text),
    field("seo_description", Text),
    field("featured", Boolean),
    field("version", Integer),
    one_of("type", projects.ProjectType),
    one_of("funding_policy", projects.FundingPolicy),
    one_of("status", projects.ProjectStatus),
    holds("target_cents", "target_cents > 0"),
    holds("ceiling_cents", "funding_policy <> 'ceiling' or ceiling_cents >= target_cents"),
    holds("maturity_date", "maturity_date >= launch_date"),
)
Index("project_producer_id_idx", project.c.producer_id, project.c.id)
project_slug = table(
    "project_slug",
    "reference",
    field("slug", Text, primary_key=True),
    field("project_id", Uuid, ForeignKey(project.c.id)),
)
funding = table(
    "funding",
    "project_id",
    field("project_id", Uuid, primary_key=True),
    field("taken_cents", Int),
    field("supporters", Int),
    field("sequence", Int),
    holds("taken_cents", "taken_cents >= 0"),
    holds("supporters", "supporters >= 0"),
)
funding_entry = table(
    "funding_entry",
    "project_id",
    field("project_id", Uuid, ForeignKey(funding.c.project_id), primary_key=True),
    field("id", Uuid, primary_key=True),
    field("investment_id", Uuid),
    field("user_id", Uuid),
    field("amount_cents", Int),
    field("expires_at", Time),
    field("recorded_at", Time),
    field("state", Text),
    one_of("state", projects.EntryState),
    holds("amount_cents", "amount_cents > 0"),
)
Index(
    "funding_entry_held_idx",
    funding_entry.c.project_id,
    postgresql_where=plain(funding_entry.c.state == "held"),
)

PROJECTS = Stored(app.PROJECTS, project)
FUNDINGS = Stored(app.FUNDINGS, funding)
STORED = (
    PROJECTS,
    Stored(app.PROJECT_SLUGS, project_slug),
    FUNDINGS,
    Stored(app.FUNDING_ENTRIES, funding_entry),
)

_LABEL, _TYPE = bindparam("label", type_=Text), bindparam("type", type_=Text)
_PRODUCER = bindparam("producer_id", type_=Uuid)
_FEATURED = bindparam("featured", type_=Boolean)
_reached = and_(plain(project.c.status == "active"), funding.c.taken_cents >= project.c.target_cents)
_shown = case((_reached, literal_column("'funded'")), else_=project.c.status)
_funded = select(*PROJECTS.columns, *FUNDINGS.columns).join(funding, funding.c.project_id == project.c.id)
_PROJECT = Statement(_funded.where(project.c.id == bindparam("project_id", type_=Uuid)))
_OF_SLUG = Statement(
    _funded.join(project_slug, project_slug.c.project_id == project.c.id).where(
        project_slug.c.slug == bindparam("slug", type_=Text)
    )
)
_PROJECTS = Statement(
    _funded.where(
        project.c.id < bindparam("before", type_=Uuid),
        _shown == any_(bindparam("statuses", type_=ARRAY(Text))),
        or_(_TYPE.is_(None), project.c.type == _TYPE),
        or_(_LABEL.is_(None), project.c.labels.has_key(_LABEL)),
        or_(_PRODUCER.is_(None), project.c.producer_id == _PRODUCER),
        or_(_FEATURED.is_(None), project.c.featured == _FEATURED),
    )
    .order_by(project.c.id.desc())
    .limit(bindparam("limit", type_=Int))
)
_BY: dict[app.Popularity, tuple[Any, Any]] = {
    "supporters": (funding.c.supporters, funding.c.taken_cents),
    "raised": (funding.c.taken_cents, funding.c.supporters),
}
_POPULAR = {
    by: Statement(
        _funded.where(plain(project.c.status.in_(app.PUBLIC)), funding.c.taken_cents > 0)
        .order_by(first.desc(), second.desc(), project.c.id)
        .limit(bindparam("limit", type_=Int))
    )
    for by, (first, second) in _BY.items()
}
_PROJECT_WIDTH = len(PROJECTS.fields)


class ProjectsQueries:
    """The read side of projects on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def project(self, project_id: UUID) -> Funded | None:
        row = await self._database.one(_PROJECT, project_id=project_id)
        return _record(row) if row else None

    async def project_of_slug(self, slug: str) -> Funded | None:
        row = await self._database.one(_OF_SLUG, slug=slug)
        return _record(row) if row else None

    async def projects(self, sought: Sought, limit: int, before: UUID | None) -> list[Funded]:
        rows = await self._database.all(
            _PROJECTS,
            limit=limit,
            before=before or LAST_ID,
            statuses=list(sought.statuses),
            type=sought.type,
            label=sought.label,
            producer_id=sought.producer_id,
            featured=sought.featured,
        )
        return [_record(row) for row in rows]

    async def popular(self, by: app.Popularity, limit: int) -> list[Funded]:
        return [_record(row) for row in await self._database.all(_POPULAR[by], limit=limit)]


def _record(row: Any) -> Funded:
    return Funded(PROJECTS.record(row[:_PROJECT_WIDTH]), FUNDINGS.record(row[_PROJECT_WIDTH:]))
