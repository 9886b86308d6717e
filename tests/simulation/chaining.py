"""The chain of hashes, computed a second time from the rows that stand in the database (invariant 6)."""

import hashlib
from typing import Any
from uuid import UUID

from .sending import Violation

FIELDS = (
    *("user_id", "id", "unit", "sequence", "kind", "contra", "contra_id", "amount", "debt", "balance_after"),
    *("source_type", "source_id", "base_amount", "multiplier", "rate", "debit_id", "author_id"),
    *("available_at", "expires_at", "funded", "grant_id", "policy_version", "effective_at", "recorded_at"),
)
"""What a hash covers, in this order; the allocations and the reason follow."""


async def check_chain(connection: Any) -> None:
    """Raise Violation unless every posting's hash covers its fields, its allocations and the hash before."""
    parts: dict[UUID, list[str]] = {}
    allocations = "select posting_id, lot_id, amount from baobab.allocation order by lot_id"
    for posting_id, lot_id, amount in await connection.fetch(allocations):
        parts.setdefault(posting_id, []).append(f"{lot_id.hex}:{amount}")
    before: dict[tuple[UUID, str], bytes] = {}
    for row in await connection.fetch("select * from baobab.posting order by sequence"):
        account = row["user_id"], row["unit"]
        told = [*(_told(row[name]) for name in FIELDS), *parts.get(row["id"], ()), row["reason"]]
        due = hashlib.sha256(before.get(account, b"") + "|".join(told).encode()).digest()
        if row["hash"] != due:
            raise Violation(f"invariant 6: the hash of {dict(row)} is not {due.hex()}")
        before[account] = due


def _told(value: Any) -> str:
    """A field as it is hashed: nothing for null, hexadecimal for ids, ISO 8601 for instants."""
    if value is None:
        return ""
    if isinstance(value, UUID):
        return value.hex
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
