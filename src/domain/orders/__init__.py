"""Orders: quoted, placed in one piece, followed through their shipments, cancelled (M27, M28, M29).

Cancelling an order and giving its points back are two decisions: only the first is made here.

    RuleForbids
    ├── NoLines, TooManyLines, RepeatedVariant
    ├── WeightTooHigh             above the heaviest band of the shipping rates
    └── ShippingAddressRequired   for everything but a pickup
    StateForbids
    ├── OrderAlreadyDispatched
    └── OrderAlreadyCancelled
"""

from .following import OrderAlreadyCancelled, OrderAlreadyDispatched, cancel, derive_status, follow
from .placing import (
    MOST_LINES,
    MOST_PIECES,
    NoLines,
    Placing,
    RepeatedVariant,
    ShippingAddressRequired,
    TooManyLines,
    WeightTooHigh,
    next_number,
    objections,
    place,
    price,
    quote,
    shipping_points,
)
from .records import (
    Band,
    Checkout,
    Counter,
    Item,
    Moved,
    Occasion,
    Order,
    OrderCancelled,
    OrderLine,
    OrderPlaced,
    OrderStatusChanged,
    Placed,
    Progress,
    Quote,
    ShippingMethod,
    ShippingRates,
    Source,
    Status,
    StatusChange,
)

__all__ = [
    "MOST_LINES",
    "MOST_PIECES",
    "Band",
    "Checkout",
    "Counter",
    "Item",
    "Moved",
    "NoLines",
    "Occasion",
    "Order",
    "OrderAlreadyCancelled",
    "OrderAlreadyDispatched",
    "OrderCancelled",
    "OrderLine",
    "OrderPlaced",
    "OrderStatusChanged",
    "Placed",
    "Placing",
    "Progress",
    "Quote",
    "RepeatedVariant",
    "ShippingAddressRequired",
    "ShippingMethod",
    "ShippingRates",
    "Source",
    "Status",
    "StatusChange",
    "TooManyLines",
    "WeightTooHigh",
    "cancel",
    "derive_status",
    "follow",
    "next_number",
    "objections",
    "place",
    "price",
    "quote",
    "shipping_points",
]
