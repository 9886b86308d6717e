"""The points ledger in PostgreSQL. Home: `user_id`."""

from sqlalchemy import Boolean, Computed, Index, Integer, Text

from ....application import points as app
from ....domain import points
from ..rows import Stored, plain
from ..schema import Bytes, Int, Json, Time, Uuid, field, holds, one_of, table

account = table(
    "account",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("unit", Text, primary_key=True),
    field("balance", Int),
    field("held", Int),
    field("debt", Int),
    field("earned", Int),
    field("spent", Int),
    field("expired", Int),
    field("sequence", Int),
    field("hash", Bytes),
    field("matures_at", Time),
    field("refunded_at", Time),
    field("closed_at", Time, nullable=True),
    field("recorded_at", Time),
    holds("balance", "balance >= 0"),
    holds("debt", "debt >= 0"),
    holds("held", "held >= 0 and held <= balance"),
    updated=True,
)
lot = table(
    "lot",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("unit", Text),
    field("amount", Int),
    field("remaining", Int),
    field("funded", Boolean),
    field("available_at", Time),
    field("expires_at", Time),
    field("source_type", Text),
    field("source_id", Uuid),
    field("grant_id", Uuid),
    field("policy_version", Integer),
    field("expired", Int),
    field("warned", Integer),
    field("revoked", Boolean),
    field("created_at", Time),
    holds("remaining", "remaining >= 0 and remaining <= amount"),
    holds("expired", "expired >= 0 and expired + remaining <= amount"),
    holds("amount", "amount > 0"),
    field("open", Boolean, Computed("remaining > 0", persisted=True)),
    updated=True,
)
_open = plain(lot.c.open)
Index(
    "lot_open_idx",
    *(lot.c.user_id, lot.c.unit, lot.c.expires_at, lot.c.funded, lot.c.id),
    postgresql_where=_open,
)
Index("lot_due_idx", *(lot.c.unit, lot.c.expires_at, lot.c.user_id, lot.c.id), postgresql_where=_open)
posting = table(
    "posting",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("unit", Text),
    field("sequence", Int),
    field("kind", Text),
    field("contra", Text),
    field("contra_id", Uuid, nullable=True),
    field("amount", Int),
    field("debt", Int),
    field("balance_after", Int),
    field("source_type", Text),
    field("source_id", Uuid),
    field("base_amount", Int),
    field("multiplier", Integer),
    field("rate", Text),
    field("debit_id", Uuid, nullable=True),
    field("author_id", Uuid, nullable=True),
    field("reason", Text),
    field("available_at", Time, nullable=True),
    field("expires_at", Time, nullable=True),
    field("funded", Boolean, nullable=True),
    field("grant_id", Uuid, nullable=True),
    field("policy_version", Integer, nullable=True),
    field("effective_at", Time),
    field("recorded_at", Time),
    field("hash", Bytes),
    one_of("kind", points.PostingKind),
    one_of("contra", points.Contra),
    holds("balance_after", "balance_after >= 0"),
)
Index("posting_sequence_key", posting.c.user_id, posting.c.unit, posting.c.sequence, unique=True)
Index(
    "posting_late_idx",
    *(posting.c.user_id, posting.c.unit, posting.c.effective_at),
    postgresql_where=posting.c.effective_at < posting.c.recorded_at,
    postgresql_include=["recorded_at", "amount", "kind"],
)
Index(
    "posting_debt_idx",
    *(posting.c.user_id, posting.c.unit, posting.c.effective_at),
    postgresql_where=plain(posting.c.debt != 0),
    postgresql_include=["debt"],
)
Index("posting_effective_idx", posting.c.effective_at, postgresql_using="brin")
allocation = table(
    "allocation",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("debit_id", Uuid, primary_key=True),
    field("posting_id", Uuid, primary_key=True),
    field("lot_id", Uuid, primary_key=True),
    field("amount", Int),
    holds("amount", "amount <> 0"),
)
hold = table(
    "hold",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("unit", Text),
    field("amount", Int),
    field("captured", Int),
    field("state", Text),
    field("parts", Json),
    field("source_type", Text),
    field("source_id", Uuid),
    field("expires_at", Time),
    field("created_at", Time),
    field("closed_at", Time, nullable=True),
    one_of("state", points.HoldState),
    holds("captured", "captured >= 0 and captured <= amount"),
)
Index("hold_open_idx", hold.c.user_id, hold.c.unit, postgresql_where=plain(hold.c.state == "held"))
Index("hold_due_idx", hold.c.unit, hold.c.expires_at, postgresql_where=plain(hold.c.state == "held"))
unit_policy = table(
    "unit_policy",
    "reference",
    field("unit", Text, primary_key=True),
    field("version", Integer, primary_key=True),
    field("in_force_at", Time),
    field("validity_months", Integer, nullable=True),
    field("maturity_days", Integer),
    field("grace_days", Integer),
    field("zone", Text),
    field("consumption", Text),
    field("giftable", Boolean),
    field("cents", Integer),
    one_of("consumption", points.Consumption),
)
unit_rate = table(
    "unit_rate",
    "reference",
    field("unit", Text, primary_key=True),
    field("to_unit", Text, primary_key=True),
    field("version", Integer, primary_key=True),
    field("give", Integer),
    field("get", Integer),
    field("in_force_at", Time),
    holds("give", "give > 0"),
    holds("get", "get > 0"),
)
unit_books = table(
    "unit_books",
    "unit",
    field("unit", Text, primary_key=True),
    field("closed_through", Time),
    field("closed_at", Time),
)

ACCOUNTS = Stored(app.ACCOUNTS, account)
LOTS = Stored(app.LOTS, lot)
POSTINGS = Stored(app.POSTINGS, posting)
ALLOCATIONS = Stored(app.ALLOCATIONS, allocation)
HOLDS = Stored(app.HOLDS, hold)
POLICIES = Stored(app.POLICIES, unit_policy)
RATES = Stored(app.RATES, unit_rate)
BOOKS = Stored(app.BOOKS, unit_books)
STORED = (BOOKS, ACCOUNTS, LOTS, POSTINGS, ALLOCATIONS, HOLDS, POLICIES, RATES)
