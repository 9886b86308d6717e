"""What is stored of the ledger: the kinds of its records, and how they may be changed."""

from typing import Any
from uuid import UUID

from ...domain import shared
from ...domain.points import Account, Allocation, Books, Hold, Lot, Policy, Posting, Rate
from ..work import Kind, Listed

_PROVEN = "its postings prove it"
ACCOUNTS = Kind(
    Account, "account", ("user_id", "unit"), {"owner": ("user_id",)}, root=True, unaudited=_PROVEN
)
LOTS = Kind(
    Lot,
    "lot",
    ("user_id", "id"),
    {
        "account": ("user_id", "unit"),
        "front": Listed(("user_id", "unit"), order=("expires_at", "funded", "id"), most=16),
        "grant": Listed(("user_id", "grant_id"), history=True),
        "soonest": Listed(("unit",), order=("expires_at", "user_id", "id"), most=100),
    },
    live=lambda lot: lot.open,
    changes=("remaining", "expires_at", "expired", "warned", "revoked"),
    unaudited=_PROVEN,
)
POSTINGS = Kind(
    Posting, "posting", ("user_id", "id"), changes=(), unaudited="it says itself when, by whom and why"
)
ALLOCATIONS = Kind(
    Allocation,
    "allocation",
    ("user_id", "debit_id", "posting_id", "lot_id"),
    {"debit": ("user_id", "debit_id")},
    changes=(),
    unaudited=_PROVEN,
)
HOLDS = Kind(
    Hold,
    "hold",
    ("user_id", "id"),
    {"account": ("user_id", "unit")},
    live=lambda hold: hold.state == "held",
    changes=("state", "captured", "closed_at"),
    unaudited=_PROVEN,
)
POLICIES = Kind(Policy, "unit_policy", ("unit", "version"), {"unit": ("unit",)}, changes=(), kept=True)
RATES = Kind(
    Rate, "unit_rate", ("unit", "to_unit", "version"), {"pair": ("unit", "to_unit")}, changes=(), kept=True
)
BOOKS = Kind(Books, "unit_books", ("unit",), root=True)


class GiftNote(shared.Record):
    """What somebody wrote with a gift: apart from the books, as those are there for good."""

    user_id: UUID
    gift_id: UUID
    message: shared.Personal[str]


GIFT_NOTES = Kind(GiftNote, "gift_note", ("user_id", "gift_id"), changes=(), removable=True)
KINDS: tuple[Kind[Any], ...] = (
    *(BOOKS, ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS),
    *(POLICIES, RATES, GIFT_NOTES),
)
