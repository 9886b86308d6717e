"""The points ledger over HTTP. Members read their own; administrators and services move points."""

from . import moving, proof, reading, reports, sweep, units

__all__ = ["HANDLERS"]

HANDLERS = [
    *reading.HANDLERS,
    *moving.HANDLERS,
    *units.HANDLERS,
    *proof.HANDLERS,
    *reports.HANDLERS,
    *sweep.HANDLERS,
]
