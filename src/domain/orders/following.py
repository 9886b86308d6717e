"""After an order is placed: its status follows its shipments, or it is cancelled (M28, M29)."""

from collections.abc import Iterable, Sequence
from typing import get_args

from .. import shared
from .records import (
    Ids,
    Moved,
    Occasion,
    Order,
    OrderCancelled,
    OrderStatusChanged,
    Progress,
    Status,
    StatusChange,
)

_RANK: dict[Status, int] = {status: rank for rank, status in enumerate(get_args(Status))}


def history_of(order: Order, occasion: Occasion, ids: Ids) -> StatusChange:
    """The row of the history that says that the order has its status since this occasion."""
    return StatusChange(
        user_id=order.user_id,
        id=ids(),
        order_id=order.id,
        status=order.status,
        at=occasion.at,
        actor_id=occasion.actor_id,
        reason=occasion.reason,
    )


class OrderAlreadyDispatched(shared.StateForbids):
    message = "A part of order {number} is already on its way: it cannot be cancelled any more."
    number: str


class OrderAlreadyCancelled(shared.StateForbids):
    message = "Order {number} is cancelled already."
    number: str


def cancel(order: Order, dispatched: bool, occasion: Occasion, ids: Ids) -> Moved:
    """Call the whole order off; `dispatched` says whether any part of it has left (M29).

    Errors: OrderAlreadyCancelled, OrderAlreadyDispatched.
    """
    if order.status == "cancelled":
        raise OrderAlreadyCancelled(number=order.number)
    if dispatched:
        raise OrderAlreadyDispatched(number=order.number)
    cancelled = shared.evolve(
        order, status="cancelled", cancelled_at=occasion.at, cancellation_reason=occasion.reason
    )
    event = OrderCancelled(order.user_id, order.id, order.number, occasion.at)
    return Moved(cancelled, (history_of(cancelled, occasion, ids),), (event,))


def derive_status(current: Status, progress: Iterable[Progress]) -> Status:
    """The status that follows from how far the shipments are.

    It never falls; a cancelled order stays cancelled, since that status stands above all others.
    """
    counted = [one for one in progress if one != "stopped"]
    return max(current, _reached(counted), key=_RANK.__getitem__)


def follow(order: Order, progress: Iterable[Progress], occasion: Occasion, ids: Ids) -> Moved:
    """The order in the status that its shipments give it; without changes when it has that already."""
    status = derive_status(order.status, progress)
    if status == order.status:
        return Moved(order)
    after = shared.evolve(order, status=status)
    event = OrderStatusChanged(order.user_id, order.id, order.number, order.status, status, occasion.at)
    return Moved(after, (history_of(after, occasion, ids),), (event,))


def _reached(progress: Sequence[Progress]) -> Status:
    delivered = progress.count("delivered")
    gone = progress.count("dispatched") + delivered
    if delivered:
        return "delivered" if delivered == len(progress) else "partly_delivered"
    if gone:
        return "shipped" if gone == len(progress) else "partly_shipped"
    return "processing" if "preparing" in progress else "pending"
