"""A shipment goes its way: moved by people, told about by its carrier, rated by its member (M31, M33)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from .. import catalog, orders, shared
from .records import (
    CarrierState,
    Ids,
    Moved,
    Parcel,
    Shipment,
    ShipmentChange,
    ShipmentMoved,
    ShipmentRated,
    Stars,
    State,
)

Plain = Literal["accepted", "picked", "in_transit", "cancelled", "returned", "lost"]
"""The states that need nothing but the decision."""

_ON_THE_WAY: dict[State, frozenset[State]] = {
    "shipped": frozenset({"in_transit", "delivered", "exception", "returned", "lost"}),
    "in_transit": frozenset({"delivered", "exception", "returned", "lost"}),
    "exception": frozenset({"in_transit", "delivered", "returned", "lost"}),
    "lost": frozenset({"delivered", "returned"}),
    "delivered": frozenset({"returned"}),
    "cancelled": frozenset(),
    "returned": frozenset(),
}
TRANSITIONS: Mapping[catalog.Fulfilment, Mapping[State, frozenset[State]]] = {
    "stock": {
        "pending": frozenset({"picked", "shipped", "cancelled"}),
        "picked": frozenset({"shipped", "cancelled"}),
        **_ON_THE_WAY,
    },
    "dropship": {
        "pending": frozenset({"accepted", "cancelled"}),
        "accepted": frozenset({"picked", "shipped", "cancelled"}),
        "picked": frozenset({"shipped", "cancelled"}),
        **_ON_THE_WAY,
    },
}
"""From which state a shipment may go to which, by its source. A producer accepts before anything else;
picking may go unmentioned; what was lost may turn up."""

PROGRESS: Mapping[State, orders.Progress] = {
    "pending": "waiting",
    "accepted": "preparing",
    "picked": "preparing",
    "shipped": "dispatched",
    "in_transit": "dispatched",
    "exception": "dispatched",
    "returned": "dispatched",
    "lost": "dispatched",
    "delivered": "delivered",
    "cancelled": "stopped",
}
"""What a state means to the order."""

UNSENT: frozenset[State] = frozenset(
    state for state, progress in PROGRESS.items() if progress in ("waiting", "preparing")
)
"""The states in which a shipment still holds what it is to send."""

PHASES: Mapping[CarrierState, int] = {
    "announced": 0,
    "collected": 1,
    "in_transit": 2,
    "held": 2,
    "out_for_delivery": 2,
    "attempted": 2,
    "returning": 3,
    "lost": 3,
    "delivered": 4,
    "returned": 4,
}
"""How far a scan says that a parcel is. Within a phase the newer scan counts; nothing follows the last."""

_ON_THE_WAY_PHASES = (1, 2)
_LAST_PHASE = 4


class ShipmentTransitionForbidden(shared.StateForbids):
    message = "Shipment {number} is {state}: it cannot become {wanted}."
    number: str
    state: State
    wanted: State


class TrackingRequired(shared.RuleForbids):
    message = "Shipment {number} leaves with a carrier: its name and a tracking number are needed."
    number: str


class ExceptionNeedsReason(shared.RuleForbids):
    message = "Say what is wrong with shipment {number}."
    number: str


class NotDeliveredYet(shared.StateForbids):
    message = "Shipment {number} can be rated once it is delivered."
    number: str


class AlreadyRated(shared.StateForbids):
    message = "Shipment {number} is rated already, with {rating}."
    number: str
    rating: int


def move(shipment: Shipment, wanted: Plain, occasion: orders.Occasion, ids: Ids) -> Moved:
    """The shipment in another state.

    Errors: ShipmentTransitionForbidden.
    """
    return _moved(shipment, wanted, occasion, ids)


def ship(shipment: Shipment, parcel: Parcel, occasion: orders.Occasion, ids: Ids) -> Moved:
    """The shipment leaves; a pickup is ready to be fetched, and needs no carrier.

    Errors: ShipmentTransitionForbidden, TrackingRequired.
    """
    tracked = parcel.carrier.strip() and parcel.tracking_number.strip()
    if not tracked and shipment.service_level != "pickup":
        raise TrackingRequired(number=shipment.number)
    left = shared.evolve(
        shipment,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        packaging=parcel.packaging,
        cost_cents=parcel.cost_cents,
        insurance_cents=parcel.insurance_cents,
        shipped_at=occasion.at,
    )
    return _moved(left, "shipped", occasion, ids)


def deliver(shipment: Shipment, proof_photo_url: str, occasion: orders.Occasion, ids: Ids) -> Moved:
    """The shipment arrived; the photograph that proves it may be missing (empty).

    Errors: ShipmentTransitionForbidden.
    """
    arrived = shared.evolve(shipment, proof_photo_url=proof_photo_url, delivered_at=occasion.at)
    return _moved(arrived, "delivered", occasion, ids)


def report_exception(shipment: Shipment, occasion: orders.Occasion, ids: Ids) -> Moved:
    """Something went wrong on the way: the occasion's reason says what.

    Errors: ShipmentTransitionForbidden, ExceptionNeedsReason.
    """
    if not occasion.reason.strip():
        raise ExceptionNeedsReason(number=shipment.number)
    troubled = shared.evolve(shipment, exception_reason=occasion.reason)
    return _moved(troubled, "exception", occasion, ids)


def carrier_scan(shipment: Shipment, carrier_state: CarrierState, at: datetime, ids: Ids) -> Moved:
    """What the carrier said at a time; an older scan, or one of an earlier phase, changes nothing.

    A parcel on its way or delivered takes a dispatched shipment along. Trouble (held, returning, lost) only
    shows: what it means is for a person to decide.
    """
    if _is_late(shipment, carrier_state, at):
        return Moved(shipment)
    scanned = shared.evolve(shipment, carrier_state=carrier_state, carrier_state_at=at)
    occasion = orders.Occasion(at, reason=f"carrier: {carrier_state}")
    if carrier_state == "delivered" and shipment.state in ("shipped", "in_transit", "exception"):
        return _moved(shared.evolve(scanned, delivered_at=at), "delivered", occasion, ids)
    if PHASES[carrier_state] in _ON_THE_WAY_PHASES and shipment.state == "shipped":
        return _moved(scanned, "in_transit", occasion, ids)
    return Moved(scanned)


def rate(shipment: Shipment, rating: Stars, feedback: str) -> Moved:
    """The member's word on a delivery: one to five stars, once.

    Errors: NotDeliveredYet, AlreadyRated.
    """
    if shipment.delivered_at is None:
        raise NotDeliveredYet(number=shipment.number)
    if shipment.rating is not None:
        raise AlreadyRated(number=shipment.number, rating=shipment.rating)
    rated = shared.evolve(shipment, rating=rating, feedback=feedback)
    return Moved(rated, events=(ShipmentRated(shipment.user_id, shipment.id, rating),))


def cancellable(shipments: Iterable[Shipment]) -> bool:
    """Whether nothing has been dispatched yet (M29)."""
    return all(PROGRESS[shipment.state] in ("waiting", "preparing", "stopped") for shipment in shipments)


def progress(shipments: Iterable[Shipment]) -> tuple[orders.Progress, ...]:
    """How far the shipments of an order are, for `orders.follow`."""
    return tuple(PROGRESS[shipment.state] for shipment in shipments)


def _is_late(shipment: Shipment, carrier_state: CarrierState, at: datetime) -> bool:
    if shipment.carrier_state is None or shipment.carrier_state_at is None:
        return False
    known = PHASES[shipment.carrier_state]
    return at <= shipment.carrier_state_at or PHASES[carrier_state] < known or known == _LAST_PHASE


def _moved(shipment: Shipment, wanted: State, occasion: orders.Occasion, ids: Ids) -> Moved:
    if wanted not in TRANSITIONS[shipment.source].get(shipment.state, frozenset()):
        raise ShipmentTransitionForbidden(number=shipment.number, state=shipment.state, wanted=wanted)
    change = ShipmentChange(
        user_id=shipment.user_id,
        id=ids(),
        shipment_id=shipment.id,
        order_id=shipment.order_id,
        state=wanted,
        at=occasion.at,
        actor_id=occasion.actor_id,
        reason=occasion.reason,
    )
    event = ShipmentMoved(
        shipment.user_id,
        shipment.order_id,
        shipment.id,
        shipment.number,
        shipment.state,
        wanted,
        occasion.at,
    )
    return Moved(shared.evolve(shipment, state=wanted), (change,), (event,))
