"""Every kind of record with its table, in the order in which they are locked and written."""

from typing import Any

from ...application.kinds import KINDS
from ...application.work import Kind
from . import (
    catalog,
    fulfillment,
    identity,
    inventory,
    investments,
    orders,
    partners,
    payments,
    points,
    privacy,
    projects,
    work,
)
from .rows import Stored

_by_kind: dict[Kind[Any], Stored[Any]] = {
    one.kind: one
    for one in (
        *identity.STORED,
        *points.STORED,
        *payments.STORED,
        *partners.STORED,
        *projects.STORED,
        *investments.STORED,
        *catalog.STORED,
        *inventory.STORED,
        *orders.STORED,
        *fulfillment.STORED,
        *privacy.STORED,
        *work.STORED,
    )
}
STORED: dict[Kind[Any], Stored[Any]] = {kind: _by_kind[kind] for kind in KINDS}
