"""Shipments on their way: moved by who sends them, told about by carriers, rated by members (M31, M33).

The status of the order follows in the same transaction.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from ...domain import fulfillment, shared
from ...domain.fulfillment import Moved, Parcel, Shipment
from ...domain.orders import Occasion
from .. import inventory, orders
from ..work import PARTNERS, SIGNED_IN, Wanted, Work, use_case
from .parts import files_of, keep, part_keys, picks_of, stock_keys
from .records import (
    SHIPMENT_LINES,
    SHIPMENTS,
    DeliverShipment,
    DispatchShipment,
    MoveShipment,
    RateShipment,
    ReportTrouble,
    ScanShipment,
)
from .views import ShipmentView, may_send, shipment_view

Sent = MoveShipment | DispatchShipment | ScanShipment | DeliverShipment | ReportTrouble


class ImpossibleScanTime(shared.RuleForbids):
    message = "A scan of shipment {number} lies between {since} and now; {given} was given."
    number: str
    since: datetime
    given: datetime


def _find(command: Sent | RateShipment, work: Work) -> Shipment:
    found = work.list(SHIPMENTS.group("id", command.shipment_id))
    if not found:
        raise shared.NotFound(kind="shipment", id=str(command.shipment_id))
    return found[0]


def _of_sender(command: Sent, work: Work) -> Shipment:
    """The shipment, for whoever sends it. Raises NotFound."""
    shipment = _find(command, work)
    if not may_send(shipment, work.actor):
        raise shared.NotFound(kind="shipment", id=str(shipment.id))
    return shipment


def _the_shipment(command: Sent | RateShipment, work: Work) -> Iterable[Wanted]:
    return (SHIPMENTS.group("id", command.shipment_id),)


def _what_the_order_holds(command: DispatchShipment, work: Work) -> Iterable[Wanted]:
    shipment = _of_sender(command, work)
    return (SHIPMENT_LINES.group("order", shipment.user_id, shipment.order_id),)


def _to_move(command: Sent | RateShipment, work: Work) -> Iterable[Wanted]:
    shipment = _find(command, work)
    return part_keys(shipment.user_id, shipment.order_id)


def _to_dispatch(command: DispatchShipment, work: Work) -> Iterable[Wanted]:
    return (*_to_move(command, work), *stock_keys(_lines(work, _find(command, work))))


def _lines(work: Work, shipment: Shipment) -> list[fulfillment.ShipmentLine]:
    of_order = work.list(SHIPMENT_LINES.group("order", shipment.user_id, shipment.order_id))
    return [line for line in of_order if line.shipment_id == shipment.id]


@use_case(allow=PARTNERS, loads=(_the_shipment,), locks=_to_move)
async def move(command: MoveShipment, work: Work) -> ShipmentView:
    """Accept, pick or send on a shipment, or note that it came back or is lost.

    What comes back to us is put on the shelf by a person who has looked at it. Raises NotFound,
    ShipmentTransitionForbidden.
    """
    shipment, when = _of_sender(command, work), orders.occasion(work, command.reason)
    return _follow(work, fulfillment.move(shipment, command.status, when, work.new_id), when)


@use_case(allow=PARTNERS, loads=(_the_shipment, _what_the_order_holds), locks=_to_dispatch)
async def dispatch(command: DispatchShipment, work: Work) -> ShipmentView:
    """Send a shipment off; what comes from our own stock leaves the shelf.

    Raises NotFound, ShipmentTransitionForbidden, TrackingRequired.
    """
    shipment, when = _of_sender(command, work), orders.occasion(work)
    moved = fulfillment.ship(shipment, shared.recast(Parcel, command), when, work.new_id)
    for (product_id, variant_id), picks in picks_of(_lines(work, shipment)).items():
        await inventory.ship(work, product_id, variant_id, picks, cause_id=shipment.order_id)
    return _follow(work, moved, when)


@use_case(allow=PARTNERS, loads=(_the_shipment,), locks=_to_move)
async def scan(command: ScanShipment, work: Work) -> ShipmentView:
    """Note what a carrier says of a shipment; a late scan changes nothing.

    Raises NotFound, ImpossibleScanTime.
    """
    shipment, at = _of_sender(command, work), command.scanned_at
    if not shipment.created_at <= at <= work.now:
        raise ImpossibleScanTime(number=shipment.number, since=shipment.created_at, given=at)
    moved = fulfillment.carrier_scan(shipment, command.carrier_state, at.astimezone(UTC), work.new_id)
    return _follow(work, moved, orders.occasion(work, f"carrier: {command.carrier_state}"))


@use_case(allow=PARTNERS, loads=(_the_shipment,), locks=_to_move)
async def deliver(command: DeliverShipment, work: Work) -> ShipmentView:
    """Note that a shipment arrived. Raises NotFound, ShipmentTransitionForbidden."""
    shipment, when = _of_sender(command, work), orders.occasion(work)
    moved = fulfillment.deliver(shipment, command.proof_photo_url or "", when, work.new_id)
    return _follow(work, moved, when)


@use_case(allow=PARTNERS, loads=(_the_shipment,), locks=_to_move)
async def report(command: ReportTrouble, work: Work) -> ShipmentView:
    """Note that something went wrong with a shipment on its way.

    Raises NotFound, ShipmentTransitionForbidden, ExceptionNeedsReason.
    """
    shipment, when = _of_sender(command, work), orders.occasion(work, command.reason)
    return _follow(work, fulfillment.report_exception(shipment, when, work.new_id), when)


@use_case(allow=SIGNED_IN, loads=(_the_shipment,), locks=_to_move)
async def rate(command: RateShipment, work: Work) -> ShipmentView:
    """Rate a delivery of one's own, once. Raises NotFound, NotDeliveredYet, AlreadyRated."""
    shipment = _find(command, work)
    if shipment.user_id != work.actor.user_id:
        raise shared.NotFound(kind="shipment", id=str(shipment.id))
    return _follow(work, fulfillment.rate(shipment, command.rating, command.feedback), orders.occasion(work))


def _follow(work: Work, moved: Moved, when: Occasion) -> ShipmentView:
    """Store a moved shipment, let its order follow, and show it."""
    keep(work, moved)
    shipment = moved.shipment
    files = files_of(work, shipment.user_id, shipment.order_id)
    order = orders.file_of(work, shipment.user_id, shipment.order_id)
    orders.follow(work, order.order, fulfillment.progress(file.shipment for file in files), when)
    file = next(file for file in files if file.shipment.id == shipment.id)
    return shipment_view(file, order, work.actor)
