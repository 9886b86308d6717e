"""Shipments over HTTP. Administrators move all, partners those of their producer; members rate theirs."""

from uuid import UUID

from ...application import fulfillment
from ...application.fulfillment import ShipmentSummary, ShipmentView
from ...application.pages import Limit, Page
from ...domain import shared
from ...domain.catalog import Fulfilment
from ...domain.fulfillment import State
from .ask import Ask
from .routes import PARTNERS, SIGNED_IN, get, post


@get("/shipments", allow=PARTNERS)
async def list_shipments(
    ask: Ask,
    status: State | None = None,
    source: Fulfilment | None = None,
    order_id: UUID | None = None,
    producer_id: UUID | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[ShipmentSummary]:
    """List shipments, newest first (administrators; partners those of their producer)."""
    question = fulfillment.SearchShipments(
        status=status,
        source=source,
        order_id=order_id,
        producer_id=producer_id,
        limit=limit,
        cursor=cursor,
    )
    return await ask.read(fulfillment.shipments, question)


@get("/shipments/{shipment_id:uuid}", allow=SIGNED_IN)
async def show_shipment(shipment_id: UUID, ask: Ask) -> ShipmentView:
    """Read a shipment with what is in it, its tracking and its history."""
    return await ask.read(fulfillment.shipment, fulfillment.GetShipment(shipment_id=shipment_id))


@post("/shipments/{shipment_id:uuid}/acceptance", allow=PARTNERS, status_code=200)
async def accept(shipment_id: UUID, data: fulfillment.Remark, ask: Ask) -> ShipmentView:
    """Accept what is to be sent (partners, administrators)."""
    command = shared.recast(fulfillment.MoveShipment, data, shipment_id=shipment_id, status="accepted")
    return await ask(fulfillment.move, command)


@post("/shipments/{shipment_id:uuid}/picking", allow=PARTNERS, status_code=200)
async def pick(shipment_id: UUID, data: fulfillment.Remark, ask: Ask) -> ShipmentView:
    """Say that everything is picked (partners, administrators)."""
    command = shared.recast(fulfillment.MoveShipment, data, shipment_id=shipment_id, status="picked")
    return await ask(fulfillment.move, command)


@post("/shipments/{shipment_id:uuid}/dispatch", allow=PARTNERS, moves=True, status_code=200)
async def dispatch(shipment_id: UUID, data: fulfillment.Dispatch, ask: Ask) -> ShipmentView:
    """Send a shipment off; what comes from our own stock leaves the shelf (partners, administrators)."""
    command = shared.recast(fulfillment.DispatchShipment, data, shipment_id=shipment_id)
    return await ask(fulfillment.dispatch, command)


@post("/shipments/{shipment_id:uuid}/scans", allow=PARTNERS, status_code=200)
async def scan(shipment_id: UUID, data: fulfillment.Scan, ask: Ask) -> ShipmentView:
    """Note what the carrier says; a late scan changes nothing (partners, administrators)."""
    return await ask(fulfillment.scan, shared.recast(fulfillment.ScanShipment, data, shipment_id=shipment_id))


@post("/shipments/{shipment_id:uuid}/transit", allow=PARTNERS, status_code=200)
async def resume(shipment_id: UUID, data: fulfillment.Remark, ask: Ask) -> ShipmentView:
    """Say that a shipment is on its way, again after an exception (partners, administrators)."""
    command = shared.recast(fulfillment.MoveShipment, data, shipment_id=shipment_id, status="in_transit")
    return await ask(fulfillment.move, command)


@post("/shipments/{shipment_id:uuid}/delivery", allow=PARTNERS, status_code=200)
async def deliver(shipment_id: UUID, data: fulfillment.Delivery, ask: Ask) -> ShipmentView:
    """Say that a shipment arrived (partners, administrators)."""
    command = shared.recast(fulfillment.DeliverShipment, data, shipment_id=shipment_id)
    return await ask(fulfillment.deliver, command)


@post("/shipments/{shipment_id:uuid}/exception", allow=PARTNERS, status_code=200)
async def report(shipment_id: UUID, data: fulfillment.Trouble, ask: Ask) -> ShipmentView:
    """Say what went wrong on the way (partners, administrators)."""
    command = shared.recast(fulfillment.ReportTrouble, data, shipment_id=shipment_id)
    return await ask(fulfillment.report, command)


@post("/shipments/{shipment_id:uuid}/loss", allow=PARTNERS, status_code=200)
async def lose(shipment_id: UUID, data: fulfillment.Remark, ask: Ask) -> ShipmentView:
    """Give a shipment up as lost (partners, administrators)."""
    command = shared.recast(fulfillment.MoveShipment, data, shipment_id=shipment_id, status="lost")
    return await ask(fulfillment.move, command)


@post("/shipments/{shipment_id:uuid}/return", allow=PARTNERS, status_code=200)
async def take_back(shipment_id: UUID, data: fulfillment.Remark, ask: Ask) -> ShipmentView:
    """Say that a shipment came back; stock is put on the shelf apart (partners, administrators)."""
    command = shared.recast(fulfillment.MoveShipment, data, shipment_id=shipment_id, status="returned")
    return await ask(fulfillment.move, command)


@post("/shipments/{shipment_id:uuid}/rating", allow=SIGNED_IN, status_code=200)
async def rate(shipment_id: UUID, data: fulfillment.Rating, ask: Ask) -> ShipmentView:
    """Rate a delivery, once."""
    return await ask(fulfillment.rate, shared.recast(fulfillment.RateShipment, data, shipment_id=shipment_id))


HANDLERS = [
    list_shipments,
    show_shipment,
    accept,
    pick,
    dispatch,
    scan,
    resume,
    deliver,
    report,
    lose,
    take_back,
    rate,
]
