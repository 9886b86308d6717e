"""Orders in PostgreSQL. Home: `user_id`; a number has a row of its own that names its order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import Record as Row
from sqlalchemy import (
    ARRAY,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    or_,
    select,
)

from ...application import orders as app
from ...application.orders import Article, OrderFile, OrderNumber, OrderSummary, Sought
from ...domain import catalog, orders
from ...domain.orders import OrderLine, StatusChange
from .catalog import PRODUCTS, VARIANTS, product, variant
from .database import Database
from .partners import PRODUCERS, producer
from .parts import gathered
from .rows import LAST_ID, Statement, Stored
from .schema import Int, Json, Time, Uuid, field, holds, one_of, table

order = table(
    "order",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("number", Text),
    field("status", Text),
    field("source", Text),
    field("shipping_method", Text),
    field("shipping_points", Int),
    field("goods_points", Int),
    field("total_points", Int),
    field("weight_grams", Int),
    field("placed_at", Time),
    field("shipping_address", Json, nullable=True),
    field("billing_address", Json, nullable=True),
    field("gift_message", Text),
    field("instructions", Text),
    field("debit_id", Uuid, nullable=True),
    field("cancelled_at", Time, nullable=True),
    field("cancellation_reason", Text),
    one_of("status", orders.Status),
    one_of("source", orders.Source),
    one_of("shipping_method", orders.ShippingMethod),
    holds("total_points", "total_points = goods_points + shipping_points and total_points >= 0"),
)
Index("order_id_idx", order.c.id)
Index("order_status_idx", order.c.status, order.c.id)
order_line = table(
    "order_line",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("order_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("position", Integer),
    field("product_id", Uuid),
    field("variant_id", Uuid),
    field("sku", Text),
    field("product_name", Text),
    field("product_slug", Text),
    field("variant_name", Text),
    field("producer_id", Uuid),
    field("fulfilment", Text),
    field("price_points", Int),
    field("quantity", Int),
    field("total_points", Int),
    field("weight_grams", Int),
    field("commission_bp", Integer),
    field("sale_cents", Int),
    field("commission_cents", Int),
    field("producer_cents", Int),
    ForeignKeyConstraint(("user_id", "order_id"), (order.c.user_id, order.c.id)),
    one_of("fulfilment", catalog.Fulfilment),
    holds("quantity", "quantity > 0"),
    holds("total_points", "total_points = price_points * quantity"),
    holds("producer_cents", "sale_cents = commission_cents + producer_cents"),
)
order_status_change = table(
    "order_status_change",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("order_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("status", Text),
    field("at", Time),
    field("actor_id", Uuid, nullable=True),
    field("reason", Text),
    ForeignKeyConstraint(("user_id", "order_id"), (order.c.user_id, order.c.id)),
    one_of("status", orders.Status),
)
order_number = table(
    "order_number",
    "number",
    field("number", Text, primary_key=True),
    field("user_id", Uuid),
    field("order_id", Uuid),
)
order_counter = table(
    "order_counter",
    "series",
    field("series", Text, primary_key=True),
    field("year", Integer, primary_key=True),
    field("last", Int),
    holds("last", "last > 0"),
)

ORDERS = Stored(app.ORDERS, order)
ORDER_NUMBERS = Stored(app.ORDER_NUMBERS, order_number)
STORED = (
    ORDERS,
    Stored(app.ORDER_LINES, order_line),
    Stored(app.STATUS_CHANGES, order_status_change),
    ORDER_NUMBERS,
    Stored(app.COUNTERS, order_counter),
)


def of_order(of: Any) -> Any:
    """Whether a row of a part belongs to the order of the enclosing statement."""
    return and_(of.c.user_id == order.c.user_id, of.c.order_id == order.c.id)


_USER, _ORDER = bindparam("user_id", type_=Uuid), bindparam("order_id", type_=Uuid)
_STATUS, _METHOD = bindparam("status", type_=Text), bindparam("shipping_method", type_=Text)
_SINCE, _UNTIL = bindparam("since", type_=Time), bindparam("until", type_=Time)
_line, _change = order_line.alias("line"), order_status_change.alias("change")
_ARTICLES = Statement(
    select(*PRODUCTS.columns, *VARIANTS.columns, *PRODUCERS.columns)
    .select_from(variant.join(product, product.c.id == variant.c.product_id))
    .join(producer, producer.c.id == product.c.producer_id)
    .where(variant.c.id == any_(bindparam("variant_ids", type_=ARRAY(Uuid))))
)
_OWNER = Statement(select(order.c.user_id).where(order.c.id == _ORDER))
_OF_NUMBER = Statement(
    select(*ORDER_NUMBERS.columns).where(order_number.c.number == bindparam("number", type_=Text))
)
_FILE = Statement(
    select(
        *ORDERS.columns,
        gathered(_line, _line.c.position, of_order(_line)),
        gathered(_change, _change.c.id, of_order(_change)),
    ).where(order.c.user_id == _USER, order.c.id == _ORDER)
)
_found = (
    select(*(order.c[name] for name in OrderSummary.__struct_fields__))
    .where(
        order.c.id < bindparam("before", type_=Uuid),
        or_(_ORDER.is_(None), order.c.id == _ORDER),
        or_(_STATUS.is_(None), order.c.status == _STATUS),
        or_(_METHOD.is_(None), order.c.shipping_method == _METHOD),
        or_(_SINCE.is_(None), order.c.placed_at >= _SINCE),
        or_(_UNTIL.is_(None), order.c.placed_at < _UNTIL),
    )
    .order_by(order.c.id.desc())
    .limit(bindparam("limit", type_=Int))
)
_ALL, _OF_MEMBER = Statement(_found), Statement(_found.where(order.c.user_id == _USER))

_lines_of = msgspec.json.Decoder(tuple[OrderLine, ...]).decode
_changes_of = msgspec.json.Decoder(tuple[StatusChange, ...]).decode
_ORDER_WIDTH = len(ORDERS.fields)
_PRODUCT_WIDTH, _VARIANT_END = len(PRODUCTS.fields), len(PRODUCTS.fields) + len(VARIANTS.fields)


class OrdersQueries:
    """The read side of orders on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def articles(self, variant_ids: Sequence[UUID]) -> list[Article]:
        rows = await self._database.all(_ARTICLES, variant_ids=list(variant_ids))
        return [_article(row) for row in rows]

    async def owner(self, order_id: UUID) -> UUID | None:
        row = await self._database.one(_OWNER, order_id=order_id)
        return row["user_id"] if row else None

    async def of_number(self, number: str) -> OrderNumber | None:
        row = await self._database.one(_OF_NUMBER, number=number)
        return ORDER_NUMBERS.record(row) if row else None

    async def order(self, user_id: UUID, order_id: UUID) -> OrderFile | None:
        row = await self._database.one(_FILE, user_id=user_id, order_id=order_id)
        if row is None:
            return None
        return OrderFile(ORDERS.record(row[:_ORDER_WIDTH]), _lines_of(row[-2]), _changes_of(row[-1]))

    async def orders(self, sought: Sought, limit: int, before: UUID | None) -> list[OrderSummary]:
        filters = msgspec.structs.asdict(sought)
        statement = _ALL if sought.user_id is None else _OF_MEMBER
        rows = await self._database.all(statement, **filters, limit=limit, before=before or LAST_ID)
        return [OrderSummary(*row) for row in rows]


def _article(row: Row) -> Article:
    return Article(
        PRODUCTS.record(row[:_PRODUCT_WIDTH]),
        VARIANTS.record(row[_PRODUCT_WIDTH:_VARIANT_END]),
        PRODUCERS.record(row[_VARIANT_END:]),
    )
