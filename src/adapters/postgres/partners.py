"""Producers in PostgreSQL. Reference tables: read everywhere, written by administrators now and then."""

from uuid import UUID

from sqlalchemy import ARRAY, Date, ForeignKey, Integer, Text, any_, bindparam, or_, select

from ...application import partners as app
from ...domain import partners
from ...domain.partners import Producer, ProducerStatus, ProducerType
from .database import Database
from .rows import LAST_ID, Statement, Stored
from .schema import Int, Json, Time, Uuid, field, holds, one_of, table

producer = table(
    "producer",
    "reference",
    field("id", Uuid, primary_key=True),
    field("slug", Text),
    field("name", Text),
    field("type", Text),
    field("place", Json),
    field("address", Json),
    field("created_at", Time),
    field("description", Text),
    field("story", Text),
    field("contact", Json),
    field("certifications", Json),
    field("specialities", Json),
    field("capacity", Json),
    field("partnership_type", Text),
    field("partnership_start", Date, nullable=True),
    field("partnership_end", Date, nullable=True),
    field("commission_bp", Integer),
    field("payment_terms_days", Integer),
    field("status", Text),
    field("version", Integer),
    one_of("type", partners.ProducerType),
    one_of("partnership_type", partners.PartnershipType),
    one_of("status", partners.ProducerStatus),
    holds("commission_bp", "commission_bp between 0 and 10000"),
    holds("partnership_end", "partnership_end >= partnership_start"),
)
producer_slug = table(
    "producer_slug",
    "reference",
    field("slug", Text, primary_key=True),
    field("producer_id", Uuid, ForeignKey(producer.c.id)),
)

PRODUCERS = Stored(app.PRODUCERS, producer)
STORED = (PRODUCERS, Stored(app.PRODUCER_SLUGS, producer_slug))

_TYPE = bindparam("type", type_=Text)
_PRODUCER = Statement(select(*PRODUCERS.columns).where(producer.c.id == bindparam("producer_id", type_=Uuid)))
_OF_SLUG = Statement(
    select(*PRODUCERS.columns)
    .select_from(producer_slug.join(producer, producer.c.id == producer_slug.c.producer_id))
    .where(producer_slug.c.slug == bindparam("slug", type_=Text))
)
_PRODUCERS = Statement(
    select(*PRODUCERS.columns)
    .where(
        producer.c.id < bindparam("before", type_=Uuid),
        producer.c.status == any_(bindparam("statuses", type_=ARRAY(Text))),
        or_(_TYPE.is_(None), producer.c.type == _TYPE),
    )
    .order_by(producer.c.id.desc())
    .limit(bindparam("limit", type_=Int))
)


class PartnersQueries:
    """The read side of partners on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def producer(self, producer_id: UUID) -> Producer | None:
        row = await self._database.one(_PRODUCER, producer_id=producer_id)
        return PRODUCERS.record(row) if row else None

    async def producer_of_slug(self, slug: str) -> Producer | None:
        row = await self._database.one(_OF_SLUG, slug=slug)
        return PRODUCERS.record(row) if row else None

    async def producers(
        self, limit: int, before: UUID | None, statuses: tuple[ProducerStatus, ...], type: ProducerType | None
    ) -> list[Producer]:
        rows = await self._database.all(
            _PRODUCERS, limit=limit, before=before or LAST_ID, statuses=list(statuses), type=type
        )
        return [PRODUCERS.record(row) for row in rows]
