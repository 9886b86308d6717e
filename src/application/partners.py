"""Producers: who they are and on which terms they work with us (M34, the first half of M36)."""

from datetime import date, datetime
from typing import Annotated, Any, Protocol, get_args
from uuid import UUID

import msgspec

from ..domain import partners, shared
from ..domain.partners import (
    Capacity,
    Change,
    Contact,
    PartnershipType,
    Producer,
    ProducerStatus,
    ProducerType,
)
from .pages import Limit, Page, Reference, id_of, page_of, uuid_of
from .work import ADMINS, ANYONE, Kind, Read, Wanted, Work, query, use_case


class ProducerSlug(shared.Record):
    """Whose a slug is. It stays theirs when they take another, so that old links hold."""

    slug: str
    producer_id: UUID


PRODUCERS = Kind(Producer, "producer", ("id",), root=True)
PRODUCER_SLUGS = Kind(ProducerSlug, "producer_slug", ("slug",), root=True, changes=())
KINDS: tuple[Kind[Any], ...] = (PRODUCERS, PRODUCER_SLUGS)

PaymentTerms = Annotated[int, msgspec.Meta(ge=0, le=partners.LONGEST_PAYMENT_TERMS, description="Days.")]


class ProducerSlugTaken(shared.StateForbids):
    message = "Another producer has the slug {slug}."
    slug: str


# --- commands, views, queries -------------------------------------------------------------------


class RegisterProducer(shared.Command, kw_only=True):
    """A new producer. `commission_bp` is our part of a sale, in hundredths of a percent."""

    slug: shared.Slug
    name: shared.Name
    type: ProducerType
    place: shared.Place
    address: shared.Address
    description: shared.Text = ""
    story: shared.Text = ""
    contact: Contact = Contact()
    certifications: shared.Names = ()
    specialities: shared.Names = ()
    capacity: Capacity = Capacity()
    partnership_type: PartnershipType = "standard"
    partnership_start: date | None = None
    partnership_end: date | None = None
    commission_bp: shared.BasisPoints = 1_500
    payment_terms_days: PaymentTerms = 30


class ProducerRevision(RegisterProducer, kw_only=True):
    """What a producer is to be from now on, whole, and the version that was read."""

    version: shared.Version


class AmendProducer(ProducerRevision, kw_only=True):
    """Change what is known of a producer. Its earlier slugs go on leading to it."""

    producer_id: UUID


class ProducerStanding(shared.Command, kw_only=True):
    """The status a producer is to have, and the version that was read."""

    status: ProducerStatus
    version: shared.Version


class MoveProducer(ProducerStanding, kw_only=True):
    """Bring a producer into another status."""

    producer_id: UUID


class Terms(shared.Record):
    """On which terms a producer works with us."""

    partnership_type: PartnershipType
    partnership_start: date | None
    partnership_end: date | None
    commission_bp: int
    payment_terms_days: int


class ProducerView(shared.Record):
    """A producer. Administrators and its own partners see its terms, e-mail and phone as well."""

    id: UUID
    slug: str
    name: str
    type: ProducerType
    place: shared.Place
    address: shared.Address
    description: str
    story: str
    contact: Contact
    certifications: tuple[str, ...]
    specialities: tuple[str, ...]
    capacity: Capacity
    status: ProducerStatus
    created_at: datetime
    version: int
    terms: Terms | None = None


class GetProducer(shared.Query, kw_only=True):
    reference: Reference


class ListProducers(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None
    type: ProducerType | None = None
    status: ProducerStatus | None = None


class PartnersQueries(Protocol):
    """The read side of partners."""

    async def producer(self, producer_id: UUID) -> Producer | None: ...

    async def producer_of_slug(self, slug: str) -> Producer | None:
        """The producer that has or had this slug."""
        ...

    async def producers(
        self, limit: int, before: UUID | None, statuses: tuple[ProducerStatus, ...], type: ProducerType | None
    ) -> list[Producer]:
        """Producers in one of the statuses, newest first."""
        ...


class HasPartners(Protocol):
    @property
    def partners(self) -> PartnersQueries: ...


# --- use cases ----------------------------------------------------------------------------------


@use_case(allow=ADMINS, locks=lambda command, work: (PRODUCER_SLUGS.key(command.slug),))
async def register(command: RegisterProducer, work: Work) -> ProducerView:
    """Register a producer, active from now on. Raises ProducerSlugTaken, PartnershipDatesReversed."""
    wished = shared.recast(Producer, command, id=work.new_id(), created_at=work.now)
    return _keep(work, partners.register(wished))


def _amend_locks(command: AmendProducer, work: Work) -> tuple[Wanted, ...]:
    return (PRODUCERS.key(command.producer_id), PRODUCER_SLUGS.key(command.slug))


@use_case(allow=ADMINS, locks=_amend_locks)
async def amend(command: AmendProducer, work: Work) -> ProducerView:
    """Change what is known of a producer. Raises StaleVersion, and what `register` raises."""
    current = work.get(PRODUCERS.key(command.producer_id))
    wished = shared.recast(Producer, command, id=current.id, created_at=current.created_at)
    return _keep(work, partners.amend(current, wished, command.version))


@use_case(allow=ADMINS, locks=lambda command, work: (PRODUCERS.key(command.producer_id),))
async def move(command: MoveProducer, work: Work) -> ProducerView:
    """Bring a producer into another status. Raises StaleVersion."""
    current = work.get(PRODUCERS.key(command.producer_id))
    change = partners.move(current, command.status, command.version)
    work.save(change.producer)
    work.record(*change.events)
    return _view(change.producer, work.actor)


def _keep(work: Work, change: Change) -> ProducerView:
    producer = change.producer
    owner = work.find(PRODUCER_SLUGS.key(producer.slug)) or ProducerSlug(producer.slug, producer.id)
    if owner.producer_id != producer.id:
        raise ProducerSlugTaken(slug=producer.slug)
    work.save(producer, owner)
    work.record(*change.events)
    return _view(producer, work.actor)


@query(allow=ANYONE)
async def producer(question: GetProducer, read: Read[HasPartners]) -> ProducerView:
    """A producer by its id or slug: an active one; any for an admin and for its own partners."""
    ports, id = read.ports.partners, id_of(question.reference)
    found = await (ports.producer_of_slug(question.reference) if id is None else ports.producer(id))
    if found is None:
        raise shared.NotFound(kind="producer", id=question.reference)
    if found.status != "active":
        read.actor.must_act_for(found.id, "producer", question.reference)
    return _view(found, read.actor)


@query(allow=ANYONE)
async def producers(question: ListProducers, read: Read[HasPartners]) -> Page[ProducerView]:
    """Producers, newest first: the active ones; an admin sees all, or those of a status."""
    seen: tuple[ProducerStatus, ...] = get_args(ProducerStatus) if read.actor.is_admin else ("active",)
    statuses = tuple(status for status in seen if question.status in (None, status))
    found = await read.ports.partners.producers(
        question.limit + 1, uuid_of(question.cursor), statuses, question.type
    )
    return page_of([_view(one, read.actor) for one in found], question.limit, lambda one: one.id)


def _view(producer: Producer, actor: shared.Actor) -> ProducerView:
    view = shared.recast(ProducerView, producer)
    if actor.is_admin or actor.producer_id == producer.id:
        return shared.evolve(view, terms=shared.recast(Terms, producer))
    return shared.evolve(view, contact=Contact(website=producer.contact.website))
