"""Producers: who they are, whether they may be given work, and the commission they leave.

Source: M34 and M36 (the rate is frozen on the order line by whoever calls `commission_rate`).

    RuleForbids
    └── PartnershipDatesReversed   the partnership would end before it starts
    StateForbids
    └── ProducerNotActive          only an active producer is given projects, products and orders
"""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from . import shared

ProducerType = Literal["beekeeper", "olive_grower", "winery", "cooperative"]
ProducerStatus = Literal["active", "inactive", "suspended"]
PartnershipType = Literal["standard", "premium", "exclusive"]

LONGEST_PAYMENT_TERMS = 365


class PartnershipDatesReversed(shared.RuleForbids):
    message = "A partnership cannot end on {end}, before it starts on {start}."
    start: date
    end: date


class ProducerNotActive(shared.StateForbids):
    message = "The producer {producer_id} is {status}: only an active one can be given new work."
    producer_id: str
    status: str


class Contact(shared.Record, forbid_unknown_fields=True):
    """How to reach a producer; None where unknown."""

    email: shared.Code | None = None
    phone: shared.Name | None = None
    website: shared.Url | None = None


class Capacity(shared.Record, forbid_unknown_fields=True):
    """What a producer works with: hives and trees in pieces, land in square metres."""

    hives: shared.Count = 0
    trees: shared.Count = 0
    area_m2: shared.Count = 0


class Producer(shared.Record):
    """A producer. `commission_bp` is in hundredths of a percent of a sale; payment terms in days."""

    id: UUID
    slug: shared.Slug
    name: shared.Name
    type: ProducerType
    place: shared.Place
    address: shared.Address
    created_at: datetime
    description: shared.Text = ""
    story: shared.Text = ""
    contact: Contact = Contact()
    certifications: tuple[str, ...] = ()
    specialities: tuple[str, ...] = ()
    capacity: Capacity = Capacity()
    partnership_type: PartnershipType = "standard"
    partnership_start: date | None = None
    partnership_end: date | None = None
    commission_bp: shared.BasisPoints = 1_500
    payment_terms_days: int = 30
    status: ProducerStatus = "active"
    version: int = 1


class Registered(shared.Event, tag="partners.registered"):
    producer_id: UUID


class Amended(shared.Event, tag="partners.amended"):
    producer_id: UUID
    version: int


class StatusChanged(shared.Event, tag="partners.status_changed"):
    producer_id: UUID
    before: ProducerStatus
    after: ProducerStatus


class Change(shared.Record):
    """A producer as it is now, and what happened to it."""

    producer: Producer
    events: tuple[shared.Event, ...] = ()


def register(wished: Producer) -> Change:
    """A new producer, at its first version. Raises PartnershipDatesReversed, InvalidAmount."""
    check_terms(wished)
    return Change(shared.evolve(wished, version=1), (Registered(wished.id),))


def amend(current: Producer, wished: Producer, version: int) -> Change:
    """`current` with the wished facts; its id, status and time of creation stay.

    `version` is the one that was read. Raises StaleVersion, and what `register` raises.
    """
    shared.check_version("producer", version, current.version)
    check_terms(wished)
    amended = shared.evolve(
        wished,
        id=current.id,
        status=current.status,
        version=current.version + 1,
        created_at=current.created_at,
    )
    return Change(amended, (Amended(current.id, amended.version),))


def move(producer: Producer, to: ProducerStatus, version: int) -> Change:
    """The producer in another status; nothing happens where it is in that status already.

    Raises StaleVersion.
    """
    shared.check_version("producer", version, producer.version)
    if producer.status == to:
        return Change(producer)
    moved = shared.evolve(producer, status=to, version=producer.version + 1)
    return Change(moved, (StatusChanged(producer.id, producer.status, to),))


def check_terms(producer: Producer) -> None:
    """Raise PartnershipDatesReversed or InvalidAmount where the terms make no sense."""
    shared.check_amount(producer.commission_bp, least=0, most=10_000)
    shared.check_amount(producer.payment_terms_days, least=0, most=LONGEST_PAYMENT_TERMS)
    for count in (producer.capacity.hives, producer.capacity.trees, producer.capacity.area_m2):
        shared.check_amount(count, least=0)
    start, end = producer.partnership_start, producer.partnership_end
    if start is not None and end is not None and end < start:
        raise PartnershipDatesReversed(start=start, end=end)


def check_active(producer: Producer) -> None:
    """Raise ProducerNotActive unless the producer may be given new projects, products and orders."""
    if producer.status != "active":
        raise ProducerNotActive(producer_id=str(producer.id), status=producer.status)


def commission_rate(producer: Producer, override_bp: int | None) -> int:
    """The rate in basis points that holds now: the product's own where it has one (M36)."""
    return producer.commission_bp if override_bp is None else override_bp


def commission(producer: Producer, override_bp: int | None, amount: int) -> int:
    """Our part of `amount`, in its own minor unit, rounded half to even. The rest is the producer's."""
    return shared.share_of(amount, commission_rate(producer, override_bp))
