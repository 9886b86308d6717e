"""Every kind of record that is stored, in the order in which they are locked and written."""

from typing import Any

from . import identity, partners, points, projects, work
from .work import Kind

KINDS: tuple[Kind[Any], ...] = (
    *identity.KINDS,
    *points.KINDS,
    *partners.KINDS,
    *projects.KINDS,
    *work.KINDS,
)
