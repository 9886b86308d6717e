"""Every kind of record with its table, in the order in which they are locked and written."""

from typing import Any

from ...application.kinds import KINDS
from ...application.work import Kind
from . import (
    catalog,
    fulfillment,
    identity,
    identity_people,
    inventory,
    investments,
    investments_subscriptions,
    orders,
    partners,
    payments,
    payments_inbox,
    points,
    points_audit,
    points_gifts,
    points_openings,
    points_seals,
    privacy,
    projects,
    work,
)
from .rows import Stored

_by_kind: dict[Kind[Any], Stored[Any]] = {
    one.kind: one
    for one in (
        *identity.STORED,
        *identity_people.STORED,
        *points.STORED,
        *points_seals.STORED,
        *points_audit.STORED,
        *points_openings.STORED,
        *payments.STORED,
        *payments_inbox.STORED,
        *partners.STORED,
        *projects.STORED,
        *investments.STORED,
        *investments_subscriptions.STORED,
        *catalog.STORED,
        *inventory.STORED,
        *orders.STORED,
        *fulfillment.STORED,
        *privacy.STORED,
        *points_gifts.STORED,
        *work.STORED,
    )
}
STORED: dict[Kind[Any], Stored[Any]] = {kind: _by_kind[kind] for kind in KINDS}
