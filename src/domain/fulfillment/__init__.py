"""Fulfilment: an order splits into shipments, each goes its way, and the order follows (M31, M33).

Our own state and the carrier's word are kept apart.

    StateForbids
    ├── LineNotReserved               a line from our stock is not wholly reserved
    ├── ShipmentTransitionForbidden
    └── NotDeliveredYet, AlreadyRated
    RuleForbids
    ├── TrackingRequired              a parcel leaves with a carrier's name and number
    └── ExceptionNeedsReason
"""

from .moving import (
    UNSENT,
    AlreadyRated,
    ExceptionNeedsReason,
    NotDeliveredYet,
    ShipmentTransitionForbidden,
    TrackingRequired,
    cancellable,
    carrier_scan,
    deliver,
    move,
    progress,
    rate,
    report_exception,
    ship,
)
from .records import (
    CarrierState,
    Moved,
    Parcel,
    Shipment,
    ShipmentChange,
    ShipmentCreated,
    ShipmentLine,
    ShipmentMoved,
    ShipmentRated,
    Stars,
    State,
)
from .splitting import LineNotReserved, split

__all__ = [
    "UNSENT",
    "AlreadyRated",
    "CarrierState",
    "ExceptionNeedsReason",
    "LineNotReserved",
    "Moved",
    "NotDeliveredYet",
    "Parcel",
    "Shipment",
    "ShipmentChange",
    "ShipmentCreated",
    "ShipmentLine",
    "ShipmentMoved",
    "ShipmentRated",
    "ShipmentTransitionForbidden",
    "Stars",
    "State",
    "TrackingRequired",
    "cancellable",
    "carrier_scan",
    "deliver",
    "move",
    "progress",
    "rate",
    "report_exception",
    "ship",
    "split",
]
