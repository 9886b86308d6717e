"""Producers over HTTP."""

from uuid import UUID

from ...application import partners
from ...application.pages import Limit, Page, Reference
from ...application.partners import ProducerView
from ...domain import shared
from ...domain.partners import ProducerStatus, ProducerType
from .ask import Ask
from .routes import ADMINS, ANYONE, get, post, put


@get("/producers", allow=ANYONE, statuses=())
async def list_producers(
    ask: Ask,
    type: ProducerType | None = None,
    status: ProducerStatus | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[ProducerView]:
    """List producers, newest first: the active ones, for administrators all or those of a status."""
    question = partners.ListProducers(type=type, status=status, limit=limit, cursor=cursor)
    return await ask.read(partners.producers, question)


@get("/producers/{producer_id:str}", allow=ANYONE)
async def show_producer(producer_id: Reference, ask: Ask) -> ProducerView:
    """Read a producer, by its id or by any slug that it has or had."""
    return await ask.read(partners.producer, partners.GetProducer(reference=producer_id))


@post("/producers", allow=ADMINS)
async def register_producer(data: partners.RegisterProducer, ask: Ask) -> ProducerView:
    """Register a producer (administrators)."""
    return await ask(partners.register, data)


@put("/producers/{producer_id:uuid}", allow=ADMINS)
async def amend_producer(producer_id: UUID, data: partners.ProducerRevision, ask: Ask) -> ProducerView:
    """Replace what is known of a producer (administrators)."""
    return await ask(partners.amend, shared.recast(partners.AmendProducer, data, producer_id=producer_id))


@post("/producers/{producer_id:uuid}/status", allow=ADMINS, status_code=200)
async def move_producer(producer_id: UUID, data: partners.ProducerStanding, ask: Ask) -> ProducerView:
    """Bring a producer into another status (administrators)."""
    return await ask(partners.move, shared.recast(partners.MoveProducer, data, producer_id=producer_id))


HANDLERS = [list_producers, show_producer, register_producer, amend_producer, move_producer]
