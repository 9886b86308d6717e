"""Every kind of record that is stored, in the order in which they are locked and written."""

from typing import Any

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
from .identity import people
from .points import auditing, importing, sealing
from .work import Kind

KINDS: tuple[Kind[Any], ...] = (
    *identity.KINDS,
    *people.KINDS,
    *points.KINDS,
    *sealing.KINDS,
    *auditing.KINDS,
    *importing.KINDS,
    *payments.KINDS,
    *partners.KINDS,
    *projects.KINDS,
    *investments.KINDS,
    *catalog.KINDS,
    *inventory.KINDS,
    *orders.KINDS,
    *fulfillment.KINDS,
    *privacy.KINDS,
    *work.KINDS,
    orders.COUNTERS,
)
