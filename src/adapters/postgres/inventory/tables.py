"""Stock in PostgreSQL. Home: `product_id`. Nothing refers to it by foreign key: it is hot."""

from sqlalchemy import Date, Index, Text

from ....application import inventory as app
from ....domain import inventory
from ..rows import Stored, plain
from ..schema import Int, Time, Uuid, field, holds, one_of, table

stock = table(
    "stock",
    "product_id",
    field("product_id", Uuid, primary_key=True),
    field("variant_id", Uuid, primary_key=True),
    field("on_hand", Int),
    field("allocated", Int),
    holds("allocated", "allocated >= 0 and allocated <= on_hand"),
)
Index("stock_variant_id_idx", stock.c.variant_id)
batch = table(
    "batch",
    "product_id",
    field("product_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("variant_id", Uuid),
    field("number", Text),
    field("cost_cents", Int),
    field("received_at", Time),
    field("best_before", Date, nullable=True),
    field("location", Text),
    field("supplier_reference", Text),
    field("shelf", Text),
    field("on_hand", Int),
    field("allocated", Int),
    holds("cost_cents", "cost_cents >= 0"),
    holds("allocated", "allocated >= 0 and allocated <= on_hand"),
)
on_shelf = plain(batch.c.on_hand > 0)
Index("batch_on_shelf_idx", batch.c.product_id, batch.c.variant_id, postgresql_where=on_shelf)
movement = table(
    "movement",
    "product_id",
    field("product_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("variant_id", Uuid),
    field("batch_id", Uuid),
    field("kind", Text),
    field("quantity", Int),
    field("cause", Text),
    field("cause_id", Uuid),
    field("recorded_at", Time),
    field("actor_id", Uuid, nullable=True),
    field("reason", Text),
    one_of("kind", inventory.MovementKind),
    one_of("cause", inventory.CauseKind),
    holds("quantity", "quantity <> 0"),
)
Index("movement_variant_idx", movement.c.product_id, movement.c.variant_id, movement.c.id)

STOCKS = Stored(app.STOCKS, stock)
BATCHES = Stored(app.BATCHES, batch)
MOVEMENTS = Stored(app.MOVEMENTS, movement)
STORED = (STOCKS, BATCHES, MOVEMENTS)
