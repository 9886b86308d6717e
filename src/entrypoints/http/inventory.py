"""Stock over HTTP, for administrators."""

from uuid import UUID

from ...application import inventory
from ...application.inventory import Counted, StockLine, StockView
from ...application.pages import Limit, Page
from ...domain.inventory import Movement
from .ask import Ask
from .routes import ADMINS, get, post


@post("/stock/receipts", allow=ADMINS, moves=True)
async def receive(data: inventory.ReceiveStock, ask: Ask) -> Counted:
    """Put a delivery on the shelf, as a batch of its own (administrators)."""
    return await ask(inventory.receive, data)


@post("/stock/corrections", allow=ADMINS, moves=True)
async def correct(data: inventory.CorrectStock, ask: Ask) -> Counted:
    """Book what a count of the shelf found, with a reason (administrators)."""
    return await ask(inventory.correct, data)


@post("/stock/write-offs", allow=ADMINS, moves=True)
async def write_off(data: inventory.WriteOff, ask: Ask) -> Counted:
    """Take damaged pieces off the shelf, with a reason (administrators)."""
    return await ask(inventory.write_off, data)


@get("/stock", allow=ADMINS, statuses=())
async def list_stock(ask: Ask, limit: Limit = 25, cursor: str | None = None) -> Page[StockLine]:
    """List the stock of every variant, the newest variant first (administrators)."""
    return await ask.read(inventory.overview, inventory.ListStock(limit=limit, cursor=cursor))


@get("/products/{product_id:uuid}/variants/{variant_id:uuid}/stock", allow=ADMINS)
async def show_stock(product_id: UUID, variant_id: UUID, ask: Ask) -> StockView:
    """Read the stock of a variant with its batches, first expired first (administrators)."""
    question = inventory.GetStock(product_id=product_id, variant_id=variant_id)
    return await ask.read(inventory.stock, question)


@get("/products/{product_id:uuid}/variants/{variant_id:uuid}/stock/movements", allow=ADMINS, statuses=())
async def list_movements(
    product_id: UUID, variant_id: UUID, ask: Ask, limit: Limit = 25, cursor: str | None = None
) -> Page[Movement]:
    """List what changed the counts of a variant, newest first (administrators)."""
    question = inventory.ListMovements(
        product_id=product_id, variant_id=variant_id, limit=limit, cursor=cursor
    )
    return await ask.read(inventory.movements, question)


HANDLERS = [receive, correct, write_off, list_stock, show_stock, list_movements]
