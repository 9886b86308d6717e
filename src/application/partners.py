"""Producers: who they are and on which terms they work with us (M34)."""

from typing import Any
from uuid import UUID

from ..domain import shared
from ..domain.partners import Producer
from .work import Kind


class ProducerSlug(shared.Record):
    """Whose a slug is. It stays theirs when they take another, so that old links hold."""

    slug: str
    producer_id: UUID


PRODUCERS = Kind(Producer, "producer", ("id",), root=True)
PRODUCER_SLUGS = Kind(ProducerSlug, "producer_slug", ("slug",), root=True)
KINDS: tuple[Kind[Any], ...] = (PRODUCERS, PRODUCER_SLUGS)
