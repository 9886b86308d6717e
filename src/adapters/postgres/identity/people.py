"""What is kept of people beside their account, in PostgreSQL. Home: `user_id`."""

from uuid import UUID

from sqlalchemy import Boolean, Date, ForeignKeyConstraint, Index, Text, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on

from ....application.identity import people as app
from ....application.identity.people import ProfileOf
from ....domain.identity import LevelChange, checks
from ....domain.identity.checks import Check
from ....domain.identity.consent import Consent
from ....domain.shared import NOBODY
from ..database import Database
from ..rows import LAST_ID, Statement, Stored, plain
from ..schema import Int, Json, Time, Uuid, field, holds, one_of, table
from .tables import LEVEL_CHANGES, MEMBERS, level_change, member

profile = table(
    "profile",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("given_name", Text),
    field("family_name", Text),
    field("birth_date", Date, nullable=True),
    field("phone", Text, nullable=True),
    field("address", Json, nullable=True),
    field("bio", Text),
    field("avatar_url", Text, nullable=True),
    field("links", Json),
    field("notifications", Json),
    field("preferences", Json),
    field("version", Int),
    ForeignKeyConstraint(["user_id"], [member.c.user_id]),
    holds("version", "version > 1"),
)
kyc_check = table(
    "kyc_check",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("level", Int),
    field("status", Text),
    field("provider", Text),
    field("evidence", Text),
    field("asked_at", Time),
    field("expires_at", Time),
    field("decided_at", Time, nullable=True),
    field("decided_by", Uuid, nullable=True),
    field("reason", Text),
    field("revoked_at", Time, nullable=True),
    field("revoked_by", Uuid, nullable=True),
    field("revoked_reason", Text),
    ForeignKeyConstraint(["user_id"], [member.c.user_id]),
    one_of("status", checks.CheckStatus),
    holds("level", "level in (1, 2)"),
    holds(
        "decided",
        "(decided_at is null) = (status = 'pending') and (decided_at is null) = (decided_by is null)",
    ),
    holds(
        "revoked",
        "(revoked_at is null) = (status <> 'revoked') and (revoked_at is null) = (revoked_by is null)",
    ),
    holds("decided_by", "decided_by <> user_id and revoked_by is distinct from user_id"),
)
_is_pending = plain(kyc_check.c.status == "pending")
Index("kyc_check_pending_idx", kyc_check.c.id, postgresql_where=_is_pending)
consent = table(
    "consent",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("purpose", Text),
    field("given", Boolean),
    field("text_version", Text),
    field("at", Time),
    ForeignKeyConstraint(["user_id"], [member.c.user_id]),
)
Index("consent_purpose_idx", consent.c.user_id, consent.c.purpose, consent.c.id)

PROFILES = Stored(app.PROFILES, profile)
CHECKS = Stored(app.CHECKS, kyc_check)
CONSENTS = Stored(app.CONSENTS, consent)
STORED = (PROFILES, CHECKS, CONSENTS)

_USER = bindparam("user_id", type_=Uuid)
_BEFORE = bindparam("before", type_=Uuid)
_LIMIT = bindparam("limit", type_=Int)
_WIDTH = len(MEMBERS.fields)
_PROFILE = Statement(
    select(*MEMBERS.columns, *PROFILES.columns)
    .select_from(member.outerjoin(profile, profile.c.user_id == member.c.user_id))
    .where(member.c.user_id == _USER)
)
_LEVEL_CHANGES = Statement(
    select(*LEVEL_CHANGES.columns)
    .where(level_change.c.user_id == _USER, level_change.c.id < _BEFORE)
    .order_by(level_change.c.id.desc())
    .limit(_LIMIT)
)
_CHECKS = Statement(select(*CHECKS.columns).where(kyc_check.c.user_id == _USER).order_by(kyc_check.c.id))
_PENDING = Statement(
    select(*CHECKS.columns)
    .where(_is_pending, kyc_check.c.id > bindparam("after", type_=Uuid))
    .order_by(kyc_check.c.id)
    .limit(_LIMIT)
)
_CONSENTS = Statement(
    select(*CONSENTS.columns)
    .where(consent.c.user_id == _USER, consent.c.id < _BEFORE)
    .order_by(consent.c.id.desc())
    .limit(_LIMIT)
)
_LAST_CONSENTS = Statement(
    select(*CONSENTS.columns)
    .ext(distinct_on(consent.c.purpose))
    .where(consent.c.user_id == _USER)
    .order_by(consent.c.purpose, consent.c.id.desc())
)


class PeopleQueries:
    """The read side of what is kept of people, on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def profile(self, user_id: UUID) -> ProfileOf | None:
        row = await self._database.one(_PROFILE, user_id=user_id)
        if row is None:
            return None
        written = PROFILES.record(row[_WIDTH:]) if row[_WIDTH] is not None else None
        return ProfileOf(MEMBERS.record(row[:_WIDTH]), written)

    async def level_changes(self, user_id: UUID, limit: int, before: UUID | None) -> list[LevelChange]:
        rows = await self._database.all(
            _LEVEL_CHANGES, user_id=user_id, limit=limit, before=before or LAST_ID
        )
        return [LEVEL_CHANGES.record(row) for row in rows]

    async def checks(self, user_id: UUID) -> list[Check]:
        return [CHECKS.record(row) for row in await self._database.all(_CHECKS, user_id=user_id)]

    async def pending_checks(self, limit: int, after: UUID | None) -> list[Check]:
        rows = await self._database.all(_PENDING, limit=limit, after=after or NOBODY)
        return [CHECKS.record(row) for row in rows]

    async def consents(self, user_id: UUID, limit: int, before: UUID | None) -> list[Consent]:
        rows = await self._database.all(_CONSENTS, user_id=user_id, limit=limit, before=before or LAST_ID)
        return [CONSENTS.record(row) for row in rows]

    async def last_consents(self, user_id: UUID) -> list[Consent]:
        return [CONSENTS.record(row) for row in await self._database.all(_LAST_CONSENTS, user_id=user_id)]
