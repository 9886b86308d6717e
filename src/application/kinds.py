"""Every kind of record that is stored, in the order in which they are locked and written."""

from typing import Any

from . import identity, points, work
from .work import Kind

KINDS: tuple[Kind[Any], ...] = (*identity.KINDS, *points.KINDS, *work.KINDS)
